/**
 * Growing output and bounded input of the log's primitive values.
 *
 * Integers are varints: seven bits a byte, low bits first, the top bit set on all but the last. Signed ones are folded
 * first (0, -1, 1, -2 … become 0, 1, 2, 3 …), so that small values of either sign are short. Floating-point arithmetic
 * stands in for 64-bit integers: a bigint costs an allocation, and nearly every value is below 2^53.
 */
import { MalformedError } from './errors.js';
import type { Word } from './schema/frames.js';

const TWO_28 = 0x10000000;
const TWO_53 = 2 ** 53;
const TWO_64 = 2 ** 64;
/** A varint of 64 bits has at most this many bytes. */
export const MAX_VARINT = 10;

const EMPTY_BUFFER = new Uint8Array(0);
const utf8Encoder = new TextEncoder();
const utf8Decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const LONE_SURROGATE = /\p{Surrogate}/u;
/** Strings below this length are quicker done by hand. Their length's varint is one byte. */
const SHORT = 24;

export class ByteSink {
  buf: Uint8Array;
  pos = 0;

  constructor(capacity = 0) {
    this.buf = capacity === 0 ? EMPTY_BUFFER : new Uint8Array(capacity);
  }

  /** The bytes written so far: a view, valid until the next write. */
  written(): Uint8Array {
    return this.buf.subarray(0, this.pos);
  }

  /** Makes room for `size` more bytes. */
  ensure(size: number): void {
    if (this.pos + size > this.buf.length) this.grow(size);
  }

  private grow(size: number): void {
    const grown = new Uint8Array(Math.max(this.pos + size, this.buf.length * 2, 64));
    grown.set(this.buf.subarray(0, this.pos));
    this.buf = grown;
  }

  byte(value: number): void {
    this.ensure(1);
    this.buf[this.pos++] = value;
  }

  /** An integer from 0 up to 2^64, exact as far as a double is. */
  uint(value: number): void {
    this.ensure(MAX_VARINT);
    if (value >= 0 && value < TWO_28) {
      this.small(value);
    } else {
      if (!(value >= 0 && value < TWO_64) || value % 1 !== 0) {
        throw new RangeError(`not an unsigned 64-bit integer: ${value}`);
      }
      this.large(value);
    }
  }

  /** A safe integer. */
  int(value: number): void {
    this.ensure(MAX_VARINT);
    const sign = value < 0 ? 1 : 0;
    const folded = sign === 1 ? -1 - value : value;
    if (folded < 0x8000000) {
      // Checked before it is doubled: a half would become whole.
      if ((folded | 0) !== folded) throw new RangeError(`not an integer: ${value}`);
      this.small(folded * 2 + sign);
    } else {
      if (!(folded < TWO_53 - sign) || folded % 1 !== 0) {
        throw new RangeError(`not a safe integer: ${value}`);
      }
      this.folded(folded, sign);
    }
  }

  word(value: Word): void {
    if (typeof value === 'number') {
      this.int(value);
      return;
    }
    this.ensure(MAX_VARINT);
    if (value !== BigInt.asIntN(64, value)) {
      throw new RangeError(`not a signed 64-bit integer: ${value}`);
    }
    const sign = value < 0n ? 1 : 0;
    let rest = sign === 1 ? -1n - value : value;
    const buf = this.buf;
    let bits = Number(rest & 0x3fn) * 2 + sign;
    rest >>= 6n;
    while (rest !== 0n) {
      buf[this.pos++] = bits | 0x80;
      bits = Number(rest & 0x7fn);
      rest >>= 7n;
    }
    buf[this.pos++] = bits;
  }

  /** Room for a varint is there, and 0 <= value < 2^28. */
  private small(value: number): void {
    // A fraction must not pass for the integer below it.
    let rest = value | 0;
    if (rest !== value) throw new RangeError(`not an integer: ${value}`);
    const buf = this.buf;
    let pos = this.pos;
    while (rest >= 0x80) {
      buf[pos++] = rest | 0x80;
      rest >>>= 7;
    }
    buf[pos++] = rest;
    this.pos = pos;
  }

  private large(value: number): void {
    let rest = value;
    while (rest >= TWO_28) {
      const high = Math.floor(rest / TWO_28);
      const low = rest - high * TWO_28;
      const buf = this.buf;
      const pos = this.pos;
      buf[pos] = low | 0x80;
      buf[pos + 1] = (low >>> 7) | 0x80;
      buf[pos + 2] = (low >>> 14) | 0x80;
      buf[pos + 3] = (low >>> 21) | 0x80;
      this.pos = pos + 4;
      rest = high;
    }
    this.small(rest);
  }

  /** The varint of 2 * folded + sign, which itself may be more than a double holds. */
  private folded(folded: number, sign: number): void {
    this.buf[this.pos++] = (folded % 64) * 2 + sign + 0x80;
    this.large(Math.floor(folded / 64));
  }

  bytes(value: Uint8Array): void {
    const length = value.length;
    this.uint(length);
    this.ensure(length);
    this.raw(value, length);
  }

  /** `length` bytes without their length; room for them is there. */
  raw(value: Uint8Array, length: number): void {
    const { buf, pos } = this;
    if (length < 32) {
      // Shorter than the call to set() costs.
      for (let i = 0; i < length; i++) buf[pos + i] = value[i] as number;
    } else {
      buf.set(value, pos);
    }
    this.pos = pos + length;
  }

  /** Any string comes back the same: UTF-8, or UTF-16 where lone surrogates rule that out. */
  string(value: string): void {
    if (value.length < SHORT && this.ascii(value)) return;
    if (!LONE_SURROGATE.test(value)) {
      const room = value.length * 3;
      this.ensure(room + 2 * MAX_VARINT);
      // The length comes first, but is known last: write the text where the longest length would end, then close up.
      const start = this.pos;
      const textStart = start + MAX_VARINT;
      const { written } = utf8Encoder.encodeInto(value, this.buf.subarray(textStart));
      this.uint(written * 2);
      this.buf.copyWithin(this.pos, textStart, textStart + written);
      this.pos += written;
    } else {
      const length = value.length * 2;
      this.uint(length * 2 + 1);
      this.ensure(length);
      for (let i = 0; i < value.length; i++) {
        const unit = value.charCodeAt(i);
        this.buf[this.pos++] = unit & 0xff;
        this.buf[this.pos++] = unit >>> 8;
      }
    }
  }

  private ascii(value: string): boolean {
    const length = value.length;
    this.ensure(length + 1);
    const { buf, pos } = this;
    for (let i = 0; i < length; i++) {
      const unit = value.charCodeAt(i);
      if (unit > 0x7f) return false;
      buf[pos + 1 + i] = unit;
    }
    buf[pos] = length * 2;
    this.pos = pos + 1 + length;
    return true;
  }

  double(value: number): void {
    this.ensure(8);
    new DataView(this.buf.buffer, this.buf.byteOffset).setFloat64(this.pos, value, true);
    this.pos += 8;
  }

  /** Puts `byteCount` bytes of room at `at`, moving what follows. */
  insert(at: number, byteCount: number): void {
    this.ensure(byteCount);
    this.buf.copyWithin(at + byteCount, at, this.pos);
    this.pos += byteCount;
  }
}

/** Length in bytes of the varint of an unsigned value. */
export function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) length++;
  return length;
}

/** Reads what ByteSink wrote, never past `end`. Throws MalformedError. */
export class ByteSource {
  buf: Uint8Array = EMPTY_BUFFER;
  pos = 0;
  end = 0;

  constructor(buf?: Uint8Array) {
    if (buf) this.reset(buf, 0, buf.length);
  }

  reset(buf: Uint8Array, pos: number, end: number): void {
    this.buf = buf;
    this.pos = pos;
    this.end = end;
  }

  byte(): number {
    if (this.pos >= this.end) throw new MalformedError('a value goes past the end');
    return this.buf[this.pos++] as number;
  }

  uint(): number {
    const first = this.byte();
    if (first < 0x80) return first;
    const value = this.rest(first & 0x7f, 0x80, TWO_64);
    if (value === TWO_64) throw new MalformedError('an integer is too large');
    return value;
  }

  /** The bytes of a varint after its first, each worth `scale` more than the last, added to `value`. */
  private rest(value: number, scale: number, limit: number): number {
    const { buf, end } = this;
    let pos = this.pos;
    let sum = value;
    let unit = scale;
    for (;;) {
      if (pos >= end) throw new MalformedError('a value goes past the end');
      const byte = buf[pos++] as number;
      sum += (byte & 0x7f) * unit;
      if (byte < 0x80) break;
      unit *= 0x80;
      if (unit >= limit) throw new MalformedError('an integer has too many bytes');
    }
    // Not >=: a sum just below the limit may have been rounded up to it.
    if (sum > limit) throw new MalformedError('an integer is too large');
    this.pos = pos;
    return sum;
  }

  /** A count of things that each take at least one byte, so that a wrong one allocates nothing. */
  count(): number {
    const count = this.uint();
    if (count > this.end - this.pos) throw new MalformedError('a count goes past the end');
    return count;
  }

  int(): number {
    const value = this.word();
    if (typeof value === 'number') return value;
    throw new MalformedError('an integer is too large');
  }

  word(): Word {
    const first = this.byte();
    let folded = (first >> 1) & 0x3f;
    if (first >= 0x80) {
      const start = this.pos;
      folded = this.rest(folded, 0x40, TWO_64 / 2);
      // -1 - folded must be safe too: -2^53 is not.
      if (folded >= TWO_53 - 1) return this.bigWord(first, start);
    }
    // `-folded` alone would make -0 of nothing.
    return (first & 1) === 1 ? -1 - folded : folded;
  }

  private bigWord(first: number, start: number): Word {
    let folded = BigInt((first >> 1) & 0x3f);
    let shift = 6n;
    for (let pos = start; pos < this.pos; pos++) {
      folded |= BigInt((this.buf[pos] as number) & 0x7f) << shift;
      shift += 7n;
    }
    if (folded >= 1n << 63n) throw new MalformedError('an integer is too large');
    const value = (first & 1) === 1 ? -1n - folded : folded;
    const asNumber = Number(value);
    return Number.isSafeInteger(asNumber) ? asNumber : value;
  }

  /** A view of the next bytes, not a copy. */
  bytes(): Uint8Array {
    const length = this.uint();
    if (length > this.end - this.pos) throw new MalformedError('bytes go past the end');
    return this.view(length);
  }

  private view(length: number): Uint8Array {
    const { buf, pos } = this;
    this.pos = pos + length;
    return new Uint8Array(buf.buffer, buf.byteOffset + pos, length);
  }

  string(): string {
    const tag = this.uint();
    const length = Math.floor(tag / 2);
    if (length > this.end - this.pos) throw new MalformedError('a string goes past the end');
    const { buf, pos } = this;
    if (tag % 2 === 1) {
      if (length % 2 === 1) throw new MalformedError('a string has half a character');
      return Buffer.from(this.view(length)).toString('utf16le');
    }
    if (length < SHORT) {
      let text = '';
      let i = pos;
      for (const stop = pos + length; i < stop; i++) {
        const unit = buf[i] as number;
        if (unit > 0x7f) break;
        text += String.fromCharCode(unit);
      }
      if (i === pos + length) {
        this.pos = i;
        return text;
      }
    }
    try {
      return utf8Decoder.decode(this.view(length));
    } catch {
      throw new MalformedError('a string is not UTF-8');
    }
  }

  double(): number {
    if (this.end - this.pos < 8) throw new MalformedError('a value goes past the end');
    const value = new DataView(this.buf.buffer, this.buf.byteOffset).getFloat64(this.pos, true);
    this.pos += 8;
    return value;
  }
}
