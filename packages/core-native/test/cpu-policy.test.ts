import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import test from 'ava';
import { CpuPolicy, getAffinity, setAffinity } from '@scribe-ts/core-native';

test.serial('where programs see their CPU they begin at home, and others spread', async (t) => {
  const allowed = getAffinity(0);
  t.teardown(() => setAffinity(0, allowed));
  const home = allowed.at(-1)!;
  const policy = new CpuPolicy(false, home);
  t.is(policy.home, home);
  t.deepEqual(getAffinity(0), [home]);
  const children = [1, 2].map(() => spawn('cat', { stdio: ['pipe', 'ignore', 'ignore'] }));
  const tids = children.map(({ pid }) => pid!);
  // They use no time of their own.
  for (const tid of tids) {
    process.kill(tid, 'SIGSTOP');
    while (!/^State:\tT/m.test(readFileSync(`/proc/${tid}/status`, 'latin1'))) await setTimeout(1);
  }
  const [beginner, other] = tids as [number, number];
  policy.begins(beginner);
  // A second in which two tasks ran and hardly stopped.
  policy.review(1e9, 1, 2, () => tids);
  t.deepEqual(getAffinity(beginner), [home]);
  t.deepEqual(getAffinity(other), allowed);
  for (const child of children) {
    child.kill('SIGKILL');
    await once(child, 'close');
  }
  // Whoever is gone is forgotten.
  t.notThrows(() => policy.review(2e9, 1, 2, () => tids));
});

test.serial('a home where this process may not run is another', (t) => {
  const allowed = getAffinity(0);
  t.teardown(() => setAffinity(0, allowed));
  t.true(allowed.includes(new CpuPolicy(true, 1_000_000).home));
});
