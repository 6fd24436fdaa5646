import type { Tracer } from '@scribe-ts/core-native';

/** A task may run so much longer than the recording took, without coming to where it is looked for. */
const PATIENCE = 100;
const LEAST_NS = 120e9;
/** No loop comes to an address more often than this, ns. */
const ROUND_NS = 1;
/** Rounds that are looked at in any case: the recording's time is a clock's. */
const LEAST_ROUNDS = 1e6;

/**
 * How long a point is looked for. Each round that is looked at costs 10,000 times what it cost in the recording, or more
 * on a machine with load. So rounds are counted, and there can be no more of them than the recording had time for; the
 * clock counts only while there are none.
 */
export class Patience {
  private sinceNs: number;
  private rounds = 0;
  /** How long the task had run when the search was given up, ns. */
  private triedNs = 0;

  /** `ranNs`: how long the recorded task had run up to its point. */
  constructor(
    private readonly tracer: Tracer,
    private readonly tid: number,
    private readonly ranNs: number,
  ) {
    this.sinceNs = tracer.values[1]!;
  }

  get isOver(): boolean {
    return this.triedNs > 0;
  }

  get seconds(): number {
    return Math.round(this.triedNs / 1e9);
  }

  /** The task has been where it is looked for, in another state. False if it has been there too often. */
  passed(): boolean {
    this.sinceNs = this.tracer.values[1]!;
    return ++this.rounds <= LEAST_ROUNDS + this.ranNs / ROUND_NS;
  }

  /** Has the task, which runs, stopped if the search has taken too long: the program may never come out of where it is. */
  check(nowNs: number): void {
    const triedNs = nowNs - this.sinceNs;
    if (this.isOver || triedNs < LEAST_NS + PATIENCE * this.ranNs) return;
    this.triedNs = triedNs;
    this.tracer.interruptTask(this.tid);
  }
}
