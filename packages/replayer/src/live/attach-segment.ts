import { Mremap, parseMaps, Prot, type ProcMapping } from '@scribe-ts/core-native';
import type { ReplaySpace } from '../tasks.js';
import type { Remote } from './remote.js';

const SHM_RDONLY = 0o10000;
const SHM_EXEC = 0o100000;
const SHM_REMAP = 0o40000;
const O_RDONLY = 0;
const SEEK_DATA = 3;
const SEEK_HOLE = 4;

/** Views of a file that a task has. */
export function viewsOf(tid: number, path: string): ProcMapping[] {
  return parseMaps(tid).filter(({ name, shared }) => shared && name === path);
}

/** Reads a file to an address of the task's memory that is as large, and empty. */
export function copyObject(remote: Remote, path: string, address: number): void {
  const fd = remote.call('open', remote.text(path), O_RDONLY, 0);
  if (fd < 0) throw new Error(`${path}: errno ${-fd}`);
  for (let at = remote.call('lseek', fd, 0, SEEK_DATA); at >= 0;) {
    const end = remote.call('lseek', fd, at, SEEK_HOLE);
    while (at < end) {
      const got = remote.call('pread64', fd, address + at, end - at, at);
      if (got <= 0) throw new Error(`${path}: errno ${-got}`);
      at += got;
    }
    at = remote.call('lseek', fd, end, SEEK_DATA);
  }
  remote.call('close', fd);
}

/**
 * Attaches a segment of System V wherever a task has the file mapped that stands for it. `size`: bytes of the segment, in
 * whole pages. Returns 0 or a negative errno.
 */
export function attachSegment(
  remote: Remote,
  { segments }: ReplaySpace,
  id: number,
  size: number,
  path: string,
): number {
  const byBase = new Map<number, ProcMapping[]>();
  for (const view of viewsOf(remote.tid, path)) {
    const base = view.start - view.offset;
    const views = byBase.get(base);
    if (views === undefined) byBase.set(base, [view]);
    else views.push(view);
  }
  for (const [base, views] of byBase) {
    const isReadOnly = segments.get(base)?.isReadOnly === true;
    const canRun = views.some(({ prot }) => (prot & Prot.EXEC) !== 0);
    const flags = (isReadOnly ? SHM_RDONLY : 0) | (canRun ? SHM_EXEC : 0);
    const covered = views.reduce((sum, { start, end }) => sum + (end - start), 0);
    const result =
      covered === size
        ? remote.call('shmat', id, base, flags | SHM_REMAP)
        : attachParts(remote, id, size, flags, base, views);
    if (result < 0) return result;
    for (const { start, end, prot } of views) {
      const own = Prot.READ | (isReadOnly ? 0 : Prot.WRITE) | (canRun ? Prot.EXEC : 0);
      if (prot !== own) remote.call('mprotect', start, end - start, prot);
    }
  }
  return 0;
}

/** Other parts of it have been unmapped, and there may be something else now. */
function attachParts(
  remote: Remote,
  id: number,
  size: number,
  flags: number,
  base: number,
  views: readonly ProcMapping[],
): number {
  const whole = remote.call('shmat', id, 0, flags);
  if (whole < 0) return whole;
  let failed = 0;
  for (const { start, end } of views) {
    const length = end - start;
    const from = whole + (start - base);
    const moved = remote.call('mremap', from, length, length, Mremap.MAYMOVE | Mremap.FIXED, start);
    if (moved < 0) failed = moved;
  }
  remote.call('munmap', whole, size);
  return failed;
}
