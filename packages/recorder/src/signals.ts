import { existsSync } from 'node:fs';
import {
  ERESTARTNOHAND,
  EventKind,
  Reg,
  REMOTE_SCRATCH,
  REMOTE_SYSCALL,
  Resume,
  Signal,
  Sys,
} from '@scribe-ts/core-native';
import type { MemoryWrite, SignalAction, SignalPoint } from '@scribe-ts/tracelog';
import { isUndone } from './carrier.js';
import { NO_WRITES, type Session } from './session.js';
import { type HeldSignal, type Task, TaskState } from './tasks.js';
import { answerTrap } from './traps.js';
import {
  block,
  blockRepeated,
  blockSecond,
  chainHere,
  holdsPatient,
  isTooEarly,
  mayRepeat,
  noteHandler,
  unblock,
} from './timer-signals.js';
import { waitingSignals } from './waiting-signals.js';

export enum DefaultAction {
  Terminate,
  Ignore,
  Stop,
}

/** What a signal does to a process that left it at its default (signal(7)). */
export function defaultAction(signo: number): DefaultAction {
  switch (signo) {
    case Signal.SIGCHLD:
    case Signal.SIGCONT:
    case Signal.SIGURG:
    case Signal.SIGWINCH:
      return DefaultAction.Ignore;
    case Signal.SIGSTOP:
    case Signal.SIGTSTP:
    case Signal.SIGTTIN:
    case Signal.SIGTTOU:
      return DefaultAction.Stop;
    default:
      return DefaultAction.Terminate;
  }
}

const NO_BYTES = new Uint8Array(0);
const FIRST_REALTIME = 32;
const SA_RESETHAND = 0x80000000;
/** Bytes below rsp that the ABI lets a function use without moving rsp; the kernel leaves them alone. */
const RED_ZONE = 128;

/** True for a signal that the task's own instruction caused (si_code > 0 and a fault signal). */
export function isSynchronous(signo: number, siginfo: Uint8Array): boolean {
  const code = new DataView(siginfo.buffer, siginfo.byteOffset).getInt32(8, true);
  if (code <= 0) return false;
  switch (signo) {
    case Signal.SIGSEGV:
    case Signal.SIGBUS:
    case Signal.SIGFPE:
    case Signal.SIGILL:
    case Signal.SIGTRAP:
      return true;
    default:
      return false;
  }
}

/** What a signal does to a task. */
export function actionOf(task: Task, signo: number): SignalAction {
  if (signo === Signal.SIGKILL) return 'terminate';
  if (signo === Signal.SIGSTOP) return 'stop';
  const handler = task.handlers.handler[signo]!;
  if (handler > 1) return 'handler';
  if (handler === 1) return signo === Signal.SIGCONT ? 'continue' : 'ignored';
  switch (defaultAction(signo)) {
    case DefaultAction.Ignore:
      return signo === Signal.SIGCONT ? 'continue' : 'ignored';
    case DefaultAction.Stop:
      return 'stop';
    case DefaultAction.Terminate:
      return 'terminate';
  }
}

/** Calls that fail with EINTR whenever something wakes the task, also if no handler runs (signal(7)). */
const INTERRUPTED_BY_ALL: ReadonlySet<number> = new Set([
  Sys.read,
  Sys.connect,
  Sys.accept,
  Sys.sendto,
  Sys.recvfrom,
  Sys.sendmsg,
  Sys.recvmsg,
  Sys.semop,
  Sys.msgsnd,
  Sys.msgrcv,
  Sys.rt_sigtimedwait,
  Sys.futex,
  Sys.io_getevents,
  Sys.semtimedop,
  Sys.epoll_wait,
  Sys.epoll_pwait,
  Sys.accept4,
  Sys.recvmmsg,
  Sys.sendmmsg,
  Sys.io_pgetevents,
  Sys.epoll_pwait2,
]);

/** True if a task's call has failed with EINTR, but no signal waits that the program would notice. */
export function isInterruptedInVain(task: Task): boolean {
  if (!INTERRUPTED_BY_ALL.has(task.nr) || !existsSync(`/proc/${task.tid}`)) return false;
  return waitingSignals(task).every((signo) => {
    const action = actionOf(task, signo);
    return action !== 'handler' && action !== 'terminate';
  });
}

/**
 * Has the call that fails with EINTR made again if only being traced made it fail: a tracee is woken by the tracer, and
 * by signals that it ignores.
 */
export function hideInterruption(session: Session, task: Task): void {
  if (!isInterruptedInVain(task)) return;
  const { regs, tracer } = session;
  tracer.getRegs(task.tid);
  regs.set(Reg.rax, task.nr);
  regs.set(Reg.rip, regs.address(Reg.rip) - 2);
  regs.set(Reg.orig_rax, -1);
  tracer.setRegs(task.tid);
  task.exitRegs.set(regs.halves);
  task.result = ERESTARTNOHAND;
}

/** Delivers the signal a task is stopped for, or one that has been held for longer. */
export function deliverFirst(
  session: Session,
  task: Task,
  signo: number,
  siginfo: Uint8Array,
  point: SignalPoint,
): void {
  const mustWait = task.returned !== undefined && holdsPatient(task);
  if (mustWait || !mayDeliverHeld(session, task)) {
    deliver(session, task, signo, siginfo, point);
    return;
  }
  task.held.push({ signo, siginfo, isPatient: false });
  const first = task.held.shift()!;
  session.tracer.setSiginfo(task.tid, first.siginfo);
  deliver(session, task, first.signo, first.siginfo, point);
}

/** A signal that waited for a sync point: the task sends it to itself, as only so it keeps what it tells. */
export function sendAgain(session: Session, tid: number, { signo, siginfo }: HeldSignal): void {
  const { tracer } = session;
  tracer.writeMemory(tid, REMOTE_SCRATCH, siginfo, 0, siginfo.length);
  // In a pid namespace it has other ids than here.
  const pid = tracer.remoteSyscall(tid, REMOTE_SYSCALL, Sys.getpid, []);
  const own = tracer.remoteSyscall(tid, REMOTE_SYSCALL, Sys.gettid, []);
  const args = [pid, own, signo, REMOTE_SCRATCH];
  tracer.remoteSyscall(tid, REMOTE_SYSCALL, Sys.rt_tgsigqueueinfo, args);
}

/** Gives held signals that the task blocks by now to the kernel, where sigpending, sigwait and sigsuspend find them. */
export function putBackBlocked(session: Session, task: Task): void {
  const mask = session.tracer.getSigmask(task.tid);
  const isBlocked = (signo: number): boolean =>
    ((mask[(signo - 1) >> 3]! >> ((signo - 1) & 7)) & 1) !== 0;
  if (!task.held.some(({ signo }) => isBlocked(signo))) return;
  for (const held of task.held.splice(0)) {
    if (!isBlocked(held.signo)) task.held.push(held);
    else if (!isUndone(task, held.signo)) sendAgain(session, task.tid, held);
  }
}

/** A signal-delivery-stop: deliver at a sync point, hold back anywhere else. */
export function onSignalStop(session: Session, task: Task, signo: number): void {
  const { tracer } = session;
  const isFault = signo === Signal.SIGSEGV && tracer.values[0]! > 0;
  if (isFault && task.space.agent !== undefined && session.agent!.stops.isAtTrap()) {
    session.agent!.stops.leaveTrap(task);
    return;
  }
  if (task.dispatching && session.agent!.stops.onSignal(task, task.space.agent!, signo)) return;
  unblock(session, task);
  // Also where the task stands at a sync point, as at the first instruction of a handler.
  if (isFault && answerTrap(session, task)) return;
  if (task.held.length > 0 && task.carrier === signo) {
    task.carrier = 0;
    if (session.isAtSyncPoint(task)) deliverHere(session, task);
    else {
      // It has got away from where the carrier was to stop it: the held signal waits for the next such place.
      session.baton.contended.add(task.domain);
      session.resumeUser(task);
    }
    return;
  }
  const siginfo = tracer.getSiginfo(task.tid);
  if (isTooEarly(session, task, signo, siginfo) && actionOf(task, signo) === 'handler') {
    hold(session, task, signo, siginfo);
    session.resumeUser(task);
    return;
  }
  if (session.isAtSyncPoint(task)) {
    deliverFirst(session, task, signo, siginfo, pointOf(task));
    return;
  }
  if (isSynchronous(signo, siginfo)) {
    deliver(session, task, signo, siginfo, 'fault');
    return;
  }
  const action = actionOf(task, signo);
  if (action !== 'handler') {
    // Nothing of the task's own state depends on where this happens.
    deliver(session, task, signo, siginfo, 'anywhere');
    return;
  }
  // A task with the agent comes to a sync point soon, or is stopped where it is when it does not.
  if (!task.dispatching && session.stops.preempt(task)) {
    deliver(session, task, signo, siginfo, pointOf(task));
    return;
  }
  hold(session, task, signo, siginfo);
  session.resumeUser(task);
}

/** Delivers the first held signal to a task that is at a sync point, in a signal-delivery-stop of a signal that is none. */
export function deliverHere(session: Session, task: Task): void {
  const { signo, siginfo } = task.held.shift()!;
  if (task.held.length > 0) session.baton.contended.add(task.domain);
  session.tracer.setSiginfo(task.tid, siginfo);
  deliver(session, task, signo, siginfo, pointOf(task));
}

/** Keeps a signal until the task's next sync point. */
export function hold(session: Session, task: Task, signo: number, siginfo: Uint8Array): void {
  // The kernel has let it through, so the task does not block it now, whatever it did when others were tried.
  task.heldBlocked = false;
  session.baton.contended.add(task.domain);
  blockSecond(session, task, signo, siginfo);
  // As the kernel does with one that is pending already.
  if (signo < FIRST_REALTIME && task.held.some((other) => other.signo === signo)) return;
  if (task.held.length === 0) task.heldSince = session.now;
  const isPatient = mayRepeat(task, signo, siginfo);
  task.held.push({ signo, siginfo, isPatient });
  if (isPatient) blockRepeated(session, task);
}

/** Keeps a signal, the only one, for a task that is to become a sync point in a moment. */
export function holdForPoint(
  session: Session,
  task: Task,
  signo: number,
  siginfo: Uint8Array,
): void {
  task.heldBlocked = false;
  task.heldSince = session.now;
  task.held.push({ signo, siginfo, isPatient: false });
  session.baton.contended.add(task.domain);
}

/** At the entry of a call that has been taken back: gives held signals to the kernel, for the call to find. */
export function giveBackForCall(session: Session, task: Task): void {
  const held = task.held.splice(0);
  block(
    session,
    task,
    held.map(({ signo }) => signo),
  );
  for (const signal of held) sendAgain(session, task.tid, signal);
  session.resumeUser(task);
}

/** True if a held signal is due that the task does not block now; that one is the first then. */
export function mayDeliverHeld(session: Session, task: Task): boolean {
  const { held } = task;
  if (held.length === 0 || task.carrier !== 0) return false;
  // A handler that has begun since may block what was let through when it came.
  const mask = task.ownMask ?? session.tracer.getSigmask(task.tid);
  const index = held.findIndex(
    ({ signo }) => (mask[(signo - 1) >> 3]! & (1 << ((signo - 1) & 7))) === 0,
  );
  if (index < 0) return false;
  held.unshift(...held.splice(index, 1));
  return true;
}

function pointOf(task: Task): SignalPoint {
  return task.atEntry ? 'syscall-entry' : 'syscall-exit';
}

function emitSignal(
  session: Session,
  task: Task,
  signo: number,
  siginfo: Uint8Array,
  point: SignalPoint,
  action: SignalAction,
  rip: number,
  regs: Uint8Array = NO_BYTES,
  writes: readonly MemoryWrite[] = NO_WRITES,
): void {
  const time = session.now;
  session.emit(task, {
    type: 'signal',
    task: task.uid,
    time,
    signo,
    point,
    action,
    siginfo,
    rip,
    regs,
    writes,
  });
}

/**
 * Writes the stops that have begun while the tracer had a task make calls: no signal-delivery-stop has told of them. The task
 * has the baton, or has ended.
 */
export function recordStops(session: Session, task: Task): void {
  const { regs, tracer } = session;
  let siginfo: Uint8Array | undefined;
  while ((siginfo = tracer.takeStop(task.tid)) !== undefined) {
    if (!session.config.verbosity.allSignals) continue;
    const rip = tracer.getRegs(task.tid) ? regs.address(Reg.rip) : 0;
    emitSignal(session, task, Signal.SIGSTOP, siginfo, 'anywhere', 'stop', rip);
  }
}

/** Lets the kernel deliver the signal the task is stopped for, and records what that did. */
export function deliver(
  session: Session,
  task: Task,
  signo: number,
  siginfo: Uint8Array,
  point: SignalPoint,
): void {
  const { tracer, regs } = session;
  const action = actionOf(task, signo);
  const rip = regs.address(Reg.rip);
  if (action !== 'handler') {
    if (action === 'terminate' && point !== 'anywhere') task.endsHere = true;
    if (action === 'terminate' || session.config.verbosity.allSignals) {
      emitSignal(session, task, signo, siginfo, point, action, rip);
    }
    // If it was to hit before a call, the next stop is that call's entry again: no signal waits there any more.
    task.state = TaskState.Running;
    // Behind a handler, see `resumeUser`.
    if (task.nr === Sys.rt_sigreturn) task.exitRegsValid &&= tracer.hasWaitingSignal(task.tid);
    // The kernel may take SIGSYS for one that is not ignored (agent/sigsys.ts).
    session.goOn(task, signo === Signal.SIGSYS && action === 'ignored' ? 0 : signo);
    return;
  }
  const stackPointer = regs.address(Reg.rsp);
  const interrupted = task.resting === undefined ? undefined : regs.save();
  const chain = chainHere(session, task);
  // The frame has the mask, for the handler's return.
  unblock(session, task);
  const handler = task.handlers.handler[signo]!;
  // One step delivers the signal and stops before the handler's first instruction.
  task.state = TaskState.Running;
  if (!tracer.resume(task.tid, Resume.Step, signo)) return;
  const kind = tracer.waitFor(task.tid, task.group.tasks.size === 1);
  if (
    kind !== EventKind.Signal ||
    tracer.event[2] !== Signal.SIGTRAP ||
    regs.address(Reg.rip) !== handler
  ) {
    if (
      kind === EventKind.Signal &&
      tracer.event[2] === Signal.SIGSEGV &&
      signo !== Signal.SIGSEGV
    ) {
      // The frame did not fit on the stack: the kernel gives up the signal and forces a SIGSEGV at this same point.
      deliver(session, task, Signal.SIGSEGV, tracer.getSiginfo(task.tid), point);
      return;
    }
    task.exitRegsValid = false;
    if (kind !== EventKind.Signal) {
      // Killed at this point: whether the frame is on the stack already is not known.
      session.stops.handle(task, kind);
      return;
    }
    // A blocked fault, or no room for SIGSEGV's own frame: the kernel ends the process.
    task.handlers.handler[signo] = 0;
    emitSignal(session, task, signo, siginfo, point, 'terminate', rip);
    task.endsHere = point !== 'anywhere';
    session.stops.handle(task, kind);
    return;
  }
  task.atEntry = false;
  // As a replay does: what XSAVE tells of the registers in use would depend on who had the CPU meanwhile.
  tracer.useXstate(task.tid);
  if ((task.handlers.flags[signo]! & SA_RESETHAND) !== 0) task.handlers.handler[signo] = 0;
  const frameStart = regs.address(Reg.rsp);
  noteHandler(task, signo, siginfo, frameStart, chain);
  const { start, size } = task.altStack;
  const onAltStack = frameStart >= start && frameStart < start + size;
  const cameFromAltStack = stackPointer > start && stackPointer <= start + size;
  const frameEnd = onAltStack && !cameFromAltStack ? start + size : stackPointer - RED_ZONE;
  const bytes = new Uint8Array(Math.max(0, frameEnd - frameStart));
  tracer.readMemory(task.tid, frameStart, bytes, 0, bytes.length);
  const writes: MemoryWrite[] = [{ addr: frameStart, bytes }];
  if (task.resting !== undefined && interrupted !== undefined)
    task.resting.frame ??= { start: frameStart, bytes, regs: interrupted };
  emitSignal(session, task, signo, siginfo, point, action, rip, tracer.regsBytes.slice(), writes);
  task.exitRegs.set(regs.halves);
  task.exitRegsValid = true;
  session.resumeUser(task);
}
