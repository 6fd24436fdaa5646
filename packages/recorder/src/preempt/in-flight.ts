import { Sys } from '@scribe-ts/core-native';
import { hasOut } from '@scribe-ts/tracelog';
import type { Task } from '../tasks.js';

/** Memory from `start` up to `end`. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** No buffer that a call's argument points to is taken to be larger, bytes. */
const BUFFER_BYTES = 0x100000;

/** Calls that wait, and store only where one of their arguments points to. */
const STORES_AT_ARGUMENTS: ReadonlySet<number> = new Set([
  Sys.read,
  Sys.recvfrom,
  Sys.accept,
  Sys.accept4,
  Sys.wait4,
  Sys.waitid,
  Sys.epoll_wait,
  Sys.epoll_pwait,
  Sys.epoll_pwait2,
  Sys.rt_sigtimedwait,
]);

/**
 * Memory that calls of other tasks of the domain may have stored into already, though the log has it only later: it may
 * differ between a recording and its replays. Undefined if it cannot be told where that is.
 */
export function inFlight(task: Task): Range[] | undefined {
  const ranges: Range[] = [];
  for (const other of task.domain.tasks) {
    if (other === task) continue;
    if (other.exiting) return undefined;
    if (!other.blocked || !hasOut(other.nr)) continue;
    if (!STORES_AT_ARGUMENTS.has(other.nr)) return undefined;
    for (const arg of other.args) {
      const start = Number(arg);
      if (start >= 0x10000) ranges.push({ start, end: start + BUFFER_BYTES });
    }
  }
  return ranges;
}

/** Whether memory of this length at `addr` lies outside all of the ranges. */
export function isOutside(ranges: readonly Range[], addr: number, length: number): boolean {
  return ranges.every(({ start, end }) => addr + length <= start || end <= addr);
}
