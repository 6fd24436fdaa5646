import { addon } from '../addon.js';

/** A perf event, as perf_event_open(2) takes it. */
export interface PerfEvent {
  /** PERF_TYPE_*. */
  readonly type: number;
  readonly config: number;
}

/** PERF_TYPE_RAW: `config` is what the processor's manual has. */
export const RAW_EVENT = 4;

/** Signal by which an `EventCounter` stops its task: SIGSTKFLT, which Linux itself never sends. */
export const OVERFLOW_SIGNAL = 16;

/**
 * Counts one event of one task, in its user code. What a search for a point needs of it, so that tests can put another one
 * in its place.
 */
export interface EventCounter {
  /** Events since it was opened. NativeError ENODATA if it has not counted all of the time. */
  read(): number;
  /**
   * Has the task, which is stopped, get `OVERFLOW_SIGNAL` after so many events from now, or some later (skid), and again
   * after as many. 0: no more. The task must not block that signal.
   */
  stopAfter(events: number): void;
  /** Whether it has sent the signal with this siginfo (128 bytes, as `Tracer.getSiginfo`). */
  hasSent(siginfo: Uint8Array): boolean;
  close(): void;
}

/** POLL_IN, the si_code of a signal for input on a descriptor; where a siginfo has both, and the descriptor. */
const POLL_IN = 1;
const SI_CODE = 8;
const SI_FD = 24;

/**
 * Opens a counter of a task (0: the calling thread). NativeError ENOENT, ENODEV or EOPNOTSUPP where the machine has none,
 * EACCES or EPERM where its policy refuses it, ESRCH if the task is gone.
 */
export function openEventCounter(tid: number, { type, config }: PerfEvent): EventCounter {
  const handle = addon.openEventCounter(tid, type, config);
  return {
    read: () => addon.readEventCounter(handle),
    stopAfter: (events) => addon.stopAfterEvents(handle, events),
    hasSent(siginfo) {
      const view = new DataView(siginfo.buffer, siginfo.byteOffset);
      return (
        view.getInt32(0, true) === OVERFLOW_SIGNAL &&
        view.getInt32(SI_CODE, true) === POLL_IN &&
        view.getInt32(SI_FD, true) === handle
      );
    },
    close: () => addon.closeEventCounter(handle),
  };
}
