import { Errno, statFd, Sys } from '@scribe-ts/core-native';
import { inRegions, type SyscallRow, syscallTable, type Word } from '@scribe-ts/tracelog';
import type { FileInfo } from './files.js';
import type { Session } from './session.js';
import type { WrittenAt } from './shared-objects.js';
import type { Task } from './tasks.js';

const O_APPEND = 0o2000;
const RWF_APPEND = 0x10;
const RWF_NOAPPEND = 0x20;

const MEMORY_FILE = /^\/proc\/(\d+)(?:\/task\/\d+)?\/mem$/;
/** True for a path whose file is the memory of a process. */
export const isMemoryFile = (path: string): boolean => MEMORY_FILE.test(path);

/** System calls that send bytes to the file of their first argument (sendfile and splice name it otherwise). */
const writesToFd = new Uint8Array(512);
for (const nr of [Sys.write, Sys.pwrite64, Sys.writev, Sys.pwritev, Sys.pwritev2])
  writesToFd[nr] = 1;

/** By system call: which of its arguments are descriptors. */
const descriptors: readonly (readonly number[])[] = syscallTable.map((row) =>
  (row?.args ?? []).flatMap(({ type: { kind } }, i) =>
    kind === 'fd' || kind === 'dirfd' ? [i] : [],
  ),
);

/** Writes the frames that come right before a syscall frame: what reached the terminal, and what readers want to see. */
export function detailsBefore(session: Session, task: Task, row: SyscallRow | undefined): void {
  if (row === undefined) return;
  const { nr, result } = task;
  const { verbosity } = session.config;
  if (writesToFd[nr] === 1 && typeof result === 'number') {
    if (result > 0) written(session, task, row, result);
    else if (result === -Errno.EFAULT) failedWrite(session, task);
  }
  if (verbosity.resources) resources(session, task, row);
  if (verbosity.registers) {
    const { tracer } = session;
    if (tracer.getRegs(task.tid)) {
      session.emit(task, {
        type: 'registers',
        task: task.uid,
        time: session.now,
        regs: tracer.regsBytes.slice(),
      });
    }
  }
}

function fileOf(session: Session, task: Task, fd: Word): FileInfo | undefined {
  if (typeof fd !== 'number') return undefined;
  return task.files.get(task.tid, fd | 0);
}

function written(session: Session, task: Task, row: SyscallRow, result: number): void {
  const fd = Number(task.args[0]) | 0;
  const file = fileOf(session, task, fd);
  if (file === undefined) return;
  memoryFile(session, task, file, fd, result);
  const target = session.output.target(fd, file);
  const object = session.objects.find(session, file.key);
  if (target < 0 && object === undefined) return;
  const parts: Uint8Array[] = [];
  session.peekTid = task.tid;
  inRegions(row, task.args, result, session.peek, (addr, size, arg, part) => {
    if (arg !== 1 || part === 'vector') return;
    const bytes = new Uint8Array(size);
    const got = session.tracer.readMemory(task.tid, addr, bytes, 0, size);
    parts.push(got === size ? bytes : bytes.subarray(0, got));
  });
  let bytes = concat(parts);
  if (bytes.length > result) bytes = bytes.subarray(0, result);
  if (target >= 0) emitOutput(session, task, target, bytes);
  if (object !== undefined)
    session.objects.recordWrite(session, task, object, fd, result, writeOffset(task, fd));
}

/** A write from nowhere behind the end of a file in tmpfs makes it longer all the same. */
function failedWrite(session: Session, task: Task): void {
  const fd = Number(task.args[0]) | 0;
  const object = session.objects.ofDescriptor(session, task, fd);
  if (object !== undefined) session.objects.recordWrite(session, task, object, fd, 0, 0);
}

/** A write to /proc/PID/mem is a store into that process's memory. */
function memoryFile(
  session: Session,
  task: Task,
  file: FileInfo,
  fd: number,
  length: number,
): void {
  if (!file.path.endsWith('/mem')) return;
  const pid = MEMORY_FILE.exec(file.path)?.[1];
  if (pid === undefined) return;
  const target = [...session.tasks.values()].find((other) => other.pid === Number(pid));
  // It may have been code, which nobody has looked into.
  if (target !== undefined) target.space.opensTsc = false;
  if (target === undefined || target.domain !== task.domain) {
    session.note(
      task,
      `${file.path} was written: what that changed in another process is not recorded`,
    );
    return;
  }
  const at = writeOffset(task, fd);
  const addr = typeof at === 'number' ? at : (statFd(task.tid, fd)?.position ?? 0) - length;
  const bytes = new Uint8Array(length);
  session.tracer.readMemory(target.tid, addr, bytes, 0, length);
  session.storedBy(task, target, [{ addr, bytes }]);
}

/** Bytes that have reached the recorded output. */
export function emitOutput(session: Session, task: Task, target: number, bytes: Uint8Array): void {
  const serial = session.output.place(task);
  session.emit(task, {
    type: 'output',
    task: task.uid,
    time: session.now,
    serial,
    target,
    bytes,
  });
}

function resources(session: Session, task: Task, row: SyscallRow): void {
  const found = descriptors[row.nr]!;
  for (let n = 0; n < found.length; n++) {
    const i = found[n]!;
    const file = fileOf(session, task, task.args[i]!);
    if (file === undefined) continue;
    if (i === 0 || row.args[0]!.type.kind !== 'fd') session.emitResource(task, task.files.resource);
    session.emitResource(task, file.resource);
  }
  const { result } = task;
  if (row.returns !== 'fd' || typeof result !== 'number' || result < 0) return;
  // dup2 has named it already.
  if (row.args.some(({ type }, i) => type.kind === 'fd' && task.args[i] === result)) return;
  const made = task.files.get(task.tid, result);
  if (made !== undefined) session.emitResource(task, made.resource);
}

/** Where a call has written that returned what it did. */
function writeOffset(task: Task, fd: number): WrittenAt {
  switch (task.nr) {
    case Sys.pwrite64:
    case Sys.pwritev:
      return appends(task, fd) ? 'end' : Number(task.args[3]);
    case Sys.pwritev2: {
      const flags = Number(task.args[5]);
      const atEnd = appends(task, fd) && (flags & RWF_NOAPPEND) === 0;
      if (atEnd || (flags & RWF_APPEND) !== 0) return 'end';
      return task.args[3] === -1 ? 'position' : Number(task.args[3]);
    }
    default:
      return 'position';
  }
}

/** Its writes go to the end, also those that name another place. */
function appends(task: Task, fd: number): boolean {
  return ((statFd(task.tid, fd)?.flags ?? 0) & O_APPEND) !== 0;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  let length = 0;
  for (const part of parts) length += part.length;
  const all = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}
