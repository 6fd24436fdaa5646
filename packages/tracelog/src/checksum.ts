/** CRC-32 of zlib, gzip and PNG. */

/** Loading node:zlib takes a thread longer than checksums of this many bytes do. */
const FEW_BYTES = 64 * 1024;
const POLYNOMIAL = 0xedb88320;

/** Four tables of 256: the checksum of a byte that 0 to 3 bytes follow. */
const tables = new Uint32Array(4 * 256);
for (let byte = 0; byte < 256; byte++) {
  let value = byte;
  for (let bit = 0; bit < 8; bit++)
    value = (value & 1) === 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1;
  tables[byte] = value;
}
for (let i = 256; i < tables.length; i++) {
  const before = tables[i - 256]!;
  tables[i] = tables[before & 0xff]! ^ (before >>> 8);
}

/** Checksum of `bytes`, or, with the checksum of what comes before them, of both. */
export function crc32(bytes: Uint8Array, before = 0): number {
  return bytes.length > FEW_BYTES
    ? process.getBuiltinModule('node:zlib').crc32(bytes, before)
    : crc32ByTable(bytes, before);
}

/** As crc32, whatever the length. */
export function crc32ByTable(bytes: Uint8Array, before = 0): number {
  let crc = ~before;
  let i = 0;
  for (const end = bytes.length - 3; i < end; i += 4) {
    crc ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    crc =
      tables[768 + (crc & 0xff)]! ^
      tables[512 + ((crc >>> 8) & 0xff)]! ^
      tables[256 + ((crc >>> 16) & 0xff)]! ^
      tables[crc >>> 24]!;
  }
  for (; i < bytes.length; i++) crc = tables[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8);
  return ~crc >>> 0;
}
