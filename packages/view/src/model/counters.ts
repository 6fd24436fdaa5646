import type { AggregateTable } from './aggregate.js';
import type { Counters } from './source.js';

/** Adds up items of lanes in even steps between two times. */
export function countItems(
  lanes: Iterable<AggregateTable>,
  from: number,
  to: number,
  steps: number,
): Counters {
  const step = (to - from) / steps;
  const zeros = (): number[] => new Array<number>(steps).fill(0);
  const counters = { step, events: zeros(), failed: zeros(), bytesIn: zeros(), bytesOut: zeros() };
  for (const items of lanes) {
    const { end, count, failed, bytesIn, bytesOut } = items.raw();
    for (let i = 0; i < items.length; i++) {
      // What takes long counts where it ended, as its bytes came through then.
      const at = Math.floor((end[i]! - from) / step);
      if (at < 0 || at >= steps) continue;
      counters.events[at]! += count[i]!;
      counters.failed[at]! += failed[i]!;
      counters.bytesIn[at]! += bytesIn[i]!;
      counters.bytesOut[at]! += bytesOut[i]!;
    }
  }
  return counters;
}
