import { Errno, hashRegisters, Sys } from '@scribe-ts/core-native';
import { hasOut, type MemoryWrite, outRegions, syscallTable, type Word } from '@scribe-ts/tracelog';
import { detailsBefore } from './details.js';
import { NO_WRITES, type Session } from './session.js';
import { settledRegisters } from './settled.js';
import type { Task } from './tasks.js';

/** How much of a buffer a call that failed with EFAULT may have filled, at most. */
const FAULTED_BYTES = 0x10000;
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
  let row = syscallTable[nr];
  let args: readonly Word[] = task.args;
  let writes: MemoryWrite[] | readonly MemoryWrite[] = extra;
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
  if (shape !== undefined && hasOut(shape.nr)) {
    session.peekTid = task.tid;
    const found: MemoryWrite[] = extra.slice();
    const keep = (addr: number, size: number): void => {
      if (size > LARGE_BYTES) {
        keepLarge(session, task, addr, size);
        return;
      }
      const bytes = new Uint8Array(size);
      const got = session.tracer.readMemory(task.tid, addr, bytes, 0, size);
      if (got > 0) found.push({ addr, bytes: got === size ? bytes : bytes.subarray(0, got) });
    };
    // A call that met a hole in the buffer may have filled what comes before it.
    const told = result === -Errno.EFAULT ? FAULTED_BYTES : result;
    outRegions(shape, args, told, session.peek, keep, task.regionContext);
    writes = found;
  }
  row = syscallTable[nr];
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
    duration: session.config.verbosity.durations ? session.now - task.enteredAt : undefined,
  });
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
