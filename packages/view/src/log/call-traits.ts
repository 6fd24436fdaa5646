/** What the timeline needs to know of a system call, from the one table of calls. */
import { syscallTable, type SyscallRow } from '@scribe-ts/tracelog';
import { categoryTable, type CategoryId } from '../model/categories.js';
import type { Direction } from '../model/event-block.js';

const READS = ['read', 'pread64', 'readv', 'preadv', 'preadv2'];
const WRITES = ['write', 'pwrite64', 'writev', 'pwritev', 'pwritev2'];
const COPIES = ['sendfile', 'splice', 'tee', 'vmsplice', 'copy_file_range'];
const WAITS =
  /^(poll|ppoll|select|pselect6|epoll_.*|futex.*|nanosleep|clock_nanosleep|pause|rt_sigsuspend|rt_sigtimedwait|sched_yield|restart_syscall|wait4|waitid)$/;

/** Calls whose result is the number of bytes that came in or went out. */
const TRANSFERS: Readonly<Record<string, Direction>> = {
  ...Object.fromEntries(READS.map((name) => [name, 'in' as const])),
  ...Object.fromEntries([...WRITES, ...COPIES].map((name) => [name, 'out' as const])),
  recvfrom: 'in',
  recvmsg: 'in',
  sendto: 'out',
  sendmsg: 'out',
  getdents64: 'in',
};

function categoryOfCall({ name, groups }: SyscallRow): CategoryId {
  if (READS.includes(name) || WRITES.includes(name) || COPIES.includes(name)) return 'io';
  if (WAITS.test(name) || groups.includes('ipc')) return 'wait';
  if (groups.includes('network')) return 'network';
  if (groups.includes('memory')) return 'memory';
  if (groups.includes('process')) return 'process';
  if (groups.includes('signal')) return 'signal';
  if (groups.includes('file') || groups.includes('desc')) return 'file';
  return 'other';
}

/** Category numbers by code. */
export const CALL_CATEGORIES: Uint8Array = categoryTable(
  Array.from(syscallTable, (row) => (row === undefined ? undefined : categoryOfCall(row))),
);

const DIRECTIONS: readonly (Direction | undefined)[] = Array.from(syscallTable, (row) =>
  row === undefined || !Object.hasOwn(TRANSFERS, row.name) ? undefined : TRANSFERS[row.name],
);

/** Which way the bytes that a call's result counts went; undefined if it counts none. */
export function transferDirection(nr: number): Direction | undefined {
  return DIRECTIONS[nr];
}

/** Names of system calls by number, '' where there is none. */
export const CALL_NAMES: readonly string[] = Array.from(syscallTable, (row) => row?.name ?? '');
