import { readFileSync } from 'node:fs';
import {
  Errno,
  Madvise,
  makesCode,
  MapFlag,
  pageAlign,
  Prot,
  Reg,
  statFd,
  Sys,
} from '@scribe-ts/core-native';
import { type Backing, type EncodedFile, encodeFile, type MemoryWrite } from '@scribe-ts/tracelog';
import { answer } from '../calls.js';
import { isCharacterDevice, isRegular } from '../files.js';
import { patchCode, trapCode } from '../image.js';
import { recordSyscall } from '../record-call.js';
import type { Session } from '../session.js';
import { joinSharers } from '../shared.js';
import type { Task } from '../tasks.js';
import type { EntryHook, ExitHook } from './hook.js';

const DEV_ZERO = 256 + 5;
const O_ACCMODE = 3;

/** Devices share memory with hardware or with processes nobody records: their mappings cannot be replayed. */
function mmapEntry(session: Session, task: Task): boolean {
  const flags = Number(task.args[3]);
  if ((flags & MapFlag.ANONYMOUS) !== 0) return false;
  const file = task.files.get(task.tid, Number(task.args[4]) | 0);
  if (file === undefined || isRegular(file) || (isCharacterDevice(file) && file.rdev === DEV_ZERO))
    return false;
  if (!isCharacterDevice(file)) return false;
  session.note(
    task,
    `mmap of the device ${file.path} was answered ENODEV: its memory cannot be recorded`,
  );
  answer(session, task, -Errno.ENODEV);
  return true;
}

function mmapExit(session: Session, task: Task): void {
  const { result } = task;
  if (typeof result !== 'number' || result < 0) {
    recordSyscall(session, task);
    return;
  }
  noteCode(session, task);
  const start = result;
  const end = start + pageAlign(Number(task.args[1]));
  const prot = Number(task.args[2]);
  let flags = Number(task.args[3]);
  const shared = (flags & MapFlag.TYPE) !== MapFlag.PRIVATE;
  task.space.unmap(start, end);
  let backing: Backing = { kind: 'anonymous' };
  let writable = true;
  if ((flags & MapFlag.ANONYMOUS) === 0) {
    const fd = Number(task.args[4]) | 0;
    const offset = Number(task.args[5]);
    const file = task.files.get(task.tid, fd);
    if (file !== undefined && isRegular(file)) {
      const openPath = `/proc/${task.tid}/fd/${fd}`;
      const object = session.objects.find(session, file.key);
      if (shared) writable = ((statFd(task.tid, fd)?.flags ?? 0) & O_ACCMODE) !== 0;
      // Others may have opened it to be written since they stopped last.
      const uncertain = session.agent?.ring.gatherWritten() ?? false;
      const isWritten = uncertain || session.writtenFiles.has(file.key);
      if ((shared && writable) || object !== undefined || isWritten) {
        // Also for a private view: it shows what is written to the file as long as a page has not been copied.
        backing = session.objects.file(session, file, openPath, offset, shared && writable);
      } else {
        // A shared view through a read-only descriptor can never become writable.
        if (shared) flags = (flags & ~MapFlag.TYPE) | MapFlag.PRIVATE;
        const hash = session.store.add(openPath);
        const path = session.nameOf(file.path);
        backing = { kind: 'file', hash, offset, path };
        session.agent?.mappedFile(task, fd, encodedFile(hash, path));
      }
    } else if (shared) backing = session.objects.anonymous(end - start);
  } else if (shared) backing = session.objects.anonymous(end - start);
  session.emit(task, {
    type: 'mapping',
    task: task.uid,
    time: session.now,
    mapping: { start, end, prot, flags, backing },
  });
  // What is written to the file may become code.
  if (backing.kind === 'shared' && (prot & Prot.EXEC) !== 0) task.space.opensTsc = false;
  if (backing.kind !== 'shared') {
    let writes: MemoryWrite[] = [];
    if (backing.kind === 'file' && !shared) {
      const mapping = { start, end, prot };
      writes = trapCode(session, task, mapping, backing);
      if (patchCode(session, task, mapping, backing)) session.tracer.getRegs(task.tid);
    }
    recordSyscall(session, task, writes);
    return;
  }
  const mapping = {
    start,
    end,
    object: backing.object,
    offset: backing.offset,
    writable: writable && shared,
  };
  joinSharers(session, task, mapping, () => {
    recordSyscall(session, task);
  });
}

/** Loaders map a file in parts. */
let lastFile:
  { readonly hash: string; readonly path: string; readonly encoded: EncodedFile } | undefined;

function encodedFile(hash: string, path: string): EncodedFile {
  if (lastFile?.hash !== hash || lastFile.path !== path)
    lastFile = { hash, path, encoded: encodeFile(hash, path) };
  return lastFile.encoded;
}

function mprotectExit(session: Session, task: Task): void {
  noteCode(session, task);
  recordSyscall(session, task);
}

/** If the call has given the process code that nobody has looked into, rdtsc traps there, and cpuid finds one CPU. */
function noteCode(session: Session, task: Task): void {
  if (!makesCode(task.nr, task.args)) return;
  task.space.opensTsc = false;
  if (session.trapSites?.catchesCpuid === true)
    session.cpus.keepHome(task.space, session.tasks.values());
}

function munmapExit(session: Session, task: Task): void {
  if (task.result === 0) {
    const start = Number(task.args[0]);
    task.space.unmap(start, start + pageAlign(Number(task.args[1])));
  }
  recordSyscall(session, task);
}

function mremapExit(session: Session, task: Task): void {
  const { result } = task;
  if (typeof result === 'number' && result > 0) {
    const oldStart = Number(task.args[0]);
    const oldSize = pageAlign(Number(task.args[1]));
    const newSize = pageAlign(Number(task.args[2]));
    const shared = task.space.shared.find((m) => m.start <= oldStart && oldStart < m.end);
    if (oldSize > 0) task.space.unmap(oldStart, oldStart + oldSize);
    task.space.unmap(result, result + newSize);
    if (shared !== undefined) {
      task.space.shared.push({
        start: result,
        end: result + newSize,
        object: shared.object,
        offset: shared.offset + (oldStart - shared.start),
        writable: shared.writable,
      });
    }
  }
  recordSyscall(session, task);
}

/** MADV_FREE lets the kernel take pages whenever it likes; MADV_DONTNEED, which it may be at any time, is the same every time. */
function madviseEntry(session: Session, task: Task): boolean {
  if (task.args[2] !== Madvise.FREE) return false;
  const { regs, tracer } = session;
  regs.set(Reg.rdx, Madvise.DONTNEED);
  tracer.setRegs(task.tid);
  task.onExit = () => {
    tracer.getRegs(task.tid);
    regs.set(Reg.rdx, Madvise.FREE);
    tracer.setRegs(task.tid);
    task.exitRegs.set(regs.halves);
    recordSyscall(session, task);
  };
  return false;
}

function shmatExit(session: Session, task: Task): void {
  const { result } = task;
  noteCode(session, task);
  if (typeof result !== 'number' || result < 0) {
    recordSyscall(session, task);
    return;
  }
  const shmid = Number(task.args[0]) | 0;
  const readOnly = (Number(task.args[2]) & 0o10000) !== 0;
  const size = segmentSize(shmid);
  const { backing, fresh } = session.objects.segment(shmid, size);
  const start = result;
  const end = start + pageAlign(size);
  const prot = readOnly ? Prot.READ : Prot.READ | Prot.WRITE;
  const { tracer } = session;
  task.space.unmap(start, end);
  session.emit(task, {
    type: 'mapping',
    task: task.uid,
    time: session.now,
    mapping: { start, end, prot, flags: MapFlag.SHARED, backing },
  });
  const mapping = { start, end, object: backing.object, offset: 0, writable: true };
  joinSharers(session, task, mapping, () => {
    const writes = [];
    if (fresh) {
      // The segment may be older than the recording: what it holds already is part of the start.
      const bytes = new Uint8Array(size);
      tracer.readMemory(task.tid, start, bytes, 0, size);
      if (bytes.some((byte) => byte !== 0)) writes.push({ addr: start, bytes });
    }
    recordSyscall(session, task, writes);
  });
}

function segmentSize(shmid: number): number {
  for (const line of readFileSync('/proc/sysvipc/shm', 'utf8').split('\n')) {
    const fields = line.trim().split(/\s+/);
    if (Number(fields[1]) === shmid && fields.length > 3) return Number(fields[3]);
  }
  return 0;
}

function shmdtExit(session: Session, task: Task): void {
  if (task.result === 0) {
    const start = Number(task.args[0]);
    const mapping = task.space.shared.find((candidate) => candidate.start === start);
    if (mapping !== undefined) task.space.unmap(mapping.start, mapping.end);
  }
  recordSyscall(session, task);
}

export const memoryEntries: Readonly<Record<number, EntryHook>> = {
  [Sys.mmap]: mmapEntry,
  [Sys.madvise]: madviseEntry,
};

export const memoryExits: Readonly<Record<number, ExitHook>> = {
  [Sys.mmap]: mmapExit,
  [Sys.mprotect]: mprotectExit,
  [Sys.pkey_mprotect]: mprotectExit,
  [Sys.munmap]: munmapExit,
  [Sys.mremap]: mremapExit,
  [Sys.shmat]: shmatExit,
  [Sys.shmdt]: shmdtExit,
};
