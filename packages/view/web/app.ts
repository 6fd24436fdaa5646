/** What the parts of the page share: the log, what is in view, what is selected. */
import type { LogFacts, TaskFacts } from '../src/model/facts.js';
import type { EventRow, Source } from '../src/model/source.js';
import { processRows, type TaskRow } from './process-rows.js';

export interface Selection {
  readonly task: number;
  readonly index: number;
  /** Of the event, ns. */
  readonly time: number;
  readonly duration: number;
}

interface Changes {
  /** The span of time in view. */
  view: undefined;
  /** The event selected, and where it was chosen. */
  select: Selection | undefined;
  /** The rows of the timeline. */
  rows: undefined;
  /** The row that the keyboard is on. */
  row: undefined;
  hits: undefined;
  problem: string;
}

/** Narrowest span, ns. */
const MIN_SPAN = 100;
/** Room at both ends of the recording, part of it. */
const MARGIN = 0.01;

export class App {
  from = 0;
  to = 1;
  rows: readonly TaskRow[] = [];
  /** Row of the keyboard. */
  currentRow = 0;
  selection: Selection | undefined;
  hits: readonly EventRow[] = [];

  /** Category numbers by code. */
  readonly categories: Uint8Array;
  readonly tasks: ReadonlyMap<number, TaskFacts>;
  private aliveOnly = false;
  private readonly collapsed = new Set<number>();
  private readonly listeners = new Map<keyof Changes, ((value: never) => void)[]>();

  constructor(
    readonly source: Source,
    readonly facts: LogFacts,
  ) {
    this.categories = Uint8Array.from(facts.categories);
    this.tasks = new Map(facts.tasks.map((task) => [task.uid, task]));
    this.layRows();
    this.fit();
  }

  on<K extends keyof Changes>(what: K, listener: (value: Changes[K]) => void): void {
    const list = this.listeners.get(what) ?? [];
    list.push(listener as (value: never) => void);
    this.listeners.set(what, list);
  }

  emit<K extends keyof Changes>(what: K, value: Changes[K]): void {
    for (const listener of this.listeners.get(what) ?? []) listener(value as never);
  }

  /** Earliest and latest time that can be in view. */
  get bounds(): { readonly from: number; readonly to: number } {
    const duration = Math.max(this.facts.duration, MIN_SPAN);
    return { from: -duration * MARGIN, to: duration * (1 + MARGIN) };
  }

  /** Shows a span of time, as far as there is one. */
  show(from: number, to: number): void {
    const bounds = this.bounds;
    const span = Math.min(Math.max(to - from, MIN_SPAN), bounds.to - bounds.from);
    const middle = (from + to) / 2;
    const start = Math.min(Math.max(middle - span / 2, bounds.from), bounds.to - span);
    if (start === this.from && start + span === this.to) return;
    this.from = start;
    this.to = start + span;
    if (this.aliveOnly) this.relay();
    this.emit('view', undefined);
  }

  fit(): void {
    this.show(this.bounds.from, this.bounds.to);
  }

  /** Makes the span `factor` times as wide, with the time at `anchor` (0 to 1) staying where it is. */
  zoom(factor: number, anchor = 0.5): void {
    const span = this.to - this.from;
    const bounds = this.bounds;
    const wide = Math.min(Math.max(span * factor, MIN_SPAN), bounds.to - bounds.from);
    const at = this.from + span * anchor;
    this.show(at - wide * anchor, at + wide * (1 - anchor));
  }

  /** Moves by a part of what is in view. */
  pan(part: number): void {
    const by = (this.to - this.from) * part;
    this.show(this.from + by, this.to + by);
  }

  select(selection: Selection | undefined): void {
    this.selection = selection;
    this.emit('select', selection);
  }

  /** Selects an event and brings it into view. */
  reveal(selection: Selection): void {
    this.revealRow(selection.task);
    const span = this.to - this.from;
    const start = selection.time - selection.duration;
    if (selection.time > this.to - span * 0.02 || start < this.from + span * 0.02) {
      const wide = Math.max(span, selection.duration * 1.5);
      const middle = (start + selection.time) / 2;
      this.show(middle - wide / 2, middle + wide / 2);
    }
    this.select(selection);
  }

  /** Puts the keyboard on a task's row, unfolding what hides it. */
  revealRow(task: number): void {
    let row = this.rows.findIndex((other) => other.task.uid === task);
    if (row < 0) {
      for (let up = this.tasks.get(task); up !== undefined; up = this.tasks.get(up.parent)) {
        this.collapsed.delete(up.uid);
      }
      this.layRows();
      this.emit('rows', undefined);
      row = this.rows.findIndex((other) => other.task.uid === task);
    }
    if (row >= 0) this.moveTo(row);
  }

  moveTo(row: number): void {
    this.currentRow = Math.max(0, Math.min(row, this.rows.length - 1));
    this.emit('row', undefined);
  }

  /** Folds or unfolds what a task started. */
  toggle(task: number): void {
    if (!this.collapsed.delete(task)) this.collapsed.add(task);
    this.relay();
  }

  /** Leaves out rows of tasks that are not alive in the time in view, or has them all. */
  showAliveOnly(only: boolean): void {
    this.aliveOnly = only;
    this.relay();
  }

  /** Makes the rows again, with the keyboard on the same task. */
  private relay(): void {
    const current = this.rows[this.currentRow]?.task.uid;
    this.layRows();
    const row = this.rows.findIndex((other) => other.task.uid === current);
    this.currentRow = Math.max(0, row);
    this.emit('rows', undefined);
  }

  private layRows(): void {
    const { from, to, aliveOnly, facts } = this;
    const alive = (task: TaskFacts): boolean =>
      task.born <= to && (task.died ?? facts.duration) >= from;
    this.rows = processRows(facts.tasks, this.collapsed, aliveOnly ? alive : undefined);
  }
}
