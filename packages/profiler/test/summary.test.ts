import test from 'ava';
import type { SyscallFrame } from '@scribe-ts/tracelog';
import { CallCounts, countTable, Histogram, sortCounts } from '../src/index.js';
import { randomNumbers } from './support/random.js';

test('quantiles are those of the values, to 3 %', (t) => {
  const random = randomNumbers(1);
  for (const limit of [20, 1000, 1e6, 2 ** 32, 2 ** 52]) {
    const values = Array.from({ length: 1000 }, () => Math.floor(random() * limit));
    const histogram = new Histogram();
    for (const value of values) histogram.add(value);
    values.sort((a, b) => a - b);
    for (const q of [0, 0.01, 0.5, 0.99, 1]) {
      const exact = values[Math.max(0, Math.ceil(q * values.length) - 1)]!;
      const found = histogram.quantile(q);
      t.true(
        Math.abs(found - exact) <= Math.max(0.5, exact * 0.032),
        `${q} of ${limit}: ${found} for ${exact}`,
      );
    }
  }
  t.is(new Histogram().quantile(0.5), 0);
});

const frame = (nr: number, result: number, duration?: number): SyscallFrame => ({
  type: 'syscall',
  task: 2,
  time: 0,
  nr,
  args: [],
  result,
  writes: [],
  duration,
});

function counted(...frames: readonly SyscallFrame[]) {
  const counts = new CallCounts();
  for (const one of frames) counts.add(one.nr, one);
  const rows = [...counts.rows].map(([nr, count]) => ({ name: `call${nr}`, count }));
  return { rows, all: counts.all };
}

test('a table has a row for each name and the sum, in the layout of strace', (t) => {
  const { rows, all } = counted(
    frame(1, 0, 3000),
    frame(2, -2, 1000),
    frame(1, 5, 5000),
    frame(9000, 0, 0),
  );
  t.deepEqual(countTable(sortCounts(rows), all), [
    '% time     seconds  usecs/call       p50       p99       max     calls    errors syscall',
    '------ ----------- ----------- --------- --------- --------- --------- --------- ----------------',
    ' 88.89    0.000008           4         3         5         5         2           call1',
    ' 11.11    0.000001           1         1         1         1         1         1 call2',
    '  0.00    0.000000           0         0         0         0         1           call9000',
    '------ ----------- ----------- --------- --------- --------- --------- --------- ----------------',
    '100.00    0.000009           2         1         5         5         4         1 total',
  ]);
});

test('orders', (t) => {
  const { rows } = counted(frame(3, 0, 1), frame(1, -1, 9000), frame(2, 0, 50), frame(2, 0, 60));
  const order = (name: string): string =>
    sortCounts(rows, name)
      .map((row) => row.name.slice(4))
      .join('');
  t.is(order('time'), '123');
  t.is(order('calls'), '213');
  t.is(order('errors'), '123');
  t.is(order('name'), '123');
  t.is(order('min-time'), '123');
  t.is(order('none'), '312');
  t.throws(() => sortCounts(rows, 'size'), { message: /no order 'size', only time/ });
});

test('a log without times has dashes', (t) => {
  const { rows, all } = counted(frame(1, 0));
  t.regex(countTable(sortCounts(rows), all)[2]!, /^ +- +- +- +- +- +- +1 +call1$/);
});
