import { Errno, EventKind, Reg, Resume, Sys } from '@scribe-ts/core-native';
import type { SyscallRow } from '@scribe-ts/tracelog';
import { TURN_NS } from './baton.js';
import { moveBuffers, resumeMoved } from './moved-buffers.js';
import { recordSyscall } from './record-call.js';
import type { Session } from './session.js';
import { type Task, TaskState } from './tasks.js';

// The ways a call can go: into the kernel, answered by us, taken back; and on into user code when it has ended.

/** A woken task that has not come out of its call after so long was woken outside this recording. */
const WAKE_MS = 2;

/** Lets the task do its call; others may have the baton meanwhile if the call may wait. */
export function goIntoKernel(session: Session, task: Task): void {
  resumeMoved(task);
  if (task.planned !== undefined && task.onExit === undefined) moveBuffers(session, task);
  // Only where somebody could come between.
  const mayEnter = session.tasks.size === 1 || session.output.enter(task);
  if (mayEnter && !session.tracer.resume(task.tid, Resume.Syscall, 0)) return;
  if (task.mayYield && task.domain.ready.length > 0) session.baton.pass(task.domain);
}

/** Answers a call that cannot be recorded, and says so. */
export function refuse(session: Session, task: Task, row: SyscallRow | undefined): void {
  // rseq is asked for by every C library at its start: no news for anybody.
  if (row === undefined)
    session.note(task, `system call ${task.nr} is unknown here and was answered ENOSYS`);
  else if (row.name !== 'rseq') {
    session.note(
      task,
      `${row.name} was answered ENOSYS${row.reason === undefined ? '' : `: ${row.reason}`}`,
    );
  }
  answer(session, task, -Errno.ENOSYS);
}

/** Does not run the call the task is entering, and gives it `result` instead. */
export function answer(session: Session, task: Task, result: number): void {
  const { regs, tracer } = session;
  regs.set(Reg.orig_rax, -1);
  tracer.setRegs(task.tid);
  task.answered = result;
  task.onExit = () => {
    task.answered = undefined;
    tracer.getRegs(task.tid);
    regs.set(Reg.rax, result);
    tracer.setRegs(task.tid);
    task.exitRegs.set(regs.halves);
    task.result = result;
    recordSyscall(session, task);
  };
  tracer.resume(task.tid, Resume.Syscall, 0);
}

/** Takes the task out of the call it is entering, its `syscall` instruction to be run again; then calls `then`. */
export function cancelSyscall(session: Session, task: Task, then: (task: Task) => void): void {
  const { regs, tracer } = session;
  regs.set(Reg.orig_rax, -1);
  tracer.setRegs(task.tid);
  task.cancelled = true;
  task.onExit = () => {
    tracer.getRegs(task.tid);
    regs.set(Reg.rax, task.nr);
    regs.set(Reg.rip, regs.address(Reg.rip) - 2);
    regs.set(Reg.orig_rax, -1);
    tracer.setRegs(task.tid);
    task.exitRegs.set(regs.halves);
    task.exitRegsValid = true;
    task.cancelled = false;
    task.atEntry = true;
    then(task);
  };
  tracer.resume(task.tid, Resume.Syscall, 0);
}

/** The task does not write to the output any more: the next one may. */
export function endOutput(session: Session, task: Task, written: boolean): void {
  const next = session.output.leave(task, written);
  if (next !== undefined) session.tracer.resume(next.tid, Resume.Syscall, 0);
}

/** Lets a task that has finished a call go on in user code, or gives the next one its turn. */
export function proceed(session: Session, task: Task): void {
  const { domain } = task;
  if (task.wokeOthers) {
    task.wokeOthers = false;
    awaitWoken(session, task);
    // Killed meanwhile.
    if (task.exiting || task.state === TaskState.Dead) return;
  }
  if (session.parking.active) {
    session.parking.park(task, session.resumeUser);
    return;
  }
  if (session.chaos !== undefined) {
    session.chaos.afterCall(task);
    return;
  }
  if (
    domain.ready.length > 0 &&
    (task.nr === Sys.sched_yield || session.now - domain.since > TURN_NS)
  ) {
    session.baton.request(task, session.resumeUser);
    return;
  }
  session.resumeUser(task);
}

/**
 * The task has woken another one. On several CPUs the two would now race for what they wait for; under one baton the
 * waker would win for ever. So now and then let the woken one come out of its call and go first.
 */
function awaitWoken(session: Session, task: Task): void {
  const { domain } = task;
  while (domain.ready.length === 0 && task.state === TaskState.InKernel) {
    const kind = session.tracer.wait(WAKE_MS);
    if (kind === EventKind.None) return;
    session.stops.dispatch(kind);
  }
  domain.since = -TURN_NS;
}
