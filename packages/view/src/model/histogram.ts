import type { HistogramFacts } from './facts.js';

/** Steps of the whole recording; twice as many are kept while it is read. */
const STEPS = 1024;

/** Counts over time, in constant memory: when a time lies beyond the last step, all steps become twice as wide. */
export class Histogram {
  private step = 1000;
  private readonly events = new Float64Array(2 * STEPS);
  private readonly failed = new Float64Array(2 * STEPS);
  private last = 0;

  add(time: number, failed: boolean): void {
    let at = Math.floor(time / this.step);
    while (at >= 2 * STEPS) {
      this.fold(this.events);
      this.fold(this.failed);
      this.step *= 2;
      this.last >>= 1;
      at = Math.floor(time / this.step);
    }
    if (at > this.last) this.last = at;
    this.events[at]!++;
    if (failed) this.failed[at]!++;
  }

  facts(): HistogramFacts {
    const { step, last } = this;
    return {
      step,
      events: [...this.events.subarray(0, last + 1)],
      failed: [...this.failed.subarray(0, last + 1)],
    };
  }

  private fold(values: Float64Array): void {
    for (let i = 0; i < STEPS; i++) values[i] = values[2 * i]! + values[2 * i + 1]!;
    values.fill(0, STEPS);
  }
}
