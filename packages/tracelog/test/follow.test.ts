import { appendFileSync, closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { LogCorruptError } from '../src/errors.js';
import { followLog, type LogFollower } from '../src/follow.js';
import { LogWriter } from '../src/writer.js';
import type { Frame } from '../src/schema/frames.js';
import { call, HEADER } from './support/frames.js';
import { same, temporaryDirectory } from './support/logs.js';
import { Random } from './support/random.js';

const OURS = {
  ...HEADER,
  recorder: process.pid,
  machine: { ...HEADER.machine, hostname: hostname() },
};
const POLL = { pollMs: 1 };

/** Frames in the order in which they came; `each` runs after every batch. */
async function read(follower: LogFollower, each: (soFar: number) => void = () => {}) {
  const frames: Frame[] = [];
  for await (const batch of follower.batches()) {
    for (const { frame } of batch) frames.push(structuredClone(frame));
    each(frames.length);
  }
  return frames;
}

test('frames come as they are written, to the end of the log', async (t) => {
  const path = join(temporaryDirectory(t), 'a.log');
  const writer = LogWriter.create(path, OURS);
  const frames = Array.from({ length: 500 }, (_, i) => call(i % 3, i * 1000, i));
  let written = 0;
  let closed = false;
  const seen: number[] = [];
  const follower = followLog(path, POLL);
  const read_ = await read(follower, (soFar) => {
    seen.push(soFar);
    t.is(soFar, written);
    if (follower.end !== undefined || closed) return;
    for (let i = 0; i < 50 && written < frames.length; i++) {
      writer.append(written % 3, frames[written]!);
      written++;
    }
    writer.flush();
    if (soFar === frames.length) {
      writer.close();
      closed = true;
    }
  });
  t.is(follower.end, 'complete');
  same(t, read_, frames);
  t.true(seen.length > 10);
});

test('a log that its writer left ends with what was written', async (t) => {
  const path = join(temporaryDirectory(t), 'a.log');
  const writer = LogWriter.create(path, OURS);
  writer.append(1, call(1, 1, 1));
  writer.flush();
  writer.append(1, call(1, 2, 2));
  const follower = followLog(path, POLL);
  const frames = await read(follower, () => writer.abort());
  t.is(follower.end, 'abandoned');
  t.is(frames.length, 1);
});

test('a log whose recorder is gone, or not known, is abandoned', async (t) => {
  const path = join(temporaryDirectory(t), 'a.log');
  // No process has this number: it is above the kernel's limit.
  for (const recorder of [2 ** 30, undefined]) {
    const header = recorder === undefined ? HEADER : { ...OURS, recorder };
    const writer = LogWriter.create(path, header);
    writer.append(1, call(1, 1, 1));
    writer.flush();
    const follower = followLog(path, POLL);
    t.is((await read(follower)).length, 1);
    t.is(follower.end, 'abandoned');
    writer.abort();
  }
});

test('following ends when it is told to', async (t) => {
  const path = join(temporaryDirectory(t), 'a.log');
  const writer = LogWriter.create(path, OURS);
  const stop = new AbortController();
  const follower = followLog(path, { pollMs: 60_000, signal: stop.signal });
  setImmediate(() => stop.abort());
  t.deepEqual(await read(follower), []);
  t.is(follower.end, 'aborted');
  writer.abort();
});

test('a file that grows by any number of bytes gives whole frames', async (t) => {
  const random = Random.forTest(t);
  const directory = temporaryDirectory(t);
  const whole = join(directory, 'whole.log');
  const writer = LogWriter.create(whole, OURS, { chunkBytes: 500 });
  const frames = Array.from({ length: 300 }, (_, i) => call(1, i * 1000, i));
  for (const [i, frame] of frames.entries()) {
    writer.append(1, frame);
    if (i % 37 === 0) writer.flush();
  }
  writer.close();
  const bytes = readFileSync(whole);
  const headerBytes = 28 + bytes.readUInt32LE(20);
  const path = join(directory, 'growing.log');
  writeFileSync(path, bytes.subarray(0, headerBytes));
  // As a recorder would have it.
  const fd = openSync(path, 'a');
  let done = headerBytes;
  const follower = followLog(path, { pollMs: 0 });
  const read_ = await read(follower, () => {
    const step = 1 + random.below(random.pick([20, 400]));
    appendFileSync(fd, bytes.subarray(done, done + step));
    done += step;
  });
  closeSync(fd);
  t.is(follower.end, 'complete');
  same(t, read_, frames);
});

test('damage is told, not waited for', async (t) => {
  const path = join(temporaryDirectory(t), 'a.log');
  const writer = LogWriter.create(path, OURS);
  writer.append(1, call(1, 1, 1));
  writer.flush();
  appendFileSync(path, Buffer.alloc(100, 7));
  await t.throwsAsync(read(followLog(path, POLL)), { instanceOf: LogCorruptError });
  writer.abort();
});
