/** Structures in memory, by their C names. */
import { i32, i64, pointer, u16, u32, u64 } from './words.js';

/** Prints the structure in the `size` bytes at `at`; at least `Struct.size` bytes are there. */
export type StructPrinter = (bytes: Uint8Array, at: number, size: number) => string;

export interface Struct {
  /** Bytes without which nothing can be printed. */
  readonly size: number;
  /** A plain number, printed in brackets as what a pointer points to. */
  readonly boxed: boolean;
  readonly print: StructPrinter;
}

export type Structs = Readonly<Record<string, Struct>>;

export function struct(size: number, print: StructPrinter): Struct {
  return { size, boxed: false, print };
}

export function boxed(size: number, print: StructPrinter): Struct {
  return { size, boxed: true, print };
}

const word32 = boxed(4, (bytes, at) => String(u32(bytes, at)));
const signed32 = boxed(4, (bytes, at) => String(i32(bytes, at)));
const word64 = boxed(8, (bytes, at) => String(u64(bytes, at)));

/** An id of a user or group: -1 is none. */
export function id(value: number): string {
  return value === 0xffffffff ? '-1' : String(value);
}

export const scalarStructs: Structs = {
  int: signed32,
  unsigned: word32,
  u16: boxed(2, (bytes, at) => String(u16(bytes, at))),
  u32: word32,
  u64: word64,
  size_t: word64,
  socklen_t: signed32,
  uid_t: boxed(4, (bytes, at) => id(u32(bytes, at))),
  gid_t: boxed(4, (bytes, at) => id(u32(bytes, at))),
  loff_t: boxed(8, (bytes, at) => String(i64(bytes, at))),
  time_t: boxed(8, (bytes, at) => String(i64(bytes, at))),
  pointer: boxed(8, (bytes, at) => pointer(u64(bytes, at))),
};

/** Most members of an array that are printed. */
const ARRAY_LIMIT = 32;

/**
 * `[…]` for as many structures of `size` bytes as `bytes` holds, at most `count`. More than are shown, or than the
 * bytes hold, end in `...`.
 */
export function array(type: Struct, bytes: Uint8Array, size: number, count: number): string {
  const there = Math.min(count, Math.floor(bytes.length / size));
  const shown = Math.min(there, ARRAY_LIMIT);
  let text = '[';
  for (let i = 0; i < shown; i++) {
    if (i > 0) text += ', ';
    text += type.print(bytes, i * size, size);
  }
  if (shown < count) text += shown > 0 ? ', ...' : '...';
  return text + ']';
}

/** The set bits of a mask, at most `size` bytes at `at`, as numbers with spaces between. */
export function bits(bytes: Uint8Array, at: number, size: number): string {
  let text = '';
  const end = Math.min(at + size, bytes.length);
  for (let i = at; i < end; i++) {
    const byte = bytes[i]!;
    for (let bit = 0; byte >> bit !== 0; bit++) {
      if (((byte >> bit) & 1) === 0) continue;
      text += (text === '' ? '' : ' ') + ((i - at) * 8 + bit);
    }
  }
  return '[' + text + ']';
}
