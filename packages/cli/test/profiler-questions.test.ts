import { join } from 'node:path';
import * as profilerLibrary from '@scribe-ts/profiler';
import * as tracelog from '@scribe-ts/tracelog';
import type { Frame, NewLogHeader } from '@scribe-ts/tracelog';
import test, { type ExecutionContext } from 'ava';
import { runCommand } from '../src/command.js';
import { profiler } from '../src/commands/profiler.js';
import { directory } from './directory.js';
import { FakeHost } from './fake-host.js';
import { depsWith } from './fakes.js';
import { header, writeLog } from './log-fixture.js';

interface Outcome {
  readonly exitCode: number;
  readonly lines: readonly string[];
  readonly errors: string;
}

/** Runs `profiler` on a log of these frames. */
async function run(
  t: ExecutionContext,
  argv: readonly string[],
  frames: readonly Frame[],
  head: NewLogHeader = header({ verbosity: 'sSrdT', startedAt: startedAt() }),
): Promise<Outcome> {
  const log = join(directory(t), 'x.log');
  writeLog(log, frames, head);
  const host = new FakeHost();
  const deps = depsWith(host, {
    profiler: () => Promise.resolve(profilerLibrary),
    tracelog: () => Promise.resolve(tracelog),
  });
  const exitCode = await runCommand(profiler, [...argv, log], deps);
  return { exitCode, lines: host.stdout.split('\n').slice(0, -1), errors: host.stderr };
}

/** Eight in the morning, local time. */
const startedAt = (): number => new Date(2024, 5, 1, 8, 0, 0).getTime() / 1000;

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const task = 2;
/** A second and something after the beginning. */
const time = 1_250_000_000;

const frames: readonly Frame[] = [
  { type: 'data', task, time, arg: 1, size: 4, bytes: text('/x/y') },
  {
    type: 'syscall',
    task,
    time,
    nr: 257,
    args: [-100, 1, 0, 0],
    result: 3,
    writes: [],
    duration: 50_000_000,
  },
  { type: 'data', task, time: time + 5000, arg: 1, size: 3, bytes: text('hi\n') },
  {
    type: 'syscall',
    task,
    time: time + 5000,
    nr: 1,
    args: [3, 1, 3],
    result: 3,
    writes: [],
    duration: 2000,
  },
  {
    type: 'syscall',
    task,
    time: time + 9000,
    nr: 0,
    args: [3, 2, 20],
    result: 18,
    writes: [{ addr: 2, bytes: text('0123456789abcdef\n!') }],
    duration: 1000,
  },
  { type: 'syscall', task: 3, time: time + 9500, nr: 3, args: [9], result: -9, writes: [] },
  { type: 'bookmark', task, time: time + 9600, id: 1 },
  { type: 'exit', task, time: time + 9700, status: 0, last: true },
];

const names = ({ lines }: Outcome): string[] =>
  lines
    .filter((line) => !line.includes('   '))
    .map((line) => /\] (?:--- )?(\w+)/.exec(line)?.[1] ?? line);

test('expressions, paths, statuses, times and text choose', async (t) => {
  const chosen = async (...argv: string[]): Promise<string[]> => names(await run(t, argv, frames));
  t.deepEqual(await chosen('-e', 'openat,close'), ['openat', 'close', 'exit']);
  t.deepEqual(await chosen('-e', 'trace=%file'), ['openat', 'exit']);
  t.deepEqual(await chosen('-Z'), ['close', 'exit']);
  t.deepEqual(await chosen('-z', '-p', '3'), []);
  t.deepEqual(await chosen('-P', '/x/y'), ['openat', 'write', 'read']);
  t.deepEqual(await chosen('--slower-than', '2us'), ['openat', 'write']);
  t.deepEqual(await chosen('--text', '/[0-9]a/'), ['read']);
  t.deepEqual(await chosen('-e', 'fd=9'), ['close']);
  t.deepEqual(await chosen('--from', '@1'), ['bookmark', 'exit']);
  t.deepEqual(await chosen('--from', '08:00:01', '--to', '1.250001'), ['openat']);
});

test('columns of times', async (t) => {
  const lines = async (...argv: string[]): Promise<string[]> =>
    (
      await run(t, ['-p', '2', '-e', 'openat,write', '-e', 'signal=none', ...argv], frames)
    ).lines.slice(0, 3) as string[];
  t.deepEqual(await lines('-T'), [
    '[02] openat(AT_FDCWD, "/x/y", O_RDONLY) = 3 <0.050000>',
    '[02] write(3, "hi\\n", 3) = 3 <0.000002>',
    '[02]   data: size = 3, "hi\\n"',
  ]);
  t.deepEqual(await lines('-t'), [
    '[02] 08:00:01 openat(AT_FDCWD, "/x/y", O_RDONLY) = 3',
    '[02] 08:00:01 write(3, "hi\\n", 3) = 3',
    '[02]            data: size = 3, "hi\\n"',
  ]);
  t.is((await lines('-tt'))[1], '[02] 08:00:01.250003 write(3, "hi\\n", 3) = 3');
  t.is((await lines('-ttt'))[1], `[02] ${startedAt() + 1}.250003 write(3, "hi\\n", 3) = 3`);
  t.deepEqual((await lines('--relative-timestamps')).slice(0, 2), [
    '[02]    0.000000 openat(AT_FDCWD, "/x/y", O_RDONLY) = 3',
    '[02]    0.050003 write(3, "hi\\n", 3) = 3',
  ]);
});

test('bytes are dumped as strace dumps them', async (t) => {
  const { lines } = await run(t, ['-e', 'read=3', '-e', 'write=all', '-e', 'read,write'], frames);
  t.deepEqual(lines.slice(0, 6), [
    '[02] write(3, "hi\\n", 3) = 3',
    '[02]   data: size = 3, "hi\\n"',
    '[02]  | 00000  68 69 0a                                          hi.              |',
    '[02] read(3, "0123456789abcdef\\n!", 20) = 18',
    '[02]  | 00000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  0123456789abcdef |',
    '[02]  | 00010  0a 21                                             .!               |',
  ]);
});

test('-c gives a table instead of the lines, -C after them', async (t) => {
  const only = await run(t, ['-c', '-S', 'name'], frames);
  t.deepEqual(
    only.lines.map((line) => line.split(' ').at(-1)),
    ['syscall', '-'.repeat(16), 'close', 'openat', 'read', 'write', '-'.repeat(16), 'total'],
  );
  t.is(only.errors, '');
  const both = await run(t, ['-C', '-e', 'write'], frames);
  t.is(both.lines[0], '[02] write(3, "hi\\n", 3) = 3');
  t.regex(both.lines.at(-1)!, / 1 +total$/);
  const chosen = await run(t, ['-c', '-Z'], frames);
  t.regex(chosen.lines.at(-1)!, / 1 +1 total$/);
});

test('questions that a log cannot answer are told', async (t) => {
  const poor = header({ verbosity: '' });
  const errors = async (...argv: string[]): Promise<string> =>
    (await run(t, argv, frames.slice(5, 6), poor)).errors;
  t.is(
    await errors('--slower-than', '1', '-P', 'x', '--text', 'x'),
    'profiler: the log has no times of calls: record with -f T in the letters\n' +
      'profiler: the log has no arguments: record with -f s in the letters\n' +
      'profiler: the log has no names of files: record with -f S in the letters\n' +
      'profiler: the log has no bytes that the program sent: record with -f d or D in the letters\n',
  );
  t.regex(await errors('-c'), /no times of calls/);
});

test('what stands around an offset', async (t) => {
  const long: readonly Frame[] = Array.from({ length: 3000 }, (_, i) => ({
    type: 'syscall',
    task: 2 + (i % 2),
    time: i * 5000,
    nr: 3,
    args: [i],
    result: 0,
    writes: [],
  }));
  const all = (await run(t, ['-o'], long)).lines;
  const at = (i: number): string => all[i]!.split(' ')[0]!;
  const around = async (...argv: string[]): Promise<readonly string[]> =>
    (await run(t, argv, long)).lines;
  t.deepEqual(await around('-o', '--around', at(1500), '-n', '3'), all.slice(1497, 1504));
  t.deepEqual(await around('-o', '--around', at(1500)), all.slice(1480, 1521));
  t.deepEqual(await around('-o', '--around', at(1), '-n', '2'), all.slice(0, 4));
  t.deepEqual(await around('-o', '--around', at(2998), '-n', '2'), all.slice(2996));
  // Of one task alone.
  const even = all.filter((line) => line.includes('[02]'));
  t.deepEqual(await around('-o', '-p', '2', '--around', at(1500), '-n', '1'), even.slice(749, 752));
});

test('--follow reads a whole log as it is, and tells of one that nobody writes', async (t) => {
  const whole = await run(t, ['--follow', '-e', 'write'], frames);
  t.deepEqual(whole, await run(t, ['-e', 'write'], frames));
  const log = join(directory(t), 'x.log');
  writeLog(log, frames, header(), { truncated: true });
  const host = new FakeHost();
  const deps = depsWith(host, {
    profiler: () => Promise.resolve(profilerLibrary),
    tracelog: () => Promise.resolve(tracelog),
  });
  t.is(await runCommand(profiler, ['-c', '--follow', log], deps), 0);
  t.regex(host.stdout, / 4 +1 total\n$/);
  t.regex(host.stderr, /^profiler: .*x\.log ends here: nobody writes it\n$/);
  t.deepEqual(host.handled, []);
});

test('wrong questions', async (t) => {
  const failure = async (argv: string[], line: RegExp): Promise<void> => {
    const { exitCode, lines, errors } = await run(t, argv, frames);
    t.is(exitCode, 2);
    t.deepEqual(lines, []);
    t.regex(errors, line);
    t.regex(errors, /see 'profiler --help'\n$/);
  };
  await failure(['-e', 'foo'], /^profiler: there is no system call named 'foo'/);
  await failure(['-z', '-Z'], /exclude each other/);
  await failure(['-Z', '-e', 'status=all'], /exclude each other/);
  await failure(['-c', '-C'], /exclude each other/);
  await failure(['-S', 'name'], /-S sorts/);
  await failure(['-c', '-S', 'foo'], /no order 'foo', only time/);
  await failure(['--slower-than', 'x'], /not 'x'/);
  await failure(['--from', '@7'], /no bookmark '7'/);
  await failure(['-tttt'], /three times/);
  await failure(['--around', 'x'], /'x' is no offset/);
  await failure(['--around', '7'], /no frames at offset 7/);
  await failure(['--around', '7', '--follow'], /exclude each other/);
  await failure(['-n', '7'], /-n says how much --around shows/);
  await failure(['-rT'], /-r prints the times/);
  await failure(['-r', '-e', 'read=1'], /-r prints all bytes/);
});
