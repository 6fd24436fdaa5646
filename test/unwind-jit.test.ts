/** Stacks through code that was made at run time, and the names it had then. */
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openReplay } from '@scribe-ts/replayer';
import test from 'ava';
import { scribe, workspace } from './harness.js';

const SCRIPT = `
import { writeSync } from 'node:fs';
function inner(n) { writeSync(1, 'mark\\n'); return n + 1; }
function middle(n) { return inner(n) * 2; }
function outer(n) { let sum = 0; for (let i = 0; i < n; i++) sum += middle(i); return sum; }
outer(2);
`;

test('functions of a JIT have the names that the program gave them while it was recorded', async (t) => {
  const place = workspace('jit');
  const script = join(place.path, 'script.mjs');
  const log = join(place.path, 'jit.log');
  writeFileSync(script, SCRIPT);
  const recorded = await scribe(
    'record',
    ['-o', log, process.execPath, '--perf-basic-prof', '--always-sparkplug', script],
    { cwd: place.path },
  );
  t.is(recorded.stdout, 'mark\nmark\n', recorded.stderr);
  const session = await openReplay(log);
  t.teardown(() => session.close());
  const stop = await session.runTo({ syscall: { name: 'write', fd: 1 } });
  const [{ pid } = { pid: 0 }] = await session.tasks();
  // What lies there now may be another process's: only what was recorded counts.
  rmSync(`/tmp/perf-${pid}.map`, { force: true });
  t.false(readdirSync('/tmp').includes(`perf-${pid}.map`));
  const frames = await stop.task!.backtrace();
  const names = frames.map(({ symbol }) => symbol);
  const text = names.join('\\n');
  const at = (name: string): number =>
    names.findIndex((symbol) => new RegExp(`^(?:JS|LazyCompile|Function):.?${name} `).test(symbol));
  t.true(at('inner') > 0, text);
  t.is(at('middle'), at('inner') + 1, text);
  t.is(at('outer'), at('middle') + 1, text);
  // Below them the engine's own frames, and above them those of its start, down to the first.
  t.regex(names.slice(0, at('inner')).join(' '), /write.*node.*WriteString/, text);
  t.deepEqual(names.slice(-2), ['__libc_start_main', '_start'], text);
  place.discard();
});
