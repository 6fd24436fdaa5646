import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { CpuidIndex } from '@scribe-ts/core-native';

const ONE = '0123456789abcdef0123456789abcdef';
const TWO = 'fedcba9876543210fedcba9876543210';
const THREE = '00000000000000000000000000000000';

test('what was found is known to all who come later, and a line that was cut off to none', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'scribe-test-cpuid-index-'));
  t.teardown(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  const index = new CpuidIndex(directory);
  t.is(index.get(ONE), undefined);
  index.set(ONE, [7, 4096]);
  index.set(TWO, []);
  t.deepEqual(index.get(ONE), [7, 4096]);
  appendFileSync(join(directory, 'cpuid'), `\n${THREE} 5,123`);
  const later = new CpuidIndex(directory);
  t.deepEqual(later.get(ONE), [7, 4096]);
  t.deepEqual(later.get(TWO), []);
  t.is(later.get(THREE), undefined);
  later.set(THREE, [5, 12345]);
  t.deepEqual(new CpuidIndex(directory).get(THREE), [5, 12345]);
});

test('a directory that cannot be written is no error', (t) => {
  const index = new CpuidIndex('/proc/nowhere');
  index.set(ONE, [1]);
  t.deepEqual(index.get(ONE), [1]);
});
