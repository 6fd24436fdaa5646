import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import * as tracelog from '@scribe-ts/tracelog';
import type { Frame } from '@scribe-ts/tracelog';
import * as letters from '@scribe-ts/recorder/options';
import test from 'ava';
import { type Command, runCommand } from '../src/command.js';
import { pack } from '../src/commands/pack.js';
import { shrink } from '../src/commands/shrink.js';
import { directory } from './directory.js';
import { FakeHost } from './fake-host.js';
import { depsWith } from './fakes.js';
import { frames, header, MAPPED, SHARED, writeLog } from './log-fixture.js';

async function run(
  command: Command,
  argv: string[],
): Promise<{ exitCode: number; host: FakeHost }> {
  const host = new FakeHost();
  const deps = depsWith(host, {
    tracelog: () => Promise.resolve(tracelog),
    verbosity: () => Promise.resolve(letters),
  });
  const exitCode = await runCommand(command, argv, deps, `scribe ${command.spec.name}`);
  return { exitCode, host };
}

function read(path: string): Frame[] {
  using reader = tracelog.openLog(path);
  return [...reader.frames()].map((frame) => structuredClone(frame));
}

function store(path: string): string {
  for (const [hash, content] of [
    [MAPPED, 'mapped'],
    [SHARED, 'shared content'],
  ] as const) {
    mkdirSync(join(path, hash.slice(0, 2)), { recursive: true });
    writeFileSync(join(path, hash.slice(0, 2), hash), content);
  }
  return path;
}

test('pack puts what is mapped into the log and leaves the rest as it was', async (t) => {
  const path = directory(t);
  const log = join(path, 'x.log');
  writeLog(log, frames(), header({ store: store(join(path, 'store')) }));
  chmodSync(log, 0o600);
  const before = read(log);
  const { exitCode, host } = await run(pack, [log]);
  t.is(host.stdout + host.stderr, '');
  t.is(exitCode, 0);
  t.deepEqual(read(log), before);
  t.is(statSync(log).mode & 0o777, 0o600);
  using reader = tracelog.openLog(log);
  t.deepEqual(
    reader.contents().map(({ hash, size }) => [hash, size]),
    [
      [MAPPED, 6],
      [SHARED, 14],
    ],
  );
  t.is(Buffer.concat([...reader.contentParts(SHARED)]).toString(), 'shared content');
  t.deepEqual(
    reader.bookmarks.map(({ id }) => id),
    [1],
  );
  t.false(reader.truncated);
  t.deepEqual(readdirSync(path).sort(), ['store', 'x.log']);

  // Once more, with the store gone: the log has all it needs.
  t.is((await run(pack, [log, '--store', join(path, 'gone')])).exitCode, 0);
});

test('pack with a content missing names it and changes nothing', async (t) => {
  const path = directory(t);
  const log = join(path, 'x.log');
  writeLog(log);
  const before = readFileSync(log);
  const { exitCode, host } = await run(pack, [log, '-o', join(path, 'out.log')]);
  t.is(exitCode, 121);
  t.regex(
    host.stderr,
    /^scribe pack: .*x\.log needs \/bin\/echo .*\/no\/such\/store does not have; /,
  );
  t.deepEqual(readFileSync(log), before);
  t.deepEqual(readdirSync(path), ['x.log']);
});

test('a truncated log stays truncated', async (t) => {
  const path = directory(t);
  const log = join(path, 'x.log');
  writeLog(log, frames(), header({ store: store(join(path, 'store')) }), { truncated: true });
  t.is((await run(pack, [log])).exitCode, 0);
  t.is((await run(shrink, ['-l', '0', log])).exitCode, 0);
  using reader = tracelog.openLog(log);
  t.true(reader.truncated);
  t.is(reader.contents().length, 2);
});

test('the target is a file, and a link’s file is replaced, not the link', async (t) => {
  const path = directory(t);
  const log = join(path, 'x.log');
  writeLog(log);
  const { exitCode, host } = await run(shrink, ['-l', '0', log, '-o', '/dev/null']);
  t.is(exitCode, 2);
  t.regex(host.stderr, /\/dev\/null is not a regular file/);
  const link = join(path, 'link.log');
  symlinkSync('x.log', link);
  t.is((await run(shrink, ['-l', '0', link])).exitCode, 0);
  t.is(statSync(log).size, statSync(link).size);
  t.false(read(log).some(({ type }) => type === 'resource'));
  const nowhere = join(path, 'no', 'out.log');
  const failed = await run(shrink, ['-l', '0', log, '-o', nowhere]);
  t.is(failed.exitCode, 124);
  t.regex(
    failed.host.stderr,
    /^scribe shrink: cannot write .*\/no\/out\.log: no such file or directory\n$/,
  );
});

/** The frames after `shrink -f letters` of a log that holds everything. */
async function shrunk(path: string, wanted: string, list = frames()): Promise<Frame[]> {
  const log = join(path, 'full.log');
  const out = join(path, 'small.log');
  writeLog(log, list, header({ verbosity: letters.VERBOSITY_LETTERS }));
  const { exitCode, host } = await run(shrink, ['-f', wanted, log, '-o', out]);
  if (exitCode !== 0) throw new Error(host.stderr);
  using reader = tracelog.openLog(out);
  if (reader.header.verbosity !== wanted) throw new Error(reader.header.verbosity);
  return read(out);
}

const without = (letter: string): string => letters.VERBOSITY_LETTERS.replace(letter, '');

test('shrinking to everything changes nothing but the places of data', async (t) => {
  const result = await shrunk(directory(t), letters.VERBOSITY_LETTERS);
  const byType = (list: Frame[]): string[] => list.map((frame) => JSON.stringify(frame)).sort();
  t.deepEqual(byType(result), byType(frames()));
});

test('each letter stands for its frames', async (t) => {
  const path = directory(t);
  const types = (list: Frame[]): string[] => list.map(({ type }) => type);
  const missing = async (letter: string): Promise<string[]> => {
    const left = types(await shrunk(path, without(letter)));
    return types(frames()).filter((type) => {
      const at = left.indexOf(type);
      if (at >= 0) left.splice(at, 1);
      return at < 0;
    });
  };
  t.deepEqual(await missing('c'), ['counters']);
  t.deepEqual(await missing('r'), ['resource']);
  t.deepEqual(await missing('R'), ['registers']);
  t.deepEqual(await missing('g'), ['signal']);
  t.deepEqual(await missing('S'), ['data']);
  t.deepEqual(await missing('h'), ['state']);
  t.deepEqual(await missing('d'), []);
  t.deepEqual(await missing('p'), []);
});

test('arguments, strings, data, names and times', async (t) => {
  const path = directory(t);
  const calls = (list: Frame[]) => list.filter((frame) => frame.type === 'syscall');
  const data = (list: Frame[]) => list.filter((frame) => frame.type === 'data');
  t.true(calls(await shrunk(path, without('s'))).every(({ args }) => args.length === 0));
  // The string was openat's, the rest write's.
  t.deepEqual(
    data(await shrunk(path, without('S'))).map(({ size }) => size),
    [300],
  );
  t.deepEqual(
    data(await shrunk(path, without('D'))).map(({ size, bytes }) => [size, bytes.length]),
    [
      [9, 9],
      [300, 256],
    ],
  );
  t.deepEqual(
    data(await shrunk(path, 'sS')).map(({ size }) => size),
    [9],
  );
  t.deepEqual(
    data(await shrunk(path, 'sd')).map(({ bytes }) => bytes.length),
    [256],
  );
  const unnamed = JSON.stringify(await shrunk(path, without('m')));
  t.false(unnamed.includes('/tmp/x'));
  t.true(unnamed.includes(SHARED));
  t.true((await shrunk(path, without('F'))).every(({ time }) => time % 1000 === 0));
});

test('durations go with their letter, and become microseconds with that of nanoseconds', async (t) => {
  const path = directory(t);
  const list: Frame[] = [
    {
      type: 'syscall',
      task: 2,
      time: 9999,
      nr: 39,
      args: [],
      result: 1,
      writes: [],
      duration: 4321,
    },
  ];
  const duration = async (wanted: string): Promise<unknown> =>
    (await shrunk(path, wanted, list)).map((frame) =>
      frame.type === 'syscall' ? [frame.time, frame.duration] : [],
    );
  t.deepEqual(await duration(letters.VERBOSITY_LETTERS), [[9999, 4321]]);
  t.deepEqual(await duration(without('F')), [[9000, 4000]]);
  t.deepEqual(await duration(without('T')), [[9999, undefined]]);
});

test('a bookmark keeps its hashes', async (t) => {
  const states = (await shrunk(directory(t), '')).filter((frame) => frame.type === 'state');
  t.deepEqual(
    states.map(({ registers, memory }) => [registers, memory]),
    [
      ['bb', 'cc'],
      ['dd', ''],
    ],
  );
});

test('data of interleaved calls finds its own call', async (t) => {
  const bytes = new Uint8Array([1]);
  const list: Frame[] = [
    { type: 'data', task: 2, time: 1, arg: 1, size: 1, bytes },
    { type: 'block', task: 2, time: 1, nr: 257 },
    { type: 'data', task: 3, time: 2, arg: 1, size: 2, bytes },
    { type: 'data', task: 2, time: 2, arg: 1, size: 3, bytes },
    { type: 'syscall', task: 2, time: 2, nr: 257, args: [1, 2, 3, 4], result: 0, writes: [] },
    { type: 'syscall', task: 3, time: 3, nr: 1, args: [1, 2, 3], result: 3, writes: [] },
    { type: 'data', task: 2, time: 4, arg: 0, size: 4, bytes },
    { type: 'exec', task: 2, time: 4, stream: 1, ended: [] },
    { type: 'data', task: 2, time: 5, arg: 1, size: 5, bytes },
  ];
  const path = directory(t);
  const sizes = async (wanted: string): Promise<number[]> =>
    (await shrunk(path, wanted, list)).flatMap((f) => (f.type === 'data' ? [f.size] : []));
  t.deepEqual(await sizes('sS'), [1, 3, 4]);
  t.deepEqual(await sizes('sd'), [2]);
});

test('letters that the log has not are not made up', async (t) => {
  const path = directory(t);
  const log = join(path, 'x.log');
  writeLog(log, frames(), header({ verbosity: 'sr' }));
  t.is((await run(shrink, ['-l', '15', log])).exitCode, 0);
  using reader = tracelog.openLog(log);
  t.is(reader.header.verbosity, 'sr');
});

test('wrong command lines', async (t) => {
  const failure = async (command: Command, argv: string[], line: RegExp): Promise<void> => {
    const { exitCode, host } = await run(command, argv);
    t.is(exitCode, 2);
    t.regex(host.stderr, line);
  };
  await failure(shrink, [], /missing LOG/);
  await failure(shrink, ['x.log'], /say what to keep with -l or -f; see 'scribe shrink --help'/);
  await failure(shrink, ['-l', '16', 'x.log'], /-l takes a whole number/);
  await failure(shrink, ['-f', 'z', 'x.log'], /knows no letter 'z'/);
  await failure(pack, ['a', 'b'], /unexpected argument 'b'/);
});

test('no log and garbage', async (t) => {
  const path = directory(t);
  const log = join(path, 'x.log');
  for (const argv of [[pack], [shrink, '-l', '0']] as const) {
    const [command, ...options] = argv;
    t.is((await run(command, [...options, log])).exitCode, 121);
  }
  writeFileSync(log, 'garbage that is long enough to have been a header');
  for (const argv of [[pack], [shrink, '-l', '0']] as const) {
    const [command, ...options] = argv;
    const { exitCode, host } = await run(command, [...options, log]);
    t.is(exitCode, 121);
    t.regex(host.stderr, /x\.log is not a log/);
  }
  t.is(readFileSync(log, 'utf8').slice(0, 7), 'garbage');
  t.false(existsSync(join(path, 'out.log')));
});
