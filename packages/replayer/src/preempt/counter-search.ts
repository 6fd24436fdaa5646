import {
  clearStopTraces,
  type CounterBackend,
  CounterStop,
  EventKind,
  isBreakpointStop,
  Reg,
  Signal,
} from '@scribe-ts/core-native';
import type { PreemptFrame } from '@scribe-ts/tracelog';
import type { Mismatch } from '../divergence.js';
import type { Engine } from '../engine.js';
import type { ReplayTask } from '../tasks.js';
import { hex, isFault, nameOf } from '../words.js';
import { Patience } from './patience.js';

/** Takes a task to the point in user code at which it was stopped in the recording, by what was counted up to there. */
export class CounterSearch {
  private readonly patience: Patience;
  /** As 32-bit words, which the task is to have. */
  private readonly registers: Uint32Array;
  /** Where the task is to be, maybe some instructions behind the one that is counted. */
  private readonly rip: number;
  /** It has come to its round, and goes on to its point. */
  private isInRound = false;

  constructor(
    private readonly engine: Engine,
    private readonly task: ReplayTask,
    private readonly frame: PreemptFrame,
    private readonly counter: CounterBackend,
  ) {
    this.patience = new Patience(engine.tracer, task.tid, frame.ran);
    this.registers = new Uint32Array(frame.regs.slice().buffer);
    const [low, high] = this.registers.subarray(Reg.rip * 2);
    this.rip = low! + high! * 2 ** 32;
  }

  /** Prepares the task, which stands at its last sync point, to be let go. False: it is not there yet. */
  begin(): false {
    const { engine, task, frame, counter } = this;
    const { rip, count } = frame;
    if (!counter.begin(task.tid, rip))
      throw engine.internal(task, `nothing can be counted at ${hex(rip)}`);
    if (!counter.stopAt(task.tid, { rip, count }))
      throw engine.internal(task, `${count} ${frame.counter} cannot be counted at ${hex(rip)}`);
    return false;
  }

  /** Handles a stop of the task. True if it stands at the point; false if it has been let go again. Throws Mismatch. */
  stopped(kind: EventKind): boolean {
    const { engine, task, counter } = this;
    const { tracer, regs } = engine;
    switch (counter.stopped(task.tid, kind)) {
      case CounterStop.There:
        return this.reach();
      case CounterStop.GoOn:
        return this.goOn();
      case CounterStop.Other:
        break;
    }
    if (kind === EventKind.Syscall) throw this.missed(nameOf(regs.int(Reg.orig_rax)));
    // Not of the program's making.
    if (kind === EventKind.InterruptStop || kind === EventKind.GroupStop) {
      if (this.patience.isOver) throw this.missed(`ran for ${this.patience.seconds} s`);
      return this.goOn();
    }
    const signo = tracer.event[2]!;
    const code = new DataView(tracer.getSiginfo(task.tid).buffer).getInt32(8, true);
    if (!isFault(signo) || code <= 0) return this.goOn();
    const isThere = this.isInRound && regs.address(Reg.rip) === this.rip;
    if (isThere && signo === Signal.SIGTRAP && isBreakpointStop(tracer, task.tid, this.rip)) {
      tracer.setBreakpoint(task.tid, 0);
      return this.arrive();
    }
    throw this.missed(`signal ${signo}, code ${code}`);
  }

  checkTime(nowNs: number): void {
    this.patience.check(nowNs);
  }

  /** The task has come to its round. */
  private reach(): boolean {
    const { engine, task, frame, counter } = this;
    counter.end(task.tid);
    if (this.rip === frame.rip) return this.arrive();
    this.isInRound = true;
    engine.tracer.setBreakpoint(task.tid, this.rip);
    return this.goOn();
  }

  private arrive(): true {
    const { engine, task, registers } = this;
    engine.load(task);
    const actual = engine.regs.save();
    clearStopTraces(actual);
    const others = [...actual.keys()].filter((i) => actual[i] !== registers[i]);
    if (others.length === 0) return true;
    const names = new Set(others.map((i) => Reg[i >> 1]));
    throw this.mismatch(`have other registers (${[...names].join(', ')})`);
  }

  private goOn(): false {
    this.engine.tracer.resume(this.task.tid, this.engine.towardsCall(this.task), 0);
    return false;
  }

  private missed(instead: string): Mismatch {
    const { engine, task, counter } = this;
    counter.end(task.tid);
    if (this.isInRound) engine.tracer.setBreakpoint(task.tid, 0);
    return this.mismatch(instead);
  }

  private mismatch(actual: string): Mismatch {
    const { engine, task, frame } = this;
    return engine.mismatch(
      'preempt',
      task,
      frame,
      actual,
      `be at ${hex(frame.rip)} after ${frame.count} ${frame.counter}`,
    );
  }
}
