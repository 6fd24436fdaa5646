import test from 'ava';
import { coverRanges, rangeOfPage, rangeWords } from '../lib/code-ranges.js';

test('ranges that overlap or touch become one', (t) => {
  const ranges: [number, number][] = [
    [30, 40],
    [0, 10],
    [10, 20],
    [35, 36],
    [38, 50],
  ];
  t.deepEqual(coverRanges(ranges, 9), [
    [0, 20],
    [30, 50],
  ]);
});

test('where there are too many those with the least between them become one', (t) => {
  const ranges: [number, number][] = [
    [0, 1],
    [100, 101],
    [103, 104],
    [110, 111],
    [500, 501],
  ];
  t.deepEqual(coverRanges(ranges, 3), [
    [0, 1],
    [100, 111],
    [500, 501],
  ]);
  t.deepEqual(coverRanges(ranges, 1), [[0, 501]]);
});

test('a page is that of any of its addresses', (t) => {
  t.deepEqual(rangeOfPage(0x401fff), [0x401000, 0x402000]);
});

test('the agents are told how many there are, and each', (t) => {
  const words = new BigUint64Array(
    rangeWords([
      [1, 2],
      [3, 2 ** 47],
    ]).buffer,
  );
  t.deepEqual([...words], [2n, 1n, 2n, 3n, 2n ** 47n]);
  t.deepEqual([...new BigUint64Array(rangeWords([]).buffer)], [0n]);
});
