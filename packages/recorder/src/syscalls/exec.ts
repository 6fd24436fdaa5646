import { accessSync, closeSync, constants, existsSync, openSync, readSync } from 'node:fs';
import { Errno, Sys } from '@scribe-ts/core-native';
import { answer } from '../calls.js';
import { unlessGone } from '../gone.js';
import { captureImage } from '../image.js';
import { releaseScratch } from '../moved-buffers.js';
import { recordSyscall } from '../record-call.js';
import { NO_WRITES, type Session } from '../session.js';
import type { Task } from '../tasks.js';
import type { EntryHook, ExitHook } from './hook.js';

const EI_CLASS_32 = 1;
const AT_FDCWD = -100;

/** A 32-bit program would make system calls of another table: it is refused before it starts. */
function execveEntry(session: Session, task: Task): boolean {
  const pathArg = task.nr === Sys.execve ? 0 : 1;
  const addr = Number(task.args[pathArg]);
  const path = Buffer.from(session.tracer.readString(task.tid, addr, 4096)).toString('latin1');
  const file = openable(task, path);
  // Who looks for a program tries one directory after the other; each question below would end in an exception.
  if (!existsSync(file)) return false;
  if (mayOnlyBeExecuted(file)) {
    session.note(
      task,
      `${path} may be executed, but not read, and cannot be traced: its execve was answered EACCES`,
    );
    answer(session, task, -Errno.EACCES);
    return true;
  }
  if (task.nr === Sys.execve && is32Bit(file)) {
    session.note(
      task,
      `${path} is a 32-bit program, which is not supported: its execve was answered ENOEXEC`,
    );
    answer(session, task, -Errno.ENOEXEC);
    return true;
  }
  return false;
}

/** A path under which we can open what a task is about to execute. */
function openable(task: Task, path: string): string {
  if (path.startsWith('/')) return `/proc/${task.tid}/root${path}`;
  const directory = task.nr === Sys.execve ? AT_FDCWD : Number(task.args[0]) | 0;
  const base = directory === AT_FDCWD ? 'cwd' : `fd/${directory}`;
  return path === '' ? `/proc/${task.tid}/${base}` : `/proc/${task.tid}/${base}/${path}`;
}

/** The kernel lets nobody look into a process whose program its user may not read. */
function mayOnlyBeExecuted(path: string): boolean {
  if (mayAccess(path, constants.R_OK)) return false;
  return mayAccess(path, constants.X_OK);
}

function mayAccess(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

function is32Bit(path: string): boolean {
  const head = new Uint8Array(5);
  try {
    const fd = openSync(path, 'r');
    try {
      readSync(fd, head, 0, 5, 0);
    } finally {
      closeSync(fd);
    }
  } catch {
    return false;
  }
  return (
    head[0] === 0x7f &&
    head[1] === 0x45 &&
    head[2] === 0x4c &&
    head[3] === 0x46 &&
    head[4] === EI_CLASS_32
  );
}

function execveExit(session: Session, task: Task): void {
  if (!task.execed) {
    recordSyscall(session, task);
    return;
  }
  task.execed = false;
  const oldDomain = task.domain;
  const first = session.root === task && session.syscalls === 0;
  const alone = oldDomain.tasks.size === 1;
  const domain = alone ? oldDomain : session.newDomain();
  releaseScratch(task);
  task.renew(session.newSpace());
  task.files = task.files.copy();
  task.files.forgetAll();
  if (!first) {
    const ended = task.replaced === undefined ? [] : [task.replaced.uid];
    session.emit(task, {
      type: 'exec',
      task: task.uid,
      time: session.now,
      stream: domain.stream,
      ended,
    });
    session.syscalls++;
    task.paths.traced++;
    session.emit(task, {
      type: 'syscall',
      task: task.uid,
      time: session.now,
      nr: task.nr,
      args: session.config.verbosity.args ? task.args.slice(0, task.nr === Sys.execve ? 3 : 5) : [],
      result: 0,
      writes: NO_WRITES,
    });
  }
  task.replaced = undefined;
  if (!alone) {
    session.baton.leave(task);
    task.domain = domain;
    domain.tasks.add(task);
    domain.holder = task;
  }
  unlessGone(() => {
    captureImage(session, task);
  });
}

export const execEntries: Readonly<Record<number, EntryHook>> = {
  [Sys.execve]: execveEntry,
  [Sys.execveat]: execveEntry,
};

export const execExits: Readonly<Record<number, ExitHook>> = {
  [Sys.execve]: execveExit,
  [Sys.execveat]: execveExit,
};
