import { Signal, Sys } from '@scribe-ts/core-native';
import { recordSyscall } from '../record-call.js';
import type { Session } from '../session.js';
import { SIGACTION_SIZE, type Task } from '../tasks.js';
import type { ExitHook } from './hook.js';

const STACK_SIZE = 24;
const SS_DISABLE = 2;

function read(session: Session, task: Task, addr: number, size: number): DataView | undefined {
  const bytes = new Uint8Array(size);
  if (session.tracer.readMemory(task.tid, addr, bytes, 0, size) !== size) return undefined;
  return new DataView(bytes.buffer);
}

const word = (view: DataView, offset: number): number => Number(view.getBigUint64(offset, true));

/** Follows the dispositions: which signals have handlers decides how a signal is recorded. */
function sigactionExit(session: Session, task: Task): void {
  const action = Number(task.args[1]);
  if (task.result === 0 && action !== 0) {
    const view = read(session, task, action, SIGACTION_SIZE);
    const signo = Number(task.args[0]) | 0;
    if (view !== undefined && signo >= 1 && signo <= 64) {
      task.handlers.handler[signo] = word(view, 0);
      task.handlers.flags[signo] = word(view, 8);
      if (signo === Signal.SIGSYS) {
        for (let i = 0; i < SIGACTION_SIZE; i++) task.handlers.sysAction[i] = view.getUint8(i);
        task.handlers.isSysReset = false;
      }
    }
  }
  recordSyscall(session, task);
}

function sigaltstackExit(session: Session, task: Task): void {
  const stack = Number(task.args[0]);
  if (task.result === 0 && stack !== 0) {
    const view = read(session, task, stack, STACK_SIZE);
    if (view !== undefined) {
      const disabled = (view.getInt32(8, true) & SS_DISABLE) !== 0;
      task.altStack = disabled
        ? { start: 0, size: 0 }
        : { start: word(view, 0), size: word(view, 16) };
    }
  }
  recordSyscall(session, task);
}

export const signalExits: Readonly<Record<number, ExitHook>> = {
  [Sys.rt_sigaction]: sigactionExit,
  [Sys.sigaltstack]: sigaltstackExit,
};
