import { join } from 'node:path';
import * as profilerLibrary from '@scribe-ts/profiler';
import * as tracelog from '@scribe-ts/tracelog';
import type { Frame } from '@scribe-ts/tracelog';
import test from 'ava';
import { runCommand } from '../src/command.js';
import { profiler } from '../src/commands/profiler.js';
import { directory } from './directory.js';
import { FakeHost } from './fake-host.js';
import { depsWith } from './fakes.js';
import { writeLog } from './log-fixture.js';

const call = (task: number, time: number): Frame => ({
  type: 'syscall',
  task,
  time: time * 1e6,
  nr: 39,
  args: [],
  result: 0,
  writes: [],
});
const start = (task: number, tid: number): Frame => ({
  type: 'task-start',
  task,
  time: 0,
  parent: 1,
  tid,
  pid: 70,
  writes: [],
});

test('--batons tells who held the baton, and takes tasks and times', async (t) => {
  const log = join(directory(t), 'x.log');
  writeLog(log, [start(2, 70), start(3, 71), call(2, 10), call(3, 40), call(2, 45)]);
  const run = async (...argv: string[]) => {
    const host = new FakeHost();
    const deps = depsWith(host, {
      profiler: () => Promise.resolve(profilerLibrary),
      tracelog: () => Promise.resolve(tracelog),
    });
    const exitCode = await runCommand(profiler, ['--batons', ...argv, log], deps);
    return { exitCode, lines: host.stdout.split('\n').slice(2, -1), errors: host.stderr };
  };
  const second = ' 0.030000   0.000000          2   0.030000 [03] task 3, pid 70, tid 71';
  const first = ' 0.015000   0.000000          3   0.010000 [02] task 2, pid 70';
  t.deepEqual((await run()).lines, [second, first]);
  t.deepEqual((await run('-p', '71')).lines, [second]);
  t.deepEqual((await run('--from', '40ms')).lines, [
    ' 0.005000   0.000000          1   0.005000 [02] task 2, pid 70',
    ' 0.000000   0.000000          1   0.000000 [03] task 3, pid 70, tid 71',
  ]);
  for (const [argv, message] of [
    [['-c'], /a table of its own/],
    [['-e', 'read'], /-p, --from and --to alone/],
    [['--follow'], /does not go with --follow/],
    [['--export', 'jsonl'], /--batons does not go with --export/],
  ] as const) {
    const { exitCode, errors } = await run(...argv);
    t.is(exitCode, 2);
    t.regex(errors, message);
  }
});
