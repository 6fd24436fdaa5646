/** The lanes last fetched, a little wider and longer than what is in view, so that moving is smooth. */
import { AggregateTable } from '../src/model/aggregate.js';
import type { Counters } from '../src/model/source.js';
import type { App } from './app.js';

const COUNTER_STEPS = 600;

/** How much wider than the view is fetched, on each side. */
const BESIDE = 0.5;
/** Fetched again when a pixel means so many times more or less. */
const TOLERANCE = 1.35;
const RETRY_MS = 3000;

export class LaneCache {
  counters: Counters | undefined;
  countersFrom = 0;

  private lanes = new Map<number, AggregateTable>();
  private from = 0;
  private to = 0;
  private resolution = 0;
  private busy = false;
  /** After a failure nothing is asked for a while, performance.now() ms. */
  private notBefore = 0;
  private readonly empty = new AggregateTable();

  constructor(
    private readonly app: App,
    private readonly changed: () => void,
  ) {}

  lane(task: number): AggregateTable {
    return this.lanes.get(task) ?? this.empty;
  }

  /** True while something is being fetched. */
  get loading(): boolean {
    return this.busy;
  }

  /** Sees to it that these tasks' lanes are there, for the view as it is; calls `changed` when they are. */
  want(tasks: readonly number[], width: number): void {
    const { app } = this;
    const span = app.to - app.from;
    const resolution = span / width;
    const covered =
      this.from <= Math.max(app.from, app.bounds.from) &&
      this.to >= Math.min(app.to, app.bounds.to) &&
      this.resolution <= resolution * TOLERANCE &&
      this.resolution >= resolution / TOLERANCE &&
      tasks.every((task) => this.lanes.has(task));
    if (covered) return;
    // When the answer is there, `changed` leads back here.
    if (this.busy || performance.now() < this.notBefore) return;
    this.busy = true;
    const from = Math.max(app.bounds.from, app.from - span * BESIDE);
    const to = Math.min(app.bounds.to, app.to + span * BESIDE);
    Promise.all([
      app.source.lanes({ tasks, from, to, resolution }),
      app.source.counters(from, to, COUNTER_STEPS),
    ])
      .then(([lanes, counters]) => {
        this.lanes = new Map(tasks.map((task, i) => [task, lanes[i]!]));
        this.from = from;
        this.to = to;
        this.resolution = resolution;
        this.counters = counters;
        this.countersFrom = from;
      })
      .catch((error: unknown) => {
        this.notBefore = performance.now() + RETRY_MS;
        app.emit('problem', (error as Error).message);
      })
      .finally(() => {
        this.busy = false;
        this.changed();
      });
  }
}
