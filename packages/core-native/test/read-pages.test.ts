import test from 'ava';
import { PAGE_SIZE, type Page, ReadPages, type Tracer } from '@scribe-ts/core-native';

/** A tracer of a task that has two pages, with `fill` in each byte, and how often they have been read. */
function twoPages(start: number, fill: () => number): { tracer: Tracer; reads: () => number } {
  let reads = 0;
  const readMemory: Tracer['readMemory'] = (_tid, addr, buffer, offset, length) => {
    reads++;
    if (addr < start || addr + length > start + 2 * PAGE_SIZE) return 0;
    (buffer as Uint8Array).fill(fill(), offset, offset + length);
    return length;
  };
  return { tracer: { readMemory } as unknown as Tracer, reads: () => reads };
}

test('bytes go on over pages, as far as there are any', (t) => {
  const start = 16 * PAGE_SIZE;
  const { tracer, reads } = twoPages(start, () => 7);
  const memory = new ReadPages(tracer, 1);
  t.deepEqual([...memory.bytes(start + PAGE_SIZE - 2, 4)], [7, 7, 7, 7]);
  t.deepEqual([...memory.bytes(start + 2 * PAGE_SIZE - 3, 8)], [7, 7, 7]);
  t.is(memory.bytes(start - 1, 8).length, 0);
  t.is(memory.bytes(start - 1, 8).length, 0);
  t.is(reads(), 4);
});

test('pages that are used again hold what is there now, and what was copied stays', (t) => {
  const start = 16 * PAGE_SIZE;
  let value = 1;
  const { tracer } = twoPages(start, () => value);
  const spare: Page[] = [];
  const first = new ReadPages(tracer, 1, spare);
  const copy = first.bytes(start, 8);
  t.is(first.word(start + PAGE_SIZE), 0x0101010101010101n);
  first.release();
  t.is(spare.length, 2);
  value = 2;
  const second = new ReadPages(tracer, 1, spare);
  t.is(second.word(start), 0x0202020202020202n);
  t.deepEqual([...second.bytes(start, 8)], Array<number>(8).fill(2));
  t.deepEqual([...copy], Array<number>(8).fill(1));
  t.is(spare.length, 1);
  // A page that cannot be read is not lost.
  t.is(second.word(start - 8), undefined);
  t.is(spare.length, 1);
});
