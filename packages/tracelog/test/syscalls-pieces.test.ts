// outPieces on a made-up address space.
import test from 'ava';
import { outPieces, type Peek, syscallByName, type Word } from '@scribe-ts/tracelog';

const BASE = 0x10000;

function memory(words: readonly (readonly [number, number])[]): Peek {
  const bytes = new Uint8Array(0x2000);
  const view = new DataView(bytes.buffer);
  for (const [addr, value] of words) view.setBigUint64(addr - BASE, BigInt(value), true);
  return (addr, length) => {
    const at = addr - BASE;
    return at < 0 || at + length > bytes.length ? undefined : bytes.subarray(at, at + length);
  };
}

function pieces(name: string, args: readonly Word[], words: readonly [number, number][] = []) {
  const full = [...args, 0, 0, 0, 0, 0, 0].slice(0, 6);
  return outPieces(syscallByName.get(name)!, full, memory(words))?.map(
    ({ addr, size, keeps, holder, place }) => [addr, size, keeps, holder, place],
  );
}

test('a buffer has as much room as the argument says', (t) => {
  t.deepEqual(pieces('read', [3, BASE, 100]), [[BASE, 100, false, -1, 1]]);
  t.deepEqual(pieces('epoll_wait', [3, BASE, 4, -1]), [[BASE, 48, false, -1, 1]]);
  t.deepEqual(pieces('msgrcv', [3, BASE, 40]), [[BASE, 48, false, -1, 1]]);
  t.deepEqual(pieces('read', [3, 0, 100]), []);
});

test('what the kernel reads as well is kept', (t) => {
  t.deepEqual(pieces('poll', [BASE, 3, -1]), [[BASE, 24, true, -1, 0]]);
  t.deepEqual(pieces('nanosleep', [BASE, BASE + 16]), [[BASE + 16, 16, true, -1, 1]]);
});

test('an address takes as much as the word beside it says', (t) => {
  t.deepEqual(pieces('accept', [3, BASE, BASE + 200], [[BASE + 200, 110]]), [
    [BASE, 110, false, -1, 1],
    [BASE + 200, 4, true, -1, 2],
  ]);
});

test('a vector comes before what it points to', (t) => {
  const vector: [number, number][] = [
    [BASE, 0x5000],
    [BASE + 8, 10],
    [BASE + 24, 0],
    [BASE + 32, 0x6000],
    [BASE + 40, 20],
  ];
  t.deepEqual(pieces('readv', [3, BASE, 3], vector), [
    [BASE, 48, true, -1, 1],
    [0x5000, 10, false, 0, 0],
    [0x6000, 20, false, 0, 32],
  ]);
});

test('a message leads to its name, its vector and its control data', (t) => {
  const message: [number, number][] = [
    [BASE, 0x5000],
    [BASE + 8, 1000],
    [BASE + 16, BASE + 100],
    [BASE + 24, 1],
    [BASE + 32, 0x6000],
    [BASE + 40, 64],
    [BASE + 100, 0x7000],
    [BASE + 108, 30],
  ];
  t.deepEqual(pieces('recvmsg', [3, BASE, 0], message), [
    [BASE, 56, true, -1, 1],
    [0x5000, 128, false, 0, 0],
    [BASE + 100, 16, true, 0, 16],
    [0x7000, 30, false, 2, 0],
    [0x6000, 64, false, 0, 32],
  ]);
});

test('what cannot be moved is told', (t) => {
  t.is(pieces('readv', [3, 0x9000_0000, 3]), undefined);
  t.is(pieces('readv', [3, BASE, 5000]), undefined);
  t.is(pieces('futex', [BASE, 0, 0]), undefined);
  t.is(pieces('read', [3, -1n as Word, 10]), undefined);
  t.is(pieces('vmsplice', [3, BASE, 1]), undefined);
});
