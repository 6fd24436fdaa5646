import type { ProcessState } from './process-state.js';
import { IpcObject } from './ipc-object.js';

/** More changes than that are not kept apart. */
const MAX_CHANGES = 256;

/**
 * A number that calls of several streams change. A replay does not come to them in the order of the recording, so
 * changes are kept with their times until they are old.
 */
export class Counter {
  private base = 0;
  private baseTime = -1;
  private changes: { readonly time: number; readonly by: number }[] = [];

  get value(): number {
    return this.changes.reduce((sum, { by }) => sum + by, this.base);
  }

  /** The call that ended at `time` has set it. */
  set(time: number, value: number): void {
    if (time < this.baseTime) return;
    this.base = value;
    this.baseTime = time;
    this.changes = this.changes.filter((change) => change.time > time);
  }

  /** The call that ended at `time` has changed it. */
  add(time: number, by: number): void {
    if (time < this.baseTime || by === 0) return;
    this.changes.push({ time, by });
    if (this.changes.length <= MAX_CHANGES) return;
    this.changes.sort((one, other) => one.time - other.time);
    for (const old of this.changes.splice(0, MAX_CHANGES / 2)) {
      this.base += old.by;
      this.baseTime = old.time - 1;
    }
  }
}

/** What one operation of semop does. */
export interface SemaphoreOperation {
  readonly number: number;
  readonly by: number;
  readonly isUndone: boolean;
}

/** A set of semaphores of System V. */
export class SemaphoreSet extends IpcObject {
  /** How many there are; undefined where that was not asked for. */
  size: number | undefined;
  private readonly counters = new Map<number, Counter>();
  /** What the end of a process changes, by number. */
  private readonly undoing = new Map<ProcessState, Map<number, Counter>>();
  private readonly resets = new Map<number, number>();

  value(number: number): number {
    return this.counters.get(number)?.value ?? 0;
  }

  get isAhead(): boolean {
    if (!this.isOurs) return false;
    for (const counter of this.counters.values()) if (counter.value < 0) return true;
    return false;
  }

  /** What the end of a process adds to each semaphore. */
  adjustments(process: ProcessState): [number: number, by: number][] {
    return [...(this.undoing.get(process) ?? [])]
      .map(([number, { value }]): [number, number] => [number, value])
      .filter(([, by]) => by !== 0);
  }

  /** SETVAL, SETALL: nobody undoes what was before. */
  set(number: number, time: number, value: number): void {
    this.counter(number).set(time, value);
    this.resets.set(number, Math.max(time, this.resets.get(number) ?? -1));
    for (const counters of this.undoing.values()) counters.get(number)?.set(time, 0);
  }

  operate(process: ProcessState, time: number, operations: readonly SemaphoreOperation[]): void {
    for (const { number, by, isUndone } of operations) {
      this.counter(number).add(time, by);
      if (!isUndone || by === 0 || time < (this.resets.get(number) ?? -1)) continue;
      let counters = this.undoing.get(process);
      if (counters === undefined) this.undoing.set(process, (counters = new Map()));
      let counter = counters.get(number);
      if (counter === undefined) counters.set(number, (counter = new Counter()));
      counter.add(time, -by);
    }
  }

  undo(process: ProcessState, time: number): void {
    for (const [number, by] of this.adjustments(process)) this.counter(number).add(time, by);
    this.undoing.delete(process);
  }

  private counter(number: number): Counter {
    let counter = this.counters.get(number);
    if (counter === undefined) this.counters.set(number, (counter = new Counter()));
    return counter;
  }
}
