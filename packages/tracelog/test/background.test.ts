import { readdirSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { BackgroundCompressor } from '../src/compression.js';
import { openLog } from '../src/reader.js';
import { LogWriter } from '../src/writer.js';
import type { Frame } from '../src/schema/frames.js';
import { HEADER } from './support/frames.js';
import { readStreams, same, temporaryDirectory } from './support/logs.js';
import { Random } from './support/random.js';

/** A chunk with as much goes to the thread. */
const LONG = BackgroundCompressor.MIN_BYTES;

/** Frames of `size` bytes, most of which can be compressed, or none. */
function frameOf(random: Random, n: number, size: number, isPlain: boolean): Frame {
  const bytes = isPlain ? new Uint8Array(size).fill(n) : random.bytes(size);
  return { type: 'data', task: 1, time: n * 1000, arg: 1, size, bytes };
}

function start(t: ExecutionContext, maxBytes?: number): BackgroundCompressor {
  const background = BackgroundCompressor.start(3, maxBytes);
  t.truthy(background);
  return background!;
}

/** Threads of this process. */
const threads = (): number => readdirSync('/proc/self/task').length;

test.serial('a thread of its own compresses what is long', (t) => {
  const before = threads();
  const background = start(t);
  t.is(threads(), before + 1);
  const raw = new Uint8Array(2 * LONG).fill(7);
  background.begin(raw);
  raw.fill(8);
  const into = new Uint8Array(raw.length + 100_000);
  const length = background.end(into, 100);
  t.true(length > 0 && length < 10_000);
});

test('long chunks and short ones stand in order, whatever they hold', (t) => {
  const random = Random.forTest(t);
  const path = join(temporaryDirectory(t), 'a.log');
  for (let round = 0; round < 3; round++) {
    const writer = LogWriter.create(path, HEADER, {
      chunkBytes: 1024 * 1024,
      background: start(t, random.pick([LONG, 2 * 1024 * 1024])),
      maxDelayMs: 1e9,
    });
    const streams = new Map<number, Frame[]>();
    for (let n = 0; n < 40; n++) {
      const size = random.pick([10, 5000, LONG / 4, LONG - 50, LONG, 3 * LONG]);
      const stream = random.pick([1, 2, 3]);
      const frame = frameOf(random, n, size, random.chance(0.5));
      writer.append(stream, frame);
      streams.set(stream, [...(streams.get(stream) ?? []), frame]);
      if (random.chance(0.1)) writer.flushOlderThan(random.pick([0, 1000]));
      if (random.chance(0.05)) writer.flush();
      if (random.chance(0.05)) writer.endStream(stream);
    }
    writer.close();
    const sorted = new Map([...streams].sort(([a], [b]) => a - b));
    same(t, readStreams(path), sorted);
    same(t, readStreams(path, { decompressor: 'portable' }), sorted);
    const reader = openLog(path);
    t.false(reader.truncated);
    t.is(reader.stats.bytes, statSync(path).size);
    reader.close();
    // Without its index the same is found by going from chunk to chunk.
    truncateSync(path, statSync(path).size - 1);
    same(t, readStreams(path), sorted);
  }
});

test('flush and sync have a chunk written that is being compressed', (t) => {
  const random = Random.forTest(t);
  const path = join(temporaryDirectory(t), 'a.log');
  const options = { chunkBytes: LONG, background: start(t), maxDelayMs: 1e9 };
  for (const end of ['flush', 'sync'] as const) {
    const writer = LogWriter.create(path, HEADER, options);
    const first = statSync(path).size;
    const frame = frameOf(random, 1, 2 * LONG, false);
    writer.append(1, frame);
    t.is(statSync(path).size, first);
    writer[end]();
    t.true(statSync(path).size > first + 2 * LONG);
    same(t, readStreams(path), new Map([[1, [frame]]]));
    writer.abort();
  }
});

test('an aborted log ends before the chunk that is being compressed', (t) => {
  const random = Random.forTest(t);
  const path = join(temporaryDirectory(t), 'a.log');
  const background = start(t);
  const frames: Frame[] = [];
  const writer = LogWriter.create(path, HEADER, { chunkBytes: LONG, background, maxDelayMs: 1e9 });
  for (let n = 0; n < 3; n++) {
    frames.push(frameOf(random, n, 2 * LONG, n !== 1));
    writer.append(1, frames[n]!);
  }
  writer.abort();
  same(t, readStreams(path), new Map([[1, frames.slice(0, 2)]]));
  const reader = openLog(path);
  t.true(reader.truncated);
  reader.close();
});
