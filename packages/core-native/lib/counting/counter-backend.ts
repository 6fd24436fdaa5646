import type { EventKind } from '../binding.js';

/** What a backend counts: passes of one instruction, or conditional branches that have retired. `preempt` frames name it. */
export type CounterKind = 'rounds' | 'branches';

/** A place in the user code that a task runs between two sync points: at `rip`, when so much has been counted. */
export interface CountedPoint {
  readonly rip: number;
  /**
   * Since `begin`. `rounds`: how often the task has come to `rip`, the last time included, and the first one if it stood there;
   * it may be on from there by some instructions, as its registers tell, none of which it has come to twice since.
   * `branches`: how many have retired; where that leaves two states with this `rip`, the registers tell which.
   */
  readonly count: number;
}

/** What became of a stop that a backend was asked about. */
export enum CounterStop {
  /** None of the backend's: whoever asked handles it. The task stands where the program alone would. */
  Other,
  /** The task stands at the point, with the program's registers. */
  There,
  /** The task is to be let go again, without a signal: it is on its way to the point. */
  GoOn,
}

/**
 * Tells where stopped tasks are in user code, and stops them there again in a replay, without looking at their memory.
 *
 * It counts for a task from `begin`, which is called where the task stands at a sync point and is about to be let into user
 * code, up to `end`. In between the task comes to no other sync point but to ones of which the tracer sees nothing (calls
 * that an agent records): their frames tell the caller that what was counted is of no use. No other task runs in its address
 * space meanwhile. A backend
 *
 * - counts the same in every run of the same code from the same sync point: whatever makes that wrong (signals, stops,
 *   steps, page faults, migrations to other CPUs) is the backend's to find out and to leave out;
 * - leaves memory, registers and what the kernel keeps for the task as they were, once `end` has been called, and changes
 *   none of it that the program, or a call of its own, could see before;
 * - may refuse (`begin` false, `now` undefined): the state of the task is described then, as without a backend.
 *
 * All methods are for stopped tasks of the calling thread's tracer, and leave in `tracer.regs` the registers of that task.
 * Failures that are the task's death are `NativeError` with `code` ESRCH.
 */
export interface CounterBackend {
  readonly kind: CounterKind;

  /**
   * Starts to count for a task that has a counter no longer, or never had. `place`: an instruction that it is likely to come
   * to again and again. False if nothing can be counted there: `end` need not be called then.
   */
  begin(tid: number, place: number): boolean;

  /**
   * Where the task, which has a counter and is stopped in user code, is now; undefined if that cannot be told here. Its
   * registers have been loaded, and are the program's own then. It may be moved within the instruction at which it stands,
   * into a state that it came through. It goes on only when the counter has been taken out.
   */
  now(tid: number): CountedPoint | undefined;

  /**
   * Has the task, which has a counter, stop at the point, as soon as it is let go. Without a point: at the next one that `now`
   * could tell. False if that cannot be had: the task is to be taken as without a counter.
   */
  stopAt(tid: number, point?: CountedPoint): boolean;

  /** To be asked about each stop of a task between `stopAt` and `end`, before anybody else looks at it. `kind`: as `Tracer.wait` has told. */
  stopped(tid: number, kind: EventKind): CounterStop;

  /**
   * Takes out all that belongs to the task's counter: what follows sees the program alone. Without a counter: nothing. True if
   * a SIGTRAP (si_code SI_KERNEL) of the backend's is still to come, which the program must not get.
   */
  end(tid: number): boolean;
}
