/**
 * The events of one task as a tree: blocks of events below, and above them levels of sums, each row of which covers
 * eight of the level below. A question about a span of time goes down only as far as a pixel needs.
 */
import { Aggregate, AggregateTable } from './aggregate.js';
import { u32 } from './columns.js';
import type { EventBlock } from './event-block.js';
import { BLOCK_EVENTS, type BlockStore } from './event-block.js';

const FAN_OUT = 8;

export class EventTree {
  /** Number of events. */
  length = 0;
  /** `levels[0]` has a row for each block. */
  readonly levels: AggregateTable[] = [new AggregateTable()];

  private readonly blockNumbers = u32();
  private readonly sum = new Aggregate();

  constructor(
    readonly store: BlockStore,
    private readonly table: Uint8Array,
  ) {}

  /** Adds a block. All but the last must be full. Returns its number in the store. */
  append(block: EventBlock, count: number): number {
    const { levels, sum } = this;
    const row = levels[0]!.length;
    const number = this.store.append(block);
    this.blockNumbers.reserve(row + 1);
    this.blockNumbers.values[row] = number;
    sum.clear();
    for (let i = 0; i < count; i++) sum.add(block, i, this.length + i, this.table);
    levels[0]!.push(sum);
    this.length += count;
    this.carry(0);
    return number;
  }

  /** To be called when all blocks are there: the levels get the rows that stand for less than eight. */
  finish(): void {
    for (let level = 0; level < this.levels.length; level++) {
      const { length } = this.levels[level]!;
      const rest = length % FAN_OUT;
      if (rest !== 0 && length > FAN_OUT) this.sumUp(level, length - rest, length);
    }
  }

  /** The block of a row of `levels[0]`, good until the next call. */
  block(row: number): EventBlock {
    return this.store.read(this.blockNumbers.values[row]!);
  }

  /** Number of events in the block of a row of `levels[0]`. */
  blockLength(row: number): number {
    return Math.min(BLOCK_EVENTS, this.length - row * BLOCK_EVENTS);
  }

  /** Number of the first event that ends at or after `time`; `length` if there is none. */
  firstEndingFrom(time: number): number {
    const row = this.levels[0]!.firstEndingFrom(time);
    if (row === this.levels[0]!.length) return this.length;
    const block = this.block(row);
    const count = this.blockLength(row);
    let i = 0;
    while (i < count && block.time[i]! < time) i++;
    return row * BLOCK_EVENTS + i;
  }

  /**
   * What is to be drawn of the time between `from` and `to`: single events where they are wider than `resolution` or
   * stand alone, sums of neighbours where they aren't; and the event after, which tells whether the task waited for
   * its turn until then. In the order of time; all are ns.
   */
  query(from: number, to: number, resolution: number, items: AggregateTable): void {
    const { sum } = this;
    sum.clear();
    const top = this.levels.length - 1;
    const { length } = this.levels[top]!;
    for (let row = 0; row < length; row++) {
      this.visit(top, row, from, to, resolution, items);
    }
    if (sum.count > 0) items.push(sum);
    const last = items.length - 1;
    const next = last < 0 ? this.firstEndingFrom(from) : items.first(last) + items.count(last);
    if (next >= this.length) return;
    sum.clear();
    const block = this.block(Math.floor(next / BLOCK_EVENTS));
    sum.add(block, next % BLOCK_EVENTS, next, this.table);
    items.push(sum);
  }

  private visit(
    level: number,
    row: number,
    from: number,
    to: number,
    resolution: number,
    items: AggregateTable,
  ): void {
    const nodes = this.levels[level]!;
    const start = nodes.start(row);
    const end = nodes.end(row);
    if (end < from || start > to) return;
    if (end - start <= resolution) {
      this.makeRoom(start, end, resolution, items);
      nodes.addTo(this.sum, row);
      return;
    }
    if (level > 0) {
      const below = this.levels[level - 1]!.length;
      const last = Math.min(below, (row + 1) * FAN_OUT);
      for (let child = row * FAN_OUT; child < last; child++) {
        this.visit(level - 1, child, from, to, resolution, items);
      }
      return;
    }
    const block = this.block(row);
    const count = this.blockLength(row);
    const first = row * BLOCK_EVENTS;
    for (let i = 0; i < count; i++) {
      const eventEnd = block.time[i]!;
      const eventStart = block.start(i);
      if (eventEnd < from) continue;
      if (eventStart > to) break;
      this.makeRoom(eventStart, eventEnd, resolution, items);
      this.sum.add(block, i, first + i, this.table);
    }
  }

  /** Gives out the sum if what comes next doesn't fit into the same pixel. */
  private makeRoom(start: number, end: number, resolution: number, items: AggregateTable): void {
    const { sum } = this;
    if (sum.count === 0) return;
    if (end - sum.start <= resolution) return;
    // Two neighbours of which neither is wide may still share their pixel if nothing lies between.
    if (sum.end - sum.start < resolution / 2 && end - start < resolution / 2) {
      if (end - sum.start <= resolution * 1.5) return;
    }
    items.push(sum);
    sum.clear();
  }

  private carry(level: number): void {
    const { length } = this.levels[level]!;
    if (length % FAN_OUT === 0) this.sumUp(level, length - FAN_OUT, length);
  }

  private sumUp(level: number, from: number, to: number): void {
    const above = (this.levels[level + 1] ??= new AggregateTable());
    const sum = new Aggregate();
    for (let row = from; row < to; row++) this.levels[level]!.addTo(sum, row);
    above.push(sum);
    this.carry(level + 1);
  }
}
