const DECODER = new TextDecoder('latin1');

/** Reads little-endian values one after another. Throws RangeError at the end of its bytes. */
export class ByteReader {
  position: number;
  private readonly view: DataView;

  constructor(
    readonly bytes: Uint8Array,
    position = 0,
    readonly end: number = bytes.length,
  ) {
    this.position = position;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, end);
  }

  get atEnd(): boolean {
    return this.position >= this.end;
  }

  u8(): number {
    return this.view.getUint8(this.advance(1));
  }

  i8(): number {
    return this.view.getInt8(this.advance(1));
  }

  u16(): number {
    return this.view.getUint16(this.advance(2), true);
  }

  i16(): number {
    return this.view.getInt16(this.advance(2), true);
  }

  u32(): number {
    return this.view.getUint32(this.advance(4), true);
  }

  i32(): number {
    return this.view.getInt32(this.advance(4), true);
  }

  u64(): bigint {
    return this.view.getBigUint64(this.advance(8), true);
  }

  i64(): bigint {
    return this.view.getBigInt64(this.advance(8), true);
  }

  /** LEB128, unsigned; the low 64 bits. */
  uleb(): bigint {
    let result = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.u8();
      if (shift < 64n) result |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, result);
    }
  }

  /** LEB128, signed; the low 64 bits. */
  sleb(): bigint {
    let result = 0n;
    for (let shift = 0n; ;) {
      const byte = this.u8();
      if (shift < 64n) result |= BigInt(byte & 0x7f) << shift;
      shift += 7n;
      if (byte >= 0x80) continue;
      if ((byte & 0x40) !== 0 && shift < 64n) result -= 1n << shift;
      return BigInt.asIntN(64, result);
    }
  }

  /** Text up to a NUL, which is skipped. */
  text(): string {
    const end = this.bytes.indexOf(0, this.position);
    if (end < 0 || end >= this.end) throw new RangeError('text without an end');
    const text = DECODER.decode(this.bytes.subarray(this.position, end));
    this.position = end + 1;
    return text;
  }

  block(length: number): Uint8Array {
    const from = this.advance(length);
    return this.bytes.subarray(from, from + length);
  }

  private advance(size: number): number {
    const from = this.position;
    // A length from the file may be anything: never go backwards, never beyond the end.
    if (!(size >= 0) || from + size > this.end) throw new RangeError('reading past the end');
    this.position = from + size;
    return from;
  }
}
