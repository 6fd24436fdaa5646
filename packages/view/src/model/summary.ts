import { BLOCK_EVENTS } from './event-block.js';
import { isOutward, transferBytes } from './event-block.js';
import { FAILED, plainCode } from './event-code.js';
import type { EventTree } from './event-tree.js';
import type { Summary, SummaryRow } from './source.js';

type Sum = { -readonly [K in keyof SummaryRow]: SummaryRow[K] };

/** Adds up the events that end between two times, by their codes. Most frequent first. */
export function summarize(
  trees: Iterable<readonly [number, EventTree]>,
  from: number,
  to: number,
): Summary {
  const sums: (Sum | undefined)[] = [];
  let bytesIn = 0;
  let bytesOut = 0;
  for (const [task, tree] of trees) {
    let index = tree.firstEndingFrom(from);
    while (index < tree.length) {
      const row = Math.floor(index / BLOCK_EVENTS);
      const block = tree.block(row);
      const count = tree.blockLength(row);
      let i = index % BLOCK_EVENTS;
      for (; i < count && block.time[i]! <= to; i++) {
        const code = block.code[i]!;
        const plain = plainCode(code);
        const duration = block.duration[i]!;
        const transfer = block.transfer[i]!;
        const sum = (sums[plain] ??= {
          code: plain,
          count: 0,
          failed: 0,
          total: 0,
          longest: -1,
          task,
          index: 0,
        });
        sum.count++;
        if ((code & FAILED) !== 0) sum.failed++;
        sum.total += duration;
        if (duration > sum.longest) {
          sum.longest = duration;
          sum.task = task;
          sum.index = row * BLOCK_EVENTS + i;
        }
        if (transfer !== 0) {
          if (isOutward(transfer)) bytesOut += transferBytes(transfer);
          else bytesIn += transferBytes(transfer);
        }
      }
      if (i < count) break;
      index = (row + 1) * BLOCK_EVENTS;
    }
  }
  const rows = sums.filter((sum) => sum !== undefined).sort((a, b) => b.count - a.count);
  return { rows, bytesIn, bytesOut };
}
