/** Pointers in .eh_frame and .eh_frame_hdr. */
import type { ByteReader } from './byte-reader.js';

const ENCODING_OMIT = 0xff;
const ENCODING_PCREL = 0x10;

/** A pointer as DW_EH_PE_* encodes it; undefined for a kind that FDEs do not use. `address` is that of the bytes' start. */
export function readPointer(
  reader: ByteReader,
  encoding: number,
  address: number,
): number | undefined {
  if (encoding === ENCODING_OMIT) return undefined;
  const place = address + reader.position;
  const value = readEncoded(reader, encoding & 0x0f);
  const base = (encoding & 0x70) === ENCODING_PCREL ? place : 0;
  if ((encoding & 0x80) !== 0 || (encoding & 0x70) > ENCODING_PCREL) return undefined;
  return base + value;
}

function readEncoded(reader: ByteReader, format: number): number {
  switch (format) {
    case 0x0:
    case 0x4:
      return Number(reader.u64());
    case 0x1:
      return Number(reader.uleb());
    case 0x2:
      return reader.u16();
    case 0x3:
      return reader.u32();
    case 0x9:
      return Number(reader.sleb());
    case 0xa:
      return reader.i16();
    case 0xb:
      return reader.i32();
    case 0xc:
      return Number(reader.i64());
    default:
      throw new RangeError(`pointer format ${format}`);
  }
}
