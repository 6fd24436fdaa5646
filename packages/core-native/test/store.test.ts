import { createHash } from 'node:crypto';
import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { store } from '../lib/index.js';
import { cpuMs } from './support/guest.js';

const dir = mkdtempSync(join(tmpdir(), 'scribe-'));
test.after.always(() => rmSync(dir, { recursive: true }));

const file = (name: string, content: Uint8Array | string): string => {
  const path = join(dir, name);
  writeFileSync(path, content);
  return path;
};

test('hashFile: SHA-256 cut to 128 bits, with the size', (t) => {
  for (const size of [0, 1, 4096, 256 * 1024, 256 * 1024 + 1, 2_000_000]) {
    const content = Buffer.alloc(size, 'scribe');
    const hash = createHash('sha256').update(content).digest('hex').slice(0, 32);
    t.deepEqual(store.hashFile(file(`hash-${size}`, content)), { hash, size });
  }
  t.throws(() => store.hashFile(join(dir, 'missing')), { code: 'ENOENT' });
  t.throws(() => store.hashFile(dir), { code: 'EISDIR' });
});

test('hashFile is fast enough for a C library', (t) => {
  const path = file('library', Buffer.alloc(2_000_000, 'code'));
  store.hashFile(path);
  const times = Array.from({ length: 5 }, () => {
    const startMs = cpuMs();
    store.hashFile(path);
    return cpuMs() - startMs;
  });
  t.log(`${Math.min(...times).toFixed(2)} ms for 2 MB`);
  t.true(Math.min(...times) < 100);
});

test('addFile copies once, and leaves nothing else behind', (t) => {
  const path = file('source', 'content');
  const target = join(dir, 'store', 'target');
  t.throws(() => store.addFile(path, target), { code: 'ENOENT' });
  const place = mkdtempSync(join(dir, 'store-'));
  const first = store.addFile(path, join(place, 'target'));
  t.true(first === 'copy' || first === 'reflink');
  t.is(readFileSync(join(place, 'target'), 'utf8'), 'content');
  // What is there stays, whatever the source has become.
  writeFileSync(path, 'changed');
  t.is(store.addFile(path, join(place, 'target')), 'exists');
  t.is(readFileSync(join(place, 'target'), 'utf8'), 'content');
  t.throws(() => store.addFile(join(dir, 'missing'), join(place, 'other')), { code: 'ENOENT' });
  t.throws(() => store.addFile(dir, join(place, 'other')), { code: 'EISDIR' });
  t.deepEqual(readdirSync(place), ['target']);
});

test('addFile keeps size and content of a large sparse file', (t) => {
  const path = join(dir, 'sparse');
  const fd = openSync(path, 'w');
  ftruncateSync(fd, 64 * 2 ** 20 + 5);
  writeSync(fd, 'in the middle', 10_000_001);
  writeSync(fd, 'end', 64 * 2 ** 20 + 1);
  closeSync(fd);
  const target = join(dir, 'sparse-copy');
  store.addFile(path, target);
  t.is(statSync(target).size, 64 * 2 ** 20 + 5);
  // Two pieces of the copy; a file system without holes has as many as of the original.
  t.true(statSync(target).blocks <= Math.max(1024, statSync(path).blocks));
  t.deepEqual(store.hashFile(target), store.hashFile(path));
});
