import { NativeError } from '../errors.js';
import { type BranchEvent, branchEvent } from './branch-event.js';
import { BranchLoop, type CountedLoop, type LoopTracer } from './branch-loop.js';
import {
  checkCounter,
  type CheckEffort,
  describeRefusal,
  type OpenCounter,
} from './check-counter.js';
import { type EventCounter, openEventCounter } from './event-counter.js';

/** A machine's counters of conditional branches, which have been checked. */
export interface BranchCounters {
  readonly event: BranchEvent;
  open(tid: number): EventCounter;
}

/** What `findBranchCounters` looks for counters with. Tests put others in the place of this machine's. */
export interface CounterSource {
  readonly event: BranchEvent | undefined;
  readonly open: OpenCounter;
  loop(): CountedLoop;
  readonly effort?: CheckEffort;
}

/** The counters of the processor, checked with a task that `tracer` starts: `program`, any, whose code is written over. */
export function machineCounters(tracer: LoopTracer, program: string): CounterSource {
  return {
    event: branchEvent(),
    open: openEventCounter,
    loop: () => new BranchLoop(tracer, program),
  };
}

/**
 * The counters if they can be had and have passed the check, else why not, in words. Where there are none nothing is
 * started: that is one refused system call.
 */
export function findBranchCounters({
  event,
  open,
  loop: makeLoop,
  effort,
}: CounterSource): BranchCounters | string {
  if (event === undefined)
    return 'no event is known that counts conditional branches in this processor';
  try {
    open(0, event.event).close();
  } catch (error) {
    if (error instanceof NativeError) return describeRefusal(error);
    throw error;
  }
  const loop = makeLoop();
  try {
    const wrong = checkCounter(loop, event, open, effort);
    return wrong ?? { event, open: (tid) => open(tid, event.event) };
  } finally {
    loop.end();
  }
}
