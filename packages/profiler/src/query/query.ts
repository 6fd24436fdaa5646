import type { SyscallSet } from './syscall-set.js';
import type { TextPattern } from './text-pattern.js';
import type { NumberSet } from './values.js';

/** How a call ended, in strace's words. */
export const STATUSES = [
  /** It returned without an error. */
  'successful',
  'failed',
  /** The log ends, or its task does, before it returned. */
  'unfinished',
  /** It has no result: exit and exit_group. */
  'unavailable',
  /** Its task was let go while it was in it. */
  'detached',
] as const;

/** How a call ended, in strace's words. */
export type Status = (typeof STATUSES)[number];

/** Which events are wanted. One must meet all conditions that are given. */
export interface Query {
  /** Tasks by number in the log, thread id or process id as the program saw them. */
  readonly tasks?: readonly number[] | undefined;
  /** Nanoseconds since the recording began: `from` <= time < `to`. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly calls?: SyscallSet | undefined;
  readonly statuses?: ReadonlySet<Status> | undefined;
  /** Signals; calls are not concerned. */
  readonly signals?: NumberSet | undefined;
  /** Calls that have or give one of these descriptors. */
  readonly fds?: NumberSet | undefined;
  /** Calls on one of these files, by an absolute name or by a descriptor. */
  readonly paths?: readonly string[] | undefined;
  /** Calls with all of these in the bytes that went in or came out. */
  readonly texts?: readonly TextPattern[] | undefined;
  /** Calls that took at least so many nanoseconds. */
  readonly slowerThan?: number | undefined;
}

/** Conditions that leave nothing but calls. */
export function onlyCalls(query: Query): boolean {
  const { fds, paths, texts, slowerThan } = query;
  return (
    fds !== undefined || paths !== undefined || texts !== undefined || slowerThan !== undefined
  );
}
