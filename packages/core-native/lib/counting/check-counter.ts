import { NativeError } from '../errors.js';
import { type BranchEvent } from './branch-event.js';
import { type CountedLoop, LoopStop } from './branch-loop.js';
import { type EventCounter, type PerfEvent } from './event-counter.js';

/** Opens a counter of an event for a task; NativeError as `openEventCounter`. */
export type OpenCounter = (tid: number, event: PerfEvent) => EventCounter;

/** How much a check runs. */
export interface CheckEffort {
  /** Short loops, with a stop, and so with a switch to another task and back, after each. */
  readonly tries: number;
  /** Branches of the longest of them. */
  readonly most: number;
  /** Branches of one loop that is long enough for interrupts to come. */
  readonly long: number;
  /** Overflows waited for. */
  readonly overflows: number;
}

/** Some milliseconds. */
export const CHECK_EFFORT: CheckEffort = { tries: 200, most: 2000, long: 1_000_000, overflows: 20 };

/**
 * Why counts of conditional branches are not to be relied on, in words; undefined if nothing speaks against it: each loop
 * has counted exactly as many branches as it has, none was stopped by an overflow too early or later than the skid allows,
 * and nothing was counted that must not be.
 */
export function checkCounter(
  loop: CountedLoop,
  { event, skid, forbidden }: BranchEvent,
  open: OpenCounter,
  effort: CheckEffort = CHECK_EFFORT,
): string | undefined {
  const opened: EventCounter[] = [];
  const openHere = (which: PerfEvent): EventCounter => {
    const counter = open(loop.tid, which);
    opened.push(counter);
    return counter;
  };
  try {
    const counter = openHere(event);
    const never = forbidden === undefined ? undefined : openHere(forbidden);
    return (
      countsLoops(loop, counter, effort) ??
      overflowsInTime(loop, counter, skid, effort) ??
      countsNothing(never)
    );
  } catch (error) {
    if (error instanceof NativeError) return describeRefusal(error);
    throw error;
  } finally {
    for (const counter of opened) counter.close();
  }
}

/** Runs a loop to its end; what was counted wrong, in words. */
function countsLoop(
  loop: CountedLoop,
  counter: EventCounter,
  branches: number,
): string | undefined {
  const before = counter.read();
  loop.prepare(branches);
  if (loop.run() !== LoopStop.End) return 'an overflow that nobody asked for';
  return compare(counter.read() - before, branches);
}

function compare(counted: number, branches: number): string | undefined {
  return counted === branches
    ? undefined
    : `counts ${counted} for ${branches} conditional branches`;
}

function countsLoops(
  loop: CountedLoop,
  counter: EventCounter,
  { tries, most, long }: CheckEffort,
): string | undefined {
  for (let i = 1; i <= tries; i++) {
    const wrong = countsLoop(loop, counter, Math.ceil((most * i) / tries));
    if (wrong !== undefined) return wrong;
  }
  return countsLoop(loop, counter, long);
}

/** Also that an overflow's stop is not counted itself. */
function overflowsInTime(
  loop: CountedLoop,
  counter: EventCounter,
  skid: number,
  { overflows, most }: CheckEffort,
): string | undefined {
  for (let i = 1; i <= overflows; i++) {
    const period = Math.ceil((most * i) / overflows);
    const branches = 2 * (period + skid);
    const before = counter.read();
    loop.prepare(branches);
    counter.stopAfter(period);
    const stop = loop.run();
    counter.stopAfter(0);
    const counted = counter.read() - before;
    if (stop !== LoopStop.Overflow || counted > period + skid)
      return `overflow at ${period} stops the task only at ${counted}`;
    if (counted < period) return `overflow at ${period} stops the task at ${counted} already`;
    if (loop.run() !== LoopStop.End) return 'an overflow that nobody asked for';
    const wrong = compare(counter.read() - before, branches);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function countsNothing(counter: EventCounter | undefined): string | undefined {
  const count = counter?.read() ?? 0;
  return count === 0
    ? undefined
    : `speculates past locks (SpecLockMap), which makes counts of branches too high`;
}

/** What it means that a counter could not be opened or read. */
export function describeRefusal({ code, operation }: NativeError): string {
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return `not allowed here (${operation}: ${code}; /proc/sys/kernel/perf_event_paranoid is 3 or more, or a container's profile forbids it)`;
    case 'ENOENT':
    case 'ENODEV':
    case 'EOPNOTSUPP':
      return `not in this machine (${operation}: ${code}); virtual machines often have no hardware counters`;
    case 'ENODATA':
      return 'shared with others, or missing in some of the CPUs: it has not counted all of the time';
    default:
      return `${operation}: ${code}`;
  }
}
