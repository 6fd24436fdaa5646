import { Errno, Sys } from '@scribe-ts/core-native';
import { answer } from '../calls.js';
import { recordSyscall } from '../record-call.js';
import type { Session } from '../session.js';
import type { Task } from '../tasks.js';
import type { EntryHook, ExitHook } from './hook.js';
import { int32 } from './words.js';

const PR_GET_DUMPABLE = 3;
const PR_SET_DUMPABLE = 4;
const PR_SET_SECCOMP = 22;
const PR_GET_TSC = 25;
const PR_SET_TSC = 26;
const PR_SET_SYSCALL_USER_DISPATCH = 59;
const READ_IMPLIES_EXEC = 0x0400000;
const PERSONALITY_QUERY = 0xffffffff;
const ARCH_GET_CPUID = 0x1011;
const ARCH_SET_CPUID = 0x1012;

// prctl, arch_prctl and the like: what would undo the recording is answered, not done.

function prctlEntry(session: Session, task: Task): boolean {
  switch (task.args[0]) {
    case PR_SET_DUMPABLE: {
      // An undumpable process would close its memory to the recorder.
      const value = Number(task.args[1]);
      if (value === 0 || value === 1) task.space.dumpable = value;
      answer(session, task, value === 0 || value === 1 ? 0 : -Errno.EINVAL);
      return true;
    }
    case PR_GET_DUMPABLE:
      answer(session, task, task.space.dumpable);
      return true;
    case PR_SET_SECCOMP:
    case PR_SET_SYSCALL_USER_DISPATCH:
      session.note(
        task,
        `prctl(${task.args[0]}): system call filters are not supported and were answered EINVAL`,
      );
      answer(session, task, -Errno.EINVAL);
      return true;
    case PR_GET_TSC: {
      const one = int32(1);
      session.tracer.writeMemory(task.tid, Number(task.args[1]), one, 0, 4);
      answer(session, task, 0);
      return true;
    }
    case PR_SET_TSC:
      answer(session, task, task.args[1] === 1 ? 0 : -Errno.EINVAL);
      return true;
    default:
      return false;
  }
}

function archPrctlEntry(session: Session, task: Task): boolean {
  if (task.args[0] === ARCH_GET_CPUID) {
    answer(session, task, 1);
    return true;
  }
  if (task.args[0] === ARCH_SET_CPUID) {
    answer(session, task, task.args[1] === 1 ? 0 : -Errno.ENODEV);
    return true;
  }
  return false;
}

function personalityExit(session: Session, task: Task): void {
  const persona = Number(task.args[0]) >>> 0;
  // All that it maps from now on is code.
  if (persona !== PERSONALITY_QUERY && (persona & READ_IMPLIES_EXEC) !== 0)
    task.space.opensTsc = false;
  recordSyscall(session, task);
}

function setTidAddressExit(session: Session, task: Task): void {
  task.clearChildTid = Number(task.args[0]);
  recordSyscall(session, task);
}

function setRobustListExit(session: Session, task: Task): void {
  if (task.result === 0) task.robustList = Number(task.args[0]);
  recordSyscall(session, task);
}

export const controlEntries: Readonly<Record<number, EntryHook>> = {
  [Sys.prctl]: prctlEntry,
  [Sys.arch_prctl]: archPrctlEntry,
};

export const controlExits: Readonly<Record<number, ExitHook>> = {
  [Sys.personality]: personalityExit,
  [Sys.set_tid_address]: setTidAddressExit,
  [Sys.set_robust_list]: setRobustListExit,
};
