import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { LogCorruptError, LogError, NotALogError, UnsupportedFormatError } from '../src/errors.js';
import {
  CHUNK_HEAD_SIZE,
  ChunkCodec,
  ChunkKind,
  fileHeaderChecksum,
  MAX_CHUNK_BYTES,
  FILE_HEAD_SIZE,
  decodeFileHead,
} from '../src/framing.js';
import { openLog, type OpenOptions } from '../src/reader.js';
import { LogWriter } from '../src/writer.js';
import { call, HEADER } from './support/frames.js';
import { chunkBytes, chunksOf, mangle, splice, type Chunk } from './support/damage.js';
import { readAll, readStreams, same, temporaryDirectory, type Streams } from './support/logs.js';
import { Random } from './support/random.js';

interface Sample {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly streams: Streams;
}

/** A log with all kinds of chunks: runs, packs, contents, an index and bookmarks. */
function sample(t: ExecutionContext, salt = 0): Sample {
  const path = join(temporaryDirectory(t), 'sample.log');
  const writer = LogWriter.create(path, HEADER, { chunkBytes: 400 });
  let n = salt;
  for (let round = 0; round < 8; round++) {
    for (const stream of [1, 2, 3]) {
      const count = stream === 1 ? 6 : 1;
      for (let i = 0; i < count; i++) writer.append(stream, call(stream, n * 1000, n++));
    }
    if (round % 2 === 1) writer.flush();
  }
  writer.addContentParts('abcdef', 40, [new Uint8Array(25).fill(7), new Uint8Array(15).fill(8)]);
  for (const stream of [1, 2, 3]) {
    writer.append(stream, { type: 'bookmark', task: stream, time: n * 1000, id: 1 });
  }
  writer.append(4, call(9, n * 1000, 77));
  writer.close({ bookmarks: [{ id: 1, name: 'name' }] });
  // Not a Buffer: its slices would share memory.
  const bytes = Uint8Array.from(readFileSync(path));
  const kinds = new Set(chunksOf(bytes).map(({ head }) => head.kind));
  t.is(kinds.size, 6, 'the sample has chunks of every kind');
  return { path, bytes, streams: readStreams(path) };
}

/** Each stream of `part` is a beginning of the same stream of `whole`. */
function isPrefix(part: Streams, whole: Streams): boolean {
  for (const [stream, frames] of part) {
    const all = whole.get(stream) ?? [];
    if (!isDeepStrictEqual(frames, all.slice(0, frames.length))) return false;
  }
  return true;
}

function countFrames(streams: Streams): number {
  let count = 0;
  for (const frames of streams.values()) count += frames.length;
  return count;
}

/** Bounds on what a damaged log may cost. */
class Costs {
  /** CPU time, ms: what it costs whatever else the machine does. */
  private slowest = 0;
  private most = 0;
  private runs = 0;
  private readonly before = process.memoryUsage.rss();

  run<T>(work: () => T): T {
    const before = process.cpuUsage();
    const result = work();
    const { user, system } = process.cpuUsage(before);
    this.slowest = Math.max(this.slowest, (user + system) / 1000);
    if (this.runs++ % 20 === 0) {
      this.most = Math.max(this.most, process.memoryUsage.rss() - this.before);
    }
    return result;
  }

  check(t: ExecutionContext): void {
    t.log(`slowest ${this.slowest.toFixed(0)} ms, ${(this.most / 1e6).toFixed(0)} MB more memory`);
    t.true(this.slowest < 5000, `${this.slowest} ms`);
    t.true(this.most < 200e6, `${this.most} bytes`);
  }
}

test('a log cut at any length opens, or says why not, and has the beginning of every stream', (t) => {
  const { path, bytes, streams } = sample(t);
  const chunks = chunksOf(bytes);
  const first = (chunks[0] as Chunk).offset;
  let most = 0;
  for (let length = 0; length < bytes.length; length++) {
    writeFileSync(path, bytes.subarray(0, length));
    const outcome = readAll(path);
    if (length < first) {
      const [error] = outcome.errors;
      const expected = length < 8 ? NotALogError : LogCorruptError;
      if (!(error instanceof expected)) t.fail(`${length}: ${error}`);
      continue;
    }
    if (outcome.truncated !== true) t.fail(`${length}: not truncated`);
    if (outcome.errors.length > 0) t.fail(`${length}: ${outcome.errors[0]}`);
    if (!isPrefix(outcome.streams, streams)) t.fail(`${length}: not a prefix`);
    // Every chunk that is there whole is read.
    let whole = 0;
    for (const { offset, head } of chunks) {
      if (offset + CHUNK_HEAD_SIZE + head.storedLength <= length) whole += head.frames;
    }
    if (countFrames(outcome.streams) !== whole) t.fail(`${length}: chunks are missing`);
    most = whole;
  }
  t.is(most, countFrames(streams));
});

// Serial, as the other tests keep the event loop, and with it the kill, waiting.
test.serial('the log of a killed writer has the beginning of every stream', async (t) => {
  const path = join(temporaryDirectory(t), 'killed.log');
  const script = fileURLToPath(new URL('support/endless-writer.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import=tsx', script, path], { stdio: 'inherit' });
  const ended = once(child, 'exit');
  // Whatever it is doing once the file has some size.
  while (!existsSync(path) || statSync(path).size < 200_000) {
    if (child.exitCode !== null) break;
    await setImmediate();
  }
  child.kill('SIGKILL');
  const [, signal] = await ended;
  t.is(signal, 'SIGKILL');
  const { truncated, streams, errors } = readAll(path);
  t.true(truncated);
  same(t, errors, []);
  t.is(streams.size, 5);
  for (const [stream, frames] of streams) {
    t.true(frames.length > 100);
    const expected = frames.map((_, i) => {
      const n = stream + i * 5;
      return call(stream, n * 1000, n);
    });
    same(t, frames, expected, `stream ${stream}`);
  }
});

test('no flipped byte goes unnoticed', (t) => {
  const { path, bytes, streams } = sample(t);
  const total = countFrames(streams);
  for (const flip of [0xff, 1]) {
    for (let at = 0; at < bytes.length; at++) {
      const flipped = Uint8Array.from(bytes);
      (flipped[at] as number) ^= flip;
      writeFileSync(path, flipped);
      const { truncated, streams: read, errors } = readAll(path);
      if (!isPrefix(read, streams)) t.fail(`byte ${at}: not a prefix`);
      if (errors.length === 0 && truncated !== true) t.fail(`byte ${at}: nobody noticed`);
      if (errors.length === 0 && countFrames(read) !== total) t.fail(`byte ${at}: frames are lost`);
    }
  }
  t.pass();
});

test('without an index, damage in the middle is told from a cut', (t) => {
  const { path, bytes, streams } = sample(t);
  const chunks = chunksOf(bytes);
  const frames = chunks.filter(({ head }) => head.frames > 0);
  const end = (chunks.at(-1) as Chunk).offset;
  for (const { offset, head } of frames.slice(0, -1)) {
    for (const at of [offset, offset + 40, offset + 54]) {
      const damaged = bytes.slice(0, end);
      (damaged[at] as number) ^= 4;
      writeFileSync(path, damaged);
      const { truncated, streams: read, errors } = readAll(path);
      t.true(truncated);
      t.true(isPrefix(read, streams));
      t.true(errors.length > 0, `chunk at ${offset} of kind ${head.kind}`);
      for (const error of errors) {
        t.true(
          error instanceof LogCorruptError && error.offset === offset,
          `${error} not ${offset} at ${at} kind ${head.kind}`,
        );
      }
    }
  }
});

test('a damaged chunk costs only what is in it and after it in its stream', (t) => {
  const { path, bytes, streams } = sample(t);
  const chunk = chunksOf(bytes).find(({ head }) => head.kind === ChunkKind.Run) as Chunk;
  const damaged = Uint8Array.from(bytes);
  (damaged[chunk.offset + CHUNK_HEAD_SIZE + 3] as number) ^= 1;
  writeFileSync(path, damaged);
  const { truncated, streams: read, errors } = readAll(path);
  t.false(truncated);
  t.is(errors.length, 1);
  const [error] = errors as [LogCorruptError];
  t.is(error.code, 'LOG_CORRUPT');
  t.is(error.offset, chunk.offset);
  t.is(error.path, path);
  for (const [stream, frames] of streams) {
    const left = read.get(stream) ?? [];
    if (stream === chunk.head.stream) t.true(left.length < frames.length);
    else same(t, left, frames);
  }
  // The error stays: what would come next has lost its place.
  const reader = openLog(path);
  const cursor = reader.stream(chunk.head.stream);
  for (let i = 0; i < 3; i++) {
    t.throws(
      () => {
        while (cursor.next() !== undefined);
      },
      { instanceOf: LogCorruptError },
    );
  }
  reader.close();
});

test('a damaged index costs nothing', (t) => {
  const { path, bytes, streams } = sample(t);
  const chunk = chunksOf(bytes).find(({ head }) => head.kind === ChunkKind.Index) as Chunk;
  const damaged = Uint8Array.from(bytes);
  (damaged[chunk.offset + CHUNK_HEAD_SIZE] as number) ^= 1;
  writeFileSync(path, damaged);
  const reader = openLog(path);
  t.true(reader.truncated);
  t.regex(reader.truncatedReason, /index/);
  t.is(reader.contents().length, 1);
  reader.close();
  same(t, readStreams(path), streams);
});

test('a tail of zeros is cut off', (t) => {
  const { path, bytes, streams } = sample(t);
  const chunks = chunksOf(bytes);
  for (const { offset, head } of chunks) {
    // A file system that lost power may have given the file its length, but not all of its bytes.
    const zeroed = Uint8Array.from(bytes).fill(0, offset + CHUNK_HEAD_SIZE + 1);
    if (bytes.subarray(offset + CHUNK_HEAD_SIZE + 1).every((byte) => byte === 0)) continue;
    writeFileSync(path, zeroed);
    const { truncated, streams: read, errors } = readAll(path);
    t.true(truncated, `chunk at ${offset}`);
    same(t, errors, [], `chunk at ${offset} of kind ${head.kind}`);
    t.true(isPrefix(read, streams));
  }
});

test('10,000 random corruptions end in an error or a good beginning', (t) => {
  const random = Random.forTest(t);
  const { path, bytes, streams } = sample(t);
  const other = sample(t, 1000).bytes;
  const costs = new Costs();
  for (let i = 0; i < 10_000; i++) {
    let broken = mangle(random, bytes);
    if (random.chance(0.2)) {
      const from = random.below(other.length);
      const at = random.below(broken.length);
      broken = splice(broken, at, at, other.slice(from, from + random.below(2000)));
    }
    writeFileSync(path, broken);
    const { streams: read } = costs.run(() => readAll(path));
    // Whole chunks of the other log may be read where they fit; else nothing wrong is.
    if (!isPrefix(read, streams) && !containsChunk(broken, other)) t.fail(`round ${i}`);
  }
  costs.check(t);
});

/** Whether a whole chunk of frames of `other` stands in `bytes`. */
function containsChunk(bytes: Uint8Array, other: Uint8Array): boolean {
  const haystack = Buffer.from(bytes);
  return chunksOf(other).some(({ offset, head }) => {
    const whole = other.subarray(offset, offset + CHUNK_HEAD_SIZE + head.storedLength);
    return head.frames > 0 && haystack.includes(Buffer.from(whole));
  });
}

for (const decompressor of ['native', 'portable'] as const) {
  test(`corruption under good checksums is an error at worst (${decompressor})`, (t) => {
    const random = Random.forTest(t);
    const { path, bytes } = sample(t);
    const chunks = chunksOf(bytes);
    const costs = new Costs();
    const codes = new Map<string, number>();
    for (let i = 0; i < 3000; i++) {
      const { offset, head, raw, stored } = random.pick(chunks);
      let bad: Uint8Array;
      if (random.chance(0.5)) {
        const payload = mangle(random, raw);
        const lengths = { rawLength: payload.length, storedLength: payload.length };
        bad = chunkBytes({ ...head, ...lengths, codec: ChunkCodec.None }, payload);
      } else {
        const payload = random.chance(0.7) ? mangle(random, stored) : stored;
        const wrong = { ...head, storedLength: payload.length };
        if (random.chance(0.3))
          wrong.rawLength = random.pick([0, 1, 1e6, MAX_CHUNK_BYTES, 2 ** 32 - 1]);
        if (random.chance(0.1)) wrong.storedLength = random.pick([0, 1, 1e6, 2 ** 32 - 1]);
        if (random.chance(0.1)) wrong.sequence = random.below(5);
        if (random.chance(0.1)) wrong.stream = random.below(5);
        if (random.chance(0.1)) wrong.frames = random.pick([0, 1, 1000, 2 ** 32 - 1]);
        if (random.chance(0.1)) wrong.kind = random.below(8);
        if (random.chance(0.1)) wrong.earliest = random.pick([0, 2 ** 60]);
        bad = chunkBytes(wrong, payload);
      }
      const end = offset + CHUNK_HEAD_SIZE + stored.length;
      let broken = splice(bytes, offset, end, bad);
      // Half of the logs are to be read without their index.
      if (random.chance(0.5)) broken = broken.slice(0, -1);
      writeFileSync(path, broken);
      const options: OpenOptions = { decompressor, cacheBytes: random.pick([0, 1e6]) };
      const { errors } = costs.run(() => readAll(path, options));
      for (const { code } of errors) codes.set(code, (codes.get(code) ?? 0) + 1);
      costs.run(() => {
        try {
          const reader = openLog(path, options);
          try {
            for (const { time } of reader.frames({ pid: 5 })) if (!(time >= 0)) t.fail();
            for (const { time } of reader.frames({ from: 20_000 })) if (!(time >= 0)) t.fail();
          } finally {
            reader.close();
          }
        } catch (error) {
          if (!(error instanceof LogError)) throw error;
        }
      });
    }
    t.log([...codes].join(' '));
    t.true((codes.get('LOG_CORRUPT') ?? 0) > 100);
    costs.check(t);
  });
}

test('chunks of unknown kinds are passed over if optional, refused if not', (t) => {
  const { path, bytes, streams } = sample(t);
  const { offset, head } = chunksOf(bytes)[1] as Chunk;
  const end = (chunksOf(bytes).find(({ head }) => head.kind === ChunkKind.Index) as Chunk).offset;
  const unknown = (kind: number) => {
    const payload = new Uint8Array(10);
    const lengths = { rawLength: 10, storedLength: 10, codec: ChunkCodec.None };
    return chunkBytes({ ...head, ...lengths, kind }, payload);
  };
  writeFileSync(path, splice(bytes.slice(0, end), offset, offset, unknown(64)));
  same(t, readStreams(path), streams);
  writeFileSync(path, splice(bytes.slice(0, end), offset, offset, unknown(63)));
  t.throws(() => openLog(path), { instanceOf: UnsupportedFormatError, code: 'LOG_NEWER_FORMAT' });
});

test('a newer major version is refused, a newer minor one read', (t) => {
  const { path, bytes, streams } = sample(t);
  const withVersion = (major: number, minor: number) => {
    const changed = Buffer.from(bytes);
    changed.writeUInt16LE(major, 8);
    changed.writeUInt16LE(minor, 10);
    const { storedLength } = decodeFileHead(changed);
    const payload = changed.subarray(FILE_HEAD_SIZE, FILE_HEAD_SIZE + storedLength);
    changed.writeUInt32LE(fileHeaderChecksum(changed, payload), 24);
    writeFileSync(path, changed);
  };
  withVersion(2, 0);
  const error = t.throws(() => openLog(path), { instanceOf: UnsupportedFormatError });
  t.is((error as LogError).code, 'LOG_NEWER_FORMAT');
  t.regex((error as LogError).message, /2\.0/);
  withVersion(1, 9);
  const reader = openLog(path);
  t.is(reader.header.formatMinor, 9);
  reader.close();
  same(t, readStreams(path), streams);
});

test('what is no log is told so', (t) => {
  const { path, bytes } = sample(t);
  const text = Buffer.from(bytes);
  const refused: [Uint8Array, RegExp][] = [
    [new Uint8Array(0), /too short/],
    [bytes.slice(0, 5), /too short/],
    [Buffer.from('#!/bin/sh\n'), /otherwise/],
    [new Uint8Array(1000), /otherwise/],
    [Buffer.from([0x7f, 0x45, 0x4c, 0x46, ...new Uint8Array(100)]), /otherwise/],
    // As an FTP transfer in text mode would leave it.
    [Buffer.from(text.toString('latin1').replaceAll('\r\n', '\n'), 'latin1'), /as if it were text/],
    [Buffer.from(text.toString('latin1').replaceAll('\n', '\r\n'), 'latin1'), /as if it were text/],
  ];
  for (const [content, why] of refused) {
    writeFileSync(path, content);
    const error = t.throws(() => openLog(path), { instanceOf: NotALogError });
    t.is((error as LogError).code, 'LOG_NOT_A_LOG');
    t.regex((error as LogError).message, why);
  }
  const dir = join(temporaryDirectory(t), 'dir');
  mkdirSync(dir);
  t.throws(() => openLog(dir), { instanceOf: NotALogError });
  t.throws(() => openLog(join(dir, 'absent')), { code: 'ENOENT' });
});

test('opening a damaged log leaves no file open', (t) => {
  const { path, bytes } = sample(t);
  writeFileSync(path, bytes.subarray(0, 20));
  const open = () => readdirSync('/proc/self/fd').length;
  if (process.platform !== 'linux') {
    t.log('skipped: there is no /proc to count descriptors in');
    t.pass();
    return;
  }
  const before = open();
  for (let i = 0; i < 50; i++) t.throws(() => openLog(path));
  // Descriptors of Node's own come and go.
  t.true(open() < before + 25);
});
