import { hashRegisters, Sys } from '@scribe-ts/core-native';
import {
  hasOut,
  type MemoryWrite,
  outRegions,
  type SyscallRow,
  syscallTable,
  type Word,
} from '@scribe-ts/tracelog';
import { detailsBefore } from './details.js';
import { toldBy } from './holes.js';
import { NO_WRITES, type Session } from './session.js';
import { settledRegisters } from './settled.js';
import type { Task } from './tasks.js';

/** A larger piece of memory does not go into a syscall frame, bytes. */
const LARGE_BYTES = 16 * 1024 * 1024;
const NO_ARGS: readonly Word[] = [];

/** Appends the frames of a finished call: details, result and what the kernel stored. */
export function recordSyscall(
  session: Session,
  task: Task,
  extra: readonly MemoryWrite[] = NO_WRITES,
): void {
  const { nr, result } = task;
  session.syscalls++;
  task.paths.traced++;
  const row = syscallTable[nr];
  let args: readonly Word[] = task.args;
  if (result === -516) {
    if (nr !== Sys.restart_syscall) {
      task.restartNr = nr;
      task.restartArgs = task.args.slice();
    }
  }
  detailsBefore(session, task, row);
  let shape = row;
  if (nr === Sys.restart_syscall && task.restartNr >= 0) {
    // The kernel goes on with the interrupted call: its out-buffers are that call's.
    shape = syscallTable[task.restartNr];
    args = task.restartArgs;
  }
  // Where nothing is stored, there is nothing to be read from memory.
  const stored = shape !== undefined && hasOut(shape.nr) ? shape : undefined;
  if (session.muted) {
    // Nothing is kept any more.
  } else if (extra.length > 0 || !recordInPlace(session, task, row, stored, args)) {
    recordWhole(session, task, row, stored, args, extra);
  }
  session.agent?.descriptors.learn(task);
  if (session.stores.length > 0) {
    // After the call: before it, the program's own instructions up to the call would still have to run in a replay.
    for (const { target, writes: stored } of session.stores.splice(0)) {
      session.emit(target, {
        type: 'kernel-write',
        task: target.uid,
        time: session.now,
        writes: stored,
      });
    }
  }
  if (session.config.verbosity.registerHashes && task.exitRegsValid) {
    const registers = hashRegisters(settledRegisters(task));
    session.emit(task, { type: 'state', task: task.uid, time: session.now, registers, memory: '' });
  }
}

function durationOf(session: Session, task: Task): number | undefined {
  return session.config.verbosity.durations ? session.now - task.enteredAt : undefined;
}

/** The copy under way from a task's memory into the open frame: no closure for each call. */
const copying = { session: undefined as unknown as Session, tid: 0, tooLarge: false };

function copyIntoFrame(addr: number, size: number): void {
  const { session, tid } = copying;
  if (size > LARGE_BYTES) copying.tooLarge = true;
  if (copying.tooLarge) return;
  const { log } = session;
  const offset = log.reserveWrite(addr, size);
  log.commitWrite(session.tracer.readMemory(tid, addr, log.frameMemory, offset, size));
}

/** Builds the call's frame in the log's memory. False, and nothing done, if it would be too large. */
function recordInPlace(
  session: Session,
  task: Task,
  row: SyscallRow | undefined,
  stored: SyscallRow | undefined,
  args: readonly Word[],
): boolean {
  const { log } = session;
  const { nr, result } = task;
  const argCount = session.config.verbosity.args && row !== undefined ? row.args.length : 0;
  const { stream } = task.domain;
  log.beginSyscall(stream, task.uid, session.now, nr, task.args, argCount, result);
  if (stored !== undefined) {
    session.peekTid = copying.tid = task.tid;
    copying.session = session;
    copying.tooLarge = false;
    try {
      const told = toldBy(session, task, args);
      outRegions(stored, args, told, session.peek, copyIntoFrame, task.regionContext);
    } catch (error) {
      log.cancelFrame();
      throw error;
    }
    if (copying.tooLarge) {
      log.cancelFrame();
      return false;
    }
  }
  log.endFrame(durationOf(session, task));
  return true;
}

function recordWhole(
  session: Session,
  task: Task,
  row: SyscallRow | undefined,
  stored: SyscallRow | undefined,
  args: readonly Word[],
  extra: readonly MemoryWrite[],
): void {
  const { nr, result } = task;
  const writes: MemoryWrite[] = extra.slice();
  const keep = (addr: number, size: number): void => {
    if (size > LARGE_BYTES) {
      keepLarge(session, task, addr, size);
      return;
    }
    const bytes = new Uint8Array(size);
    const got = session.tracer.readMemory(task.tid, addr, bytes, 0, size);
    if (got > 0) writes.push({ addr, bytes: got === size ? bytes : bytes.subarray(0, got) });
  };
  if (stored !== undefined) {
    session.peekTid = task.tid;
    const told = toldBy(session, task, args);
    outRegions(stored, args, told, session.peek, keep, task.regionContext);
  }
  session.emit(task, {
    type: 'syscall',
    task: task.uid,
    time: session.now,
    nr,
    args:
      session.config.verbosity.args && row !== undefined
        ? task.args.slice(0, row.args.length)
        : NO_ARGS,
    result,
    writes,
    duration: durationOf(session, task),
  });
}

/** What one call stored in one place can be more than a frame holds: most of it goes ahead in frames of its own. */
function keepLarge(session: Session, task: Task, addr: number, size: number): void {
  // Replay must have come to the call before it stores what the call stored.
  session.emit(task, { type: 'block', task: task.uid, time: session.now, nr: task.nr });
  for (let done = 0; done < size; done += LARGE_BYTES) {
    const bytes = new Uint8Array(Math.min(LARGE_BYTES, size - done));
    const got = session.tracer.readMemory(task.tid, addr + done, bytes, 0, bytes.length);
    if (got === 0) return;
    const writes = [{ addr: addr + done, bytes: bytes.subarray(0, got) }];
    session.emit(task, { type: 'kernel-write', task: task.uid, time: session.now, writes });
  }
}
