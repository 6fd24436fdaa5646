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
  t.deepEqual(index.urgent(ONE), []);
  index.add(ONE, INTO_HOLE);
  index.add(ONE, MOVED);
  // By another recording at the same time.
  index.add(ONE, MOVED);
  const later = new SiteIndex(directory);
  t.deepEqual(later.findCall(ONE, INTO_HOLE.ret), INTO_HOLE);
  // While somebody may stand before it, it is left alone.
  t.is(later.findCall(ONE, MOVED.ret), undefined);
  t.is(later.findCall(ONE, INTO_HOLE.jump), undefined);
  t.is(later.findCall(TWO, INTO_HOLE.ret), undefined);
  t.deepEqual(later.urgent(ONE), [MOVED]);
  t.deepEqual(later.urgent(TWO), []);
});

test('of calls that others have patched those are patched when a file is mapped that have trapped', (t) => {
  const directory = directoryOf(t);
  const index = new SiteIndex(directory);
  index.add(ONE, INTO_HOLE);
  index.add(ONE, MOVED);
  const book = new SiteBook(new SiteIndex(directory));
  t.deepEqual(book.known(ONE), [MOVED]);
  t.is(book.trapped(ONE, 9000), 1);
  t.is(book.trapped(ONE, 9000), 2);
  t.is(book.foundByOthers(ONE, 9000), undefined);
  t.deepEqual(book.foundByOthers(ONE, INTO_HOLE.ret), INTO_HOLE);
  t.true(book.adopt(ONE, INTO_HOLE));
  t.false(book.adopt(ONE, INTO_HOLE));
  t.deepEqual(book.known(ONE), [MOVED, INTO_HOLE]);
  // What others have found is not told once more.
  book.add(ONE, INTO_HOLE);
  book.add(ONE, { ...INTO_HOLE, first: 8998, end: 9027, ret: 9000 });
  const lines = readFileSync(join(directory, 'patched-sites'), 'latin1').trim().split('\n');
  t.is(lines.length, 3);
  // One that could not be patched here.
  const other = new SiteBook(new SiteIndex(directory));
  other.fail(ONE, INTO_HOLE.ret);
  t.is(other.foundByOthers(ONE, INTO_HOLE.ret), undefined);
});

test('a line that was cut off is known to nobody, and the next one stays whole', (t) => {
  const directory = directoryOf(t);
  const file = join(directory, 'patched-sites');
  appendFileSync(file, `\n${ONE} call from 4096 to 4125 ret 4098 jump 41`);
  new SiteIndex(directory).add(TWO, INTO_HOLE);
  const later = new SiteIndex(directory);
  t.is(later.findCall(ONE, INTO_HOLE.ret), undefined);
  t.deepEqual(later.findCall(TWO, INTO_HOLE.ret), INTO_HOLE);
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
    const later = new SiteIndex(directory);
    t.is(later.findCall(ONE, site.ret), undefined);
    t.deepEqual(later.urgent(ONE), []);
  }
});

test('a directory that cannot be written is no error', (t) => {
  const index = new SiteIndex('/proc/nowhere');
  index.add(ONE, MOVED);
  t.deepEqual(index.urgent(ONE), []);
});
