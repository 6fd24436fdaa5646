import { EventKind, Reg, Resume, type NativeTracer } from '../../lib/binding.js';
import { type EventCounter, OVERFLOW_SIGNAL } from '../../lib/counting/event-counter.js';
import { STOP_FLAGS } from '../../lib/registers.js';
import { decode, Flow, MAX_INSTRUCTION } from '../../lib/x86.js';

const SIGTRAP = 5;
/** si_code of a step out of a call. */
const SI_USER = 0;
/** The first and the last of a step of an instruction: a virtual machine may lose what it was for. */
const TRAP_BRKPT = 1;
const TRAP_HWBKPT = 4;
const POLL_IN = 1;
const SI_CODE = 8;
const SI_FD = 24;
/** No descriptor: counters are told apart by these. */
const FIRST_FD = 1_000_000;

/** A counter of a task's branches. */
interface Counter {
  readonly fd: number;
  period: number;
  overflowAt: number;
}

/** A task with a counter. */
interface Stepped {
  readonly counters: Set<Counter>;
  branches: number;
  breakpoints: readonly number[];
  /** How it is to run; undefined while it is stopped, or makes the steps that it was asked for. */
  how: Resume | undefined;
  /** Where control goes from the instruction that it executes, and the registers before that. */
  flow: Flow | undefined;
  before: Uint32Array;
  /** It is inside a call, of which the end is to be reported. */
  inCall: boolean;
  /** The signal of its last step is still to come, and has been counted. */
  isCounted: boolean;
  /** What `getSiginfo` tells of a stop that is made up. */
  siginfo: Uint8Array | undefined;
}

function siginfoOf(signo: number, code: number, fd: number): Uint8Array {
  const siginfo = new Uint8Array(128);
  const view = new DataView(siginfo.buffer);
  view.setInt32(0, signo, true);
  view.setInt32(SI_CODE, code, true);
  view.setInt32(SI_FD, fd, true);
  return siginfo;
}

/**
 * A tracer that has tasks execute one instruction after the other as long as they have a counter, and counts the conditional
 * branches: what a processor's counter tells, on any machine. Their breakpoints are its own as well.
 */
export class Stepper {
  /** The tracer to be used in place of the one that it was made of. */
  readonly tracer: NativeTracer;
  /** How many branches late overflows come, in turn. */
  skids: readonly number[] = [0];
  private overflows = 0;
  private nextFd = FIRST_FD;
  private readonly tasks = new Map<number, Stepped>();
  private readonly code = new Uint8Array(MAX_INSTRUCTION);

  constructor(private readonly native: NativeTracer) {
    const own: Partial<NativeTracer> = {
      resume: (tid, how, signal) => this.resume(tid, how, signal),
      wait: (timeoutMs) => this.filter(() => native.wait(timeoutMs)),
      waitFor: (tid) => this.filter(() => native.waitFor(tid)),
      setBreakpoint: (tid, addr, ...more) => this.setBreakpoint(tid, addr, more),
      getSiginfo: (tid) => this.tasks.get(tid)?.siginfo ?? native.getSiginfo(tid),
    };
    this.tracer = new Proxy(native, {
      get(target, name: keyof NativeTracer) {
        const value = own[name] ?? target[name];
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }

  /** A counter of the branches of a stopped task. */
  open(tid: number): EventCounter {
    let task = this.tasks.get(tid);
    if (task === undefined) {
      const before = this.native.regs.slice();
      task = {
        counters: new Set(),
        branches: 0,
        breakpoints: [],
        how: undefined,
        flow: undefined,
        before,
        inCall: false,
        isCounted: false,
        siginfo: undefined,
      };
      this.tasks.set(tid, task);
    }
    const stepped = task;
    const counter = { fd: this.nextFd++, period: Infinity, overflowAt: Infinity };
    stepped.counters.add(counter);
    const base = stepped.branches;
    return {
      read: () => stepped.branches - base,
      stopAfter: (events) => {
        counter.period = events === 0 ? Infinity : events;
        this.setOverflow(stepped, counter);
      },
      hasSent: (siginfo) => new DataView(siginfo.buffer).getInt32(SI_FD, true) === counter.fd,
      close: () => {
        stepped.counters.delete(counter);
        if (stepped.counters.size === 0) this.tasks.delete(tid);
      },
    };
  }

  private setOverflow(task: Stepped, counter: Counter): void {
    const skid = this.skids[this.overflows++ % this.skids.length]!;
    counter.overflowAt = task.branches + counter.period + skid;
  }

  private setBreakpoint(tid: number, addr: number, more: readonly number[]): boolean {
    const task = this.tasks.get(tid);
    if (task === undefined) return this.native.setBreakpoint(tid, addr, ...more);
    task.breakpoints = addr === 0 ? [] : [addr, ...more];
    return true;
  }

  private resume(tid: number, how: Resume, signal: number): boolean {
    const task = this.tasks.get(tid);
    if (task === undefined || how === Resume.Listen) return this.native.resume(tid, how, signal);
    task.siginfo = undefined;
    const { regs } = this.native;
    const kept = regs.slice();
    const isAlive = this.go(tid, task, how, signal);
    regs.set(kept);
    return isAlive;
  }

  /** Has a task execute one instruction; one that enters the kernel, or is there, as it was asked for. */
  private go(tid: number, task: Stepped, how: Resume, signal: number): boolean {
    const { native, code } = this;
    if (!native.getRegs(tid)) return false;
    const isStep = how === Resume.Step || how === Resume.SysemuStep;
    task.how = isStep ? undefined : how;
    task.flow = undefined;
    if (task.inCall && !isStep) return native.resume(tid, how, signal);
    task.before.set(native.regs);
    const got = native.readMemory(tid, wordOf(native.regs, Reg.rip), code, 0, code.length);
    task.flow = decode(code.subarray(0, got))?.flow;
    const isCall = code[0] === 0x0f && code[1] === 0x05;
    return native.resume(tid, isCall || isStep ? how : Resume.Step, signal);
  }

  /** Waits by `wait` until something has stopped that is not a mere step. */
  private filter(wait: () => EventKind): EventKind {
    for (;;) {
      const kind = wait();
      const tid = this.native.event[0]!;
      const task = this.tasks.get(tid);
      if (task === undefined || kind === EventKind.None || !this.isMereStep(tid, task, kind))
        return task?.siginfo === undefined ? kind : EventKind.Signal;
    }
  }

  private isMereStep(tid: number, task: Stepped, kind: EventKind): boolean {
    const { how } = task;
    if (kind === EventKind.Syscall) {
      task.inCall = how === Resume.Syscall && !task.inCall;
      return false;
    }
    const isTrap = kind === EventKind.Signal && this.native.event[2] === SIGTRAP;
    const siginfo = isTrap ? this.native.getSiginfo(tid) : new Uint8Array(128);
    const code = new DataView(siginfo.buffer).getInt32(SI_CODE, true);
    const isStep = code >= TRAP_BRKPT && code <= TRAP_HWBKPT;
    if (!isTrap || (!isStep && code !== SI_USER)) {
      // Interrupted behind an instruction whose signal comes with the next resume.
      task.isCounted = kind === EventKind.InterruptStop && this.hasMoved(task);
      if (task.isCounted) this.count(task);
      return false;
    }
    if (isStep && !task.isCounted) this.count(task);
    task.isCounted = false;
    if (how === undefined) return false;
    const late = [...task.counters].find(({ overflowAt }) => task.branches >= overflowAt);
    const isAtBreakpoint = task.breakpoints.includes(wordOf(this.native.regs, Reg.rip));
    if (late !== undefined) {
      this.setOverflow(task, late);
      return this.pretend(task, siginfoOf(OVERFLOW_SIGNAL, POLL_IN, late.fd));
    }
    if (isAtBreakpoint) return this.pretend(task, siginfoOf(SIGTRAP, TRAP_HWBKPT, 0));
    return this.go(tid, task, how, 0);
  }

  private count(task: Stepped): void {
    if (task.flow === Flow.Conditional || task.flow === Flow.Loop) task.branches++;
    task.flow = undefined;
  }

  private hasMoved({ before }: Stepped): boolean {
    const { regs } = this.native;
    return before.some((half, i) => {
      const ignored = i === Reg.eflags * 2 ? STOP_FLAGS : 0;
      return (half & ~ignored) !== (regs[i]! & ~ignored);
    });
  }

  private pretend(task: Stepped, siginfo: Uint8Array): false {
    task.siginfo = siginfo;
    this.native.event[2] = new DataView(siginfo.buffer).getInt32(0, true);
    return false;
  }
}

function wordOf(regs: Uint32Array, reg: Reg): number {
  return regs[reg * 2 + 1]! * 0x1_0000_0000 + regs[reg * 2]!;
}
