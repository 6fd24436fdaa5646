import { Errno, PAGE_SIZE, Sys } from '@scribe-ts/core-native';
import { syscallTable, type Word } from '@scribe-ts/tracelog';
import type { Session } from './session.js';
import type { Task } from './tasks.js';

// What a call has stored that met memory which is not there.

/** How much of its buffers such a call may have filled beyond what it tells, at most. */
const FAULTED_BYTES = 0x10000;
const IOVEC_BYTES = 16;
const MAX_IOVECS = 1024;
/** Where struct msghdr has its vector and how long that is. */
const MSG_IOV = 16;
const MSG_IOVLEN = 24;

const enum Fills {
  /** Of the size of the third argument, where the second leads. */
  Buffer = 1,
  /** A vector: the second argument, of as many pieces as the third says. */
  Vector,
  /** The vector of a struct msghdr, the second argument. */
  Message,
}
/** Calls that may have stored more than they return when they meet a hole. */
const fillsBuffers: readonly (Fills | undefined)[] = syscallTable.map((_, nr) => {
  switch (nr) {
    case Sys.read:
    case Sys.pread64:
    case Sys.recvfrom:
      return Fills.Buffer;
    case Sys.readv:
    case Sys.preadv:
    case Sys.preadv2:
      return Fills.Vector;
    case Sys.recvmsg:
      return Fills.Message;
    default:
      return undefined;
  }
});

/**
 * The result by which is found out what a call has stored. What one returns that met a hole in its buffer does not say what
 * it has filled before that: it is taken to have filled all there is, which is then as it was, at worst.
 */
export function toldBy(session: Session, task: Task, args: readonly Word[]): Word {
  const { result } = task;
  if (result === -Errno.EFAULT) return FAULTED_BYTES;
  const fills = fillsBuffers[task.nr];
  if (fills === undefined || typeof result !== 'number' || result <= 0) return result;
  return meetsHole(session, task, fills, args, result) ? result + FAULTED_BYTES : result;
}

function meetsHole(
  session: Session,
  task: Task,
  fills: Fills,
  args: readonly Word[],
  filled: number,
): boolean {
  if (fills === Fills.Buffer)
    return endsInHole(session, task, Number(args[1]), Number(args[2]), filled);
  let left = filled;
  return buffersOf(session, task, args).some(({ addr, size }) => {
    const meets = endsInHole(session, task, addr, size, left);
    left = Math.max(0, left - size);
    return meets;
  });
}

/** A place in memory that a call is to fill. */
export interface CallBuffer {
  readonly addr: number;
  readonly size: number;
}

/** What a call that reads (read, readv, recvfrom, recvmsg and the like) fills, in this order; empty for other calls. */
export function buffersOf(
  session: Session,
  task: Task,
  args: readonly Word[],
): readonly CallBuffer[] {
  const addr = Number(args[1]);
  switch (fillsBuffers[task.nr]) {
    case undefined:
      return [];
    case Fills.Buffer:
      return [{ addr, size: Number(args[2]) }];
    case Fills.Vector:
      return piecesOf(session, task, addr, Number(args[2]));
    case Fills.Message: {
      const vector = session.readWord(task, addr + MSG_IOV);
      return piecesOf(session, task, vector, session.readWord(task, addr + MSG_IOVLEN));
    }
  }
}

function piecesOf(session: Session, task: Task, addr: number, count: number): CallBuffer[] {
  const bytes = new Uint8Array(Math.min(count, MAX_IOVECS) * IOVEC_BYTES);
  const got = session.tracer.readMemory(task.tid, addr, bytes, 0, bytes.length);
  const view = new DataView(bytes.buffer);
  const pieces: CallBuffer[] = [];
  for (let at = 0; at + IOVEC_BYTES <= got; at += IOVEC_BYTES) {
    const word = (from: number): number => Number(view.getBigUint64(from, true));
    pieces.push({ addr: word(at), size: word(at + 8) });
  }
  return pieces;
}

const lastByte = new Uint8Array(1);

/** The end of a buffer of which `filled` bytes are filled is not there. */
function endsInHole(
  session: Session,
  task: Task,
  addr: number,
  size: number,
  filled: number,
): boolean {
  if (filled >= size) return false;
  // In a page that has been filled in part there is no hole.
  const last = addr + size - 1;
  if (filled > 0 && pageOf(addr + filled - 1) === pageOf(last)) return false;
  return session.tracer.readMemory(task.tid, last, lastByte, 0, 1) === 0;
}

const pageOf = (addr: number): number => Math.floor(addr / PAGE_SIZE);
