/** What calls cost, by name or by task, in memory that depends on the number of rows alone. */
import type { SyscallFrame } from '@scribe-ts/tracelog';
import { Histogram } from './histogram.js';

/** One row of a summary. Times are nanoseconds. */
export class CallCount {
  calls = 0;
  errors = 0;
  /** Calls whose time the log has. */
  timed = 0;
  totalTime = 0;
  minTime = Infinity;
  maxTime = 0;
  private readonly histogram = new Histogram();

  /** Counts a call. */
  add(frame: SyscallFrame): void {
    this.calls++;
    const { result, duration } = frame;
    if (result < 0 && result >= -4095) this.errors++;
    if (duration === undefined) return;
    this.timed++;
    this.totalTime += duration;
    if (duration < this.minTime) this.minTime = duration;
    if (duration > this.maxTime) this.maxTime = duration;
    this.histogram.add(duration);
  }

  /** To 3 %. */
  get p50(): number {
    return Math.min(this.histogram.quantile(0.5), this.maxTime);
  }

  get p99(): number {
    return Math.min(this.histogram.quantile(0.99), this.maxTime);
  }

  get meanTime(): number {
    return this.timed === 0 ? 0 : this.totalTime / this.timed;
  }
}

/** Counts by a number of the frame: that of the call, or of the task. */
export class CallCounts {
  readonly all = new CallCount();
  readonly rows = new Map<number, CallCount>();
  private readonly dense: (CallCount | undefined)[] = [];

  /** Counts a call in the row `key`. */
  add(key: number, frame: SyscallFrame): void {
    this.all.add(frame);
    let row = this.dense[key];
    if (row === undefined) {
      row = this.rows.get(key);
      if (row === undefined) this.rows.set(key, (row = new CallCount()));
      if (key < 4096 && key >= 0) this.dense[key] = row;
    }
    row.add(frame);
  }
}
