/** The events of several tasks as one row, in the order of their keys, from any place on in either direction. */
import { BLOCK_EVENTS, EventBlock } from './event-block.js';
import type { EventTree } from './event-tree.js';
import { compareKeys, type EventKey } from './source.js';

/** Goes through the events of one task. */
class Walker implements EventKey {
  time = 0;
  index = 0;
  /** A copy of the block that it stands in: the store's is overwritten when another task's is read. */
  private readonly own = new EventBlock();
  private row = -1;

  constructor(
    readonly task: number,
    readonly tree: EventTree,
  ) {}

  /** Puts it at an event; false if there is none. */
  at(index: number): boolean {
    if (index < 0 || index >= this.tree.length) return false;
    this.index = index;
    this.time = this.block().time[index % BLOCK_EVENTS]!;
    return true;
  }

  block(): EventBlock {
    const row = Math.floor(this.index / BLOCK_EVENTS);
    if (row !== this.row) {
      new Uint8Array(this.own.buffer).set(new Uint8Array(this.tree.block(row).buffer));
      this.row = row;
    }
    return this.own;
  }
}

/** Number of the first event of a task that comes after a key. */
function firstAfter(tree: EventTree, task: number, key: EventKey): number {
  let index = tree.firstEndingFrom(key.time);
  const walker = new Walker(task, tree);
  while (walker.at(index) && compareKeys(walker, key) <= 0) index++;
  return index;
}

/** An event that the merge has come to. The object is filled again for the next. */
export interface MergedEvent extends EventKey {
  /** The block with the event, and where it stands in it: good until the next. */
  block(): EventBlock;
}

/** Events after `key`, or those before it, backwards. */
export function* mergeEvents(
  trees: Iterable<readonly [number, EventTree]>,
  key: EventKey,
  direction: 'forward' | 'backward',
): Generator<MergedEvent, void, undefined> {
  const forward = direction === 'forward';
  const step = forward ? 1 : -1;
  const heap: Walker[] = [];
  const before = (a: Walker, b: Walker): boolean => compareKeys(a, b) * step < 0;
  for (const [task, tree] of trees) {
    const walker = new Walker(task, tree);
    const first = firstAfter(tree, task, key);
    let start = first;
    if (!forward) {
      start = first - 1;
      if (walker.at(start) && compareKeys(walker, key) === 0) start--;
    }
    if (walker.at(start)) heap.push(walker);
  }
  heap.sort((a, b) => compareKeys(a, b) * step);
  for (let top = heap[0]; top !== undefined; top = heap[0]) {
    yield top;
    if (!top.at(top.index + step)) {
      const last = heap.pop()!;
      if (heap.length === 0) return;
      if (last === top) continue;
      heap[0] = last;
    }
    sink(heap, before);
  }
}

function sink(heap: Walker[], before: (a: Walker, b: Walker) => boolean): void {
  const top = heap[0]!;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
    if (!before(heap[child]!, top)) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = top;
}
