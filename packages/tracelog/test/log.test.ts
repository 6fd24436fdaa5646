import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test from 'ava';
import { FrameEncoder, MAX_FRAME_BYTES } from '../src/codec.js';
import { LogContentError, LogError } from '../src/errors.js';
import type { FrameFilter } from '../src/filter.js';
import { FORMAT_MINOR } from '../src/framing.js';
import { openLog } from '../src/reader.js';
import { rewriteLog } from '../src/rewrite.js';
import { LogWriter, type LogWriterOptions } from '../src/writer.js';
import type { Frame, StreamId } from '../src/schema/frames.js';
import { call, HEADER, randomFrames } from './support/frames.js';
import { readStreams, same, temporaryDirectory, type Streams } from './support/logs.js';
import { Random } from './support/random.js';

/** Writes frames to random streams with random interruptions; gives what each stream has. */
function writeRandomly(
  random: Random,
  path: string,
  frames: readonly Frame[],
  options: LogWriterOptions = {},
): Streams {
  const streams: Streams = new Map();
  const writer = LogWriter.create(path, HEADER, options);
  let stream = 0;
  for (const frame of frames) {
    if (random.chance(0.3)) stream = random.pick([0, 1, 2, 3, 70_000, 2 ** 32 - 1]);
    writer.append(stream, frame);
    const list = streams.get(stream);
    if (list === undefined) streams.set(stream, [frame]);
    else list.push(frame);
    if (random.chance(0.01)) writer.flush();
    if (random.chance(0.01)) writer.flushOlderThan(0);
    if (random.chance(0.01)) writer.endStream(random.pick([...streams.keys()]));
  }
  writer.close();
  return streams;
}

test('what is written is read, whatever the chunks', (t) => {
  const random = Random.forTest(t);
  const path = join(temporaryDirectory(t), 'a.log');
  for (let round = 0; round < 12; round++) {
    const streams = writeRandomly(random, path, randomFrames(random, 400), {
      chunkBytes: random.pick([1, 100, 5000, 256 * 1024]),
      compressionLevel: random.pick([0, 1, 3]),
      maxDelayMs: random.pick([0, 1, 1e9]),
      bufferBytes: random.pick([0, 10_000, 1e9]),
    });
    const sorted = new Map([...streams].sort(([a], [b]) => a - b));
    same(t, readStreams(path), sorted);
    same(t, readStreams(path, { decompressor: 'portable' }), sorted);
    same(t, readStreams(path, { cacheBytes: 0 }), sorted);
    const reader = openLog(path);
    t.false(reader.truncated);
    t.is(reader.truncatedReason, '');
    t.is(reader.stats.frames, 400);
    t.is(reader.stats.bytes, statSync(path).size);
    reader.close();
  }
});

test('frames that are put into memory of the log are in it, over many chunks', (t) => {
  const random = Random.forTest(t);
  const path = join(temporaryDirectory(t), 'a.log');
  const frames: Frame[] = [];
  for (let i = 0; i < 3000; i++) frames.push(call(1, i * 1000, i));
  const writer = LogWriter.create(path, HEADER, { chunkBytes: 8192 });
  t.is(writer.lend(7, 1, 0), undefined);
  let lent = 0;
  for (let i = 0; i < frames.length;) {
    const last = frames[i - 1];
    const loan = last === undefined ? undefined : writer.lend(7, 1, last.time);
    if (loan === undefined || random.chance(0.3)) {
      writer.append(7, frames[i++]!);
      continue;
    }
    t.is(writer.lend(7, 1, last!.time + 1), undefined);
    t.is(writer.lend(7, 2, last!.time), undefined);
    t.is(writer.lend(8, 1, last!.time), undefined);
    const { memory, offset } = loan;
    const encoder = new FrameEncoder();
    encoder.append(last!);
    const begun = encoder.sink.pos;
    const from = i;
    let end = begun;
    for (const count = random.below(40); i < frames.length && i - from < count; i++) {
      encoder.append(frames[i]!);
      if (offset + encoder.sink.pos - begun > memory.length) break;
      end = encoder.sink.pos;
    }
    if (i === from) continue;
    memory.set(encoder.sink.buf.subarray(begun, end), offset);
    writer.took(7, end - begun, i - from, frames[i - 1]!.time);
    lent += i - from;
  }
  writer.close();
  t.true(lent > 300, `${lent}`);
  t.is(writer.lend(7, 1, frames.at(-1)!.time), undefined);
  same(t, readStreams(path), new Map([[7, frames]]));
});

test('the header comes back with the version of the format', (t) => {
  const path = join(temporaryDirectory(t), 'a.log');
  for (const env of [[], ['A=b'], Array.from({ length: 5000 }, (_, i) => `VARIABLE_${i}=ä${i}`)]) {
    for (const compressionLevel of [0, 1]) {
      const header = { ...HEADER, env };
      LogWriter.create(path, header, { compressionLevel }).close();
      const reader = openLog(path);
      same(t, reader.header, { ...header, formatMajor: 1, formatMinor: FORMAT_MINOR });
      same(t, reader.streams, []);
      same(t, [...reader.frames()], []);
      t.is(reader.stream(1).next(), undefined);
      reader.close();
    }
  }
});

test('streams are merged by time, each in its own order', (t) => {
  const random = Random.forTest(t);
  const path = join(temporaryDirectory(t), 'a.log');
  const streams = writeRandomly(random, path, randomFrames(random, 3000), { chunkBytes: 700 });
  // The definition: of the streams' next frames take the earliest, of the lowest stream if there are several.
  const queues = [...streams]
    .sort(([a], [b]) => a - b)
    .map(([id, frames]) => ({ id, frames, at: 0 }));
  const expected: { frame: Frame; stream: StreamId }[] = [];
  for (;;) {
    let first: (typeof queues)[0] | undefined;
    for (const queue of queues) {
      const time = queue.frames[queue.at]?.time;
      if (time !== undefined && !(first && (first.frames[first.at] as Frame).time <= time)) {
        first = queue;
      }
    }
    if (first === undefined) break;
    expected.push({ frame: first.frames[first.at++] as Frame, stream: first.id });
  }
  for (const cacheBytes of [0, 3000, 1e9]) {
    const reader = openLog(path, { cacheBytes });
    const records = [...reader.records()];
    same(
      t,
      records.map(({ frame, stream }) => ({ frame, stream })),
      expected,
    );
    for (const { offset } of records) t.true(offset > 0 && offset < reader.stats.bytes);
    reader.close();
  }
});

test('a filter gives what filtering all frames gives', async (t) => {
  const random = Random.forTest(t);
  const path = join(temporaryDirectory(t), 'a.log');
  const frames: Frame[] = [];
  const pidOf = new Map<number, number>();
  for (let task = 1; task < 6; task++) {
    const pid = 100 + (task % 3);
    pidOf.set(task, pid);
    frames.push({
      type: 'task-start',
      task,
      time: task,
      parent: 0,
      tid: 100 + task,
      pid,
      writes: [],
    });
  }
  for (let i = 0; i < 2000; i++) {
    const task = 1 + random.below(5);
    const time = 1000 + i * 10;
    const which = random.below(10);
    if (which === 0) frames.push({ type: 'block', task, time, nr: random.below(4) });
    else if (which === 1) frames.push({ type: 'note', task, time, text: String(i) });
    else frames.push(call(task, time, i));
  }
  const writer = LogWriter.create(path, HEADER, { chunkBytes: 2000 });
  const streamOf = (frame: Frame) => frame.task % 2;
  for (const frame of frames) writer.append(streamOf(frame), frame);
  writer.close();

  const nr = (frame: Frame) => (frame.type === 'syscall' || frame.type === 'block' ? frame.nr : -1);
  const cases: [FrameFilter, (frame: Frame) => boolean][] = [
    [{}, () => true],
    [{ type: 'note' }, (frame) => frame.type === 'note'],
    [{ type: ['note', 'block'] }, (frame) => frame.type === 'note' || frame.type === 'block'],
    [{ task: 3 }, (frame) => frame.task === 3],
    [{ task: [1, 2] }, (frame) => frame.task <= 2],
    [{ pid: 101 }, (frame) => pidOf.get(frame.task) === 101],
    [{ pid: [100, 102], from: 9000 }, (f) => pidOf.get(f.task) !== 101 && f.time >= 9000],
    [{ syscall: 'write' }, (frame) => nr(frame) === 1],
    [{ syscall: [0, 'open'] }, (frame) => nr(frame) === 0 || nr(frame) === 2],
    [{ syscall: 2, type: 'block' }, (frame) => nr(frame) === 2 && frame.type === 'block'],
    [{ from: 5000 }, (frame) => frame.time >= 5000],
    [{ to: 5000 }, (frame) => frame.time < 5000],
    [{ from: 7000, to: 7010 }, (frame) => frame.time === 7000],
    [{ from: 1e9 }, () => false],
    [{ stream: 1 }, (frame) => streamOf(frame) === 1],
    [{ stream: [0, 5] }, (frame) => streamOf(frame) === 0],
  ];
  const reader = openLog(path);
  const all = [...reader.frames()];
  t.is(all.length, frames.length);
  for (const [filter, wanted] of cases) {
    const expected = all.filter(wanted);
    same(t, [...reader.frames(filter)], expected, JSON.stringify(filter));
    const events: Frame[] = [];
    for await (const frame of reader.events(filter)) events.push(frame);
    same(t, events, expected);
  }
  t.throws(() => [...reader.frames({ syscall: 'no_such_call' })], {
    instanceOf: LogError,
    code: 'LOG_UNKNOWN_SYSCALL',
  });
  const stop = new AbortController();
  let seen = 0;
  try {
    for await (const _ of reader.events({}, { signal: stop.signal })) {
      seen++;
      stop.abort();
    }
    t.fail('the events went on');
  } catch (error) {
    t.is((error as Error).name, 'AbortError');
  }
  t.true(seen > 0 && seen <= 1024);
  reader.close();
});

test('frames built in place are those appended whole', (t) => {
  const dir = temporaryDirectory(t);
  const writer = LogWriter.create(join(dir, 'a.log'), HEADER);
  writer.beginSyscall(4, 2, 1000, 0, [3, 4096, 100], 3, 5);
  t.throws(() => writer.append(4, call(1, 1, 1)), { message: /open/ });
  t.throws(() => writer.flush(), { message: /open/ });
  writer.frameMemory.set([1, 2, 3, 4, 5], writer.reserveWrite(4096, 100));
  writer.commitWrite(5);
  writer.reserveWrite(9000, 100_000);
  writer.commitWrite(0);
  writer.endFrame();
  writer.beginSyscall(4, 3, 2000, 1, [], 0, 0);
  writer.reserveWrite(1, 10);
  t.throws(() => writer.commitWrite(11), { instanceOf: RangeError });
  writer.cancelFrame();
  writer.beginSyscall(4, 2, 3000, 0, [9, 9, 9], 1, 70_000);
  const start = writer.reserveWrite(4096, 70_000);
  writer.frameMemory.fill(7, start, start + 70_000);
  writer.commitWrite(70_000);
  for (let i = 0; i < 200; i++) {
    const offset = writer.reserveWrite(i, 1);
    writer.frameMemory[offset] = i;
    writer.commitWrite(1);
  }
  writer.endFrame();
  t.throws(() => writer.endFrame());
  t.throws(() => writer.reserveWrite(1, 1));
  writer.close();
  const written = (addr: number, ...bytes: number[]) => ({ addr, bytes: Uint8Array.from(bytes) });
  same(t, readStreams(join(dir, 'a.log')).get(4), [
    {
      type: 'syscall',
      task: 2,
      time: 1000,
      nr: 0,
      args: [3, 4096, 100],
      result: 5,
      writes: [written(4096, 1, 2, 3, 4, 5)],
    },
    {
      type: 'syscall',
      task: 2,
      time: 3000,
      nr: 0,
      args: [9],
      result: 70_000,
      writes: [
        { addr: 4096, bytes: new Uint8Array(70_000).fill(7) },
        ...Array.from({ length: 200 }, (_, i) => written(i, i)),
      ],
    },
  ]);
});

test('a frame whose fill fails can be taken back', (t) => {
  const path = join(temporaryDirectory(t), 'a.log');
  const writer = LogWriter.create(path, HEADER);
  writer.append(1, call(1, 100, 1));
  writer.beginSyscall(1, 2, 200, 0, [], 0, 0);
  writer.reserveWrite(1, 10);
  writer.cancelFrame();
  writer.append(1, call(1, 300, 2));
  writer.close();
  same(t, readStreams(path).get(1), [call(1, 100, 1), call(1, 300, 2)]);
});

test('many small streams share chunks and little memory', (t) => {
  const path = join(temporaryDirectory(t), 'a.log');
  const count = 2000;
  const before = process.memoryUsage().arrayBuffers;
  const writer = LogWriter.create(path, HEADER, { maxDelayMs: Infinity });
  const frames = (stream: number) => [
    call(stream, stream * 10, stream),
    call(stream, stream * 10 + 5, stream + 1),
  ];
  for (let stream = 1; stream <= count; stream++) {
    for (const frame of frames(stream)) writer.append(stream, frame);
  }
  const used = process.memoryUsage().arrayBuffers - before;
  t.true(used < 8e6, `${used} bytes`);
  t.true(writer.bytesBuffered > 0);
  for (let stream = 1; stream <= count; stream++) writer.endStream(stream);
  writer.close();
  const reader = openLog(path);
  t.is(reader.streams.length, count);
  t.true(reader.stats.chunks <= 3, `${reader.stats.chunks} chunks`);
  t.true(reader.stats.bytes < 20 * 2 * count, `${reader.stats.bytes} bytes`);
  for (const stream of [1, 1000, 2000]) {
    const cursor = reader.stream(stream);
    same(t, [cursor.next(), cursor.next(), cursor.next()], [...frames(stream), undefined]);
  }
  t.is([...reader.frames()].length, 2 * count);
  reader.close();
});

test("streams' buffers stay within their bound together", (t) => {
  const path = join(temporaryDirectory(t), 'a.log');
  const bufferBytes = 4 * 1024 * 1024;
  const writer = LogWriter.create(path, HEADER, { bufferBytes, maxDelayMs: Infinity });
  const bytes = new Uint8Array(40_000);
  let most = 0;
  for (let i = 0; i < 3000; i++) {
    writer.append(i % 500, { type: 'data', task: 1, time: i, arg: 1, size: i, bytes });
    most = Math.max(most, writer.bytesBuffered);
  }
  t.true(most < bufferBytes);
  t.true(most > bufferBytes / 8);
  writer.close();
  t.is(openLog(path).stats.frames, 3000);
});

test('frames larger than a chunk are written and read', (t) => {
  const path = join(temporaryDirectory(t), 'a.log');
  const writer = LogWriter.create(path, HEADER, { chunkBytes: 4096 });
  const bytes = new Uint8Array(20_000_000);
  for (let i = 0; i < bytes.length; i += 1000) bytes[i] = i;
  const frames: Frame[] = [
    call(1, 1, 1),
    { type: 'kernel-write', task: 1, time: 2, writes: [{ addr: 4096, bytes }] },
    call(1, 3, 3),
  ];
  for (const frame of frames) writer.append(1, frame);
  t.throws(() => writer.reserveWrite(0, 1), { message: /no frame is open/ });
  writer.beginSyscall(1, 1, 4, 0, [], 0, 0);
  t.throws(() => writer.reserveWrite(0, MAX_FRAME_BYTES), { instanceOf: RangeError });
  writer.cancelFrame();
  writer.close();
  same(t, readStreams(path).get(1), frames);
});

test('merging many streams takes constant memory', (t) => {
  const path = join(temporaryDirectory(t), 'a.log');
  const writer = LogWriter.create(path, HEADER, { maxDelayMs: Infinity, bufferBytes: Infinity });
  const streams = 100;
  const rounds = 400;
  const bytes = new Uint8Array(2000);
  for (let i = 0; i < streams * rounds; i++) {
    bytes[i % bytes.length] = i;
    writer.append(i % streams, { type: 'data', task: 1, time: i, arg: 0, size: i, bytes });
  }
  writer.close();
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  // Memory of dead arrays is given back by the side, so once may be too early.
  const collect = () => {
    for (let i = 0; i < 3; i++) gc();
  };
  const cacheBytes = 4 * 1024 * 1024;
  const reader = openLog(path, { cacheBytes });
  collect();
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  let next = 0;
  for (const frame of reader.frames()) {
    if (frame.time !== next++) t.fail(`frame ${frame.time} in place of ${next - 1}`);
    if (next % 2000 === 0) {
      collect();
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }
  }
  reader.close();
  t.is(next, streams * rounds);
  t.log(`${(most / 1e6).toFixed(1)} MB of ${(2000 * streams * rounds) / 1e6} MB`);
  // The bound, and what the chunks need that are being read: 18 MB of 80 when nothing else has just been freed.
  t.true(most < 5 * cacheBytes, `${most} bytes`);
});

test('a log that is being written can be read', (t) => {
  const path = join(temporaryDirectory(t), 'a.log');
  const writer = LogWriter.create(path, HEADER, { maxDelayMs: Infinity });
  const written = () => {
    const reader = openLog(path);
    const frames = [...reader.frames()];
    t.true(reader.truncated);
    t.regex(reader.truncatedReason, /no end/);
    reader.close();
    return frames;
  };
  same(t, written(), []);
  writer.append(1, call(1, 10, 1));
  same(t, written(), []);
  writer.flush();
  same(t, written(), [call(1, 10, 1)]);
  writer.append(2, call(2, 20, 2));
  writer.append(1, call(1, 30, 3));
  writer.flushOlderThan(1e9);
  t.is(written().length, 1);
  writer.flushOlderThan(0);
  same(t, written(), [call(1, 10, 1), call(2, 20, 2), call(1, 30, 3)]);
  writer.append(1, call(1, 40, 4));
  writer.abort();
  t.is(written().length, 3);
  t.throws(() => writer.append(1, call(1, 40, 4)), { message: /closed/ });
});

test('frames are written out when they have waited long enough', (t) => {
  const path = join(temporaryDirectory(t), 'a.log');
  const writer = LogWriter.create(path, HEADER, { maxDelayMs: 10 });
  const empty = writer.bytesWritten;
  writer.append(1, call(1, 1e9, 1));
  writer.append(2, call(2, 1e9 + 9_999_999, 2));
  t.is(writer.bytesWritten, empty);
  writer.append(1, call(1, 1e9 + 10_000_000, 3));
  t.true(writer.bytesWritten > empty);
  t.is(writer.bytesBuffered, 0);
  writer.close();
});

test('a stream may go on after its end', (t) => {
  const path = join(temporaryDirectory(t), 'a.log');
  const writer = LogWriter.create(path, HEADER);
  for (let i = 0; i < 5; i++) {
    writer.append(1, call(1, i, i));
    writer.append(2, call(2, i, i));
    writer.endStream(1);
    writer.endStream(1);
    writer.endStream(99);
  }
  writer.close();
  const expected = [0, 1, 2, 3, 4].map((i) => call(1, i, i));
  same(t, readStreams(path).get(1), expected);
});

test('a cursor looks ahead without moving', (t) => {
  const path = join(temporaryDirectory(t), 'a.log');
  const writer = LogWriter.create(path, HEADER, { chunkBytes: 50 });
  for (let i = 0; i < 20; i++) writer.append(1, call(1, i, i));
  writer.close();
  const reader = openLog(path);
  const cursor = reader.stream(1);
  const other = reader.stream(1);
  t.is(cursor.offset, -1);
  for (let i = 0; i < 20; i++) {
    same(t, cursor.peek(), call(1, i, i));
    t.is(cursor.peek(), cursor.peek());
    same(t, cursor.next(), call(1, i, i));
    if (i % 3 === 0) same(t, other.next(), call(1, i / 3, i / 3));
  }
  t.is(cursor.peek(), undefined);
  t.is(cursor.next(), undefined);
  t.is(cursor.next(), undefined);
  const late = reader.stream(1);
  reader.close();
  t.throws(() => late.next(), { message: /closed/ });
});

test('bookmarks are found, with the end or without', (t) => {
  const path = join(temporaryDirectory(t), 'a.log');
  const write = (truncated: boolean) => {
    const writer = LogWriter.create(path, HEADER);
    for (const id of [2, 1]) {
      for (const stream of [1, 2]) {
        writer.append(stream, call(stream, 5000 - id * 1000, 1));
        const time = 5000 - id * 1000 + stream;
        writer.append(stream, { type: 'bookmark', task: stream, time, id });
      }
    }
    writer.close({ truncated, bookmarks: [{ id: 2, name: 'before the crash' }] });
    const reader = openLog(path);
    t.is(reader.truncated, truncated);
    const { bookmarks } = reader;
    reader.close();
    return bookmarks;
  };
  const bookmarks = (name: string) => [
    { id: 1, time: 4001, name: '', streams: [1, 2] },
    { id: 2, time: 3001, name, streams: [1, 2] },
  ];
  same(t, write(false), bookmarks('before the crash'));
  same(t, write(true), bookmarks(''));
});

test('contents go in and come out', (t) => {
  const random = Random.forTest(t);
  const dir = temporaryDirectory(t);
  const path = join(dir, 'a.log');
  const large = Buffer.alloc(2_500_000, random.bytes(1000));
  const files: [string, Uint8Array][] = [
    ['00112233445566778899aabbccddeeff', large],
    ['another name', Buffer.alloc(0)],
    ['ff', random.bytes(100)],
  ];
  for (const truncated of [false, true]) {
    const writer = LogWriter.create(path, HEADER);
    writer.append(1, call(1, 1, 1));
    for (const [hash, bytes] of files) {
      writeFileSync(join(dir, 'content'), bytes);
      writer.addContent(hash, join(dir, 'content'));
    }
    t.throws(() => writer.addContent('11', join(dir, 'absent')), { code: 'ENOENT' });
    t.throws(() => writer.addContentParts('11', 5, [Buffer.from('1234')]), {
      instanceOf: LogContentError,
      code: 'LOG_CONTENT_CHANGED',
    });
    t.throws(() => writer.addContentParts('11', 5, [Buffer.from('123456')]), {
      instanceOf: LogContentError,
    });
    writer.append(1, call(1, 2, 2));
    writer.close({ truncated });
    const reader = openLog(path);
    same(
      t,
      reader.contents().map(({ hash, size }) => [hash, size]),
      files.map(([hash, bytes]) => [hash, bytes.length]),
    );
    for (const [hash, bytes] of files) {
      const target = join(dir, `out-${truncated}-${hash}`);
      reader.extractContent(hash, target);
      t.true(readFileSync(target).equals(bytes));
      t.throws(() => reader.extractContent(hash, target), { code: 'EEXIST' });
    }
    t.throws(() => reader.extractContent('11', join(dir, 'out')), { code: 'LOG_NO_CONTENT' });
    same(t, [...reader.frames()], [call(1, 1, 1), call(1, 2, 2)]);
    reader.close();
  }
});

test('a log can be rewritten', (t) => {
  const dir = temporaryDirectory(t);
  const [source, target] = [join(dir, 'a.log'), join(dir, 'b.log')];
  const writer = LogWriter.create(source, HEADER, { chunkBytes: 300 });
  for (let i = 0; i < 100; i++) {
    writer.append(i % 3, { type: 'note', task: 1, time: i * 10, text: `${i}` });
    writer.append(i % 3, call(1, i * 10, i));
  }
  writer.append(0, { type: 'bookmark', task: 1, time: 2000, id: 1 });
  writer.addContentParts('aa', 3, [Buffer.from('abc')]);
  writer.addContentParts('bb', 3, [Buffer.from('def')]);
  writer.close({ bookmarks: [{ id: 1, name: 'here' }] });

  rewriteLog(source, target, (frame) => frame);
  same(t, readStreams(target), readStreams(source));
  same(t, openLog(target).bookmarks, openLog(source).bookmarks);

  rewriteLog(
    source,
    target,
    (frame, stream) => {
      if (frame.type === 'note') return undefined;
      if (frame.type === 'syscall' && stream === 1) return { ...frame, args: [], writes: [] };
      return frame.type === 'bookmark' ? [frame, { ...frame, id: 2 }] : frame;
    },
    {
      header: (header) => ({ ...header, verbosity: '0' }),
      keepContent: (hash) => hash === 'bb',
    },
  );
  const reader = openLog(target);
  t.is(reader.header.verbosity, '0');
  same(
    t,
    reader.contents().map(({ hash }) => hash),
    ['bb'],
  );
  same(
    t,
    reader.bookmarks.map(({ id, name }) => [id, name]),
    [
      [1, 'here'],
      [2, ''],
    ],
  );
  t.is([...reader.frames()].length, 102);
  t.true(
    [...reader.frames({ stream: 1, type: 'syscall' })].every(
      (f) => 'args' in f && f.args.length === 0,
    ),
  );
  t.false(reader.truncated);

  truncateSync(source, statSync(source).size - 1);
  rewriteLog(source, target, (frame) => frame);
  t.true(openLog(target).truncated);
  same(t, readStreams(target), readStreams(source));

  t.throws(
    () =>
      rewriteLog(source, target, () => {
        throw new Error('no');
      }),
    { message: 'no' },
  );
  same(t, readStreams(target), readStreams(source));
  t.deepEqual(readdirSync(dir).sort(), ['a.log', 'b.log']);
  rewriteLog(target, target, (frame) => (frame.type === 'note' ? undefined : frame));
  t.is([...openLog(target).frames()].length, 101);
});

test('a writer takes only what can be a stream', (t) => {
  const path = join(temporaryDirectory(t), 'a.log');
  const writer = LogWriter.create(path, HEADER);
  for (const stream of [-1, 0.5, 2 ** 32, NaN]) {
    t.throws(() => writer.append(stream, call(1, 1, 1)), { instanceOf: RangeError });
  }
  writer.close();
  writer.close();
  writer.abort();
  same(t, openLog(path).streams, []);
});

test('a log of a small program is small', (t) => {
  const path = join(temporaryDirectory(t), 'a.log');
  const random = new Random(1);
  const env = Array.from(
    { length: 30 },
    (_, i) => `SOME_VARIABLE_${i}=/usr/lib/some/path/${i * 77}`,
  );
  const writer = LogWriter.create(path, { ...HEADER, env });
  const stack = new Uint8Array(4096);
  Buffer.from(env.join('\0')).copy(stack, 1000);
  const library = (n: number) => ({
    start: 0x7ffff7d00000 + n * 0x20000,
    end: 0x7ffff7d10000 + n * 0x20000,
    prot: n % 4,
    flags: 2,
    backing: {
      kind: 'file' as const,
      hash: Buffer.from(random.bytes(16)).toString('hex'),
      offset: n * 4096,
      path: '/usr/lib/x86_64-linux-gnu/libc.so.6',
    },
  });
  writer.append(1, {
    type: 'image',
    task: 2,
    time: 1_000_000,
    tid: 4711,
    pid: 4711,
    path: '/usr/bin/date',
    argv: ['date'],
    envp: env,
    mappings: [0, 1, 2, 3, 4, 5, 6, 7].map(library),
    writes: [{ addr: 0x7ffffffde000, bytes: stack }],
    regs: new Uint8Array(216),
    brk: 0x555555577000,
  });
  for (let i = 0; i < 60; i++) {
    if (i % 5 === 0) writer.append(1, { type: 'mapping', task: 2, time: 1e6, mapping: library(i) });
    writer.append(1, call(2, 1_100_000 + i * 20_000 + random.below(9000), i));
  }
  writer.close();
  const { size } = statSync(path);
  t.true(size < 6000, `${size} bytes`);
  t.log(`${size} bytes`);
});
