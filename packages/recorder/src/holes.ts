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
  const addr = Number(args[1]);
  if (fills === Fills.Buffer) return endsInHole(session, task, addr, Number(args[2]), filled);
  if (fills === Fills.Vector) return vectorMeetsHole(session, task, addr, Number(args[2]), filled);
  const vector = session.readWord(task, addr + MSG_IOV);
  return vectorMeetsHole(session, task, vector, session.readWord(task, addr + MSG_IOVLEN), filled);
}

const iovecs = new DataView(new ArrayBuffer(MAX_IOVECS * IOVEC_BYTES));
const iovecBytes = new Uint8Array(iovecs.buffer);

/** As endsInHole, of any of the pieces that the first `filled` bytes do not fill. */
function vectorMeetsHole(
  session: Session,
  task: Task,
  addr: number,
  count: number,
  filled: number,
): boolean {
  const size = Math.min(count, MAX_IOVECS) * IOVEC_BYTES;
  const got = session.tracer.readMemory(task.tid, addr, iovecBytes, 0, size);
  let left = filled;
  for (let at = 0; at + IOVEC_BYTES <= got; at += IOVEC_BYTES) {
    const length = Number(iovecs.getBigUint64(at + 8, true));
    const base = Number(iovecs.getBigUint64(at, true));
    if (left < length && endsInHole(session, task, base, length, left)) return true;
    left = Math.max(0, left - length);
  }
  return false;
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
