/** Registers and memory words as people read them. */
import type { Word } from '@scribe-ts/tracelog';

const HIGH = 2 ** 32;

/** The low 32 bits, as an `int`. */
export function int32(word: Word | undefined): number {
  if (typeof word === 'number') return word | 0;
  return word === undefined ? 0 : Number(BigInt.asIntN(32, word));
}

/** The low 32 bits, as an `unsigned int`. */
export function uint32(word: Word | undefined): number {
  return int32(word) >>> 0;
}

export function unsigned(word: Word): Word {
  return word >= 0 ? word : BigInt.asUintN(64, BigInt(word));
}

/** Hexadecimal, with 0 as `0`. */
export function hex(word: Word): string {
  if (word >= 0) return word === 0 ? '0' : '0x' + word.toString(16);
  return '0x' + BigInt.asUintN(64, BigInt(word)).toString(16);
}

/** An address: NULL or hexadecimal. */
export function pointer(word: Word): string {
  return word === 0 ? 'NULL' : hex(word);
}

/** A file mode or mask: octal, at least three digits. */
export function octal(value: number): string {
  const digits = value.toString(8);
  if (value === 0) return '000';
  return digits.length < 3 ? digits.padStart(3, '0') : '0' + digits;
}

export function u16(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8);
}

export function i16(bytes: Uint8Array, at: number): number {
  return (u16(bytes, at) << 16) >> 16;
}

export function i32(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

export function u32(bytes: Uint8Array, at: number): number {
  return i32(bytes, at) >>> 0;
}

/** A 64-bit unsigned word: a `number` if it is a safe integer. */
export function u64(bytes: Uint8Array, at: number): Word {
  const low = u32(bytes, at);
  const high = u32(bytes, at + 4);
  return high < 0x20_0000 ? high * HIGH + low : (BigInt(high) << 32n) | BigInt(low);
}

/** A 64-bit signed word: a `number` if it is a safe integer. */
export function i64(bytes: Uint8Array, at: number): Word {
  const low = u32(bytes, at);
  const high = i32(bytes, at + 4);
  if (high < 0x20_0000 && high >= -0x20_0000) {
    const value = high * HIGH + low;
    if (Number.isSafeInteger(value)) return value;
  }
  return (BigInt(high) << 32n) | BigInt(low);
}

/** A 64-bit word as a double: for addresses and lengths, exact below 2^53. */
export function f64(bytes: Uint8Array, at: number): number {
  return u32(bytes, at + 4) * HIGH + u32(bytes, at);
}
