import type { Chance } from './chance.js';

/**
 * How a chaotic recording behaves, drawn once from its seed: some races need many switches, others one task that is kept
 * waiting for long, and no one way finds both.
 */
export interface Temper {
  /** Probabilities at the end of a call: another task's turn; nobody's for a while. */
  readonly switches: number;
  readonly delays: number;
  /** Probability of another task's turn before a call. */
  readonly switchesAtEntry: number;
  /** Probabilities that a task let into user code is stopped there: so many instructions on, or at a chosen one. */
  readonly steps: number;
  readonly points: number;
  /** Whom it is stopped for: true the task of the highest priority, false any. */
  readonly strict: boolean;
  /** Longest slice, ns. */
  readonly longestSlice: number;
  /** Longest delay, ns. */
  readonly longestDelay: number;
}

export const SHORTEST_SLICE = 500_000;
export const SHORTEST_DELAY = 20_000;

export function temperOf(chance: Chance): Temper {
  return {
    switches: chance.pick([0.02, 0.1, 0.3, 0.6]),
    delays: chance.pick([0, 0.005, 0.03]),
    switchesAtEntry: chance.pick([0, 0.02, 0.1]),
    steps: chance.pick([0, 0.02, 0.1, 0.3]),
    points: chance.pick([0.05, 0.2, 0.6]),
    strict: chance.happens(0.5),
    longestSlice: chance.pick([2e6, 10e6, 50e6]),
    longestDelay: chance.pick([0.5e6, 2e6, 10e6]),
  };
}
