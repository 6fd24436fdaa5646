import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { LeafIndex } from '@scribe-ts/core-native';

test('what was asked for is known to all who come later, once, and not without end', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'scribe-test-leaf-index-'));
  t.teardown(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  const index = new LeafIndex(directory);
  t.deepEqual(index.leaves(), []);
  index.add(7, 1);
  index.add(0x80000008, 0xffffffff);
  index.add(7, 1);
  t.deepEqual(new LeafIndex(directory).leaves(), [
    [7, 1],
    [0x80000008, 0xffffffff],
  ]);
  appendFileSync(join(directory, 'cpuid-leaves'), '\n13');
  index.add(2, 0);
  t.is(new LeafIndex(directory).leaves().length, 3);
  for (let i = 0; i < 200; i++) index.add(4, i);
  t.is(new LeafIndex(directory).leaves().length, 64);
  const full = readFileSync(join(directory, 'cpuid-leaves'));
  new LeafIndex(directory).add(5, 0);
  t.deepEqual(readFileSync(join(directory, 'cpuid-leaves')), full);
});

test('a directory that cannot be written is no error', (t) => {
  const index = new LeafIndex('/proc/nowhere');
  index.add(1, 0);
  t.deepEqual(new LeafIndex('/proc/nowhere').leaves(), []);
});
