import {
  ARGUMENT_REGS,
  Errno,
  ERESTART_RESTARTBLOCK,
  mapCallScratch,
  Reg,
  Sys,
} from '@scribe-ts/core-native';
import {
  hasOut,
  type OutPiece,
  outPieces,
  outRegions,
  syscallTable,
  type Word,
} from '@scribe-ts/tracelog';
import type { MovedPiece } from './scratch.js';
import type { Session } from './session.js';
import { type Task, TaskState } from './tasks.js';

// While a task waits in a call, another one may run and see what the kernel stores for that call before the log says
// that it did. So the kernel is given other memory, in the reserved range, and what it stored there is copied to where
// it belongs when the task has the baton again.

/** Larger buffers stay where they are, bytes. */
const MAX_BYTES = 8 * 1024 * 1024;
const ALIGNMENT = 16;
const NO_ROOM =
  'no memory to put the buffers of waiting calls aside: other threads may see early what such calls store';

/**
 * Finds out which out-buffers of the call that a task is entering others could see while it waits, and has scratch
 * memory for them. False if the task has been sent to the call's instruction once more: it had to be given that memory
 * first.
 */
export function planBuffers(session: Session, task: Task): boolean {
  task.planned = undefined;
  if (!task.mayYield || task.domain.tasks.size === 1 || !hasOut(task.nr)) return true;
  session.peekTid = task.tid;
  const pieces = outPieces(syscallTable[task.nr]!, task.args, session.peek);
  if (pieces === undefined || pieces.length === 0) return true;
  if (task.space.users === 1 && !pieces.some((piece) => isShared(task, piece))) return true;
  let size = 0;
  for (const piece of pieces) size += piece.size + ALIGNMENT;
  if (size > MAX_BYTES || !areThere(session, task, pieces)) return true;
  if (task.scratch === undefined || task.scratch.size < size) {
    if (!takeSlot(session, task, size)) return true;
    if (task.state === TaskState.Running) return false;
  }
  task.planned = pieces;
  return true;
}

/** Moves the buffers that were planned to be moved. */
export function moveBuffers(session: Session, task: Task): void {
  let at = task.scratch!.start;
  const moved: MovedPiece[] = [];
  for (const piece of task.planned!) {
    let given: Uint8Array | undefined;
    if (piece.keeps) {
      given = new Uint8Array(piece.size);
      session.tracer.readMemory(task.tid, piece.addr, given, 0, piece.size);
    }
    moved.push({ ...piece, at, given });
    at += Math.ceil(piece.size / ALIGNMENT) * ALIGNMENT;
  }
  const args = task.args.slice();
  for (const { holder, place, at: target } of moved) {
    if (holder < 0) args[place] = target;
    else {
      const { given } = moved[holder]!;
      new DataView(given!.buffer).setBigUint64(place, BigInt(target), true);
    }
  }
  for (const { at: target, given } of moved) {
    if (given !== undefined) session.tracer.writeMemory(task.tid, target, given, 0, given.length);
  }
  setArguments(session, task, args);
  task.planned = undefined;
  task.moved = { nr: task.nr, args, pieces: moved };
}

function isShared(task: Task, { addr, size }: OutPiece): boolean {
  return task.space.shared.some(({ start, end }) => addr < end && addr + size > start);
}

/** A buffer that is not there, or not whole, is the kernel's to complain about. */
function areThere(session: Session, task: Task, pieces: readonly OutPiece[]): boolean {
  const byte = new Uint8Array(1);
  for (const { addr, size } of pieces) {
    if (session.tracer.readMemory(task.tid, addr + size - 1, byte, 0, 1) !== 1) return false;
  }
  return true;
}

/**
 * Gives the task scratch memory for `size` bytes; false if there is none to be had. If it had to be mapped, the task is
 * on its way to its call again.
 */
function takeSlot(session: Session, task: Task, size: number): boolean {
  const { tracer, regs } = session;
  releaseScratch(task);
  const taken = task.space.scratch.take(size);
  if (taken === undefined) {
    session.note(task, NO_ROOM);
    return false;
  }
  task.scratch = taken.slot;
  if (!taken.fresh) return true;
  let mapped = false;
  try {
    mapped = mapCallScratch(tracer, task.tid, taken.slot.start, taken.slot.size);
  } catch {
    // Killed meanwhile: its end is the next thing to be seen of it.
  }
  if (!mapped) {
    task.scratch = undefined;
    task.space.scratch.close();
  }
  // The call that was pending is lost by that: back to its instruction.
  tracer.getRegs(task.tid);
  regs.set(Reg.rax, task.nr);
  regs.set(Reg.rip, regs.address(Reg.rip) - 2);
  regs.set(Reg.orig_rax, -1);
  tracer.setRegs(task.tid);
  task.exitRegs.set(regs.halves);
  task.exitRegsValid = true;
  task.atEntry = true;
  session.resumeUser(task);
  return true;
}

/** The task uses its scratch memory no more: another one may. */
export function releaseScratch(task: Task): void {
  if (task.scratch !== undefined) task.space.scratch.give(task.scratch);
  task.scratch = undefined;
}

function setArguments({ tracer, regs }: Session, task: Task, args: readonly Word[]): void {
  for (let i = 0; i < args.length; i++) regs.set(ARGUMENT_REGS[i]!, args[i]!);
  tracer.setRegs(task.tid);
}

/** Gives a task at the end of a call with moved buffers the argument registers that it had. Its registers are loaded. */
export function restoreArguments(session: Session, task: Task): void {
  setArguments(session, task, task.args);
}

/** The call has ended, and its task has the baton: puts what the kernel has stored where it belongs. */
export function copyBack(session: Session, task: Task): void {
  const { tracer, regs } = session;
  const { nr, args, pieces } = task.moved!;
  // The kernel goes on with such a call without looking at its arguments again.
  if (task.result === ERESTART_RESTARTBLOCK) task.suspended = task.moved;
  task.moved = undefined;
  const row = syscallTable[nr]!;
  let stored = 0;
  let lost = false;
  session.peekTid = task.tid;
  outRegions(
    row,
    args,
    task.result,
    session.peek,
    (from, length) => {
      const piece = pieces.find(({ at, size }) => from >= at && from < at + size);
      if (piece === undefined) return;
      const offset = from - piece.at;
      const bytes = new Uint8Array(Math.min(length, piece.size - offset));
      tracer.readMemory(task.tid, from, bytes, 0, bytes.length);
      const done = storePiece(session, task, piece, offset, bytes);
      stored += done;
      if (done < bytes.length) lost = true;
    },
    task.regionContext,
  );
  if (!lost) return;
  // As if the kernel had met the hole itself.
  task.result = row.returns === 'size' && stored > 0 ? stored : -Errno.EFAULT;
  tracer.getRegs(task.tid);
  regs.set(Reg.rax, task.result);
  tracer.setRegs(task.tid);
  task.exitRegs.set(regs.halves);
}

/** Stores bytes of a piece that begin at `offset`. Of memory that the kernel was given content in, only what it changed: the rest may have changed meanwhile. */
function storePiece(
  { tracer }: Session,
  task: Task,
  { addr, given }: MovedPiece,
  offset: number,
  bytes: Uint8Array,
): number {
  if (given === undefined)
    return tracer.storeMemory(task.tid, addr + offset, bytes, 0, bytes.length);
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] === given[offset + i]) continue;
    let end = i + 1;
    while (end < bytes.length && bytes[end] !== given[offset + end]) end++;
    if (tracer.storeMemory(task.tid, addr + offset + i, bytes, i, end - i) < end - i) return i;
    i = end;
  }
  return bytes.length;
}

/** The task is entering a call: the buffers of one that was interrupted are of use only if the kernel goes on with it. */
export function resumeMoved(task: Task): void {
  if (task.nr === Sys.restart_syscall) task.moved = task.suspended;
  task.suspended = undefined;
}
