import {
  clearStopTraces,
  type CodeAt,
  type CountedPoint,
  CounterStop,
  EventKind,
  findLoop,
  Flow,
  JUMP_SIZE,
  largeInEachRound,
  monotonicNs,
  PAGE_SIZE,
  ReadPages,
  Reg,
  type RestingRounds,
  RoundCounter,
  Signal,
  Sys,
  UC_SIGMASK,
} from '@scribe-ts/core-native';
import type { PreemptFrame } from '@scribe-ts/tracelog';
import { recordSyscall } from '../record-call.js';
import type { Session } from '../session.js';
import { actionOf, deliver, hold, holdForPoint, isSynchronous } from '../signals.js';
import { noteEntry } from '../syscall-stops.js';
import { type Task, TaskState } from '../tasks.js';
import { cpuTimeOf, isBlocking, isTooEarly, noteCall } from '../timer-signals.js';

/** A round takes at least so many times what counting it costs, or the loop's are not counted. */
const ROUND_TO_COST = 15;
/** A task that has run for less than this makes calls often enough, ns. */
const SHORT_RUN_NS = 100_000;
/** A round that takes longer than this is not waited for, ns of CPU time. */
const LATE_NS = 500_000;
/** Counters that may be of no use in succession before a site gets none any more. */
const CREDIT = 2;
const MAX_CREDIT = 8;
/** Sites kept in mind of an address space. */
const MAX_SITES = 256;
const NO_BYTES = new Uint8Array(0);
/** Of a signal frame: behind the handler's return address, which is off the stack at its rt_sigreturn; and the mask in it. */
const FRAME_REST = 8;
const FRAME_MASK = FRAME_REST + UC_SIGMASK;
const MASK_SIZE = 8;
/** si_code of a SIGTRAP by int3. */
const SI_KERNEL = 0x80;

/** An instruction at which a task has been stopped, and may be found again by counting how often it comes there. */
export interface Site {
  readonly rip: number;
  /** How many counters more may be of no use. 0: it gets none. */
  credit: number;
  /** In a loop around one whose rounds are too short to be counted: counted in its stead. */
  outer: Site | undefined;
}

/** A counter of a task that runs user code. */
export interface TaskCounter {
  readonly site: Site;
  /** Calls that the agent had recorded when it began. */
  readonly calls: number;
  /** When it began, ns since the recording began. */
  readonly since: number;
  /** The task is on its way to its next round, to be stopped there. */
  isStopping: boolean;
  /** CPU time that it had had when it was first seen not to have come there, ns. */
  lateAt: number | undefined;
}

/** What the kernel has stored on the stack for a handler's return. */
export interface SignalFrame {
  readonly start: number;
  readonly bytes: Uint8Array;
  /** Registers of the interrupted code. */
  readonly regs: Uint32Array;
}

/** Code of a counter that is to count again when the handler has returned whose signal the task got at its point. */
export interface RestingCounter {
  readonly rounds: RestingRounds;
  /** Calls that the agent had recorded when the handler was begun. */
  readonly calls: number;
  /** What the kernel has stored for the handler's return; undefined before. */
  frame: SignalFrame | undefined;
}

/** What one that is asked to make a point does. */
interface PointMaker {
  /** Whether a replay could stop the task there. */
  isGoodPoint(task: Task, rip: number): boolean;
  /** Whether anybody waits for the task to come to a sync point. */
  isAwaited(task: Task): boolean;
  /** A point has been described: the task stands at a sync point now. */
  made(task: Task, frame: PreemptFrame): void;
  /** What comes after a stop at a sync point in user code. `mayDeliver`: the stop is one at which a signal can be given. */
  goOn(task: Task, mayDeliver: boolean): void;
}

/**
 * Has tasks that were stopped in user code count from there on how often they come by, so that their next stop is a place
 * that a replay finds by counting, and not by its state. A counter lives from one sync point to the next: nobody else runs
 * in the address space meanwhile, forks, maps or looks at its memory. Whatever stop comes, the counter is taken out before
 * anybody else sees it.
 */
export class Counting {
  private readonly backend: RoundCounter;
  /** What was found of a signal frame last. */
  private frame = NO_BYTES;

  constructor(
    private readonly session: Session,
    private readonly maker: PointMaker,
  ) {
    this.backend = new RoundCounter(session.tracer);
  }

  /** A task has been stopped at a place: it may be counted there from now on. Undefined if it cannot be. */
  addSite(task: Task, rip: number): Site | undefined {
    const { sites } = task.space;
    let site = sites.get(rip);
    if (site !== undefined) return site;
    if (!this.maker.isGoodPoint(task, rip)) return undefined;
    const large = this.largeBeside(task, rip);
    if (large !== rip) {
      const outer = this.addSite(task, large);
      if (outer !== undefined) return addTo(sites, { rip, credit: 0, outer });
    }
    site = addTo(sites, { rip, credit: CREDIT, outer: undefined });
    task.points.sites++;
    return site;
  }

  /**
   * An instruction of the same loop that a counter's jump lies on alone, if there is one; else `rip`. A signal that comes where
   * the jump has other instructions under it takes another stop.
   */
  private largeBeside(task: Task, rip: number): number {
    const pages = new ReadPages(this.session.tracer, task.tid);
    const loop = findLoop((addr) => pages.code(addr), rip);
    const large = loop && largeInEachRound(loop, JUMP_SIZE);
    if (large === undefined) return rip;
    // Another page may not be the process's own yet.
    const isBeside = [large, large + JUMP_SIZE - 1].every((addr) => pageOf(addr) === pageOf(rip));
    return isBeside ? large : rip;
  }

  /**
   * A task at a sync point in user code, whose registers are `task.exitRegs`, is about to be let go. `mask`: what it blocks
   * there, if not what it blocks now; `startNs`: when that began, CLOCK_MONOTONIC.
   */
  begin(task: Task, mask?: Uint8Array, startNs?: number): void {
    const { session, backend } = this;
    const { exitRegs, space } = task;
    const site = countedFor(space.sites.get(ripOf(exitRegs)));
    if (site === undefined || site.credit === 0 || session.chaos !== undefined) return;
    if (session.parking.active || task.carrier !== 0 || !mayTrap(task)) return;
    startNs ??= monotonicNs();
    const { tid, resting } = task;
    const isAsItWas = resting?.rounds.code.site === site.rip && resting.calls === task.paths.agent;
    if (isAsItWas) task.resting = undefined;
    else this.drop(task);
    if (isAsItWas ? backend.wake(tid, resting.rounds, mask) : backend.begin(tid, site.rip, mask)) {
      const calls = task.paths.agent;
      task.counter = { site, calls, since: session.now, isStopping: false, lateAt: undefined };
    } else site.credit = 0;
    task.points.countingNs += monotonicNs() - startNs;
  }

  /**
   * A task with the agent is stopped at the rt_sigreturn of the handler that has interrupted its counter. Where the kernel will do
   * nothing but what is known already, the call is recorded, and the task let go to count, with no more stops. False if not.
   */
  returnToCount(task: Task): boolean {
    const { session } = this;
    const { regs, tracer } = session;
    const frame = task.resting?.frame;
    if (frame === undefined || !this.isAlone(task) || task.resting!.calls !== task.paths.agent)
      return false;
    const isAwaited = task.held.length > 0 || task.carrier !== 0 || isBlocking(task);
    if (isAwaited || task.domain.holder !== task || task.domain.ready.length > 0) return false;
    const { start, bytes } = frame;
    if (regs.address(Reg.rsp) !== start + FRAME_REST) return false;
    const rest = bytes.subarray(FRAME_REST);
    if (this.frame.length !== rest.length) this.frame = new Uint8Array(rest.length);
    const got = tracer.readMemory(task.tid, start + FRAME_REST, this.frame, 0, rest.length);
    // The handler may have changed where it returns to, and the kernel may refuse that.
    if (got !== rest.length || Buffer.compare(this.frame, rest) !== 0) return false;
    const mask = bytes.slice(FRAME_MASK, FRAME_MASK + MASK_SIZE);
    // Else it comes where the handler returns to, and the registers of that stop tell it.
    if (tracer.hasWaitingSignal(task.tid, mask)) return false;
    const regsHere = regs.save();
    this.recordReturn(task, frame);
    task.state = TaskState.Running;
    task.exitRegs.set(frame.regs);
    task.exitRegsValid = false;
    this.begin(task, mask, tracer.values[1]!);
    regs.load(regsHere);
    return true;
  }

  private recordReturn(task: Task, { regs: interrupted }: SignalFrame): void {
    const { session } = this;
    noteEntry(session, task, Sys.rt_sigreturn);
    noteCall(task);
    session.regs.load(interrupted);
    task.result = session.regs.get(Reg.rax);
    recordSyscall(session, task);
  }

  /** Handles a stop of a task with a counter. False if what it is about is still to be handled: the counter is gone then. */
  takes(task: Task, kind: EventKind): boolean {
    if (kind === EventKind.Exited || kind === EventKind.Zombie) {
      this.forget(task);
      return false;
    }
    if (task.resting !== undefined && !this.mayRest(task, kind)) {
      if (kind === EventKind.Syscall && task.state !== TaskState.InKernel)
        return this.takeBack(task);
      this.drop(task);
    }
    if (task.counter === undefined) return task.owesTrap && this.swallow(task, kind);
    const startNs = this.session.tracer.values[1]!;
    let isHandled = false;
    switch (kind) {
      case EventKind.Syscall:
        isHandled = this.takeBack(task);
        break;
      case EventKind.Signal:
      case EventKind.InterruptStop:
        isHandled = this.stopped(task, kind);
        break;
      default:
        this.end(task);
    }
    task.points.countingNs += monotonicNs() - startNs;
    return isHandled;
  }

  /** Takes the counter of a stopped task out, which has been of no use. */
  end(task: Task): void {
    const { counter } = task;
    if (counter === undefined) return;
    counter.site.credit--;
    task.counter = undefined;
    if (this.backend.end(task.tid)) task.owesTrap = true;
  }

  /** A task has ended, and its memory is gone. */
  private forget(task: Task): void {
    this.backend.forget(task.tid);
    task.counter = undefined;
    task.resting = undefined;
  }

  /** Leaves nothing of a counter that rests, if there is one. */
  drop(task: Task): void {
    const { resting } = task;
    if (resting === undefined) return;
    task.resting = undefined;
    // A replay has none of that where it ends.
    if (!this.backend.drop(task.tid, resting.rounds.code)) task.space.unverifiable = true;
    this.session.tracer.getRegs(task.tid);
  }

  /** Whether a stop of a task is one of a handler that does nothing but compute and return. */
  private mayRest(task: Task, kind: EventKind): boolean {
    const { tracer, regs, parking } = this.session;
    // Whoever stands still is looked at.
    if (parking.active) return false;
    if (kind === EventKind.Syscall) {
      const nr = task.state === TaskState.InKernel ? task.nr : regs.int(Reg.orig_rax);
      return nr === Sys.rt_sigreturn;
    }
    if (kind !== EventKind.Signal) return false;
    const signo = tracer.event[2]!;
    if (signo !== Signal.SIGSYS) return actionOf(task, signo) === 'handler';
    return !this.isInAgent(task) && regs.int(Reg.rax) === Sys.rt_sigreturn;
  }

  /** A task in a stop is about to be let go for good. True if the stop was the counter's, or has become one of none. */
  release(task: Task, kind: EventKind): boolean {
    if (task.resting !== undefined) {
      this.drop(task);
      if (kind !== EventKind.Syscall || task.state === TaskState.InKernel) return false;
      this.standBeforeCall(task);
      return true;
    }
    const isOwn = this.backend.stopped(task.tid, kind) !== CounterStop.Other;
    this.end(task);
    if (kind !== EventKind.Syscall) return isOwn;
    this.standBeforeCall(task);
    return true;
  }

  /** A call in the loop: taken back, as the counter cannot be taken out with the call begun, and made again. */
  private takeBack(task: Task): true {
    this.end(task);
    this.drop(task);
    this.standBeforeCall(task);
    this.session.goOn(task, 0);
    return true;
  }

  private standBeforeCall(task: Task): void {
    const { regs, tracer } = this.session;
    tracer.getRegs(task.tid);
    regs.set(Reg.rip, regs.address(Reg.rip) - 2);
    regs.set(Reg.rax, regs.get(Reg.orig_rax));
    regs.set(Reg.orig_rax, -1);
    tracer.setRegs(task.tid);
  }

  private stopped(task: Task, kind: EventKind): boolean {
    const { session, backend } = this;
    switch (backend.stopped(task.tid, kind)) {
      case CounterStop.There:
        this.arrive(
          task,
          backend.now(task.tid)!,
          kind === EventKind.Signal && task.held.length > 0,
        );
        this.maker.goOn(task, kind === EventKind.Signal);
        return true;
      case CounterStop.GoOn:
        if (kind === EventKind.InterruptStop) task.interruptedAt = -1;
        session.goOn(task, 0);
        return true;
      case CounterStop.Other:
        break;
    }
    if (task.state === TaskState.Running && !this.isInAgent(task)) {
      if (task.dispatching) session.agent!.ring.drain(task);
      const isExact = task.paths.agent === task.counter!.calls;
      if (isExact && kind === EventKind.InterruptStop && this.interrupted(task)) return true;
      if (isExact && kind === EventKind.Signal && this.signalled(task)) return true;
    }
    this.end(task);
    return false;
  }

  private isInAgent(task: Task): boolean {
    return task.space.agent !== undefined && this.session.agent!.stops.isInside(task);
  }

  /** A task has been interrupted in user code. False if it is to be stopped where it is. */
  private interrupted(task: Task): boolean {
    if (task.counter!.isStopping && this.isLate(task)) return false;
    task.interruptedAt = -1;
    if (!task.counter!.isStopping && task.domain.holder === task && this.maker.isAwaited(task)) {
      const point = this.backend.now(task.tid);
      if (point === undefined) return this.stopAtNext(task);
      this.arrive(task, point, false);
      this.maker.goOn(task, false);
      return true;
    }
    this.session.goOn(task, 0);
    return true;
  }

  /** Whether a task does not come by its site any more. Others may have had the CPU since it was let go. */
  private isLate(task: Task): boolean {
    const counter = task.counter!;
    const cpuNs = cpuTimeOf(task);
    if (counter.lateAt === undefined) {
      counter.lateAt = cpuNs;
      return false;
    }
    return !(cpuNs - counter.lateAt < LATE_NS);
  }

  /** A signal has come in user code. False if it is none that the counter matters for. */
  private signalled(task: Task): boolean {
    const { backend, session } = this;
    const { tracer } = session;
    const signo = tracer.event[2]!;
    if (task.counter!.isStopping || signo === Signal.SIGSYS || task.carrier !== 0) return false;
    const siginfo = tracer.getSiginfo(task.tid);
    if (isSynchronous(signo, siginfo) || actionOf(task, signo) !== 'handler') return false;
    if (isBlocking(task)) return false;
    const mustWait = task.held.length > 0 || isTooEarly(session, task, signo, siginfo);
    // With the agent it makes most of its calls without a stop, so the signal can wait for one, if there have been any.
    const isBusy = task.dispatching && session.now - task.counter!.since < SHORT_RUN_NS;
    if (isBusy || mustWait) {
      hold(session, task, signo, siginfo);
      session.resumeUser(task);
      return true;
    }
    const point = backend.now(task.tid);
    if (point !== undefined) {
      this.arrive(task, point, true);
      deliver(session, task, signo, siginfo, 'syscall-exit');
      return true;
    }
    holdForPoint(session, task, signo, siginfo);
    if (this.stopAtNext(task)) return true;
    // The signal is held: as without a counter it comes at the next sync point.
    this.end(task);
    session.resumeUser(task);
    return true;
  }

  /** Has the task stop when it next comes to its site. */
  private stopAtNext(task: Task): boolean {
    if (!this.backend.stopAt(task.tid)) return false;
    task.counter!.isStopping = true;
    this.session.goOn(task, 0);
    return true;
  }

  /** The task stands at a point that has been counted. `isSignalled`: it is about to get a signal there. */
  private arrive(task: Task, { rip, count }: CountedPoint, isSignalled: boolean): void {
    const { session, backend } = this;
    const { regs } = session;
    const counter = task.counter!;
    // Killed from here on, its registers would be those of its end.
    const regsHere = regs.save();
    const leastNs = count * backend.roundCost(task.tid) * ROUND_TO_COST;
    task.counter = undefined;
    if (isSignalled && this.isAlone(task)) {
      const rounds = backend.rest(task.tid);
      task.resting = { rounds, calls: task.paths.agent, frame: undefined };
    } else if (backend.end(task.tid)) task.owesTrap = true;
    regs.load(regsHere);
    const ran = Math.max(0, session.now - counter.since);
    const { site } = counter;
    if (ran >= leastNs) site.credit = Math.min(MAX_CREDIT, site.credit + 1);
    else this.leaveHotLoop(task, site);
    clearStopTraces(regsHere);
    noteOnward(task, ripOf(regsHere), site);
    task.points.counted++;
    task.points.rounds += count;
    this.maker.made(task, {
      type: 'preempt',
      task: task.uid,
      time: session.now,
      ran,
      rip,
      code: NO_BYTES,
      regs: new Uint8Array(regsHere.buffer),
      sse: NO_BYTES,
      vector: '',
      memory: [],
      stack: NO_BYTES,
      pages: [],
      pagesHash: '',
      patchable: true,
      counter: backend.kind,
      count,
      summed: [],
      sums: NO_BYTES,
    });
  }

  /** Whether nobody else sees a task's memory before its next call. */
  private isAlone(task: Task): boolean {
    return task.space.users === 1 && !this.session.parking.active;
  }

  /** The rounds of a loop are so short that counting them is dear: those of the loop around it are counted from now on. */
  private leaveHotLoop(task: Task, site: Site): void {
    site.credit = 0;
    const pages = new ReadPages(this.session.tracer, task.tid);
    const exit = exitOf((addr) => pages.code(addr), site.rip);
    site.outer = exit === undefined ? undefined : this.addSite(task, exit);
    // One that leads back here.
    for (let other = site.outer; other !== undefined; other = other.outer)
      if (other === site) site.outer = undefined;
  }

  /** The signal of a trap whose counter is gone comes: it is none of the program's. */
  private swallow(task: Task, kind: EventKind): boolean {
    const { tracer } = this.session;
    if (kind !== EventKind.Signal || tracer.event[2] !== Signal.SIGTRAP) return false;
    const siginfo = tracer.getSiginfo(task.tid);
    if (new DataView(siginfo.buffer, siginfo.byteOffset).getInt32(8, true) !== SI_KERNEL)
      return false;
    task.owesTrap = false;
    this.session.goOn(task, 0);
    return true;
  }
}

/** The site whose rounds are counted where a task is at one. */
function countedFor(here: Site | undefined): Site | undefined {
  let site = here;
  while (site?.outer !== undefined) site = site.outer;
  return site;
}

function addTo(sites: Map<number, Site>, site: Site): Site {
  if (sites.size === MAX_SITES) sites.clear();
  sites.set(site.rip, site);
  return site;
}

/** A task may go on from a place in a round: what is counted from there on is the round's site. */
function noteOnward({ space: { sites } }: Task, rip: number, site: Site): void {
  const here = sites.get(rip);
  if (here === undefined) addTo(sites, { rip, credit: 0, outer: site });
  else if (here.credit === 0 && countedFor(site) !== here) here.outer ??= site;
}

function pageOf(addr: number): number {
  return addr - (addr % PAGE_SIZE);
}

function ripOf(regs: Uint32Array): number {
  return regs[Reg.rip * 2]! + regs[Reg.rip * 2 + 1]! * 2 ** 32;
}

/** Where control goes from the innermost loop around `rip` when that is over. */
function exitOf(codeAt: CodeAt, rip: number): number | undefined {
  const loop = findLoop(codeAt, rip);
  if (loop === undefined) return undefined;
  const { before, closing, behind } = loop;
  const end = closing.addr + closing.instruction.length;
  if (closing.instruction.flow === Flow.Conditional) return end;
  // It is left in its midst.
  const start = (behind[0] ?? before[0] ?? closing).addr;
  for (const { addr, instruction } of [...before, ...behind]) {
    const target = addr + instruction.length + instruction.relative;
    const leads = instruction.flow === Flow.Conditional && (target < start || target >= end);
    if (leads) return target;
  }
  return undefined;
}

/**
 * Whether a trap in the task leaves no trace but what can be put back: the kernel takes the handler away of a fault that is
 * ignored or blocked.
 */
function mayTrap(task: Task): boolean {
  const { handler } = task.handlers;
  return [Signal.SIGTRAP, Signal.SIGSEGV, Signal.SIGILL].every((signo) => handler[signo] === 0);
}
