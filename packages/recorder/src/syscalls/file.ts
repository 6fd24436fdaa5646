import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { Errno, statFd, Sys } from '@scribe-ts/core-native';
import {
  ioctlInfo,
  type MemoryWrite,
  specialRegions,
  unsupportedIoctl,
  unsupportedSockopt,
} from '@scribe-ts/tracelog';
import { answer, proceed } from '../calls.js';
import { emitOutput } from '../details.js';
import { isRegular } from '../files.js';
import { recordSyscall } from '../record-call.js';
import type { Session } from '../session.js';
import type { SharedObject } from '../shared-objects.js';
import { hasOtherViewers, joinViewers } from '../shared.js';
import type { Task } from '../tasks.js';
import type { EntryHook, ExitHook } from './hook.js';

const CLOSE_RANGE_UNSHARE = 2;
const CLOSE_RANGE_CLOEXEC = 4;

/** The descriptor may mean another file from now on, even if close fails (the kernel has let it go before it fails). */
function closeEntry(_session: Session, task: Task): boolean {
  task.files.forget(Number(task.args[0]) | 0);
  return false;
}

function dupExit(session: Session, task: Task): void {
  if (typeof task.result === 'number' && task.result >= 0) task.files.forget(task.result);
  recordSyscall(session, task);
}

function closeRangeExit(session: Session, task: Task): void {
  const flags = Number(task.args[2]);
  if (task.result === 0) {
    if ((flags & CLOSE_RANGE_UNSHARE) !== 0) task.files = task.files.copy();
    if ((flags & CLOSE_RANGE_CLOEXEC) === 0) {
      task.files.forgetRange(Number(task.args[0]) >>> 0, Number(task.args[1]) >>> 0);
    }
  }
  recordSyscall(session, task);
}

const O_ACCMODE = 3;
const O_TRUNC = 0o1000;
const PATH_MAX = 4096;
const SLASH = 0x2f;

/** By system call: the argument with the descriptor of the file it changes; -1 if it changes none. */
const changedDescriptor = new Int8Array(512).fill(-1);
for (const nr of [
  Sys.write,
  Sys.writev,
  Sys.pwrite64,
  Sys.pwritev,
  Sys.pwritev2,
  Sys.ftruncate,
  Sys.fallocate,
  Sys.sendfile,
])
  changedDescriptor[nr] = 0;
for (const nr of [Sys.splice, Sys.copy_file_range]) changedDescriptor[nr] = 2;

/**
 * A call that changes a file which tasks of other domains have mapped: memory changes there without a call of theirs, so
 * the domains are merged first. True if there are such: `enter` is called when it is done.
 */
export function waitsForViewers(
  session: Session,
  task: Task,
  enter: (task: Task) => void,
): boolean {
  const argument = changedDescriptor[task.nr];
  if (argument === undefined || argument < 0) return false;
  const fd = Number(task.args[argument]) | 0;
  const object = session.objects.ofDescriptor(session, task, fd);
  if (object === undefined || !hasOtherViewers(session, task, object)) return false;
  return joinViewers(
    session,
    task,
    object,
    () => {},
    () => enter(task),
  );
}

/** A file that the program can write to must be followed once it is mapped. */
function openExit(flagsArg: number): ExitHook {
  return (session, task) => {
    const { result } = task;
    // openat2 and memfd_create have no plain flags: look at what they opened in any case.
    const flags = flagsArg < 0 ? O_TRUNC : Number(task.args[flagsArg]);
    if (typeof result === 'number' && result >= 0 && (flags & (O_ACCMODE | O_TRUNC)) !== 0) {
      task.files.forget(result);
      const file = task.files.get(task.tid, result);
      if (file !== undefined && isRegular(file)) {
        session.writtenFiles.add(file.key);
        const object = session.objects.find(session, file.key);
        if (object !== undefined && (flags & O_TRUNC) !== 0) {
          recordCut(session, task, object, `/proc/${task.tid}/fd/${result}`);
          return;
        }
      }
    }
    recordSyscall(session, task);
  };
}

/** truncate: which file it is, only its path tells. */
function truncateExit(session: Session, task: Task): void {
  const path = session.tracer.readString(task.tid, Number(task.args[0]), PATH_MAX);
  if (task.result === 0) {
    const base = path[0] === SLASH ? `/proc/${task.tid}/root` : `/proc/${task.tid}/cwd/`;
    const openPath = Buffer.concat([Buffer.from(base), path]);
    const stat = statSync(openPath, { throwIfNoEntry: false });
    const key = stat === undefined ? '' : `${stat.dev}:${stat.ino}`;
    session.writtenFiles.add(key);
    const object = session.objects.find(session, key);
    if (object !== undefined) {
      recordCut(session, task, object, openPath);
      return;
    }
  }
  recordSyscall(session, task);
}

/** The call has changed the size of a file that is mapped: whoever sees that gets into the task's domain. */
function recordCut(
  session: Session,
  task: Task,
  object: SharedObject,
  openPath: string | Buffer,
): void {
  const finish = (): void => {
    session.objects.recordChange(session, task, object, openPath, 0, 0);
    recordSyscall(session, task);
  };
  task.proceedsLater = joinViewers(session, task, object, finish, () => proceed(session, task));
}

/** Bytes that go from a file or pipe straight to the program's output could not be recorded: programs fall back to read and write. */
function spliceEntry(fdArg: number): EntryHook {
  return (session, task) => {
    const fd = Number(task.args[fdArg]) | 0;
    const file = task.files.get(task.tid, fd);
    if (file === undefined || session.output.target(fd, file) < 0) return false;
    session.note(task, 'splice, tee or copy_file_range to the recorded output was answered EINVAL');
    answer(session, task, -Errno.EINVAL);
    return true;
  };
}

/** sendfile: what it sends is in a file that can be read. */
function sendfileExit(session: Session, task: Task): void {
  const { result } = task;
  const fd = Number(task.args[0]) | 0;
  const file = task.files.get(task.tid, fd);
  if (typeof result === 'number' && result > 0 && file !== undefined) {
    const target = session.output.target(fd, file);
    if (target >= 0) {
      const from = Number(task.args[1]) | 0;
      const offsetAddr = Number(task.args[2]);
      const end =
        offsetAddr === 0
          ? (statFd(task.tid, from)?.position ?? 0)
          : session.readWord(task, offsetAddr);
      const bytes = readFileRange(task.tid, from, end - result, result);
      emitOutput(session, task, target, bytes);
    }
  }
  changesFile(0, false)(session, task);
}

function readFileRange(tid: number, fd: number, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const file = openSync(`/proc/${tid}/fd/${fd}`, 'r');
  try {
    return bytes.subarray(0, readSync(file, bytes, 0, length, offset));
  } finally {
    closeSync(file);
  }
}

/** A call that changed `result` bytes of, or resized, the file of descriptor argument `fd`. */
function changesFile(fdArg: number, resizes: boolean, offsetArg = -1): ExitHook {
  return (session, task) => {
    const { result } = task;
    if (typeof result === 'number' && (resizes ? result === 0 : result > 0)) {
      const fd = Number(task.args[fdArg]) | 0;
      const object = session.objects.ofDescriptor(session, task, fd);
      if (object !== undefined) {
        const offsetAddr = offsetArg < 0 ? 0 : Number(task.args[offsetArg]);
        const at = offsetAddr === 0 ? 'position' : session.readWord(task, offsetAddr) - result;
        session.objects.recordWrite(session, task, object, fd, resizes ? 0 : result, at);
      }
    }
    recordSyscall(session, task);
  };
}

const ENOTTY = 25;

/** Requests that share memory with the kernel or with devices cannot be recorded: the program is told there are none. */
function ioctlEntry(session: Session, task: Task): boolean {
  const reason = unsupportedIoctl(Number(task.args[1]) >>> 0);
  if (reason === undefined) {
    tellUnknown(session, task);
    return false;
  }
  session.note(task, `ioctl was answered ENOTTY: ${reason}`);
  answer(session, task, -ENOTTY);
  return true;
}

/** Bytes of the longest directory entry. */
const MAX_DIRENT = 280;

/** An entry that meets a hole in the middle is not counted in the result, but its beginning is stored. */
function getdentsExit(session: Session, task: Task): void {
  const { result } = task;
  const writes: MemoryWrite[] = [];
  if (typeof result === 'number' && result > 0) {
    const start = Number(task.args[1]) + result;
    const room = (Number(task.args[2]) >>> 0) - result;
    const bytes = new Uint8Array(MAX_DIRENT);
    if (room > 0 && session.tracer.readMemory(task.tid, start + room - 1, bytes, 0, 1) === 0) {
      const got = session.tracer.readMemory(task.tid, start, bytes, 0, Math.min(room, MAX_DIRENT));
      if (got > 0) writes.push({ addr: start, bytes: bytes.subarray(0, got) });
    }
  }
  recordSyscall(session, task, writes);
}

/** A request that nobody has described may store what the log does not have: say so if it succeeds. */
function tellUnknown(session: Session, task: Task): void {
  session.peekTid = task.tid;
  const regions = specialRegions('ioctl', task.nr, task.args, 2, session.peek);
  if (!regions.some((region) => region.unknown)) return;
  task.onExit = () => {
    if (Number(task.result) >= 0) {
      const request = Number(task.args[1]) >>> 0;
      const name = ioctlInfo(request).name ?? `0x${request.toString(16)}`;
      session.note(
        task,
        `ioctl ${name} is not described here: if it stores anything, a replay will not have it`,
      );
    }
    recordSyscall(session, task);
  };
}

function setsockoptEntry(session: Session, task: Task): boolean {
  const reason = unsupportedSockopt(Number(task.args[1]) | 0, Number(task.args[2]) | 0);
  if (reason === undefined) return false;
  session.note(task, `setsockopt was answered EPERM: ${reason}`);
  answer(session, task, -Errno.EPERM);
  return true;
}

const FALLOC_FL_COLLAPSE_RANGE = 0x08;
const FALLOC_FL_INSERT_RANGE = 0x20;

/** Punching, zeroing, collapsing: the range reads differently afterwards, or all behind it. */
function fallocateExit(session: Session, task: Task): void {
  const fd = Number(task.args[0]) | 0;
  const object = session.objects.ofDescriptor(session, task, fd);
  if (task.result === 0 && object !== undefined) {
    const mode = Number(task.args[1]);
    const offset = Number(task.args[2]);
    const moves = (mode & (FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE)) !== 0;
    const length = moves ? Number.MAX_SAFE_INTEGER - offset : Number(task.args[3]);
    session.objects.recordWrite(session, task, object, fd, mode === 0 ? 0 : length, offset);
  }
  recordSyscall(session, task);
}

/** Stores into another address space come without any call of its own. Among tasks that share a baton they can be recorded. */
function vmWriteEntry(session: Session, task: Task): boolean {
  const target = session.tasks.get(Number(task.args[0]) | 0);
  if (target === undefined) return false;
  if (target.domain !== task.domain) {
    session.note(
      task,
      'process_vm_writev into another process was answered EPERM: its memory has its own log',
    );
    answer(session, task, -Errno.EPERM);
    return true;
  }
  task.onExit = () => {
    const { result } = task;
    if (typeof result === 'number' && result > 0) {
      const vector = Number(task.args[3]);
      const writes: MemoryWrite[] = [];
      let left = result;
      for (let i = 0; left > 0 && i < Number(task.args[4]); i++) {
        const addr = session.readWord(task, vector + i * 16);
        const length = Math.min(left, session.readWord(task, vector + i * 16 + 8));
        const bytes = new Uint8Array(length);
        session.tracer.readMemory(target.tid, addr, bytes, 0, length);
        writes.push({ addr, bytes });
        left -= length;
      }
      session.storedBy(task, target, writes);
    }
    recordSyscall(session, task);
  };
  return false;
}

export const fileEntries: Readonly<Record<number, EntryHook>> = {
  [Sys.process_vm_writev]: vmWriteEntry,
  [Sys.ioctl]: ioctlEntry,
  [Sys.splice]: spliceEntry(2),
  [Sys.copy_file_range]: spliceEntry(2),
  [Sys.tee]: spliceEntry(1),
  [Sys.vmsplice]: spliceEntry(0),
  [Sys.setsockopt]: setsockoptEntry,
  [Sys.close]: closeEntry,
};

export const fileExits: Readonly<Record<number, ExitHook>> = {
  [Sys.dup2]: dupExit,
  [Sys.dup3]: dupExit,
  [Sys.close_range]: closeRangeExit,
  [Sys.getdents]: getdentsExit,
  [Sys.getdents64]: getdentsExit,
  [Sys.truncate]: truncateExit,
  [Sys.ftruncate]: changesFile(0, true),
  [Sys.fallocate]: fallocateExit,
  [Sys.sendfile]: sendfileExit,
  [Sys.splice]: changesFile(2, false, 3),
  [Sys.copy_file_range]: changesFile(2, false, 3),
  [Sys.open]: openExit(1),
  [Sys.openat]: openExit(2),
  [Sys.creat]: openExit(-1),
  [Sys.openat2]: openExit(-1),
  [Sys.memfd_create]: openExit(-1),
};
