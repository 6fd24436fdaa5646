import { Sys } from '@scribe-ts/core-native';
import { hasOut, outPieces, syscallTable } from '@scribe-ts/tracelog';
import type { Session } from '../session.js';
import type { Task } from '../tasks.js';

/** Memory from `start` up to `end`. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

const FUTEX_COMMAND_MASK = 0x7f;
const FUTEX_WAIT = 0;
const FUTEX_WAIT_BITSET = 9;
const WORD = 8;
const NONE: readonly Range[] = [];

/**
 * Memory that calls of other tasks of the domain may have stored into already, though the log has it only later: it may
 * differ between a recording and its replays. Undefined if it cannot be told where that is.
 */
export function inFlight(session: Session, task: Task): Range[] | undefined {
  const ranges: Range[] = [];
  for (const other of task.domain.tasks) {
    if (other === task) continue;
    const own = other.exiting
      ? storedAtEnd(session, other)
      : other.blocked
        ? storedByCall(session, other)
        : NONE;
    // What another process stores is seen here only in shared memory, where that is cannot be told from its address.
    if (own === undefined || (own.length > 0 && other.space !== task.space && isSharing(other)))
      return undefined;
    if (other.space === task.space) ranges.push(...own);
  }
  return ranges;
}

/** What the kernel stores when a task's end is complete. */
function storedAtEnd(session: Session, task: Task): readonly Range[] | undefined {
  const { clearChildTid, robustList } = task;
  // Locks that it still has.
  if (robustList !== 0 && session.readWord(task, robustList) !== robustList) return undefined;
  return clearChildTid === 0 ? NONE : [{ start: clearChildTid, end: clearChildTid + WORD }];
}

/** What the call stores in which a task is, and others run meanwhile. */
function storedByCall(session: Session, task: Task): readonly Range[] | undefined {
  const { nr, args } = task;
  // Elsewhere, then.
  if (task.moved !== undefined || !hasOut(nr)) return NONE;
  switch (nr) {
    case Sys.futex: {
      const command = Number(args[1]) & FUTEX_COMMAND_MASK;
      if (command === FUTEX_WAIT || command === FUTEX_WAIT_BITSET) return NONE;
      return [args[0], args[4]].map((word) => ({ start: Number(word), end: Number(word) + WORD }));
    }
    case Sys.ioctl:
    case Sys.fcntl:
      // Others run meanwhile only if it stores nothing (see mayWait).
      return task.mayYield ? NONE : undefined;
  }
  session.peekTid = task.tid;
  return outPieces(syscallTable[nr]!, args, session.peek)?.map(({ addr, size }) => ({
    start: addr,
    end: addr + size,
  }));
}

function isSharing(task: Task): boolean {
  return task.space.shared.length > 0;
}

/** Whether memory of this length at `addr` lies outside all of the ranges. */
export function isOutside(ranges: readonly Range[], addr: number, length: number): boolean {
  return ranges.every(({ start, end }) => addr + length <= start || end <= addr);
}
