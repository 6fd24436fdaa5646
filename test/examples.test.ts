import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { root, run, scribe, workspace } from './harness.js';

const example = (name: string): string => join(root, 'examples/dist', `${name}.js`);

test('the examples tell what a shell script did', async (t) => {
  const place = workspace('examples');
  const input = join(place.path, 'input');
  const output = join(place.path, 'output');
  writeFileSync(input, 'some text\n');
  const script = `cat input > ${output}; cat nowhere 2> /dev/null; cd /; true`;
  const log = join(place.path, 'script.log');
  const recorded = await scribe('record', ['-o', log, '/bin/sh', '-c', script], {
    cwd: place.path,
  });
  t.is(recorded.code, 0, recorded.stderr);

  const accesses = await run(process.execPath, [example('file-access'), log]);
  t.is(accesses.code, 0, accesses.stderr);
  const lines = accesses.stdout.split('\n');
  for (const line of [
    `read ${input}`,
    `write ${output}`,
    `missing ${join(place.path, 'nowhere')}`,
    'write /dev/null',
  ]) {
    t.true(lines.includes(line), `${line} is not in\n${accesses.stdout}`);
  }
  t.is(lines.filter((line) => line.endsWith('/cat')).length, 1, 'each access is told once');

  const calls = await run(process.execPath, [example('strace'), log, 'openat', 'chdir']);
  t.is(calls.code, 0, calls.stderr);
  t.regex(calls.stdout, /^\[\d+\] openat\(-100, "input", 0, 0\) = 3$/m);
  t.regex(calls.stdout, /^\[\d+\] openat\(-100, "nowhere", 0, 0\) = -1 ENOENT$/m);
  t.regex(calls.stdout, /^\[\d+\] chdir\("\/"\) = 0$/m);
  t.notRegex(calls.stdout, /mmap/);

  const counts = await run(process.execPath, [example('strace'), '-c', log, 'execve']);
  t.regex(counts.stdout, /^ +2 execve\n$/);
  place.discard();
});

test('the example for tests replays a pipeline', async (t) => {
  const command = ['/bin/sh', '-c', 'echo one two | wc -w; exit 3'];
  const outcome = await run(process.execPath, [example('assert-replay'), ...command]);
  t.is(outcome.code, 0, outcome.stderr);
  t.regex(outcome.stdout, /system calls \d+, tasks 3, replayed 3 times\n$/);
});

for (const name of ['strace', 'file-access', 'assert-replay']) {
  test(`${name} tells how it is used`, async (t) => {
    const outcome = await run(process.execPath, [example(name)]);
    t.is(outcome.code, 2);
    t.regex(outcome.stderr, /^usage: /);
  });
}
