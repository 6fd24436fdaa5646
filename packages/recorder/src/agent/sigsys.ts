import { REMOTE_SCRATCH, REMOTE_SYSCALL, Signal, Sys } from '@scribe-ts/core-native';
import type { Session } from '../session.js';
import type { Task } from '../tasks.js';

// Programs that use SIGSYS themselves. Dispatch forces that signal on a task (force_sig_info): one who blocks it finds it
// unblocked and its handler gone, one who ignores it does not any more. So nobody runs with dispatch who has a handler and
// blocks the signal; and who ignores it gets its disposition back before anybody sees it.

const SIGSET_SIZE = 8;

/** True if dispatch would take something from a stopped task that it cannot give back. */
export function isHarmedByDispatch(session: Session, task: Task): boolean {
  if (!task.handlers.usesSys) return false;
  const mask = session.tracer.getSigmask(task.tid);
  const bit = Signal.SIGSYS - 1;
  return ((mask[bit >> 3]! >> (bit & 7)) & 1) !== 0;
}

/** Dispatch has forced the signal on the task. */
export function noteForced({ handlers }: Task): void {
  if (handlers.usesSys) handlers.isSysReset = true;
}

/** Gives a stopped task back what it does with SIGSYS, if that may be lost. True if it has: other registers are loaded then. */
export function restoreSys({ tracer }: Session, { handlers, tid }: Task): boolean {
  if (!handlers.isSysReset) return false;
  handlers.isSysReset = false;
  if (!handlers.usesSys) return false;
  tracer.writeMemory(tid, REMOTE_SCRATCH, handlers.sysAction, 0, handlers.sysAction.length);
  const args = [Signal.SIGSYS, REMOTE_SCRATCH, 0, SIGSET_SIZE];
  tracer.remoteSyscall(tid, REMOTE_SYSCALL, Sys.rt_sigaction, args);
  return true;
}

/** True if the call that a task is about to make tells what it does with SIGSYS, or hands that on. */
export function asksForSys(nr: number, first: number): boolean {
  if (nr === Sys.rt_sigaction) return (first | 0) === Signal.SIGSYS;
  return nr === Sys.execve || nr === Sys.execveat;
}
