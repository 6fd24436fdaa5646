/** Tables of counts, in the layout of `strace -c`. */
import { QueryError } from '../query/errors.js';
import type { CallCount } from './call-counts.js';

/** A row of a table. */
export interface NamedCount {
  readonly name: string;
  readonly count: CallCount;
}

type Order = (a: NamedCount, b: NamedCount) => number;

const byNumber =
  (value: (count: CallCount) => number): Order =>
  (a, b) =>
    value(b.count) - value(a.count);

const byCalls = byNumber(({ calls }) => calls);
const byName: Order = (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
const byTime = byNumber(({ totalTime }) => totalTime);

/** By name; those with several names have them together. */
const ORDERS: Readonly<Record<string, Order>> = {
  time: byTime,
  'total-time': byTime,
  'min-time': byNumber(({ minTime, timed }) => (timed === 0 ? 0 : minTime)),
  'max-time': byNumber(({ maxTime }) => maxTime),
  'avg-time': byNumber(({ meanTime }) => meanTime),
  p50: byNumber(({ p50 }) => p50),
  p99: byNumber(({ p99 }) => p99),
  calls: byCalls,
  count: byCalls,
  errors: byNumber(({ errors }) => errors),
  name: byName,
  none: () => 0,
};

/** Orders of a table, by name. */
export const SORT_NAMES: readonly string[] = Object.keys(ORDERS);

/** Sorts rows, the most first. Throws QueryError for an unknown order. */
export function sortCounts(rows: readonly NamedCount[], order = 'time'): readonly NamedCount[] {
  const compare = Object.hasOwn(ORDERS, order) ? ORDERS[order]! : undefined;
  if (compare === undefined) {
    throw new QueryError(`there is no order '${order}', only ${SORT_NAMES.join(', ')}`);
  }
  // Equal rows stand in one order, whichever came first in the log.
  if (order === 'none') return rows;
  return rows.toSorted((a, b) => compare(a, b) || byCalls(a, b) || byName(a, b));
}

/** `12345`, as microseconds. */
function micros(ns: number): string {
  return String(Math.round(ns / 1000));
}

/** A column: its heading, the least width, and the cell of a row. */
interface Column {
  readonly head: string;
  readonly width: number;
  readonly cell: (count: CallCount, all: CallCount) => string;
}

const timed =
  (text: (count: CallCount, all: CallCount) => string): Column['cell'] =>
  (count, all) =>
    count.timed === 0 ? '-' : text(count, all);

const COLUMNS: readonly Column[] = [
  {
    head: '% time',
    width: 6,
    cell: timed(({ totalTime }, all) =>
      (all.totalTime === 0 ? 0 : (100 * totalTime) / all.totalTime).toFixed(2),
    ),
  },
  { head: 'seconds', width: 11, cell: timed(({ totalTime }) => (totalTime / 1e9).toFixed(6)) },
  { head: 'usecs/call', width: 11, cell: timed(({ meanTime }) => micros(meanTime)) },
  { head: 'p50', width: 9, cell: timed(({ p50 }) => micros(p50)) },
  { head: 'p99', width: 9, cell: timed(({ p99 }) => micros(p99)) },
  { head: 'max', width: 9, cell: timed(({ maxTime }) => micros(maxTime)) },
  { head: 'calls', width: 9, cell: ({ calls }) => String(calls) },
  { head: 'errors', width: 9, cell: ({ errors }) => (errors === 0 ? '' : String(errors)) },
];

/** Lines of a table, the sum last. `heading` stands above the names. */
export function countTable(
  rows: readonly NamedCount[],
  all: CallCount,
  heading = 'syscall',
): string[] {
  const wide = Math.max(heading.length, 16, ...rows.map(({ name }) => name.length));
  const rule = [...COLUMNS.map(({ width }) => '-'.repeat(width)), '-'.repeat(wide)].join(' ');
  const line = (cell: (column: Column) => string, name: string): string =>
    `${COLUMNS.map((column) => cell(column).padStart(column.width)).join(' ')} ${name}`;
  return [
    line(({ head }) => head, heading),
    rule,
    ...rows.map(({ name, count }) => line(({ cell }) => cell(count, all), name)),
    rule,
    line(({ cell }) => cell(all, all), 'total'),
  ];
}
