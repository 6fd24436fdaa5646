import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { TrapIndex } from '@scribe-ts/core-native';

const ONE = '0123456789abcdef0123456789abcdef';
const TWO = 'fedcba9876543210fedcba9876543210';
const THREE = '00000000000000000000000000000000';

test('what was found is known to all who come later, and a line that was cut off to none', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'scribe-test-trap-index-'));
  t.teardown(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  const index = new TrapIndex(directory);
  t.is(index.get(ONE), undefined);
  const one = {
    cpuid: [7, 4096],
    rdtsc: [12],
    rdtscp: [],
    known: [[4096, 8192]],
    moves: [[7, 5]],
  } as const;
  const nothing = { cpuid: [], rdtsc: [], rdtscp: [], known: [], moves: [] };
  index.set(ONE, one);
  index.set(TWO, nothing);
  t.deepEqual(index.get(ONE), one);
  appendFileSync(join(directory, 'trap-sites'), `\n${THREE} cpuid 5,123 rdtsc 1`);
  const later = new TrapIndex(directory);
  t.deepEqual(later.get(ONE), one);
  t.deepEqual(later.get(TWO), nothing);
  t.is(later.get(THREE), undefined);
  const three = {
    cpuid: [5, 12345],
    rdtsc: [],
    rdtscp: [9],
    known: [
      [0, 4096],
      [8192, 12288],
    ],
    moves: [
      [5, 7],
      [12345, 12],
    ],
  } as const;
  later.set(THREE, three);
  t.deepEqual(new TrapIndex(directory).get(THREE), three);
});

test('a directory that cannot be written is no error', (t) => {
  const index = new TrapIndex('/proc/nowhere');
  const one = { cpuid: [1], rdtsc: [], rdtscp: [], known: [], moves: [] };
  index.set(ONE, one);
  t.deepEqual(index.get(ONE), one);
});
