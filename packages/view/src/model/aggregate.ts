/** Sums over rows of events: what is drawn where single events are narrower than a pixel. */
import { CATEGORY_COUNT, categoryOf } from './categories.js';
import { f64, u16, u32 } from './columns.js';
import { BLOCKED, FAILED } from './event-code.js';
import { isOutward, transferBytes, type EventBlock } from './event-block.js';

/** The sum of some events, filled again and again. */
export class Aggregate {
  /** Of the first event, ns since the recording began. */
  start = 0;
  /** Of the last. */
  end = 0;
  count = 0;
  failed = 0;
  /** Time in calls, that in calls in which the baton was given away, and waiting for it outside of calls, ns. */
  calls = 0;
  blocked = 0;
  waited = 0;
  /** The part of `waited` that lies before the first event. */
  before = 0;
  /** Bytes into the program and out of it. */
  bytesIn = 0;
  bytesOut = 0;
  /** Events of each category. */
  readonly categories = new Float64Array(CATEGORY_COUNT);
  /** Number in its task of the first event, and the code of the last. */
  first = 0;
  code = 0;

  clear(): void {
    this.count = 0;
    this.failed = 0;
    this.calls = 0;
    this.blocked = 0;
    this.waited = 0;
    this.bytesIn = 0;
    this.bytesOut = 0;
    this.categories.fill(0);
  }

  /** Adds event `i` of a block, which is number `index` of its task. */
  add(block: EventBlock, i: number, index: number, table: Uint8Array): void {
    const code = block.code[i]!;
    const duration = block.duration[i]!;
    if (this.count++ === 0) {
      this.start = block.start(i);
      this.before = block.waited[i]!;
      this.first = index;
    }
    this.end = block.time[i]!;
    this.code = code;
    if ((code & FAILED) !== 0) this.failed++;
    this.calls += duration;
    if ((code & BLOCKED) !== 0) this.blocked += duration;
    this.waited += block.waited[i]!;
    const transfer = block.transfer[i]!;
    if (transfer !== 0) {
      if (isOutward(transfer)) this.bytesOut += transferBytes(transfer);
      else this.bytesIn += transferBytes(transfer);
    }
    this.categories[categoryOf(table, code)]!++;
  }
}

/** The columns of a table; `categories` has CATEGORY_COUNT values a row. */
export interface AggregateColumns {
  readonly start: Float64Array;
  readonly end: Float64Array;
  readonly calls: Float64Array;
  readonly blocked: Float64Array;
  readonly waited: Float64Array;
  readonly before: Float64Array;
  readonly bytesIn: Float64Array;
  readonly bytesOut: Float64Array;
  readonly count: Uint32Array;
  readonly failed: Uint32Array;
  readonly first: Uint32Array;
  readonly code: Uint16Array;
  readonly categories: Uint32Array;
}

/** A table of aggregates, column by column. */
export class AggregateTable {
  length = 0;
  private readonly columns = {
    start: f64(),
    end: f64(),
    calls: f64(),
    blocked: f64(),
    waited: f64(),
    before: f64(),
    bytesIn: f64(),
    bytesOut: f64(),
    count: u32(),
    failed: u32(),
    first: u32(),
    code: u16(),
    categories: u32(),
  };

  /** When the first event of a row began, ns since the recording began. */
  start(row: number): number {
    return this.columns.start.values[row]!;
  }

  /** When its last one ended. */
  end(row: number): number {
    return this.columns.end.values[row]!;
  }

  /** How many events a row is the sum of. */
  count(row: number): number {
    return this.columns.count.values[row]!;
  }

  /** Number in its task of a row's first event. */
  first(row: number): number {
    return this.columns.first.values[row]!;
  }

  /** Appends a row. */
  push(sum: Aggregate): void {
    const { columns, length } = this;
    const room = length + 1;
    columns.categories.reserve(room * CATEGORY_COUNT);
    columns.start.reserve(room);
    columns.end.reserve(room);
    columns.calls.reserve(room);
    columns.blocked.reserve(room);
    columns.waited.reserve(room);
    columns.before.reserve(room);
    columns.bytesIn.reserve(room);
    columns.bytesOut.reserve(room);
    columns.count.reserve(room);
    columns.failed.reserve(room);
    columns.first.reserve(room);
    columns.code.reserve(room);
    columns.start.values[length] = sum.start;
    columns.end.values[length] = sum.end;
    columns.calls.values[length] = sum.calls;
    columns.blocked.values[length] = sum.blocked;
    columns.waited.values[length] = sum.waited;
    columns.before.values[length] = sum.before;
    columns.bytesIn.values[length] = sum.bytesIn;
    columns.bytesOut.values[length] = sum.bytesOut;
    columns.count.values[length] = sum.count;
    columns.failed.values[length] = sum.failed;
    columns.first.values[length] = sum.first;
    columns.code.values[length] = sum.code;
    columns.categories.values.set(sum.categories, length * CATEGORY_COUNT);
    this.length = room;
  }

  /** Adds a row to a sum. */
  addTo(sum: Aggregate, row: number): void {
    const { columns } = this;
    if (sum.count === 0) {
      sum.start = columns.start.values[row]!;
      sum.before = columns.before.values[row]!;
      sum.first = columns.first.values[row]!;
    }
    sum.end = columns.end.values[row]!;
    sum.code = columns.code.values[row]!;
    sum.count += columns.count.values[row]!;
    sum.failed += columns.failed.values[row]!;
    sum.calls += columns.calls.values[row]!;
    sum.blocked += columns.blocked.values[row]!;
    sum.waited += columns.waited.values[row]!;
    sum.bytesIn += columns.bytesIn.values[row]!;
    sum.bytesOut += columns.bytesOut.values[row]!;
    const from = row * CATEGORY_COUNT;
    for (let i = 0; i < CATEGORY_COUNT; i++) {
      sum.categories[i]! += columns.categories.values[from + i]!;
    }
  }

  /** First row that ends at or after `time`; `length` if there is none. Rows must be in the order of time. */
  firstEndingFrom(time: number): number {
    const ends = this.columns.end.values;
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (ends[middle]! < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Takes all rows away. */
  clear(): void {
    this.length = 0;
  }

  /** Bytes that the table takes. */
  get bytes(): number {
    let bytes = 0;
    for (const column of Object.values(this.columns)) bytes += column.values.byteLength;
    return bytes;
  }

  /** The columns' values, cut to length. */
  raw(): AggregateColumns {
    const { columns, length } = this;
    const cut = Object.entries(columns).map(([name, column]) => [
      name,
      column.values.subarray(0, name === 'categories' ? length * CATEGORY_COUNT : length),
    ]);
    return Object.fromEntries(cut) as AggregateColumns;
  }

  /** Takes over values of `length` rows. */
  adopt(length: number, values: AggregateColumns): void {
    const columns = this.columns as Record<string, { values: ArrayBufferView }>;
    for (const [name, column] of Object.entries(values)) columns[name]!.values = column;
    this.length = length;
  }
}
