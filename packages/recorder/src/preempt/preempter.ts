import {
  decode,
  EventKind,
  Flow,
  isRestart,
  type Instruction,
  maskWithTrap,
  MAX_INSTRUCTION,
  monotonicNs,
  Reg,
  RESERVED_END,
  RESERVED_START,
  Resume,
  Signal,
  trapInstruction,
} from '@scribe-ts/core-native';
import type { PreemptFrame } from '@scribe-ts/tracelog';
import { TURN_NS } from '../baton.js';
import { carrierOf } from '../carrier.js';
import type { Session } from '../session.js';
import { deliverHere, mayDeliverHeld } from '../signals.js';
import { noteSilentEnd } from '../syscalls/exit.js';
import { type Domain, NOWHERE, type Task, TaskState } from '../tasks.js';
import { isBlocking, mustGetOn, unblock } from '../timer-signals.js';
import { waitingSignals } from '../waiting-signals.js';
import { Counting } from './counting.js';
import { Signatures } from './signature.js';

/** A task that has run for less than this makes system calls often enough: signals wait for the next one, ns. */
const SHORT_RUN_NS = 100_000;
/** How long a held signal waits for a system call of its task's, ns. */
const HOLD_NS = 1_000_000;
/** A task's slice while others wait: at first, for one that only spins, and for one that computes, ns. */
const FIRST_SLICE_NS = 100_000_000;
const SPIN_SLICE_NS = 1_000_000;
/** How long a task may compute on when everything is to stand still, ns. */
const FREEZE_NS = 5_000_000;
/** How often holders that others wait for are looked at, at most and at least. */
const TICK_MS = 1;
const MAX_TICK_MS = 20;
/** Longer than this no other stop keeps a task from being stopped that has used up its slice, ns. */
const LATEST_NS = 10_000_000;
/** Instructions that a task is taken on by, at most, to a place where replay can stop it well. */
const MAX_STEPS = 8;
/** The same where the place must not be in the middle of one. */
const MAX_MOVES = 16;
/** si_code of a SIGTRAP by a debug register. */
const TRAP_HWBKPT = 4;

/**
 * Stops tasks in user code that come to no sync point by themselves, where others of their domain wait for the baton, a
 * signal waits for them, or everything is to stand still. The point becomes a sync point by a `preempt` frame.
 */
export class Preempter {
  /** Tells points by counting where that is possible. */
  readonly counting: Counting;
  private readonly signatures: Signatures;
  private readonly code = new Uint8Array(MAX_INSTRUCTION);

  constructor(private readonly session: Session) {
    this.signatures = new Signatures(session);
    this.counting = new Counting(session, {
      isAwaited: (task) => this.isAwaited(task.domain, task),
      isGoodPoint: (task, rip) => this.signatures.isGoodPoint(task, rip),
      made: this.made,
      goOn: (task, mayDeliver) => {
        this.goOn(task, mayDeliver);
      },
    });
  }

  /** How long to wait for the next stop; -1: for ever, as nobody waits for anybody. */
  get timeoutMs(): number {
    const { baton, chaos, now } = this.session;
    if (chaos?.isWaiting) return TICK_MS;
    if (baton.contended.size === 0) return -1;
    let next = Infinity;
    for (const domain of baton.contended) next = Math.min(next, this.nextLook(domain));
    return Math.min(Math.max(TICK_MS, Math.ceil((next - now) / 1e6)), MAX_TICK_MS);
  }

  /** When there may be something to be done about who has a domain's baton. */
  private nextLook(domain: Domain): number {
    const { holder } = domain;
    const { agent, now, parking } = this.session;
    const isUrgent =
      holder?.state !== TaskState.Running ||
      holder.interruptedAt >= 0 ||
      holder.group.ending ||
      isSignalDue(holder) ||
      parking.active;
    if (isUrgent) return now;
    const end = this.endOfSlice(domain, holder);
    return holder.dispatching ? Math.min(end, agent!.nextUrge(holder)) : end;
  }

  /** Interrupts whoever has run for too long. Called after every stop, and when there was none for a while. */
  check(last: EventKind): void {
    const { session } = this;
    const { contended } = session.baton;
    session.chaos?.check();
    if (contended.size === 0) return;
    for (const domain of contended) {
      const { holder } = domain;
      if (holder === undefined || !this.isAwaited(domain, holder)) {
        contended.delete(domain);
        continue;
      }
      if (noteSilentEnd(session, holder) || holder.state !== TaskState.Running) continue;
      if (holder.dispatching && domain.ready.length > 0 && session.now - domain.since > TURN_NS)
        session.agent!.urge(holder, last === EventKind.None);
      // An interrupt may get lost: the stop that it makes may be taken for another one.
      const { interruptedAt } = holder;
      if (interruptedAt >= 0 && session.now - interruptedAt < LATEST_NS) continue;
      const over = session.now - this.endOfSlice(domain, holder);
      // A stop that has not been seen yet may be the holder's own: a system call that the interrupt would disturb.
      if (over < 0 || (last !== EventKind.None && over < LATEST_NS)) continue;
      // In a loaded machine it may not have had the CPU yet.
      if (domain.ready.length === 0 && !session.parking.active && mustGetOn(holder)) continue;
      holder.interruptedAt = session.now;
      session.tracer.interruptTask(holder.tid);
    }
  }

  private isAwaited(domain: Domain, holder: Task): boolean {
    return domain.ready.length > 0 || isSignalDue(holder) || this.session.parking.active;
  }

  private endOfSlice(domain: Domain, holder: Task): number {
    const turn = domain.ready.length > 0 ? domain.since + holder.sliceNs : Infinity;
    const signal = isSignalDue(holder) ? holder.heldSince + HOLD_NS : Infinity;
    const freeze = this.session.parking.active ? holder.resumedAt + FREEZE_NS : Infinity;
    return Math.min(turn, signal, freeze);
  }

  /** A task that runs user code has stopped because it was interrupted. */
  interrupted(task: Task): void {
    const { session } = this;
    const { domain } = task;
    if (this.isTrapWaiting(task)) {
      session.resumeUser(task);
      return;
    }
    if (domain.holder !== task || !this.isAwaited(domain, task)) {
      session.resumeUser(task);
      return;
    }
    if (session.isAtSyncPoint(task)) {
      task.exitRegs.set(session.regs.halves);
      task.exitRegsValid = true;
      this.goOn(task);
    } else if (!this.hasPlainCode(task)) session.resumeUser(task);
    else if (this.moveToPoint(task)) {
      this.preempt(task);
      this.goOn(task);
    }
  }

  /** Has debug registers stop a task when it comes to one of these addresses, four at most. */
  stopAt(task: Task, addresses: readonly number[]): void {
    const [first = 0, ...more] = addresses;
    if (this.session.tracer.setBreakpoint(task.tid, first, ...more)) task.stopsAt = addresses;
  }

  /** For a signal-delivery-stop: whether the task is where `stopAt` was to stop it. */
  isAtStop(task: Task): boolean {
    const { tracer, regs } = this.session;
    if (tracer.event[2] !== Signal.SIGTRAP || !task.stopsAt.includes(regs.address(Reg.rip)))
      return false;
    const siginfo = tracer.getSiginfo(task.tid);
    return new DataView(siginfo.buffer, siginfo.byteOffset).getInt32(8, true) === TRAP_HWBKPT;
  }

  /**
   * For an interrupt-stop: whether a debug register has stopped the task at the same moment. The kernel takes the interrupt
   * first (get_signal); the signal comes before the task executes anything. As long as it waits there is no point to be
   * made here: once `stopAt` has other addresses it would be taken for the program's own, and kill it.
   */
  private isTrapWaiting(task: Task): boolean {
    const isThere = task.stopsAt.includes(this.session.regs.address(Reg.rip));
    return isThere && waitingSignals(task).includes(Signal.SIGTRAP);
  }

  /** The task is where `stopAt` was to stop it. */
  stopped(task: Task): void {
    task.stopsAt = NOWHERE;
    this.session.tracer.setBreakpoint(task.tid, 0);
    this.makePoint(task);
  }

  /** Lets a task at a sync point into user code, and stops it after so many instructions. */
  stopAfter(task: Task, instructions: number): void {
    const { session } = this;
    const { tracer, regs } = session;
    task.state = TaskState.Running;
    task.resumedAt = session.now;
    tracer.getRegs(task.tid);
    // The kernel is about to make its call again: a step would last as long as that.
    if (regs.int(Reg.orig_rax) >= 0 && isRestart(regs.get(Reg.rax))) {
      session.resumeUser(task);
      return;
    }
    for (let left = instructions; left > 0; left--) {
      const instruction = this.instructionHere(task);
      // What flags are pushed would show the step.
      if (instruction === undefined || instruction.flow === Flow.System || this.movesFlags()) {
        session.resumeUser(task);
        return;
      }
      if (!this.stepOver(task, instruction)) return;
    }
    this.makePoint(task);
  }

  /** Makes where the task is stopped a sync point, or a place near by. */
  private makePoint(task: Task): void {
    const { session } = this;
    if (session.isAtSyncPoint(task)) {
      task.exitRegs.set(session.regs.halves);
      task.exitRegsValid = true;
      this.goOn(task);
      return;
    }
    const here = this.instructionHere(task);
    const isPoint = here !== undefined && here.flow !== Flow.System && !here.repeats;
    if (!isPoint && !this.moveToPoint(task)) return;
    this.preempt(task);
    this.goOn(task);
  }

  /** For a signal that comes in user code: true if it has become a sync point. */
  preemptHere(task: Task): boolean {
    const { session } = this;
    if (task.held.length > 0 || session.now - task.resumedAt < SHORT_RUN_NS) return false;
    const rip = session.regs.address(Reg.rip);
    if (isReserved(rip)) return false;
    // Not to be moved from here: the signal would be lost.
    if (!this.hasPlainCode(task)) return false;
    if (!this.signatures.isGoodPoint(task)) return false;
    this.preempt(task);
    return true;
  }

  /**
   * Has an address space hold only what is the program's: code is part of a point's state, and a replay has none of the
   * agent's patches. False if the task is on its way through one, to a call.
   */
  private hasPlainCode(task: Task): boolean {
    const { agent, tracer } = this.session;
    if (task.space.agent === undefined) return true;
    if (agent!.stops.isInside(task)) return false;
    agent!.unpatch(task);
    return tracer.getRegs(task.tid);
  }

  /** Makes where the task stands a sync point, described by its state. */
  private preempt(task: Task): void {
    const { session, counting } = this;
    const startNs = monotonicNs();
    counting.drop(task);
    const ran = Math.max(0, session.now - task.resumedAt);
    const count = session.branches?.since(task) ?? 0;
    const frame: PreemptFrame = {
      type: 'preempt',
      task: task.uid,
      time: session.now,
      ran,
      ...this.signatures.take(task),
      ...(count === 0 ? {} : { counter: 'branches', count }),
    };
    const { points } = task;
    // What counts rounds has branches, too.
    if (frame.patchable && session.branches === undefined) counting.addSite(task, frame.rip);
    points.described++;
    points.describingNs += monotonicNs() - startNs;
    this.made(task, frame);
  }

  /** The task, whose registers are loaded, stands at a sync point that has been described. */
  private readonly made = (task: Task, frame: PreemptFrame): void => {
    const { session } = this;
    session.emit(task, frame);
    session.branches?.watch(task);
    session.preemptions++;
    // One that stands where it stood, with nothing changed, waits for others: they should come soon.
    task.sliceNs = sameBytes(frame.regs, task.lastPoint) ? SPIN_SLICE_NS : FIRST_SLICE_NS;
    task.lastPoint = frame.regs;
    task.atEntry = false;
    task.exitRegs.set(session.regs.halves);
    task.exitRegsValid = true;
  };

  /** What comes after a stop at a sync point in user code. `mayDeliver`: it is one at which a signal can be given. */
  private goOn(task: Task, mayDeliver = false): void {
    const { session } = this;
    const isDue = this.letTimersCome(task);
    if (mayDeliverHeld(session, task)) {
      if (mayDeliver) {
        deliverHere(session, task);
        return;
      }
      // Signals can be given to a task only where it stops for one: this one makes it stop at once.
      task.carrier = carrierOf(session, task, task.held[0]!.signo);
      session.tracer.kill(task.group.tgid, task.tid, task.carrier);
      session.resumeUser(task);
      return;
    }
    if (isDue) {
      session.resumeUser(task);
      return;
    }
    // With a carrier under way the first of them is not blocked: the task has only been stopped once more before that came.
    task.heldBlocked = task.held.length > 0 && task.carrier === 0;
    if (session.parking.active) session.parking.park(task, this.resume);
    else if (session.chaos !== undefined) session.chaos.afterPoint(task);
    else if (task.domain.ready.length > 0) session.baton.request(task, this.resume);
    else this.resume(task);
  }

  /** Lets signals of timers come that have waited until the task has got on. True if one of them does. */
  private letTimersCome(task: Task): boolean {
    if (!isBlocking(task)) return false;
    const { session } = this;
    task.returned = undefined;
    unblock(session, task);
    return session.tracer.hasWaitingSignal(task.tid);
  }

  private readonly resume = (task: Task): void => {
    // Killed from here on, it is in no call.
    task.state = TaskState.Running;
    this.counting.begin(task);
    // It may come to the same registers again, with other memory.
    task.exitRegsValid = false;
    this.session.resumeUser(task);
  };

  /**
   * Takes a task that was interrupted to the nearest place that a replay can find. False if something else has happened
   * on the way, or it is about to come to a sync point by itself: it runs, or has been handled.
   */
  private moveToPoint(task: Task): boolean {
    const { regs } = this.session;
    for (let moves = 0; moves < MAX_MOVES; moves++) {
      if (isReserved(regs.address(Reg.rip))) break;
      const instruction = this.instructionHere(task);
      if (instruction === undefined) return true;
      if (isSyncPoint(this.code)) break;
      // In the middle of a string instruction a replay could not stop.
      const isLast = moves >= MAX_STEPS || instruction.flow === Flow.System;
      if (!instruction.repeats && (isLast || this.signatures.isGoodPoint(task))) return true;
      // What flags are pushed would show the step, and those popped would keep its flag.
      if (this.movesFlags()) break;
      if (!this.stepOver(task, instruction)) return false;
    }
    this.session.resumeUser(task);
    return false;
  }

  /** The instruction at which the task is stopped, whose bytes are in `code` then; undefined if it cannot be decoded. */
  private instructionHere(task: Task): Instruction | undefined {
    const { tracer, regs } = this.session;
    const { code } = this;
    const got = tracer.readMemory(task.tid, regs.address(Reg.rip), code, 0, code.length);
    return decode(code.subarray(0, got));
  }

  /** Has the task execute the instruction at which it is stopped. False if something else has happened, and was handled. */
  private stepOver(task: Task, { length, repeats }: Instruction): boolean {
    const { tracer, regs, stops } = this.session;
    const next = regs.address(Reg.rip) + length;
    const mask = maskWithTrap(tracer, task.tid);
    if (repeats) tracer.setBreakpoint(task.tid, next);
    if (!tracer.resume(task.tid, repeats ? Resume.Cont : Resume.Step, 0)) return false;
    const kind = tracer.waitFor(task.tid);
    if (kind === EventKind.Exited || kind === EventKind.NoTracees) {
      stops.dispatch(kind);
      return false;
    }
    if (repeats) {
      tracer.setBreakpoint(task.tid, 0);
      task.stopsAt = NOWHERE;
    }
    const isThere =
      kind === EventKind.Signal &&
      tracer.event[2] === Signal.SIGTRAP &&
      (!repeats || regs.address(Reg.rip) === next);
    if (!isThere) stops.handle(task, kind);
    else if (mask !== undefined) tracer.setSigmask(task.tid, mask);
    return isThere;
  }

  /** Whether the instruction in `code` is pushf or popf, which see the flag that makes single steps. */
  private movesFlags(): boolean {
    const opcode = this.code[0] === 0x66 ? this.code[1]! : this.code[0]!;
    return opcode === 0x9c || opcode === 0x9d;
  }
}

function isReserved(addr: number): boolean {
  return addr >= RESERVED_START && addr < RESERVED_END;
}

/** A held signal waits that has not been tried in vain since the task's last sync point. */
function isSignalDue(task: Task): boolean {
  return isBlocking(task) || (task.held.length > 0 && task.carrier === 0 && !task.heldBlocked);
}

/** syscall, rdtsc, rdtscp and its like, cpuid. */
function isSyncPoint(code: Uint8Array): boolean {
  if (code[0] !== 0x0f) return false;
  return code[1] === 0x05 || code[1] === 0x01 || trapInstruction(code) !== undefined;
}

function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}
