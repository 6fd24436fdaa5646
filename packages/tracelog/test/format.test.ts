import { readFileSync } from 'node:fs';
import test from 'ava';
import { updated } from '../scripts/format.js';
import { FrameEncoder } from '../src/codec.js';
import { FRAME_TABLE, FRAME_TYPES } from '../src/frame-table.js';
import {
  CHUNK_HEAD_SIZE,
  ChunkCodec,
  encodeChunkHead,
  encodeFileHeader,
  encodeTrailer,
  FORMAT_MAJOR,
  FORMAT_MINOR,
} from '../src/framing.js';
import { ALL_KINDS } from '../src/kinds.js';
import type { Frame } from '../src/schema/frames.js';
import { HEADER } from './support/frames.js';

const text = readFileSync(new URL('../FORMAT.md', import.meta.url), 'utf8');

test('FORMAT.md describes the frames as the schema has them', (t) => {
  t.is(updated(text), text, 'run npx tsx packages/tracelog/scripts/format.ts');
});

test('FORMAT.md describes every kind that a field has', (t) => {
  const known = new Set([...ALL_KINDS.map(({ name }) => name), 'enum', 'later enum']);
  for (const type of FRAME_TYPES) {
    for (const [name, field] of Object.entries(FRAME_TABLE[type].fields)) {
      const { kind } = field as { kind: { name: string } };
      t.true(known.has(kind.name), `${type}.${name}`);
    }
  }
});

test('the newest version that FORMAT.md tells of is the one that is written', (t) => {
  t.is(/^\| (\d+\.\d+) \|/m.exec(text)?.[1], `${FORMAT_MAJOR}.${FORMAT_MINOR}`);
});

/** The fields of a table of offsets and sizes: [offset, size]. */
function layout(heading: string): [number, number][] {
  const section = text.slice(text.indexOf(`\n${heading}\n`));
  const table = section.slice(section.indexOf('| Offset |'));
  const rows = table.slice(0, table.indexOf('\n\n')).split('\n').slice(2);
  return rows.map((row) => {
    const cells = row.split('|').map((cell) => cell.trim());
    return [Number(cells[1]), Number(cells[2])];
  });
}

test('the tables of offsets have neither gaps nor overlaps', (t) => {
  const header = { ...HEADER, formatMajor: 1, formatMinor: 0 };
  const json = Buffer.from(JSON.stringify(header));
  const sizes: [string, number][] = [
    ['## Header', encodeFileHeader(header, () => undefined).length - json.length],
    ['## Chunks', CHUNK_HEAD_SIZE],
    ['### Trailer', encodeTrailer({ index: 1, bookmarks: 2 }).length],
  ];
  for (const [heading, size] of sizes) {
    let next = 0;
    for (const [offset, length] of layout(heading)) {
      t.is(offset, next, heading);
      next = offset + length;
    }
    t.is(next, size, heading);
  }
});

test('heads of chunks stand as FORMAT.md says', (t) => {
  const bytes = Buffer.alloc(CHUNK_HEAD_SIZE + 3, 9);
  encodeChunkHead(bytes, {
    kind: 2,
    codec: ChunkCodec.Zstd,
    stream: 0x01020304,
    sequence: 5,
    earliest: 2 ** 40 + 6,
    latest: 2 ** 40 + 7,
    frames: 8,
    rawLength: 10,
    storedLength: 3,
  });
  t.is(bytes.toString('latin1', 0, 4), 'CHNK');
  t.is(bytes.readUInt16LE(4), 2);
  t.is(bytes.readUInt16LE(6), 1);
  t.is(bytes.readUInt32LE(8), 0x01020304);
  t.is(bytes.readUInt32LE(12), 5);
  t.is(bytes.readBigUInt64LE(16), 2n ** 40n + 6n);
  t.is(bytes.readBigUInt64LE(24), 2n ** 40n + 7n);
  t.is(bytes.readUInt32LE(32), 8);
  t.is(bytes.readUInt32LE(36), 10);
  t.is(bytes.readUInt32LE(40), 3);
  t.is(bytes.readUInt32LE(44), 0);
});

test('a frame is stored as FORMAT.md says, byte for byte', (t) => {
  const encoder = new FrameEncoder();
  const frames: Frame[] = [
    {
      type: 'syscall',
      task: 2,
      time: 300,
      nr: 0,
      args: [3, -1],
      result: -11,
      writes: [{ addr: 0x1000, bytes: Uint8Array.of(0xaa) }],
      duration: 7000,
    },
    { type: 'state', task: 2, time: 299, registers: 'beef', memory: '' },
    { type: 'resource', task: 3, time: 299, kind: 'inode', id: 1, serial: 0, desc: 'é' },
  ];
  for (const frame of frames) encoder.append(frame);
  const hex = [
    '81 0e 02 8258 00 02 06 01 15 01 9000 01 aa 0e',
    '0d 05 01 04 beef 00',
    'c1 08 03 00 02 01 00 04 c3a9',
  ];
  t.is(Buffer.from(encoder.sink.written()).toString('hex'), hex.join('').replaceAll(' ', ''));
});
