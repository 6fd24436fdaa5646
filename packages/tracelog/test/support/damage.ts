/** Takes logs apart and puts them together again with changes. */
import { crc32 } from 'node:zlib';
import { Decompressor } from '../../src/compression.js';
import {
  CHUNK_HEAD_SIZE,
  ChunkCodec,
  decodeChunkHead,
  decodeFileHead,
  encodeChunkHead,
  FILE_HEAD_SIZE,
  TRAILER_SIZE,
  type ChunkHead,
} from '../../src/framing.js';
import type { Random } from './random.js';

export interface Chunk {
  readonly offset: number;
  readonly head: ChunkHead;
  readonly stored: Uint8Array;
  readonly raw: Uint8Array;
}

/** The chunks of a complete log. */
export function chunksOf(log: Uint8Array): Chunk[] {
  const decompressor = Decompressor.get();
  const chunks: Chunk[] = [];
  let offset = FILE_HEAD_SIZE + decodeFileHead(log.subarray(0, FILE_HEAD_SIZE)).storedLength;
  while (offset < log.length - TRAILER_SIZE) {
    const head = decodeChunkHead(log.subarray(offset, offset + CHUNK_HEAD_SIZE));
    const start = offset + CHUNK_HEAD_SIZE;
    const stored = log.slice(start, start + head.storedLength);
    const raw =
      head.codec === ChunkCodec.Zstd ? decompressor.decompress(stored, head.rawLength) : stored;
    chunks.push({ offset, head, stored, raw });
    offset = start + head.storedLength;
  }
  return chunks;
}

/** A chunk with good checksums, whatever its head and payload say. */
export function chunkBytes(head: ChunkHead, stored: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(CHUNK_HEAD_SIZE + stored.length);
  bytes.set(stored, CHUNK_HEAD_SIZE);
  encodeChunkHead(bytes, head);
  // Made again over all that is there, as the head may tell another length.
  const view = new DataView(bytes.buffer);
  view.setUint32(48, crc32(stored), true);
  view.setUint32(52, crc32(bytes.subarray(0, 52)), true);
  return bytes;
}

/** The log with `middle` in place of what is between two offsets. */
export function splice(log: Uint8Array, from: number, to: number, middle: Uint8Array): Uint8Array {
  return Buffer.concat([log.subarray(0, from), middle, log.subarray(to)]);
}

/** Bytes changed somewhere: flipped, overwritten, left out, doubled, or cut off. */
export function mangle(random: Random, bytes: Uint8Array): Uint8Array {
  let result: Uint8Array = Uint8Array.from(bytes);
  for (let times = 1 + random.below(3); times > 0; times--) {
    const at = random.below(result.length + 1);
    const length = random.below(random.pick([2, 10, 300])) + 1;
    switch (random.below(6)) {
      case 0:
      case 1:
        if (at < result.length) (result[at] as number) ^= 1 << random.below(8);
        break;
      case 2:
        for (let i = at; i < Math.min(at + length, result.length); i++) {
          result[i] = random.pick([0, 0xff, 0x80, 0x7f, random.below(256)]);
        }
        break;
      case 3:
        result = splice(result, at, Math.min(at + length, result.length), new Uint8Array(0));
        break;
      case 4: {
        const from = random.below(result.length + 1);
        result = splice(result, at, at, result.slice(from, from + length));
        break;
      }
      case 5:
        if (random.chance(0.3)) result = result.slice(0, at);
        break;
    }
  }
  return result;
}
