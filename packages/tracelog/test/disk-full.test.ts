import { execFileSync } from 'node:child_process';
import {
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { BackgroundCompressor } from '../src/compression.js';
import { LogWriteError } from '../src/errors.js';
import { openLog } from '../src/reader.js';
import { rewriteLog } from '../src/rewrite.js';
import { LogWriter } from '../src/writer.js';
import type { Frame } from '../src/schema/frames.js';
import { HEADER } from './support/frames.js';
import { readStreams, same, temporaryDirectory } from './support/logs.js';
import { Random } from './support/random.js';

/** A file system of `size` bytes, or undefined where none can be mounted. */
function smallDisk(t: ExecutionContext, size: number): string | undefined {
  const dir = temporaryDirectory(t);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', dir], { stdio: 'pipe' });
  } catch (error) {
    t.log(`skipped: no file system can be mounted here (${(error as Error).message.trim()})`);
    t.pass();
    return undefined;
  }
  t.teardown(() => execFileSync('umount', [dir]));
  return dir;
}

/** What this process has open; other descriptors of Node's come and go meanwhile. */
function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      return [];
    }
  });
}

function dataFrame(random: Random, n: number): Frame {
  return { type: 'data', task: 1, time: n, arg: 1, size: n, bytes: random.bytes(500) };
}

test.serial('a full disk leaves a log that ends with its last whole chunk', (t) => {
  const dir = smallDisk(t, 64 * 1024);
  if (dir === undefined) return;
  const random = Random.forTest(t);
  const path = join(dir, 'a.log');
  const isOpen = () => openFiles().includes(path);
  const writer = LogWriter.create(path, HEADER, { chunkBytes: 5000 });
  const frames: Frame[] = [];
  const fill = () => {
    for (;;) {
      const frame = dataFrame(random, frames.length);
      writer.append(1, frame);
      frames.push(frame);
    }
  };
  t.true(isOpen());
  const error = t.throws(fill, { instanceOf: LogWriteError }) as LogWriteError;
  t.is(error.code, 'LOG_DISK_FULL');
  t.is(error.errno, 'ENOSPC');
  t.is(error.path, path);
  for (const again of [
    () => writer.append(1, dataFrame(random, 1)),
    () => writer.append(7, dataFrame(random, 1)),
    () => writer.beginSyscall(1, 1, 1, 1, [], 0, 0),
    () => writer.flush(),
    () => writer.close(),
  ]) {
    t.is(t.throws(again), error);
  }
  t.is(statSync(path).size, writer.bytesWritten);
  t.false(isOpen());
  const read = readStreams(path).get(1) as Frame[];
  t.true(read.length > 50);
  same(t, read, frames.slice(0, read.length));
  const reader = openLog(path);
  t.true(reader.truncated);
  t.is(reader.stats.bytes, writer.bytesWritten);
  reader.close();
});

test.serial('a full disk shows with the chunk after the one that did not fit', (t) => {
  const dir = smallDisk(t, 2 * 1024 * 1024);
  if (dir === undefined) return;
  const random = Random.forTest(t);
  const path = join(dir, 'a.log');
  const background = BackgroundCompressor.start();
  const writer = LogWriter.create(path, HEADER, { chunkBytes: 1024 * 1024, background });
  const frames: Frame[] = [];
  const error = t.throws(
    () => {
      for (let n = 0; n < 8; n++) {
        const bytes = random.bytes(1024 * 1024);
        frames.push({ type: 'data', task: 1, time: n, arg: 1, size: bytes.length, bytes });
        writer.append(1, frames[n]!);
      }
    },
    { instanceOf: LogWriteError, code: 'LOG_DISK_FULL' },
  );
  t.is(
    t.throws(() => writer.flush()),
    error,
  );
  t.is(
    t.throws(() => writer.close()),
    error,
  );
  t.is(statSync(path).size, writer.bytesWritten);
  same(t, readStreams(path), new Map([[1, frames.slice(0, 1)]]));
});

test.serial('a full disk shows at the end too', (t) => {
  const dir = smallDisk(t, 16 * 1024);
  if (dir === undefined) return;
  const random = new Random(1);
  const path = join(dir, 'a.log');
  const writer = LogWriter.create(path, HEADER);
  for (let i = 0; i < 40; i++) writer.append(1, dataFrame(random, i));
  t.throws(() => writer.close(), { instanceOf: LogWriteError, code: 'LOG_DISK_FULL' });
  const reader = openLog(path);
  t.true(reader.truncated);
  t.deepEqual(reader.streams, []);
  reader.close();
});

test.serial('a content that does not fit is no part of the log', (t) => {
  const dir = smallDisk(t, 64 * 1024);
  if (dir === undefined) return;
  const random = new Random(1);
  const source = join(temporaryDirectory(t), 'content');
  writeFileSync(source, random.bytes(100_000));
  const path = join(dir, 'a.log');
  const writer = LogWriter.create(path, HEADER);
  writer.append(1, dataFrame(random, 1));
  writer.flush();
  t.throws(() => writer.addContent('aa', source), { code: 'LOG_DISK_FULL' });
  t.throws(() => writer.close(), { code: 'LOG_DISK_FULL' });
  const reader = openLog(path);
  t.deepEqual(reader.contents(), []);
  t.is(reader.stats.frames, 1);
  reader.close();

  const whole = join(temporaryDirectory(t), 'whole.log');
  const other = LogWriter.create(whole, HEADER);
  other.addContent('aa', source);
  other.close();
  const target = join(dir, 'b.log');
  t.throws(() => rewriteLog(whole, target, (frame) => frame), { code: 'LOG_DISK_FULL' });
  t.false(existsSync(target));
  const out = join(dir, 'out');
  const full = openLog(whole);
  t.throws(() => full.extractContent('aa', out), { code: 'ENOSPC' });
  t.false(existsSync(out));
  full.close();
});

test.serial('a file that cannot be written is told of at once', (t) => {
  const dir = temporaryDirectory(t);
  t.throws(() => LogWriter.create(join(dir, 'no', 'a.log'), HEADER), {
    instanceOf: LogWriteError,
    code: 'LOG_WRITE',
    message: /ENOENT/,
  });
  if (existsSync('/dev/full')) {
    t.throws(() => LogWriter.create('/dev/full', HEADER), {
      instanceOf: LogWriteError,
      code: 'LOG_DISK_FULL',
    });
  }
  const path = join(dir, 'a.log');
  writeFileSync(path, 'something that was there before, longer than a header'.repeat(100));
  LogWriter.create(path, HEADER).close();
  t.false(readFileSync(path, 'latin1').includes('before'));
});
