import type { AggregateTable } from '../src/model/aggregate.js';
import { CATEGORY_COUNT } from '../src/model/categories.js';
import type { TaskFacts } from '../src/model/facts.js';
import type { Scale } from './scale.js';

/** What the pointer is on. */
export interface Hit {
  readonly task: TaskFacts;
  readonly start: number;
  readonly end: number;
  readonly count: number;
  readonly failed: number;
  /** Time in calls and waiting, ns. */
  readonly calls: number;
  readonly waited: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Number of the first event, code of the last. */
  readonly first: number;
  readonly code: number;
  readonly categories: readonly number[];
}

/** How far beside an item still means it, pixels. */
const REACH = 4;

/** The item of a lane at a place, or the nearest to it. */
export function hitTest(
  items: AggregateTable,
  task: TaskFacts,
  scale: Scale,
  x: number,
): Hit | undefined {
  const raw = items.raw();
  let best = -1;
  let distance = REACH;
  const from = items.firstEndingFrom(scale.time(x - REACH));
  for (let i = from; i < items.length; i++) {
    const left = scale.x(raw.start[i]!);
    if (left > x + REACH) break;
    const right = scale.x(raw.end[i]!);
    const away = x < left ? left - x : x > right ? x - right : 0;
    if (away < distance) {
      best = i;
      distance = away;
    }
    if (away === 0) break;
  }
  if (best < 0) return undefined;
  return {
    task,
    start: raw.start[best]!,
    end: raw.end[best]!,
    count: raw.count[best]!,
    failed: raw.failed[best]!,
    calls: raw.calls[best]!,
    waited: raw.waited[best]!,
    bytesIn: raw.bytesIn[best]!,
    bytesOut: raw.bytesOut[best]!,
    first: raw.first[best]!,
    code: raw.code[best]!,
    categories: [...raw.categories.subarray(best * CATEGORY_COUNT, (best + 1) * CATEGORY_COUNT)],
  };
}
