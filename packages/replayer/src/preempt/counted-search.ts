import {
  type CounterBackend,
  CounterStop,
  type EventKind,
  PassedPointError,
} from '@scribe-ts/core-native';
import type { PreemptFrame } from '@scribe-ts/tracelog';
import type { Engine } from '../engine.js';
import type { ReplayTask } from '../tasks.js';
import { hex } from '../words.js';
import { PointSearch } from './point-search.js';

/**
 * Finds the point at which a task was stopped in the recording by the branches that it had behind it. Its state is compared
 * there as well: where no branch tells rounds of a loop apart, the search goes on by the state from there.
 */
export class CountedSearch {
  /** Looks for the state, once the count is reached. */
  private readonly byState: PointSearch;
  private isCounting = true;

  private constructor(
    private readonly engine: Engine,
    private readonly backend: CounterBackend,
    private readonly task: ReplayTask,
    private readonly frame: PreemptFrame,
  ) {
    this.byState = new PointSearch(engine, task, frame);
  }

  /** undefined if nothing can be counted for the task. */
  static make(engine: Engine, task: ReplayTask, frame: PreemptFrame): CountedSearch | undefined {
    const { branches: backend, agent } = engine;
    // On its way out of the agent a task branches there.
    if (backend === undefined || agent !== undefined) return undefined;
    const point = { rip: frame.rip, count: frame.count };
    if (!backend.begin(task.tid, frame.rip)) return undefined;
    if (backend.stopAt(task.tid, point)) return new CountedSearch(engine, backend, task, frame);
    backend.end(task.tid);
    return undefined;
  }

  /** The task is on its way. */
  begin(): boolean {
    return false;
  }

  /** As PointSearch's. */
  stopped(kind: EventKind): boolean {
    if (!this.isCounting) return this.byState.stopped(kind);
    const { backend, task } = this;
    switch (this.ask(kind)) {
      case CounterStop.GoOn:
        return this.goOn();
      case CounterStop.There:
        this.isCounting = false;
        backend.end(task.tid);
        return this.byState.begin() || this.goOn();
      case CounterStop.Other:
        // It has been stopped from outside, or has missed the point.
        try {
          return this.byState.stopped(kind);
        } catch (error) {
          backend.end(task.tid);
          throw error;
        }
    }
  }

  checkTime(nowNs: number): void {
    this.byState.checkTime(nowNs);
  }

  private ask(kind: EventKind): CounterStop {
    const { engine, backend, task, frame } = this;
    try {
      return backend.stopped(task.tid, kind);
    } catch (error) {
      backend.end(task.tid);
      if (!(error instanceof PassedPointError)) throw error;
      const expected = `be at ${hex(frame.rip)} after ${frame.count} branches`;
      throw engine.mismatch('preempt', task, frame, error.message, expected);
    }
  }

  private goOn(): false {
    this.engine.tracer.resume(this.task.tid, this.engine.towardsCall(this.task), 0);
    return false;
  }
}
