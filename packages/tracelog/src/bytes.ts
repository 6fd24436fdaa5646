/**
 * Growing output and bounded input of the log's primitive values.
 *
 * Integers are varints: as many one bits as bytes follow, a zero bit, and the value, high bits first (see FORMAT.md).
 * High bits first, as pointers differ in their low bits: zstd then finds one match up to there instead of two around them.
 * Signed integers are folded first (0, -1, 1, -2 … become 0, 1, 2, 3 …), so that small values of either sign are short.
 * Two 32-bit halves stand in for 64-bit integers: a bigint costs an allocation, and nearly every value is below 2^53.
 */
import { MalformedError } from './errors.js';
import type { Word } from './schema/frames.js';

const TWO_28 = 2 ** 28;
const TWO_31 = 2 ** 31;
const TWO_32 = 2 ** 32;
const TWO_53 = 2 ** 53;
const TWO_64 = 2 ** 64;
/** A varint of 64 bits has at most this many bytes. */
export const MAX_VARINT = 9;

/** From this capacity on, up to eight times as much, a sink grows by more than its own. */
const LONG = 64 * 1024;

const EMPTY_BUFFER = new Uint8Array(0);
const utf8Encoder = new TextEncoder();
const utf8Decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const LONE_SURROGATE = /\p{Surrogate}/u;
/** Strings below these lengths are quicker read and written by hand. What is written has its length in one byte. */
const SHORT = 24;
const SHORT_TO_WRITE = 64;

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
    const { length } = this.buf;
    // What is not written to is no memory yet.
    const times = length < LONG || length > 8 * LONG ? 2 : 8;
    const grown = new Uint8Array(Math.max(this.pos + size, length * times, 64));
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
      // A fraction must not pass for the integer below it.
      if ((value | 0) !== value) throw new RangeError(`not an integer: ${value}`);
      this.small(value);
    } else {
      if (!(value >= 0 && value < TWO_64) || value % 1 !== 0) {
        throw new RangeError(`not an unsigned 64-bit integer: ${value}`);
      }
      this.large(Math.floor(value / TWO_32), value >>> 0);
    }
  }

  /** A safe integer. */
  int(value: number): void {
    this.ensure(MAX_VARINT);
    const sign = value < 0 ? 1 : 0;
    const folded = sign === 1 ? -1 - value : value;
    if (folded < TWO_28 / 2) {
      if ((folded | 0) !== folded) throw new RangeError(`not an integer: ${value}`);
      this.small(folded * 2 + sign);
    } else {
      if (!(folded < TWO_53 - sign) || folded % 1 !== 0) {
        throw new RangeError(`not a safe integer: ${value}`);
      }
      // Not 2 * folded + sign: that may be more than a double holds.
      this.large(Math.floor(folded / TWO_31), ((folded << 1) | sign) >>> 0);
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
    const folded = value < 0n ? -1n - 2n * value : 2n * value;
    this.large(Number(folded >> 32n), Number(folded & 0xffffffffn));
  }

  /** Room for a varint is there, and `value` is an integer below 2^28. */
  private small(value: number): void {
    const { buf, pos } = this;
    if (value < 0x80) {
      buf[pos] = value;
      this.pos = pos + 1;
    } else if (value < 0x4000) {
      buf[pos] = (value >>> 8) | 0x80;
      buf[pos + 1] = value;
      this.pos = pos + 2;
    } else if (value < 0x200000) {
      buf[pos] = (value >>> 16) | 0xc0;
      buf[pos + 1] = value >>> 8;
      buf[pos + 2] = value;
      this.pos = pos + 3;
    } else {
      buf[pos] = (value >>> 24) | 0xe0;
      buf[pos + 1] = value >>> 16;
      buf[pos + 2] = value >>> 8;
      buf[pos + 3] = value;
      this.pos = pos + 4;
    }
  }

  /** As small, of any 64 bits in two unsigned halves. */
  private large(high: number, low: number): void {
    if (high === 0 && low < TWO_28) {
      this.small(low);
      return;
    }
    const { buf } = this;
    let { pos } = this;
    if (high < 0x8) {
      buf[pos++] = high | 0xf0;
    } else if (high < 0x400) {
      buf[pos++] = (high >>> 8) | 0xf8;
      buf[pos++] = high;
    } else if (high < 0x20000) {
      buf[pos++] = (high >>> 16) | 0xfc;
      buf[pos++] = high >>> 8;
      buf[pos++] = high;
    } else {
      if (high < 0x1000000) {
        buf[pos++] = 0xfe;
      } else {
        buf[pos++] = 0xff;
        buf[pos++] = high >>> 24;
      }
      buf[pos++] = high >>> 16;
      buf[pos++] = high >>> 8;
      buf[pos++] = high;
    }
    buf[pos] = low >>> 24;
    buf[pos + 1] = low >>> 16;
    buf[pos + 2] = low >>> 8;
    buf[pos + 3] = low;
    this.pos = pos + 4;
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
    if (value.length < SHORT_TO_WRITE && this.ascii(value)) return;
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
  for (let limit = 0x80; value >= limit && length < MAX_VARINT; limit *= 0x80) length++;
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
    const low = this.low(first);
    const value = this.high * TWO_32 + low;
    if (value === TWO_64) throw new MalformedError('an integer is too large');
    return value;
  }

  /** The high half of the varint that low() read last. */
  private high = 0;

  /** Reads the varint of two bytes or more that begins with `first`; gives its low half. */
  private low(first: number): number {
    const { buf, pos } = this;
    if (first < 0xf0) {
      this.high = 0;
      if (first < 0xc0) {
        this.pass(1);
        return ((first & 0x3f) << 8) | (buf[pos] as number);
      }
      if (first < 0xe0) {
        this.pass(2);
        return ((first & 0x1f) << 16) | ((buf[pos] as number) << 8) | (buf[pos + 1] as number);
      }
      this.pass(3);
      return (
        ((first & 0xf) << 24) |
        ((buf[pos] as number) << 16) |
        ((buf[pos + 1] as number) << 8) |
        (buf[pos + 2] as number)
      );
    }
    let at = pos;
    let high = 0;
    if (first < 0xf8) {
      this.pass(4);
      high = first & 0x7;
    } else if (first < 0xfc) {
      this.pass(5);
      high = ((first & 0x3) << 8) | (buf[at++] as number);
    } else if (first < 0xfe) {
      this.pass(6);
      high = ((first & 0x1) << 16) | ((buf[at++] as number) << 8) | (buf[at++] as number);
    } else {
      this.pass(first === 0xfe ? 7 : 8);
      if (first === 0xff) high = buf[at++] as number;
      high = (high << 8) | (buf[at++] as number);
      high = (high << 8) | (buf[at++] as number);
      high = ((high << 8) | (buf[at++] as number)) >>> 0;
    }
    this.high = high;
    return (
      (((buf[at] as number) << 24) |
        ((buf[at + 1] as number) << 16) |
        ((buf[at + 2] as number) << 8) |
        (buf[at + 3] as number)) >>>
      0
    );
  }

  private pass(size: number): void {
    if (size > this.end - this.pos) throw new MalformedError('a value goes past the end');
    this.pos += size;
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
    if (first < 0x80) return (first & 1) === 1 ? -1 - (first >> 1) : first >> 1;
    const low = this.low(first);
    const { high } = this;
    const negative = (low & 1) === 1;
    if (high < 0x400000) {
      const folded = high * TWO_31 + (low >>> 1);
      // -1 - folded must be safe too: -2^53 is not.
      if (!negative) return folded;
      if (folded < TWO_53 - 1) return -1 - folded;
    }
    const folded = (BigInt(high) << 31n) | BigInt(low >>> 1);
    return negative ? -1n - folded : folded;
  }

  /** A view of the next bytes, not a copy. */
  bytes(): Uint8Array {
    const length = this.uint();
    if (length > this.end - this.pos) throw new MalformedError('bytes go past the end');
    return this.view(length);
  }

  /** A view of all bytes that are left. */
  rest(): Uint8Array {
    return this.view(this.end - this.pos);
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
