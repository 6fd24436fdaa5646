import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'ava';
import { contentPath } from '@scribe-ts/tracelog';
import { ContentStore } from '../src/store.js';

const OLD = '0'.repeat(32);
const NEW = '1'.repeat(32);

function workplace(t: { teardown(done: () => void): void }): string {
  const place = mkdtempSync(join(tmpdir(), 'scribe-test-store-'));
  t.teardown(() => {
    rmSync(place, { recursive: true, force: true });
  });
  return place;
}

test('of what earlier recordings have learned of a file the last counts', (t) => {
  const place = workplace(t);
  const directory = join(place, 'store');
  const path = join(place, 'file');
  writeFileSync(path, 'what it holds');
  const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
  const key = `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`;
  for (const hash of [OLD, NEW]) {
    const content = contentPath(directory, hash);
    mkdirSync(dirname(content), { recursive: true });
    writeFileSync(content, hash);
  }
  // It was mapped shared meanwhile, and has changed with no times that tell; others know nothing of it.
  const other = `${OLD} 1${key}\n`;
  appendFileSync(join(directory, 'index'), `${OLD} ${key}\n${NEW} ${key}\n${other}cut off ${key}`);
  const store = new ContentStore(directory);
  t.is(store.add(path), NEW);
  t.deepEqual([...store.used], [NEW]);
  t.not(store.add(path, true), NEW);
});

test('a file that has changed since is kept once more', (t) => {
  const place = workplace(t);
  const directory = join(place, 'store');
  const path = join(place, 'file');
  writeFileSync(path, 'one');
  const one = new ContentStore(directory).add(path);
  writeFileSync(path, 'two');
  utimesSync(path, 1, 1);
  const two = new ContentStore(directory).add(path);
  t.not(one, two);
  t.is(new ContentStore(directory).add(path), two);
});
