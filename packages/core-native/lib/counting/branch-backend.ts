import { EventKind, type NativeTracer, Reg } from '../binding.js';
import { NativeError } from '../errors.js';
import { Registers } from '../registers.js';
import { isBreakpointStop } from './breakpoint.js';
import { type CountedPoint, type CounterBackend, CounterStop } from './counter-backend.js';
import { type EventCounter, OVERFLOW_SIGNAL } from './event-counter.js';

const SIGTRAP = 5;

/** What a `BranchBackend` asks of a tracer: tests count with another one, which steps. */
export type BranchTracer = Pick<
  NativeTracer,
  | 'event'
  | 'regs'
  | 'getRegs'
  | 'setBreakpoint'
  | 'getSiginfo'
  | 'getSigmask'
  | 'setSigmask'
  | 'readMemory'
>;

/** The counter of a task, and the point that it is on its way to. */
interface Counting {
  readonly counter: EventCounter;
  /** What the counter stood at when it began to count for the task's present way. */
  from: number;
  point: CountedPoint | undefined;
  /** A debug register is set to the point. */
  isNear: boolean;
  /** The task's signal mask, while it must not block the signal of the counter; else undefined. */
  mask: Uint8Array | undefined;
}

/** A task has more branches behind it than at the point at which it was to be stopped. Nothing can bring it back there. */
export class PassedPointError extends Error {
  override readonly name = 'PassedPointError';

  constructor(
    readonly point: CountedPoint,
    /** Branches so far. */
    readonly count: number,
  ) {
    super(`${count} branches, ${count - point.count} past the point`);
  }
}

/**
 * Counts retired conditional branches in hardware. A task is brought to a point in two steps. A counter's overflow stops it
 * a little before, as the processor goes on for a while until its interrupt comes (skid). From there a debug register stops
 * it each time that it comes to the address, until the count is the point's. Where no branch lies between two passes of the
 * address, the first of them is taken: whoever asks has to compare registers, and goes on without this backend if they differ.
 */
export class BranchBackend implements CounterBackend {
  readonly kind = 'branches';
  private readonly tasks = new Map<number, Counting>();
  private readonly regs: Registers;

  constructor(
    private readonly tracer: BranchTracer,
    private readonly open: (tid: number) => EventCounter,
    /** How many branches late an overflow may stop a task. */
    private readonly skid: number,
  ) {
    this.regs = new Registers(tracer.regs);
  }

  /** Of a task that has a counter already it begins anew, without the cost of opening one. */
  begin(tid: number): boolean {
    const counting = this.tasks.get(tid);
    if (counting !== undefined) {
      this.letBe(tid, counting);
      const from = readOf(counting.counter);
      if (from === undefined) this.end(tid);
      else counting.from = from;
      return from !== undefined;
    }
    try {
      const counter = this.open(tid);
      this.tasks.set(tid, { counter, from: 0, point: undefined, isNear: false, mask: undefined });
      return true;
    } catch (error) {
      // All descriptors are in use, or all of the processor's counters: a state can always be described instead.
      if (error instanceof NativeError && error.code !== 'ESRCH') return false;
      throw error;
    }
  }

  now(tid: number): CountedPoint | undefined {
    const counting = this.tasks.get(tid);
    if (counting === undefined) return undefined;
    this.load(tid);
    const count = readOf(counting.counter);
    if (count === undefined) return undefined;
    return { rip: this.regs.address(Reg.rip), count: count - counting.from };
  }

  stopAt(tid: number, point?: CountedPoint): boolean {
    const counting = this.tasks.get(tid);
    // `now` can tell everywhere, or nowhere any more.
    if (counting === undefined || point === undefined) return false;
    this.load(tid);
    const count = readOf(counting.counter);
    if (count === undefined) return false;
    counting.point = point;
    this.unblock(tid, counting);
    this.approach(tid, counting, point, count - counting.from);
    return true;
  }

  stopped(tid: number, kind: EventKind): CounterStop {
    const counting = this.tasks.get(tid);
    if (counting?.point === undefined || kind !== EventKind.Signal) return CounterStop.Other;
    const { point, counter, isNear } = counting;
    const rip = this.regs.address(Reg.rip);
    const signo = this.tracer.event[2];
    const isOurs =
      signo === OVERFLOW_SIGNAL
        ? counter.hasSent(this.tracer.getSiginfo(tid))
        : signo === SIGTRAP &&
          isNear &&
          rip === point.rip &&
          isBreakpointStop(this.tracer, tid, rip);
    if (!isOurs) return CounterStop.Other;
    const count = counter.read() - counting.from;
    if (count === point.count && rip === point.rip) {
      this.letBe(tid, counting);
      return CounterStop.There;
    }
    this.approach(tid, counting, point, count);
    return CounterStop.GoOn;
  }

  end(tid: number): boolean {
    const counting = this.tasks.get(tid);
    if (counting === undefined) return false;
    this.tasks.delete(tid);
    try {
      this.letBe(tid, counting);
    } catch (error) {
      if (!(error instanceof NativeError) || error.code !== 'ESRCH') throw error;
    } finally {
      counting.counter.close();
    }
    return false;
  }

  /** Prepares what stops the task next. Throws PassedPointError. */
  private approach(tid: number, counting: Counting, point: CountedPoint, count: number): void {
    const left = point.count - count;
    if (left < 0) throw new PassedPointError(point, count);
    const isNear = left <= this.skid;
    if (isNear !== counting.isNear) this.tracer.setBreakpoint(tid, isNear ? point.rip : 0);
    counting.isNear = isNear;
    // When near, the overflow tells that the task does not come to the address: without it, it might run for ever.
    counting.counter.stopAfter(isNear ? left + 1 : left - this.skid);
  }

  /** Takes away what stops the task. */
  private letBe(tid: number, counting: Counting): void {
    const { mask } = counting;
    if (counting.point === undefined) return;
    counting.point = undefined;
    counting.counter.stopAfter(0);
    if (counting.isNear) this.tracer.setBreakpoint(tid, 0);
    counting.isNear = false;
    counting.mask = undefined;
    if (mask !== undefined) this.tracer.setSigmask(tid, mask);
  }

  /** A blocked signal would stop the task only when it is too late. */
  private unblock(tid: number, counting: Counting): void {
    if (counting.mask !== undefined) return;
    const mask = this.tracer.getSigmask(tid);
    const at = (OVERFLOW_SIGNAL - 1) >> 3;
    const bit = 1 << ((OVERFLOW_SIGNAL - 1) & 7);
    if ((mask[at]! & bit) === 0) return;
    counting.mask = mask.slice();
    mask[at]! &= ~bit;
    this.tracer.setSigmask(tid, mask);
  }

  private load(tid: number): void {
    if (!this.tracer.getRegs(tid)) throw new NativeError(ESRCH, 'ptrace');
  }
}

const ESRCH = 3;

/** Undefined if the counter has missed something. */
function readOf(counter: EventCounter): number | undefined {
  try {
    return counter.read();
  } catch (error) {
    if (error instanceof NativeError && error.code === 'ENODATA') return undefined;
    throw error;
  }
}
