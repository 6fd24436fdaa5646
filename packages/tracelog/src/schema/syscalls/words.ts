import type { Word } from '../frames.js';

/** Room the kernel gives user space: an address beyond it is not followed. Beyond 2^53 it would not be a safe integer anyway. */
const ADDRESS_LIMIT = 2 ** 53;

/** The low 32 bits of a register, as an `int`. */
export function int32(word: Word | undefined): number {
  if (typeof word === 'number') return word | 0;
  return word === undefined ? 0 : Number(BigInt.asIntN(32, word));
}

/** The low 32 bits of a register, as an `unsigned int`. */
export function uint32(word: Word | undefined): number {
  return int32(word) >>> 0;
}

/** A register as an unsigned 64-bit count; Infinity above 2^53 (what is negative as a signed word is such a count). */
export function count64(word: Word | undefined): number {
  if (typeof word === 'number') return word < 0 ? Infinity : word;
  return word === undefined ? 0 : Infinity;
}

/** A register as an address that can be followed, else 0. */
export function address(word: Word | undefined): number {
  return typeof word === 'number' && word > 0 && word < ADDRESS_LIMIT ? word : 0;
}

/** True for -4095 … -1, which is how the kernel says `-errno`, and for its internal restart codes (-512 … -516). */
export function isFailure(result: number): boolean {
  return result < 0 && result >= -4095;
}

export function readU16(bytes: Uint8Array, offset: number): number {
  return bytes[offset]! | (bytes[offset + 1]! << 8);
}

export function readU32(bytes: Uint8Array, offset: number): number {
  return readI32(bytes, offset) >>> 0;
}

export function readI32(bytes: Uint8Array, offset: number): number {
  return (
    bytes[offset]! |
    (bytes[offset + 1]! << 8) |
    (bytes[offset + 2]! << 16) |
    (bytes[offset + 3]! << 24)
  );
}

/** A 64-bit word as a double: exact below 2^53, far too big to be an address or a length above it. */
export function readU64(bytes: Uint8Array, offset: number): number {
  return readU32(bytes, offset) + readU32(bytes, offset + 4) * 2 ** 32;
}

/** A 64-bit word of memory as an address that can be followed, else 0. */
export function readAddress(bytes: Uint8Array, offset: number): number {
  const value = readU64(bytes, offset);
  return value < ADDRESS_LIMIT ? value : 0;
}
