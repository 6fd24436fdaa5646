import { statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import * as profilerLibrary from '@scribe-ts/profiler';
import * as tracelog from '@scribe-ts/tracelog';
import test from 'ava';
import { runCommand } from '../src/command.js';
import { profiler } from '../src/commands/profiler.js';
import { directory } from './directory.js';
import { FakeHost } from './fake-host.js';
import { depsWith } from './fakes.js';
import { frames, writeLog } from './log-fixture.js';

async function run(...argv: string[]) {
  const host = new FakeHost();
  const deps = depsWith(host, {
    profiler: () => Promise.resolve(profilerLibrary),
    tracelog: () => Promise.resolve(tracelog),
  });
  const exitCode = await runCommand(profiler, argv, deps);
  return { exitCode, lines: host.stdout.split('\n').slice(0, -1), errors: host.stderr };
}

test('--diff ends as diff does', async (t) => {
  const place = directory(t);
  const [a, b, c] = ['a.log', 'b.log', 'c.log'].map((name) => join(place, name));
  writeLog(a!);
  writeLog(b!);
  const other = frames().map((frame) =>
    frame.type === 'exit' ? { ...frame, status: 4 << 8 } : frame,
  );
  writeLog(c!, other);
  t.deepEqual(await run('--diff', a!, b!), { exitCode: 0, lines: [], errors: '' });
  const { exitCode, lines } = await run('--diff', '-n', '1', a!, c!);
  t.is(exitCode, 1);
  t.regex(lines[0]!, /^--- .*a\.log \[02\] echo, pid 10$/);
  t.deepEqual(lines.slice(-3), [
    ' [02] exit_group(3) = ?',
    '-[02] exit status 3',
    '+[02] exit status 4',
  ]);
  t.is((await run('--diff', a!, join(place, 'none.log'))).exitCode, 121);
  // That a log is cut is told: it may be all the difference there is.
  truncateSync(b!, statSync(b!).size - 1);
  t.regex((await run('--diff', a!, b!)).errors, /b\.log ends here: \S/);
  for (const [argv, message] of [
    [['--diff', a!], /--diff takes two logs/],
    [[a!, b!], /unexpected argument/],
    [['--diff', '-c', a!, b!], /--summary-only does not go with --diff/],
    [['--diff', '-e', 'read', a!, b!], /--expression does not go with --diff/],
  ] as const) {
    const failed = await run(...argv);
    t.is(failed.exitCode, 2);
    t.regex(failed.errors, message);
  }
});
