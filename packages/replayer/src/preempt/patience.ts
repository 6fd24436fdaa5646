import type { Tracer } from '@scribe-ts/core-native';

/** A search may take so much longer than the recording took to get there. */
const PATIENCE = 100;
const LEAST_NS = 120e9;

/** How long a point is looked for. */
export class Patience {
  private readonly startNs: number;
  /** How long the search had lasted when it was given up, ns. */
  private triedNs = 0;

  /** `ranNs`: how long the recorded task had run up to its point. */
  constructor(
    private readonly tracer: Tracer,
    private readonly tid: number,
    private readonly ranNs: number,
  ) {
    this.startNs = tracer.values[1]!;
  }

  get isOver(): boolean {
    return this.triedNs > 0;
  }

  get seconds(): number {
    return Math.round(this.triedNs / 1e9);
  }

  /** Has the task, which runs, stopped if the search has taken too long: the program may never come out of where it is. */
  check(nowNs: number): void {
    const triedNs = nowNs - this.startNs;
    if (this.isOver || triedNs < LEAST_NS + PATIENCE * this.ranNs) return;
    this.triedNs = triedNs;
    this.tracer.interruptTask(this.tid);
  }
}
