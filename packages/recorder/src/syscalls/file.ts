import { Errno, Sys } from '@scribe-ts/core-native';
import { unsupportedIoctl, unsupportedSockopt } from '@scribe-ts/tracelog';
import type { Session } from '../session.js';
import type { Task } from '../tasks.js';
import type { EntryHook, ExitHook } from './index.js';

const CLOSE_RANGE_UNSHARE = 2;
const CLOSE_RANGE_CLOEXEC = 4;

/** The descriptor may mean another file from now on, even if close fails (the kernel has let it go before it fails). */
function closeEntry(_session: Session, task: Task): boolean {
  task.files.forget(Number(task.args[0]) | 0);
  return false;
}

function dupExit(session: Session, task: Task): void {
  if (typeof task.result === 'number' && task.result >= 0) task.files.forget(task.result);
  session.recordSyscall(task);
}

function closeRangeExit(session: Session, task: Task): void {
  const flags = Number(task.args[2]);
  if (task.result === 0) {
    if ((flags & CLOSE_RANGE_UNSHARE) !== 0) task.files = task.files.copy();
    if ((flags & CLOSE_RANGE_CLOEXEC) === 0) {
      task.files.forgetRange(Number(task.args[0]) >>> 0, Number(task.args[1]) >>> 0);
    }
  }
  session.recordSyscall(task);
}

/** A call that changed `result` bytes of, or resized, the file of descriptor argument `fd`. */
function changesFile(fdArg: number, resizes: boolean): ExitHook {
  return (session, task) => {
    const { result } = task;
    if (typeof result === 'number' && (resizes ? result === 0 : result > 0)) {
      const fd = Number(task.args[fdArg]) | 0;
      const file = task.files.get(task.tid, fd);
      const object = file === undefined ? undefined : session.objects.find(file.key);
      if (object !== undefined)
        session.objects.recordWrite(session, task, object, fd, resizes ? 0 : result);
    }
    session.recordSyscall(task);
  };
}

const ENOTTY = 25;

/** Requests that share memory with the kernel or with devices cannot be recorded: the program is told there are none. */
function ioctlEntry(session: Session, task: Task): boolean {
  const reason = unsupportedIoctl(Number(task.args[1]) >>> 0);
  if (reason === undefined) return false;
  session.note(task, `ioctl was answered ENOTTY: ${reason}`);
  session.answer(task, -ENOTTY);
  return true;
}

function setsockoptEntry(session: Session, task: Task): boolean {
  const reason = unsupportedSockopt(Number(task.args[1]) | 0, Number(task.args[2]) | 0);
  if (reason === undefined) return false;
  session.note(task, `setsockopt was answered EPERM: ${reason}`);
  session.answer(task, -Errno.EPERM);
  return true;
}

export const fileEntry: Readonly<Record<number, EntryHook>> = {
  [Sys.ioctl]: ioctlEntry,
  [Sys.setsockopt]: setsockoptEntry,
  [Sys.close]: closeEntry,
};

export const fileExit: Readonly<Record<number, ExitHook>> = {
  [Sys.dup2]: dupExit,
  [Sys.dup3]: dupExit,
  [Sys.close_range]: closeRangeExit,
  [Sys.ftruncate]: changesFile(0, true),
  [Sys.fallocate]: changesFile(0, true),
  [Sys.sendfile]: changesFile(0, false),
  [Sys.splice]: changesFile(2, false),
  [Sys.copy_file_range]: changesFile(2, false),
};
