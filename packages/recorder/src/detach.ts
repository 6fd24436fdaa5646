import {
  ARGUMENT_REGS,
  ERESTART_RESTARTBLOCK,
  ERESTARTNOHAND,
  Errno,
  EventKind,
  freeInstructions,
  Madvise,
  mapReserved,
  PtraceEvent,
  Reg,
  REMOTE_SYSCALL,
  Resume,
  Signal,
  stateOf,
  Sys,
  unmapReserved,
  waitThrough,
} from '@scribe-ts/core-native';
import { copyBack, restoreArguments } from './moved-buffers.js';
import type { Session } from './session.js';
import { isInterruptedInVain, sendAgain } from './signals.js';
import { type Task, TaskState } from './tasks.js';
import { unblock } from './timer-signals.js';
import { isTrap } from './traps.js';
import { waitingSignals } from './waiting-signals.js';

/** How long the tasks that were interrupted have to come to their stops before the others are looked at, ms. */
const STOP_MS = 20;
/** How long tasks in a call that an interrupt would cut short have to end it, once the others run, ms. */
const LATEST_MS = 1000;
const PR_SET_DUMPABLE = 4;
const PTRACE_EVENT_STOP = 128;

/**
 * Ends the stream of every task here, calls `endLog`, and lets the program run on by itself, with all that recording put
 * in taken out. Returns when the last task is free, which a vfork parent is when its child goes on.
 */
export function detachAll(session: Session, endLog: () => void): void {
  try {
    session.agent?.ring.peek();
    for (const task of session.tasks.values()) {
      session.branches?.forget(task);
      if (task.state === TaskState.Dead || !task.started) continue;
      session.emit(task, { type: 'detach', task: task.uid, time: session.now });
    }
    endLog();
  } finally {
    session.muteLog();
    new Detacher(session).run();
    session.tasks.clear();
    session.stop();
  }
}

/** What a task has stopped for. `detail` as in `Tracer.event`: a PtraceEvent or a signal. */
interface Stop {
  readonly kind: EventKind;
  readonly detail: number;
}

/** Takes tasks in whatever stop they come to, frees them, and lets them go. */
class Detacher {
  /** Tasks that are still traced. */
  private readonly left = new Set<number>();
  private readonly freed = new Set<number>();
  /** Tasks in a stop whose space another one may be inside the agent of: that one has to come out first. */
  private readonly postponed = new Map<number, Stop>();

  constructor(private readonly session: Session) {}

  run(): void {
    const { session, left } = this;
    const { tracer } = session;
    for (const task of session.tasks.values()) {
      if (task.state !== TaskState.Dead) left.add(task.tid);
    }
    for (const tid of session.early.tids) left.add(tid);
    const spared = new Set<number>();
    for (const tid of left) {
      if (isTransferring(session.tasks.get(tid))) spared.add(tid);
      else tracer.interruptTask(tid);
    }
    if (!this.takeFor(STOP_MS)) return;
    this.releaseStopped();
    if (spared.size > 0 && !this.takeFor(LATEST_MS)) return;
    for (const tid of spared) if (left.has(tid)) tracer.interruptTask(tid);
    this.takeFor(-1);
  }

  /** Takes stops until there has been none for `quietMs`, -1: for ever. Returns false if no task is left. */
  private takeFor(quietMs: number): boolean {
    while (this.left.size > 0) {
      const kind = waitThrough(this.session.tracer, quietMs);
      if (kind === EventKind.NoTracees) return false;
      if (kind === EventKind.None) return true;
      this.take(kind);
    }
    return false;
  }

  private take(kind: EventKind): void {
    const { event } = this.session.tracer;
    const tid = event[0]!;
    if (kind === EventKind.Exited || kind === EventKind.Zombie) this.left.delete(tid);
    else this.release(tid, { kind, detail: event[2]! });
    this.releasePostponed();
  }

  private releasePostponed(): void {
    for (const [tid, stop] of this.postponed) {
      const isUnknown = !this.session.tasks.has(tid) && this.isAwaited();
      if (!isUnknown && !this.isKept(tid)) this.release(tid, stop);
    }
  }

  /** True if another task of its space is inside the agent, or may be: with its sites put back it would be lost. */
  private isKept(tid: number): boolean {
    const runner = this.session.tasks.get(tid)?.space.agent?.runner;
    return runner !== undefined && runner.tid !== tid && this.left.has(runner.tid);
  }

  /** Tasks that stood in a stop all the time: waiting for their turn, or for something that has failed. */
  private releaseStopped(): void {
    const { tracer } = this.session;
    const stopped = new Set([...this.left].filter(isStopped));
    // Those that have come to a stop just now have an event waiting, which must be taken first. They may go on to another.
    for (;;) {
      const kind = waitThrough(tracer, 0);
      if (kind === EventKind.None) break;
      if (kind === EventKind.NoTracees) return;
      stopped.delete(tracer.event[0]!);
      this.take(kind);
    }
    for (const tid of stopped) {
      if (!this.left.has(tid)) continue;
      const stop = stopOf(this.session, tid);
      if (stop !== undefined) this.release(tid, stop);
    }
    // Nothing may happen any more: the one that they were kept for may have stood in its stop as they did.
    this.releasePostponed();
  }

  /** Frees a task in a stop, or sends it on towards one in which it can be freed. */
  private release(tid: number, stop: Stop): void {
    const { session } = this;
    const { tracer } = session;
    this.postponed.delete(tid);
    if (stop.kind === EventKind.Event) {
      switch (stop.detail) {
        case PtraceEvent.Vfork:
          this.expect(tid, tracer.values[0]!);
          // It sleeps now until its child goes on.
          tracer.resume(tid, Resume.Syscall, 0);
          return;
        case PtraceEvent.Fork:
        case PtraceEvent.Clone:
          this.expect(tid, tracer.values[0]!);
          break;
        case PtraceEvent.Exec:
          this.rebind(tid, tracer.values[0]!);
          break;
      }
    }
    const task = session.tasks.get(tid);
    if (task?.execed === true) {
      task.execed = false;
      task.moved = undefined;
      task.renew(session.newSpace());
    }
    if (task !== undefined && task.carrier !== 0 && stop.kind !== EventKind.Signal) {
      // A held signal is under way to the task: take it where it arrives.
      tracer.resume(tid, Resume.Cont, 0);
      return;
    }
    if (task !== undefined && stop.kind === EventKind.InterruptStop && hasTrapped(task)) {
      // The stop has come between a trap and its signal, which would end the program: take that where it arrives.
      tracer.resume(tid, Resume.Cont, 0);
      return;
    }
    if (this.isKept(tid) || (task === undefined && this.isAwaited())) {
      // What a stop for a new task or program tells has been heard.
      const isHeard = stop.kind === EventKind.Event && stop.detail !== PtraceEvent.Exit;
      this.postponed.set(tid, isHeard ? { kind: stop.kind, detail: 0 } : stop);
      return;
    }
    let { kind } = stop;
    if (task?.isCounting === true && session.stops.endCount(task, kind))
      kind = EventKind.InterruptStop;
    if (task?.space.agent !== undefined && (task.dispatching || this.isAtTrap(tid, kind))) {
      const settled = session.agent!.stops.settle(task, kind, stop.detail);
      if (settled === undefined) return;
      if (settled.swallow) kind = EventKind.InterruptStop;
    }
    this.left.delete(tid);
    this.freed.add(tid);
    let signal = 0;
    if (!(stop.kind === EventKind.Event && stop.detail === PtraceEvent.Exit)) {
      try {
        if (kind === EventKind.Signal) signal = this.signalFor(tid, task, stop.detail);
        else if (kind !== EventKind.Event) this.settle(tid, task);
        this.free(tid, task);
      } catch {
        // Killed meanwhile, or in a state we do not know: better let go half free than kept.
      }
    }
    tracer.detach(tid, signal);
  }

  /** True for one that stands where a patched instruction has led it, with dispatch or without. */
  private isAtTrap(tid: number, kind: EventKind): boolean {
    const { agent, tracer } = this.session;
    return kind === EventKind.Signal && tracer.getRegs(tid) && agent?.stops.isAtTrap() === true;
  }

  /** `parent` tells of a task that it has made, which may have met us already: what the agent has put in its memory is known now. */
  private expect(parent: number, tid: number): void {
    const { early, tasks } = this.session;
    if (tid <= 0 || this.freed.has(tid)) return;
    this.left.add(tid);
    if (!tasks.has(tid)) tasks.get(parent)?.onSpawn?.(tid);
    if (early.take(tid) !== undefined)
      this.postponed.set(tid, { kind: EventKind.InterruptStop, detail: 0 });
  }

  /** Somebody may still tell of a task that he has made. */
  private isAwaited(): boolean {
    for (const tid of this.left) {
      const task = this.session.tasks.get(tid);
      if (task?.onSpawn !== undefined && !task.hasSpawned) return true;
    }
    return false;
  }

  /** A task has executed a program, and has the id of its group's leader from then on. */
  private rebind(tid: number, formerTid: number): void {
    const { tasks } = this.session;
    let task = tasks.get(tid);
    if (formerTid !== tid && formerTid > 0) {
      this.left.delete(formerTid);
      task = tasks.get(formerTid);
      tasks.delete(formerTid);
      tasks.delete(tid);
      if (task !== undefined) {
        task.tid = tid;
        tasks.set(tid, task);
      }
    }
    if (task !== undefined) task.execed = true;
  }

  /** The signal with which a task goes on from a signal-delivery-stop. */
  private signalFor(tid: number, task: Task | undefined, signo: number): number {
    const { tracer } = this.session;
    const held = task?.held[0];
    if (held !== undefined && task!.carrier === signo) {
      task!.held.shift();
      tracer.setSiginfo(tid, held.siginfo);
      return held.signo;
    }
    // The instruction is made again, and does not trap any more.
    return signo === Signal.SIGSEGV && isTrap(this.session, tid) ? 0 : signo;
  }

  /** Gives a task at the entry or the end of a call the registers with which it goes on. */
  private settle(tid: number, task: Task | undefined): void {
    const { tracer, regs } = this.session;
    if (!tracer.getRegs(tid)) return;
    if (task?.moved !== undefined) this.settleMoved(task);
    const result = regs.get(Reg.rax);
    const nr = regs.int(Reg.orig_rax);
    if (nr >= 0) {
      // At its entry, or interrupted by us: to be made again.
      const again =
        result === -Errno.ENOSYS ||
        (result === -Errno.EINTR && task !== undefined && isInterruptedInVain(task));
      if (again) this.makeAgain(nr);
      else if (nr === Sys.madvise && task?.args[2] === Madvise.FREE)
        regs.set(Reg.rdx, Madvise.FREE);
      else return;
    } else if (task?.cancelled === true) this.makeAgain(task.nr);
    else if (task?.onExit !== undefined && task.answered !== undefined) {
      regs.set(Reg.rax, task.answered);
    } else return;
    tracer.setRegs(tid);
  }

  /** The buffers of its call go back to where the program has them. */
  private settleMoved(task: Task): void {
    const { session } = this;
    const { tracer, regs } = session;
    const { nr } = task.moved!;
    const elapsedNs = session.now - task.enteredAt;
    const result = regs.get(Reg.rax);
    restoreArguments(session, task);
    if (result === -Errno.ENOSYS) {
      task.moved = undefined;
      return;
    }
    task.result = result;
    copyBack(session, task);
    tracer.getRegs(task.tid);
    if (result !== ERESTART_RESTARTBLOCK) return;
    // The kernel would go on with the scratch memory: the call is made anew, for the time that is left.
    const args = task.nr === Sys.restart_syscall ? task.restartArgs : task.args;
    for (let i = 0; i < 6; i++) regs.set(ARGUMENT_REGS[i]!, args[i]!);
    regs.set(Reg.rax, ERESTARTNOHAND);
    regs.set(Reg.orig_rax, nr);
    if (nr === Sys.poll) {
      const timeoutMs = Number(args[2]) | 0;
      if (timeoutMs > 0) regs.set(Reg.rdx, Math.max(0, timeoutMs - Math.round(elapsedNs / 1e6)));
    } else if (nr === Sys.nanosleep) regs.set(Reg.rdi, args[1]!);
    else if (nr === Sys.clock_nanosleep) regs.set(Reg.rdx, args[3]!);
    tracer.setRegs(task.tid);
  }

  private makeAgain(nr: number): void {
    const { regs } = this.session;
    regs.set(Reg.rax, nr);
    regs.set(Reg.rip, regs.address(Reg.rip) - 2);
    regs.set(Reg.orig_rax, -1);
  }

  private free(tid: number, task: Task | undefined): void {
    const { session } = this;
    const { tracer } = session;
    const code = new Uint8Array(2);
    tracer.readMemory(tid, REMOTE_SYSCALL, code, 0, 2);
    if (code[0] !== 0x0f || code[1] !== 0x05) {
      // A program that has just been executed.
      tracer.getRegs(tid);
      mapReserved(tracer, tid, session.regs.address(Reg.rip));
    }
    const last = task !== undefined && !this.sharesSpace(task);
    if (task !== undefined) session.agent?.leave(task, last);
    freeInstructions(tracer, tid);
    session.trapSites?.restore(tracer, tid);
    tracer.getRegs(tid);
    session.stateSaves.restore(tracer, tid, session.regs.address(Reg.rip), last);
    if (task !== undefined && task.stopsAt.length > 0) tracer.setBreakpoint(tid, 0);
    session.cpus.release(tid);
    if (task !== undefined) unblock(session, task);
    for (const held of task?.held.splice(0) ?? []) sendAgain(session, tid, held);
    if (!last) return;
    if (task.space.dumpable === 0)
      tracer.remoteSyscall(tid, REMOTE_SYSCALL, Sys.prctl, [PR_SET_DUMPABLE, 0, 0, 0, 0]);
    unmapReserved(tracer, tid);
  }

  /** True if others that are still traced, or may be, live in the task's memory: they need the page for remote calls. */
  private sharesSpace(task: Task): boolean {
    for (const tid of this.left) {
      const other = this.session.tasks.get(tid);
      if (other === undefined || other.space === task.space) return true;
    }
    return false;
  }
}

/** Calls that come back with less done than was asked for if they are interrupted, which few programs expect without a signal. */
const TRANSFERS: ReadonlySet<number> = new Set([
  ...[Sys.write, Sys.writev, Sys.pwrite64, Sys.pwritev, Sys.pwritev2],
  ...[Sys.sendto, Sys.sendmsg, Sys.sendmmsg, Sys.sendfile, Sys.splice, Sys.vmsplice],
  ...[Sys.copy_file_range, Sys.getrandom],
]);

function isTransferring(task: Task | undefined): boolean {
  return task?.state === TaskState.InKernel && TRANSFERS.has(task.nr);
}

/** True if an instruction of the task's may have trapped, and it has not stopped for the signal yet. */
function hasTrapped(task: Task): boolean {
  return waitingSignals(task).includes(Signal.SIGSEGV);
}

/** True if the task is in a ptrace-stop. */
function isStopped(tid: number): boolean {
  return stateOf(tid) === 't';
}

/** The stop that a task is in, as its siginfo tells; undefined if it is gone. */
function stopOf({ tracer }: Session, tid: number): Stop | undefined {
  let siginfo: Uint8Array;
  try {
    siginfo = tracer.getSiginfo(tid);
  } catch {
    return undefined;
  }
  const view = new DataView(siginfo.buffer, siginfo.byteOffset);
  const signo = view.getInt32(0, true);
  const code = view.getInt32(8, true);
  const event = code >> 8;
  if (event === PTRACE_EVENT_STOP) return { kind: EventKind.InterruptStop, detail: signo };
  if (event > 0) {
    // Its message has been taken, and the new task is known.
    tracer.values[0] = 0;
    return { kind: EventKind.Event, detail: event };
  }
  if (signo === Signal.SIGTRAP) {
    // The end of a step on the way into a signal handler is no signal either.
    return { kind: EventKind.Syscall, detail: 0 };
  }
  return { kind: EventKind.Signal, detail: signo };
}
