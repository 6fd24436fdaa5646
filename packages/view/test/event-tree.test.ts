import test from 'ava';
import { AggregateTable } from '../src/model/aggregate.js';
import { CATEGORY_COUNT } from '../src/model/categories.js';
import { BLOCK_EVENTS, EventBlock, MemoryBlockStore } from '../src/model/event-block.js';
import { EventTree } from '../src/model/event-tree.js';
import { decodeTables, encodeTables } from '../src/model/lane-codec.js';

const TABLE = new Uint8Array(4096).map((_, code) => code % CATEGORY_COUNT);

/** Events of 1000 ns every 2000 ns, with a pause of a million after each hundred. */
function makeTree(events: number): EventTree {
  const tree = new EventTree(new MemoryBlockStore(), TABLE);
  const block = new EventBlock();
  let time = 0;
  let filled = 0;
  for (let i = 0; i < events; i++) {
    time += i % 100 === 99 ? 1_000_000 : 2000;
    block.time[filled] = time;
    block.duration[filled] = 1000;
    block.code[filled] = i % 300;
    if (++filled === BLOCK_EVENTS || i === events - 1) {
      tree.append(block, filled);
      filled = 0;
    }
  }
  tree.finish();
  return tree;
}

for (const events of [0, 1, 63, 64, 65, 512, 513, 4095, 4096, 4097, 33_000, 40_000]) {
  test(`sums of ${events} events are complete at every resolution`, (t) => {
    const tree = makeTree(events);
    t.is(tree.length, events);
    const end = tree.levels[0]!.length === 0 ? 0 : tree.levels[0]!.end(tree.levels[0]!.length - 1);
    for (const resolution of [1, 1500, 50_000, 3e6, 1e12]) {
      const items = new AggregateTable();
      tree.query(0, Infinity, resolution, items);
      const { count, start, end: ends, categories } = items.raw();
      t.is(
        count.reduce((sum, value) => sum + value, 0),
        events,
      );
      t.is(
        categories.reduce((sum, value) => sum + value, 0),
        events,
      );
      for (let i = 1; i < items.length; i++) t.true(start[i]! >= ends[i - 1]!);
      for (let i = 0; i < items.length; i++) {
        t.true(count[i] === 1 || ends[i]! - start[i]! <= resolution * 1.5);
      }
      t.true(items.length <= Math.ceil((end / resolution) * 2) + 2);
    }
  });
}

test('a question about a part of the time gets what lies in it', (t) => {
  const tree = makeTree(5000);
  const from = tree.levels[0]!.start(10);
  const to = tree.levels[0]!.end(12);
  const items = new AggregateTable();
  tree.query(from, to, 1, items);
  // And the one after.
  t.is(items.length, 3 * BLOCK_EVENTS + 1);
  t.is(items.first(0), 10 * BLOCK_EVENTS);
});

test('between two events the one after is told', (t) => {
  const tree = makeTree(200);
  const pause = tree.block(1).time[98 % BLOCK_EVENTS]!;
  const items = new AggregateTable();
  tree.query(pause + 1000, pause + 2000, 10, items);
  t.is(items.length, 1);
  t.is(items.first(0), 99);
  items.clear();
  tree.query(1e12, 2e12, 10, items);
  t.is(items.length, 0);
});

test('the first event from a time on', (t) => {
  const tree = makeTree(1000);
  const block = new EventBlock();
  t.is(tree.firstEndingFrom(-1), 0);
  t.is(tree.firstEndingFrom(Infinity), 1000);
  for (const index of [0, 1, 63, 64, 500, 999]) {
    block.time[0] = tree.block(Math.floor(index / BLOCK_EVENTS)).time[index % BLOCK_EVENTS]!;
    t.is(tree.firstEndingFrom(block.time[0]!), index);
    t.is(tree.firstEndingFrom(block.time[0]! + 1), index + 1);
  }
});

test('tables keep their values on the way to the page', (t) => {
  const tables = [0, 1, 777].map((events) => {
    const items = new AggregateTable();
    makeTree(events).query(0, Infinity, 5000, items);
    return items;
  });
  const decoded = decodeTables(encodeTables(tables).buffer);
  t.deepEqual(
    decoded.map((table) => table.raw()),
    tables.map((table) => table.raw()),
  );
});
