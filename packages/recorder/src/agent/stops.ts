import {
  type Agent,
  ARGUMENT_REGS,
  ERESTARTNOHAND,
  Errno,
  EventKind,
  Halt,
  isRestart,
  MapFlag,
  maskWithTrap,
  type Patcher,
  Prot,
  readTaskFile,
  Reg,
  Resume,
  SAVED_REGS,
  Signal,
  SITE_BYTES,
  Sys,
  SYS_USER_DISPATCH,
} from '@scribe-ts/core-native';
import { syscallTable } from '@scribe-ts/tracelog';
import { recordInputs } from '../inputs.js';
import { recordSyscall } from '../record-call.js';
import type { Session } from '../session.js';
import {
  actionOf,
  deliver,
  deliverFirst,
  hold,
  isSynchronous,
  mayDeliverHeld,
} from '../signals.js';
import { exitHooks } from '../syscalls/index.js';
import { isConnecting } from '../syscalls/network.js';
import { type Task, TaskState } from '../tasks.js';
import { answer } from '../traps.js';
import type { AgentRing } from './ring.js';
import { asksForSys, noteForced, restoreSys } from './sigsys.js';
import type { AgentSpace } from './space.js';

/** Offset of si_call_addr. */
const CALL_ADDRESS = 16;
/** More steps than the agent's last instructions take. */
const MAX_TAIL_STEPS = 64;
const POPFQ = 0x9d;

/** Every stop that comes of the agent: by dispatch, by its asking for the tracer, by signals that arrive inside it. */
export class AgentStops {
  constructor(
    private readonly session: Session,
    private readonly agent: Agent,
    private readonly patcher: Patcher,
    private readonly ring: AgentRing,
    /** Called when the vDSO has wanted to make a call, with the task that ran it. */
    private readonly onClockFailed: (task: Task, space: AgentSpace) => void,
  ) {}

  /** True if the task whose registers are loaded is inside the agent, or on its way there. */
  isInside(task: Task): boolean {
    const rip = this.session.regs.address(Reg.rip);
    return this.agent.contains(rip) || task.space.agent?.leadsInside(rip) === true;
  }

  /** The same, or the task has begun a call that dispatch is about to stop it for. */
  isUnderWay(task: Task): boolean {
    return this.isInside(task) || (task.dispatching && isDispatchPending(task.tid));
  }

  /** Handles a signal-delivery-stop of a task that runs with the agent. False if it is no business of the agent's. */
  onSignal(task: Task, space: AgentSpace, signo: number): boolean {
    const { agent, session } = this;
    const { regs, tracer } = session;
    const rip = regs.address(Reg.rip);
    if (signo === Signal.SIGSYS) {
      if (tracer.values[0] === SYS_USER_DISPATCH) {
        noteForced(task);
        this.onDispatch(task, space, rip);
        return true;
      }
      // One that the program uses. A second of its kind can hide one of ours: that must not come again.
      space.given = true;
    }
    if (agent.contains(rip)) {
      this.onSignalInside(task, space, signo, rip);
      return true;
    }
    // In user code: what the agent has recorded comes before.
    this.ring.drain(task);
    return false;
  }

  private onDispatch(task: Task, space: AgentSpace, rip: number): void {
    const { agent, session } = this;
    const { regs, tracer } = session;
    const { symbols } = agent;
    task.exitRegsValid = false;
    if (rip === symbols.agent_take_end || rip === symbols.agent_exit_end) {
      agent.look(task.space.agent!.memory);
      task.paths.stopped(agent.nr);
      this.ring.drainLooked(task, space);
      this.atExit(task, agent.ret);
      if (rip === symbols.agent_take_end) this.taken(task);
      else if (mayDeliverHeld(session, task)) this.deliverHeld(task);
      else session.resumeUser(task);
      return;
    }
    if (agent.isInVdso(rip)) {
      this.failClock(task);
      return;
    }
    const nr = regs.int(Reg.rax);
    if (rip === symbols.agent_forward_end) {
      agent.look(space.memory);
      if (agent.isFull) {
        agent.hasRoom(space.memory);
        this.ring.drainFull(task, space);
        this.enter(task, agent.ret);
      } else {
        task.paths.stopped(nr);
        this.ring.drainLooked(task, space);
        this.forward(task, agent.ret);
      }
      return;
    }
    // At a site of the program's.
    task.paths.stopped(nr);
    if (agent.calls[nr] === 1 && space.halt === Halt.None && this.isSite(task, rip)) {
      if (this.patcher.trapped(task.tid, space, rip, nr)) {
        agent.reports.code(space.memory, space.changedPages());
        tracer.getRegs(task.tid);
      }
      this.enter(task, rip);
      return;
    }
    this.ring.drain(task);
    if (nr === Sys.rt_sigreturn && session.stops.returnToCount(task)) {
      regs.set(Reg.rip, symbols.agent_pass);
      regs.set(Reg.orig_rax, -1);
      tracer.setRegs(task.tid);
      task.passes = rip;
      task.resumedAt = session.now;
      this.ring.begin(space);
      tracer.resume(task.tid, Resume.Cont, 0);
      return;
    }
    this.forward(task, rip);
  }

  /** Sends a task whose registers are those of its call, but for rcx and r11, into the agent. `ret`: the address after the call. */
  private enter(task: Task, ret: number): void {
    const { regs, tracer } = this.session;
    regs.set(Reg.rcx, ret);
    regs.set(Reg.r11, regs.address(Reg.eflags));
    regs.set(Reg.rip, this.agent.symbols.agent_entry);
    regs.set(Reg.orig_rax, -1);
    tracer.setRegs(task.tid);
    tracer.resume(task.tid, Resume.Cont, 0);
  }

  /** True if the task whose registers are loaded has come to where the agent calls the tracer by a fault. */
  isAtTrap(): boolean {
    const rip = this.session.regs.address(Reg.rip);
    const { agent_trap_left, agent_trap_done } = this.agent.symbols;
    return rip === agent_trap_left || rip === agent_trap_done;
  }

  /**
   * The agent has left an instruction to the tracer, or has come out because a signal waits. Without dispatch, too: patched sites
   * lead there all the same.
   */
  leaveTrap(task: Task): void {
    const { agent, session } = this;
    const { regs, tracer } = session;
    const space = task.space.agent!;
    const isLeft = regs.address(Reg.rip) === agent.symbols.agent_trap_left;
    agent.look(space.memory);
    if (space.user === task) this.ring.drainLooked(task, space);
    tracer.getRegs(task.tid);
    task.exitRegsValid = false;
    if (isLeft) {
      answer(session, task, agent.isCpuid ? 'cpuid' : 'rdtsc', agent.ret);
      return;
    }
    regs.set(Reg.rip, agent.ret);
    regs.set(Reg.orig_rax, -1);
    tracer.setRegs(task.tid);
    session.resumeUser(task);
  }

  /** Tells the vDSO that its call, which is not the program's, has failed: the agent makes the program's own then. */
  private failClock(task: Task): void {
    const { regs, tracer } = this.session;
    regs.set(Reg.rax, -Errno.ENOSYS);
    regs.set(Reg.orig_rax, -1);
    tracer.setRegs(task.tid);
    this.onClockFailed(task, task.space.agent!);
    tracer.resume(task.tid, Resume.Cont, 0);
  }

  /** False if the call was made by `int $0x80`, whose numbers and arguments are others. `rip` is the address after it. */
  private isSite(task: Task, rip: number): boolean {
    const { syscallSites } = task.space;
    if (syscallSites.has(rip)) return true;
    const bytes = new Uint8Array(SITE_BYTES);
    const got = this.session.tracer.readMemory(task.tid, rip - SITE_BYTES, bytes, 0, SITE_BYTES);
    if (got !== SITE_BYTES || bytes[0] !== 0x0f || bytes[1] !== 0x05) return false;
    syscallSites.add(rip);
    return true;
  }

  /** Sends a task that wants to make a call to that call's entry stop, as if it had made it at its own site. */
  private forward(task: Task, ret: number): void {
    const { session } = this;
    const { regs, tracer } = session;
    const { tid } = task;
    const nr = regs.int(Reg.rax);
    if (this.wantsPlainCode(task, nr)) {
      this.patcher.undo(task.tid, task.space.agent!);
      tracer.getRegs(tid);
    }
    if (asksForSys(nr, regs.int(Reg.rdi)) && restoreSys(session, task)) tracer.getRegs(tid);
    regs.set(Reg.rip, this.agent.symbols.agent_pass);
    regs.set(Reg.orig_rax, -1);
    tracer.setRegs(tid);
    let kind: EventKind;
    do {
      if (!tracer.resume(tid, Resume.Syscall, 0)) return;
      kind = tracer.waitFor(tid);
      // Whoever has interrupted it wanted it to come to a sync point: it does.
      if (kind === EventKind.InterruptStop) task.interruptedAt = -1;
    } while (kind === EventKind.InterruptStop);
    if (kind === EventKind.NoTracees) return;
    if (kind === EventKind.Syscall) {
      regs.set(Reg.rip, ret);
      regs.set(Reg.rcx, ret);
      tracer.setRegs(tid);
    } else if (
      kind !== EventKind.Exited &&
      kind !== EventKind.Zombie &&
      regs.address(Reg.rip) === this.agent.symbols.agent_pass
    ) {
      // Something else came first: the call is still to be made.
      regs.set(Reg.rip, ret - 2);
      regs.set(Reg.rax, nr);
      tracer.setRegs(tid);
    }
    session.stops.handle(task, kind);
  }

  /** True if trampolines are in the way of the call under way. */
  private wantsPlainCode(task: Task, nr: number): boolean {
    const { session } = this;
    const { regs } = session;
    const space = task.space.agent;
    if (space === undefined || (space.patches.size === 0 && space.pages.length === 0)) return false;
    switch (nr) {
      case Sys.munmap:
      case Sys.mremap:
        return space.covers(regs.address(Reg.rdi), regs.address(Reg.rsi));
      case Sys.mmap:
        return (
          (regs.int(Reg.r10) & MapFlag.FIXED) !== 0 &&
          space.covers(regs.address(Reg.rdi), regs.address(Reg.rsi))
        );
      case Sys.mprotect:
      case Sys.pkey_mprotect: {
        const start = regs.address(Reg.rdi);
        const isWritable = (regs.int(Reg.rdx) & Prot.WRITE) !== 0;
        return isWritable && space.touches(start, start + regs.address(Reg.rsi));
      }
      default:
        return false;
    }
  }

  /** At the entry of a call made through a patched site without dispatch: puts the entry where the program made it. */
  relocateEntry(task: Task, rip: number): void {
    if (rip !== this.agent.symbols.agent_forward_end) return;
    const { regs, tracer } = this.session;
    this.agent.look(task.space.agent!.memory);
    regs.set(Reg.rip, this.agent.ret);
    regs.set(Reg.rcx, this.agent.ret);
    tracer.setRegs(task.tid);
  }

  /** The registers loaded are the program's after a call, but for what the way to the tracer has changed. */
  private atExit(task: Task, ret: number): void {
    const { regs, tracer } = this.session;
    regs.set(Reg.rip, ret);
    regs.set(Reg.rcx, ret);
    regs.set(Reg.orig_rax, this.agent.nr);
    tracer.setRegs(task.tid);
    this.keepExit(task);
  }

  private keepExit(task: Task): void {
    const { regs } = this.session;
    task.nr = this.agent.nr;
    for (let i = 0; i < 6; i++) task.args[i] = regs.get(ARGUMENT_REGS[i]!);
    task.result = regs.get(Reg.rax);
    task.enteredAt = this.session.now;
    task.mayYield = false;
    task.atEntry = false;
    task.exitRegs.set(regs.halves);
    task.exitRegsValid = true;
  }

  /** The agent has made a call that it does not record. */
  private taken(task: Task): void {
    const { session } = this;
    // What comes of a call that was successful may take time: the signal waits for the next one.
    task.regionContext.entry.fill(this.agent.entry);
    const isPlain =
      exitHooks[task.nr] === undefined || (Number(task.result) < 0 && !isConnecting(task));
    if (isPlain && mayDeliverHeld(session, task)) {
      recordSyscall(session, task);
      this.deliverHeld(task);
      return;
    }
    task.state = TaskState.InKernel;
    task.taken = true;
    session.stops.handle(task, EventKind.Syscall);
    task.taken = false;
  }

  /** At a signal-delivery-stop right after a call: the first signal that waits takes its place. */
  private deliverHeld(task: Task): void {
    const { signo, siginfo } = task.held.shift()!;
    this.session.tracer.setSiginfo(task.tid, siginfo);
    deliver(this.session, task, signo, siginfo, 'syscall-exit');
  }

  private onSignalInside(task: Task, space: AgentSpace, signo: number, rip: number): void {
    const { agent, session } = this;
    const { regs, tracer } = session;
    const { symbols } = agent;
    const siginfo = tracer.getSiginfo(task.tid);
    if (isSynchronous(signo, siginfo)) {
      this.fault(task);
      return;
    }
    // What a signal does that comes while its disposition is being changed, is known at the end of that call.
    this.ring.collect(task, space);
    const isKnown = !this.isChanging(task, signo);
    const action = actionOf(task, signo);
    if (isKnown && action !== 'handler') {
      // The kernel ends or stops the task where it is, or makes an interrupted call again.
      if (action === 'terminate') this.ring.drain(task);
      deliver(session, task, signo, siginfo, 'anywhere');
      return;
    }
    const interrupted = rip === symbols.agent_insn + 2 && isRestart(Number(regs.get(Reg.rax)));
    if (interrupted && regs.int(Reg.orig_rax) >= 0) {
      const result = regs.get(Reg.rax);
      agent.look(task.space.agent!.memory);
      this.ring.drainLooked(task, space);
      this.loadSaved(task);
      regs.set(Reg.rax, result);
      regs.set(Reg.rip, agent.ret);
      regs.set(Reg.orig_rax, agent.nr);
      tracer.setRegs(task.tid);
      this.keepExit(task);
      this.recordGiven(task);
      recordSyscall(session, task);
      deliverFirst(session, task, signo, siginfo, 'syscall-exit');
      return;
    }
    hold(session, task, signo, siginfo);
    space.setHalt(this.agent, Halt.Signal);
    if (rip >= symbols.agent_window && rip <= symbols.agent_insn) {
      regs.set(Reg.rip, symbols.agent_aborted);
      tracer.setRegs(task.tid);
    } else if (rip >= symbols.agent_tail && rip < symbols.agent_tail_end) {
      this.stepOut(task, space);
      return;
    }
    tracer.resume(task.tid, Resume.Cont, 0);
  }

  /** Whether the agent may be in the call that changes what `signo` does. Its block has been looked at. */
  private isChanging(task: Task, signo: number): boolean {
    const { agent } = this;
    // A stop that waits while SIGCONT is sent would come after it, and last for ever.
    if (agent.nr !== Sys.rt_sigaction || signo === Signal.SIGSTOP) return false;
    const first = agent.savedWords(task.space.agent!.memory)[SAVED_REGS.indexOf(Reg.rdi)]!;
    return Number(first & 0xffffffffn) === signo;
  }

  /** The agent is done, and its last instructions do not look for signals any more. */
  private stepOut(task: Task, space: AgentSpace): void {
    const { agent, session } = this;
    const { regs, tracer } = session;
    const mask = maskWithTrap(tracer, task.tid);
    for (let step = 0; agent.contains(regs.address(Reg.rip)); step++) {
      if (step > MAX_TAIL_STEPS) throw new Error(`task ${task.uid} does not leave the agent`);
      if (this.popsFlags(task)) continue;
      if (!tracer.resume(task.tid, Resume.Step, 0)) return;
      const kind = tracer.waitFor(task.tid);
      if (kind !== EventKind.Signal || tracer.event[2] !== Signal.SIGTRAP) {
        session.stops.handle(task, kind);
        return;
      }
    }
    if (mask !== undefined) tracer.setSigmask(task.tid, mask);
    const halves = regs.halves.slice();
    agent.look(task.space.agent!.memory);
    this.ring.drainLooked(task, space);
    regs.halves.set(halves);
    this.keepExit(task);
    if (mayDeliverHeld(session, task)) this.deliverHeld(task);
    else session.resumeUser(task);
  }

  /**
   * Does what a popfq does at which the task is stopped. Stepped over, it would leave the kernel with the belief that the
   * program itself has set the flag that makes steps: it would be seen in signal frames, and trap later.
   */
  private popsFlags(task: Task): boolean {
    const { regs, tracer } = this.session;
    const rip = regs.address(Reg.rip);
    const code = new Uint8Array(1);
    if (tracer.readMemory(task.tid, rip, code, 0, 1) !== 1 || code[0] !== POPFQ) return false;
    const rsp = regs.address(Reg.rsp);
    regs.set(Reg.eflags, this.session.readWord(task, rsp));
    regs.set(Reg.rsp, rsp + 8);
    regs.set(Reg.rip, rip + 1);
    tracer.setRegs(task.tid);
    return true;
  }

  /** The agent met a pointer to nowhere: a call of the program's that the kernel refuses, or will. */
  private fault(task: Task): void {
    const { agent, session } = this;
    const { regs, tracer } = session;
    const space = task.space.agent!;
    agent.look(task.space.agent!.memory);
    this.ring.drainLooked(task, space);
    this.loadSaved(task);
    if (!agent.isMade) {
      tracer.setRegs(task.tid);
      this.forward(task, agent.ret);
      return;
    }
    // It would be recorded once more at the end of a task that makes no other call here.
    agent.endCall(space.memory);
    const { result } = agent;
    regs.set(Reg.rax, Number(result));
    this.atExit(task, agent.ret);
    this.taken(task);
  }

  /** Loads the registers the program had when it entered the agent; rip and orig_rax are for the caller to set. */
  private loadSaved(task: Task): void {
    const { agent, session } = this;
    const { regs, tracer } = session;
    agent.reports.endOpening(task.space.agent!.memory);
    tracer.getRegs(task.tid);
    const words = agent.savedWords(task.space.agent!.memory);
    SAVED_REGS.forEach((reg, index) => {
      setWord(regs.halves, reg, words[index]!);
    });
    setWord(regs.halves, Reg.r11, words[SAVED_REGS.indexOf(Reg.eflags)]!);
    setWord(regs.halves, Reg.rsp, agent.rsp);
  }

  /**
   * An interrupted task inside the agent: takes it out so that it stands before its call, or lets it finish. False if it
   * is in user code: its code is as it was then, so that a replay can find the place.
   */
  onInterrupt(task: Task, space: AgentSpace): boolean {
    const { agent, session } = this;
    const { regs, tracer } = session;
    const { symbols } = agent;
    const rip = regs.address(Reg.rip);
    if (isDispatchPending(task.tid)) {
      tracer.resume(task.tid, Resume.Cont, 0);
      return true;
    }
    if (!agent.contains(rip) && !space.leadsInside(rip)) {
      this.ring.drain(task);
      this.patcher.undo(task.tid, space);
      tracer.getRegs(task.tid);
      return false;
    }
    if (rip === symbols.agent_insn + 2 && isRestart(Number(regs.get(Reg.rax)))) {
      // The kernel would make the call again, inside. It is made again from outside, by the traced path if need be.
      agent.look(task.space.agent!.memory);
      this.ring.drainLooked(task, space);
      this.standBefore(task);
      if (storesAlways(agent.nr)) this.recordInterrupted(task);
      if (space.halt === Halt.None) space.setHalt(agent, Halt.Off);
    } else if (
      rip >= symbols.agent_window &&
      rip <= symbols.agent_insn &&
      space.halt !== Halt.None
    ) {
      regs.set(Reg.rip, symbols.agent_aborted);
      tracer.setRegs(task.tid);
    }
    tracer.resume(task.tid, Resume.Cont, 0);
    return true;
  }

  /** A task that runs with the agent is at its exit event: takes what it has recorded, and the call that it was killed in if that has ended. */
  onExit(task: Task, space: AgentSpace): void {
    const { agent, session } = this;
    const { regs, tracer } = session;
    if (space.user !== task) return;
    agent.look(space.memory);
    this.ring.drainLooked(task, space);
    if (!tracer.getRegs(task.tid)) return;
    const rip = regs.address(Reg.rip);
    if (!agent.contains(rip)) return;
    const { agent_called, agent_insn } = agent.symbols;
    const isReturning = rip > agent_insn && rip < agent_called;
    const result = isReturning ? Number(regs.get(Reg.rax)) : Number(agent.result);
    const isMade = isReturning ? result !== -Errno.ENOSYS && !isRestart(result) : agent.isMade;
    // What the tracer has more to do about than to write it down is of no use any more.
    if (!isMade || exitHooks[agent.nr] !== undefined) return;
    this.loadSaved(task);
    regs.set(Reg.rax, result);
    this.keepExit(task);
    recordInputs(session, task, syscallTable[task.nr]!);
    recordSyscall(session, task);
  }

  /** Puts a task that is in the agent's call back before the program's own. */
  private standBefore(task: Task): void {
    const { agent, session } = this;
    this.loadSaved(task);
    session.regs.set(Reg.rip, agent.ret - 2);
    session.regs.set(Reg.orig_rax, -1);
    session.tracer.setRegs(task.tid);
  }

  /**
   * A task stands before its call again, and the kernel has stored something all the same: whoever looks at its memory
   * before the call's end, as a bookmark does, finds that.
   */
  private recordInterrupted(task: Task): void {
    const { agent, session } = this;
    const { regs, tracer } = session;
    regs.set(Reg.rcx, agent.ret);
    tracer.setRegs(task.tid);
    this.keepExit(task);
    task.result = ERESTARTNOHAND;
    this.recordGiven(task);
    recordSyscall(session, task);
  }

  /** Writes what an interrupted call was given, where the kernel may have stored something by now. The block has been looked at. */
  private recordGiven(task: Task): void {
    const { agent, session } = this;
    const changed = agent.putBack(task.tid, task.space.agent!.memory);
    recordInputs(session, task, syscallTable[task.nr]!);
    for (const { addr, bytes } of changed)
      session.tracer.writeMemory(task.tid, addr, bytes, 0, bytes.length);
  }

  /**
   * For a task that is about to be let go: gives it the registers of the program alone. undefined if it stands where that
   * cannot be done: it has been sent on to where it can. Else whether the signal it is stopped for is taken care of.
   */
  settle(task: Task, kind: EventKind, signo: number): { readonly swallow: boolean } | undefined {
    const { agent, session } = this;
    const { regs, tracer } = session;
    const { symbols } = agent;
    const { tid } = task;
    const space = task.space.agent!;
    if (!tracer.getRegs(tid)) return { swallow: false };
    const rip = regs.address(Reg.rip);
    const siginfo = kind === EventKind.Signal ? tracer.getSiginfo(tid) : undefined;
    if (signo === Signal.SIGSYS && siginfo !== undefined && isDispatch(siginfo)) {
      noteForced(task);
      if (agent.isInVdso(rip)) {
        this.failClock(task);
        return undefined;
      }
      // The log could not be written when the tracer had made this the end of the program's call.
      if (rip !== callAddress(siginfo)) return { swallow: true };
      agent.look(space.memory);
      const made = rip === symbols.agent_take_end || rip === symbols.agent_exit_end;
      const site = rip === symbols.agent_forward_end ? agent.ret : rip;
      regs.set(Reg.rip, made ? agent.ret : site - 2);
      if (made) regs.set(Reg.rcx, agent.ret);
      regs.set(Reg.orig_rax, -1);
      tracer.setRegs(tid);
      return { swallow: true };
    }
    if (siginfo === undefined && isDispatchPending(tid)) {
      tracer.resume(tid, Resume.Cont, 0);
      return undefined;
    }
    if (this.isAtTrap()) {
      agent.look(space.memory);
      regs.set(Reg.rip, rip === symbols.agent_trap_left ? agent.ret - SITE_BYTES : agent.ret);
      regs.set(Reg.orig_rax, -1);
      tracer.setRegs(tid);
      return { swallow: true };
    }
    if (rip === symbols.agent_pass) {
      regs.set(Reg.rip, task.passes - SITE_BYTES);
      regs.set(Reg.orig_rax, -1);
      tracer.setRegs(tid);
      return { swallow: false };
    }
    if (!agent.contains(rip) && !space.leadsInside(rip)) return { swallow: false };
    if (siginfo !== undefined) task.held.push({ signo, siginfo, isPatient: false });
    const swallow = siginfo !== undefined;
    if (rip === symbols.agent_insn + 2 && isRestart(Number(regs.get(Reg.rax)))) {
      agent.look(space.memory);
      // The log ends before this call, and so is the memory.
      agent.putBack(tid, space.memory);
      this.standBefore(task);
      return { swallow };
    }
    if (rip >= symbols.agent_window && rip <= symbols.agent_insn) {
      regs.set(Reg.rip, symbols.agent_aborted);
      tracer.setRegs(tid);
    }
    space.setHalt(this.agent, Halt.Signal);
    tracer.resume(tid, Resume.Cont, 0);
    return undefined;
  }
}

/** For a SIGSYS: the address after the `syscall` instruction that it is for. */
function callAddress(siginfo: Uint8Array): number {
  const view = new DataView(siginfo.buffer, siginfo.byteOffset);
  return Number(view.getBigUint64(CALL_ADDRESS, true));
}

/**
 * True if dispatch has stopped a task in a call whose SIGSYS is still to come: another stop has come first, at which the
 * registers are neither those before the call nor those after it.
 */
function isDispatchPending(tid: number): boolean {
  const status = readTaskFile(tid, 'status') ?? '';
  const pending = /^SigPnd:\t([0-9a-f]+)/m.exec(status)?.[1] ?? '0';
  return ((BigInt(`0x${pending}`) >> BigInt(Signal.SIGSYS - 1)) & 1n) === 1n;
}

/** True if dispatch has raised the SIGSYS that a siginfo is about. */
function isDispatch(siginfo: Uint8Array): boolean {
  const view = new DataView(siginfo.buffer, siginfo.byteOffset);
  return view.getInt32(8, true) === SYS_USER_DISPATCH;
}

/** True for calls that store something also where they are interrupted: poll has cleared all `revents` by then. */
const storesAlways = (nr: number): boolean =>
  syscallTable[nr]!.args.some(({ type }) => 'when' in type && type.when === 'always');

function setWord(halves: Uint32Array, reg: Reg, word: bigint): void {
  halves[reg * 2] = Number(word & 0xffffffffn);
  halves[reg * 2 + 1] = Number(word >> 32n);
}
