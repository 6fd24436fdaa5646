import { processCpuNs, readTaskFile, Reg, Sys } from '@scribe-ts/core-native';
import type { Session } from './session.js';
import type { HeldSignal, Task } from './tasks.js';

// A handler and the way into it and back take longer in a recording than alone. Where that is longer than the interval of
// a timer, its next signal waits whenever the handler returns: delivered there, it would keep the program where it is for
// ever. So the task blocks such a signal, without the program's knowing, up to its next call, or until it has computed for
// a while. It is pending in the kernel meanwhile, where the call finds it that asks for it, changes what it does, or would
// be interrupted by it.

/** si_code of the signals of setitimer and alarm, and of POSIX timers. */
const SI_KERNEL = 0x80;
const SI_TIMER = -2;
/** So much CPU time after a handler's return the interrupted code has got on; stops take some of it, ns. */
const PROGRESS_NS = 500_000;
/** More handlers than this are not under way at once: those that were left by a jump are forgotten. */
const MAX_FRAMES = 32;
const WORD = 8;
const NONE: ReadonlySet<number> = new Set();

/** A handler that is under way. */
export interface HandlerFrame {
  /** Its signal, if that is of a timer; else 0. */
  readonly signo: number;
  /** Signals of timers whose handlers have run where it was begun, one after the other, with nothing in between. */
  readonly chain: ReadonlySet<number>;
}

/** What has run where the task is now: the same, with the handler that has just returned. */
export interface Returned {
  readonly chain: ReadonlySet<number>;
  /** CPU time of the task then, ns. */
  readonly cpuNs: number;
}

/** Calls that the kernel does not begin while a signal is pending: it would be made again and again. */
const FORKS: ReadonlySet<number> = new Set([Sys.fork, Sys.vfork, Sys.clone, Sys.clone3]);

function isOfTimer(siginfo: Uint8Array): boolean {
  const view = new DataView(siginfo.buffer, siginfo.byteOffset, siginfo.byteLength);
  const code = view.getInt32(8, true);
  return code === SI_KERNEL || code === SI_TIMER;
}

/**
 * CPU time that a task has had, ns, as of its last stop or the last tick of the clock; NaN if it is gone. To be compared with
 * what it was when the process had as many threads.
 */
export function cpuTimeOf(task: Task): number {
  // A twentieth of what opening a file in /proc takes.
  if (task.group.tasks.size === 1) return processCpuNs(task.group.tgid);
  return Number.parseInt(readTaskFile(task.tid, 'schedstat') ?? '', 10);
}

/** The handlers of timers' signals that have run where a task is about to get a signal, whose registers are loaded. */
export function chainHere(session: Session, task: Task): ReadonlySet<number> {
  return standsStill(session, task) ? task.returned!.chain : NONE;
}

/** A handler has been begun, its signal frame at `frame`. `chain`: what `chainHere` has told before that. */
export function noteHandler(
  task: Task,
  signo: number,
  siginfo: Uint8Array,
  frame: number,
  chain: ReadonlySet<number>,
): void {
  task.returned = undefined;
  const ofTimer = isOfTimer(siginfo);
  if (!ofTimer && chain.size === 0) return;
  const { handlerFrames } = task;
  if (handlerFrames.size >= MAX_FRAMES) handlerFrames.clear();
  handlerFrames.set(frame, { signo: ofTimer ? signo : 0, chain });
}

/** A task is about to make a call, which may be the rt_sigreturn of a handler. */
export function noteCall(task: Task): void {
  task.returned = undefined;
  if (task.nr !== Sys.rt_sigreturn) return;
  const { exitRegs, handlerFrames } = task;
  // The handler has taken its return address off.
  const frame = exitRegs[Reg.rsp * 2]! + exitRegs[Reg.rsp * 2 + 1]! * 2 ** 32 - WORD;
  const begun = handlerFrames.get(frame);
  if (begun === undefined) return;
  handlerFrames.delete(frame);
  const { chain: before, signo } = begun;
  const chain = signo === 0 || before.has(signo) ? before : new Set(before).add(signo);
  task.returned = { chain, cpuNs: cpuTimeOf(task) };
}

/** True if the task whose registers are loaded has run nothing since a handler returned. */
function standsStill(session: Session, task: Task): boolean {
  const { returned } = task;
  if (returned === undefined || !session.regs.equals(task.exitRegs)) return false;
  // It may have come round in a loop.
  return !(cpuTimeOf(task) - returned.cpuNs > PROGRESS_NS);
}

/** True for a timer's signal whose handler has returned, and the tracer has seen no call since. */
export function mayRepeat(task: Task, signo: number, siginfo: Uint8Array): boolean {
  // Another thread would be given what is sent to the process, and be interrupted.
  return (
    task.returned?.chain.has(signo) === true && isOfTimer(siginfo) && task.group.tasks.size === 1
  );
}

/** True if a signal has come where its handler has just returned. */
export function isTooEarly(
  session: Session,
  task: Task,
  signo: number,
  siginfo: Uint8Array,
): boolean {
  return mayRepeat(task, signo, siginfo) && standsStill(session, task);
}

/** True if what a task gets when it has run for long enough is all that anybody waits for, and it has not. */
export function mustGetOn(task: Task): boolean {
  const { returned } = task;
  if (returned === undefined || !(isBlocking(task) || task.held.every(isPatient))) return false;
  return cpuTimeOf(task) - returned.cpuNs < PROGRESS_NS;
}

const isPatient = (held: HeldSignal): boolean => held.isPatient;

/** True if a task holds signals, all of which are to come when its next call has begun, and not before. */
export function holdsPatient(task: Task): boolean {
  return task.held.length > 0 && task.held.every(isPatient);
}

/** True if a task blocks signals without its program's knowing. */
export function isBlocking(task: Task): boolean {
  return task.ownMask !== undefined;
}

/** Has a stopped task block the signals of timers whose handlers have run where it is, if there are any. */
export function blockRepeated(session: Session, task: Task): void {
  const { returned } = task;
  if (returned === undefined || returned.chain.size === 0 || task.group.tasks.size > 1) return;
  block(session, task, returned.chain);
}

/**
 * A timer's signal is to be held. Where one is held already, the task may be stopped for the next whenever it is let go:
 * it blocks them, to come to its next call at all.
 */
export function blockSecond(
  session: Session,
  task: Task,
  signo: number,
  siginfo: Uint8Array,
): void {
  if (!isOfTimer(siginfo) || task.group.tasks.size > 1) return;
  if (task.held.some((held) => held.signo === signo)) block(session, task, [signo]);
}

/** Has a stopped task block these signals up to its next call. */
export function block(session: Session, task: Task, signals: Iterable<number>): void {
  const { tracer } = session;
  const mask = tracer.getSigmask(task.tid);
  if (task.ownMask === undefined) {
    task.ownMask = mask.slice();
    if (task.held.length === 0) task.heldSince = session.now;
  }
  for (const signo of signals) mask[(signo - 1) >> 3]! |= 1 << ((signo - 1) & 7);
  tracer.setSigmask(task.tid, mask);
  session.baton.contended.add(task.domain);
}

/** Has a stopped task block what its program does. */
export function unblock(session: Session, task: Task): void {
  const { ownMask } = task;
  if (ownMask === undefined) return;
  task.ownMask = undefined;
  session.tracer.setSigmask(task.tid, ownMask);
}

/** The same at the entry of a call that can be made with a signal pending. */
export function unblockForCall(session: Session, task: Task): void {
  if (!FORKS.has(task.nr)) unblock(session, task);
}
