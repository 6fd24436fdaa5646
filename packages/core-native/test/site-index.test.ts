import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { SiteBook, SiteIndex } from '@scribe-ts/core-native';

const ONE = '0123456789abcdef0123456789abcdef';
const TWO = 'fedcba9876543210fedcba9876543210';

/** A site whose two bytes become a short jump to a hole behind it, and one before which an instruction is moved. */
const INTO_HOLE = {
  kind: 'call',
  first: 4096,
  end: 4125,
  ret: 4098,
  jump: 4120,
  moved: Buffer.alloc(0),
  pieces: [
    { addr: 4096, bytes: Buffer.from('0f05', 'hex') },
    { addr: 4120, bytes: Buffer.from('6690669090', 'hex') },
  ],
} as const;
const MOVED = {
  kind: 'cpuid',
  first: 100,
  end: 107,
  ret: 107,
  jump: 100,
  moved: Buffer.from('b8ca000000', 'hex'),
  pieces: [{ addr: 100, bytes: Buffer.from('b8ca000000', 'hex') }],
} as const;

function directoryOf(t: { teardown(done: () => void): void }): string {
  const directory = mkdtempSync(join(tmpdir(), 'scribe-test-site-index-'));
  t.teardown(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  return directory;
}

test('what could be patched is known to all who come later', (t) => {
  const directory = directoryOf(t);
  const index = new SiteIndex(directory);
  t.deepEqual(index.get(ONE), []);
  index.add(ONE, INTO_HOLE);
  index.add(ONE, MOVED);
  // By another recording at the same time.
  index.add(ONE, MOVED);
  const later = new SiteIndex(directory);
  t.deepEqual(later.get(ONE), [INTO_HOLE, MOVED]);
  t.deepEqual(later.getUrgent(ONE), [MOVED]);
  t.deepEqual(later.get(TWO), []);
  t.true(later.tells(ONE, INTO_HOLE.ret));
  t.false(later.tells(ONE, INTO_HOLE.jump));
  t.false(later.tells(TWO, INTO_HOLE.ret));
});

test('calls of a file are left alone until it has been mapped some times, or some of them have trapped', (t) => {
  const directory = directoryOf(t);
  const index = new SiteIndex(directory);
  index.add(ONE, INTO_HOLE);
  index.add(ONE, MOVED);
  const book = new SiteBook(new SiteIndex(directory));
  t.deepEqual(book.mapped(ONE), [MOVED]);
  // One that nobody knows.
  t.is(book.trapped(ONE, 9000), 1);
  t.is(book.trapped(ONE, 9000), 2);
  const own = { ...INTO_HOLE, first: 8998, end: 9027, ret: 9000 };
  book.add(ONE, own);
  t.deepEqual(book.mapped(ONE), [MOVED, own]);
  book.mapped(ONE);
  t.deepEqual(book.mapped(ONE), [MOVED, INTO_HOLE, own]);
  t.deepEqual(book.mapped(ONE), [MOVED, INTO_HOLE, own]);
  const other = new SiteBook(new SiteIndex(directory));
  t.deepEqual(other.mapped(ONE), [MOVED]);
  for (let i = 0; i < 4; i++) t.deepEqual(other.due(ONE, INTO_HOLE.ret), []);
  t.deepEqual(other.due(ONE, 9001), []);
  t.deepEqual(other.due(ONE, INTO_HOLE.ret), [MOVED, INTO_HOLE]);
  t.deepEqual(other.due(ONE, INTO_HOLE.ret), []);
  t.deepEqual(other.mapped(ONE), [MOVED, INTO_HOLE]);
  // What others have found is not told once more.
  book.add(ONE, INTO_HOLE);
  const lines = readFileSync(join(directory, 'patched-sites'), 'latin1').trim().split('\n');
  t.is(lines.length, 3);
});

test('a line that was cut off is known to nobody, and the next one stays whole', (t) => {
  const directory = directoryOf(t);
  const file = join(directory, 'patched-sites');
  appendFileSync(file, `\n${ONE} call from 4096 to 4125 ret 4098 jump 41`);
  new SiteIndex(directory).add(TWO, INTO_HOLE);
  const later = new SiteIndex(directory);
  t.deepEqual(later.get(ONE), []);
  t.deepEqual(later.get(TWO), [INTO_HOLE]);
});

test('a site that would change more than it puts back is none', (t) => {
  const wrong = [
    { ...INTO_HOLE, jump: 4121 },
    { ...INTO_HOLE, ret: 4100 },
    { ...INTO_HOLE, end: 4124 },
    { ...INTO_HOLE, end: 4096 + 8192 },
    { ...INTO_HOLE, pieces: INTO_HOLE.pieces.slice(1) },
    { ...MOVED, moved: Buffer.from('b8ca0000', 'hex') },
    { ...MOVED, moved: Buffer.alloc(13, 0x90), jump: 92, first: 92 },
    { ...MOVED, pieces: [] },
  ];
  for (const site of wrong) {
    const directory = directoryOf(t);
    new SiteIndex(directory).add(ONE, site);
    t.deepEqual(new SiteIndex(directory).get(ONE), []);
  }
});

test('a directory that cannot be written is no error', (t) => {
  const index = new SiteIndex('/proc/nowhere');
  index.add(ONE, MOVED);
  t.deepEqual(index.get(ONE), []);
});
