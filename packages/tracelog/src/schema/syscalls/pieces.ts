/**
 * The out-buffers of a call that is yet to be made, each with the place of the pointer that leads to it: what is needed
 * to have the kernel store elsewhere.
 */
import type { Word } from '../frames.js';
import { MAX_SOCKADDR, MAX_VECTOR, MMSGHDR_BYTES, MSGHDR_BYTES, outRoom } from './regions.js';
import type { Peek } from './special.js';
import type { SyscallRow } from './types.js';
import { address, readAddress, readU32, readU64 } from './words.js';

/** Memory that a call may store into, or that has pointers to such memory. */
export interface OutPiece {
  readonly addr: number;
  /** Bytes. */
  readonly size: number;
  /** The kernel reads it first, or may leave it as it was. */
  readonly keeps: boolean;
  /** Piece in which the pointer to this one lies, by its index; -1 if the pointer is an argument. */
  readonly holder: number;
  /** Which argument, or the pointer's offset in the holder, bytes. */
  readonly place: number;
}

const IOVEC_BYTES = 16;

/**
 * The pieces of call `row` that is about to be made; a holder comes before what it holds. NULL pointers have none.
 * Undefined if the call's out-buffers cannot be moved: those of `special` arguments, pages that are given away
 * (vmsplice), or pointers that cannot be followed.
 */
export function outPieces(
  row: SyscallRow,
  args: ArrayLike<Word>,
  peek: Peek,
): readonly OutPiece[] | undefined {
  const pieces: OutPiece[] = [];
  for (let arg = 0; arg < row.args.length; arg++) {
    const { type } = row.args[arg]!;
    const sends = type.kind === 'msghdr' && type.dir === 'in' && type.count !== undefined;
    if (!('dir' in type) || (type.dir === 'in' && !sends)) continue;
    if (type.kind === 'special') return undefined;
    const addr = address(args[arg]);
    if (addr === 0) {
      if (args[arg] !== 0) return undefined;
      continue;
    }
    if (type.kind === 'buffer' || type.kind === 'struct') {
      const size = outRoom(row, arg, args, peek);
      const keeps = type.dir === 'inout' || type.when === 'always';
      if (size > 0) pieces.push({ addr, size, keeps, holder: -1, place: arg });
      continue;
    }
    if (sends) {
      // The lengths of what was sent are stored beside each message.
      const size = MMSGHDR_BYTES * outRoom(row, arg, args, peek);
      pieces.push({ addr, size, keeps: true, holder: -1, place: arg });
      continue;
    }
    if (type.dir !== 'out') return undefined;
    const count = type.count === undefined ? -1 : outRoom(row, arg, args, peek);
    const whole =
      type.kind === 'iovec'
        ? addVector(pieces, addr, count, -1, arg, peek)
        : addMessages(pieces, addr, count, arg, peek);
    if (!whole) return undefined;
  }
  return pieces;
}

function addVector(
  pieces: OutPiece[],
  addr: number,
  count: number,
  holder: number,
  place: number,
  peek: Peek,
): boolean {
  if (count === 0) return true;
  if (count > MAX_VECTOR) return false;
  const bytes = peek(addr, count * IOVEC_BYTES);
  if (bytes === undefined) return false;
  const self = pieces.push({ addr, size: count * IOVEC_BYTES, keeps: true, holder, place }) - 1;
  for (let offset = 0; offset < count * IOVEC_BYTES; offset += IOVEC_BYTES) {
    const base = readAddress(bytes, offset);
    const size = readU64(bytes, offset + 8);
    if (size === 0) continue;
    if (base === 0) return false;
    pieces.push({ addr: base, size, keeps: false, holder: self, place: offset });
  }
  return true;
}

/** `count` is -1 for a single struct msghdr, else that of struct mmsghdr. */
function addMessages(
  pieces: OutPiece[],
  addr: number,
  count: number,
  arg: number,
  peek: Peek,
): boolean {
  const stride = count < 0 ? MSGHDR_BYTES : MMSGHDR_BYTES;
  const size = stride * Math.abs(count);
  if (size === 0) return true;
  if (count > MAX_VECTOR) return false;
  // What is peeked may be gone at the next look.
  const bytes = peek(addr, size)?.slice();
  if (bytes === undefined) return false;
  const self = pieces.push({ addr, size, keeps: true, holder: -1, place: arg }) - 1;
  for (let at = 0; at < size; at += stride) {
    const name = readAddress(bytes, at);
    const nameRoom = Math.min(readU32(bytes, at + 8), MAX_SOCKADDR);
    if (name !== 0 && nameRoom > 0)
      pieces.push({ addr: name, size: nameRoom, keeps: false, holder: self, place: at });
    const vector = readAddress(bytes, at + 16);
    if (!addVector(pieces, vector, readU64(bytes, at + 24), self, at + 16, peek)) return false;
    const control = readAddress(bytes, at + 32);
    const controlRoom = readU64(bytes, at + 40);
    if (control !== 0 && controlRoom > 0)
      pieces.push({ addr: control, size: controlRoom, keeps: false, holder: self, place: at + 32 });
  }
  return true;
}
