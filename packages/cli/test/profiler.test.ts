import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as profilerLibrary from '@scribe-ts/profiler';
import * as tracelog from '@scribe-ts/tracelog';
import test from 'ava';
import { runCommand } from '../src/command.js';
import { profiler } from '../src/commands/profiler.js';
import { directory } from './directory.js';
import { FakeHost, type FakeHostOptions } from './fake-host.js';
import { depsWith } from './fakes.js';
import { frames, header, writeLog } from './log-fixture.js';

async function run(
  argv: string[],
  options: FakeHostOptions = {},
): Promise<{ exitCode: number; host: FakeHost }> {
  const host = new FakeHost(options);
  const deps = depsWith(host, {
    profiler: () => Promise.resolve(profilerLibrary),
    tracelog: () => Promise.resolve(tracelog),
  });
  return { exitCode: await runCommand(profiler, argv, deps), host };
}

/** A log of so many writes by tasks 2 and 3 in turn. */
function writeLong(path: string, count: number): void {
  const writer = tracelog.LogWriter.create(path, header(), { chunkBytes: 65_536 });
  for (let i = 0; i < count; i++) {
    writer.append(1, {
      type: 'syscall',
      task: 2 + (i % 2),
      time: i,
      nr: 3,
      args: [i],
      result: 0,
      writes: [],
    });
  }
  writer.close();
}

test('lines in Scribe’s form, raw, and with offsets', async (t) => {
  const log = join(directory(t), 'x.log');
  writeLog(log);
  const scribe = await run([log]);
  t.is(scribe.exitCode, 0);
  t.is(scribe.host.stderr, '');
  t.regex(scribe.host.stdout, /^\[02\] write\(1, "A{3,}.*, 300\) = 300$/m);
  t.regex(scribe.host.stdout, /^\[02\] {3}resource lock, type = files_struct, serial = 0$/m);
  const raw = await run(['-r', log]);
  t.is(raw.host.stdout.split('\n').length, frames().length + 1);
  t.regex(raw.host.stdout, /^\[02\] bookmark .*id=1$/m);
  const offsets = await run(['-ro', log]);
  t.true(
    offsets.host.stdout
      .split('\n')
      .slice(0, -1)
      .every((line) => /^[0-9a-f]{8}:[0-9a-f]{6} \[02\]/.test(line)),
  );
});

test('-p selects tasks and may be repeated', async (t) => {
  const log = join(directory(t), 'x.log');
  writeLong(log, 10);
  const lines = async (...argv: string[]): Promise<number> =>
    (await run([...argv, log])).host.stdout.split('\n').length - 1;
  t.is(await lines(), 10);
  t.is(await lines('-p', '2'), 5);
  t.is(await lines('-p', '2', '--pid=3'), 10);
  t.is(await lines('-p', '9'), 0);
});

test('output comes in large blocks', async (t) => {
  const log = join(directory(t), 'x.log');
  writeLong(log, 20_000);
  const { host } = await run([log]);
  const blocks = host.written[1]!;
  t.true(blocks.length > 3);
  t.true(blocks.slice(0, -1).every(({ length }) => length >= 65536 && length < 70000));
  t.is(host.stdout.split('\n').length, 20_001);
});

test('a reader that goes ends it quietly', async (t) => {
  const log = join(directory(t), 'x.log');
  writeLong(log, 20_000);
  const { exitCode, host } = await run([log], { writesUntilClosed: 1 });
  t.is(exitCode, 0);
  t.is(host.stderr, '');
  t.is(host.written[1]!.length, 1);
});

test('a damaged log is printed up to the damage', async (t) => {
  const log = join(directory(t), 'x.log');
  writeLong(log, 100_000);
  const bytes = readFileSync(log);
  bytes[Math.floor(bytes.length * 0.6)]! ^= 1;
  writeFileSync(log, bytes);
  const { exitCode, host } = await run([log]);
  t.is(exitCode, 121);
  t.true(host.stdout.startsWith('[02] close(0) = 0\n[03] close(1) = 0\n'));
  t.true(host.stdout.endsWith('\n'));
  t.regex(host.stderr, /^profiler: .* is damaged at byte \d+: .*\n$/);
});

test('a truncated log is printed up to its end', async (t) => {
  const log = join(directory(t), 'x.log');
  writeLong(log, 100_000);
  truncateSync(log, Math.floor(readFileSync(log).length / 2));
  const { exitCode, host } = await run([log]);
  t.is(exitCode, 0);
  t.regex(host.stderr, /^profiler: .*x\.log ends here: \S.*\n$/);
  t.true(host.stdout.startsWith('[02] close(0) = 0\n'));
});

test('wrong command lines and no log', async (t) => {
  const log = join(directory(t), 'x.log');
  const failure = async (argv: string[], code: number, line: RegExp): Promise<void> => {
    const { exitCode, host } = await run(argv);
    t.is(exitCode, code);
    t.is(host.stdout, '');
    t.regex(host.stderr, line);
  };
  await failure([], 2, /^profiler: missing LOG; see 'profiler --help'\n$/);
  await failure(['-p', 'x', log], 2, /^profiler: -p takes a whole number/);
  await failure([log], 121, /^profiler: cannot read .*x\.log: no such file or directory\n$/);
  writeFileSync(log, Buffer.alloc(100_000, 0x89));
  await failure([log], 121, /^profiler: .*x\.log is not a log: /);
});
