/** The first difference between two recordings, task by task. */
import type { TaskInfo } from '../events/task-info.js';
import {
  BLOCK,
  idsOf,
  sequencesOf,
  stepsOf,
  type ReadableLog,
  type Step,
  type TaskSequence,
} from './task-sequences.js';

/** The first difference of two logs. */
export interface LogDifference {
  /** Where the task is in the tree of tasks. */
  readonly place: string;
  /** The task in either log; undefined where it has none at that place. */
  readonly a: TaskInfo | undefined;
  readonly b: TaskInfo | undefined;
  /** Number of the first event that differs, from 0. */
  readonly index: number;
  /** Events before it, which are the same in both. */
  readonly before: readonly Step[];
  /** The first that differs, and what comes after it; empty where the task has ended. */
  readonly inA: readonly Step[];
  readonly inB: readonly Step[];
}

/**
 * Compares what each task of one log did with what the task at the same place of the tree did in the other: calls with
 * their arguments, bytes and results, signals, execs, ends. Addresses, times and ids of processes are taken as equal; so is the order between
 * tasks. Of several differences the one that came first in `a` is given, with `context` events around it; undefined if there is none.
 */
export function diffLogs(a: ReadableLog, b: ReadableLog, context = 5): LogDifference | undefined {
  const ids = idsOf(a, b);
  const left = sequencesOf(a, ids);
  const right = sequencesOf(b, ids);
  let first: { readonly place: string; readonly time: number; readonly block: number } | undefined;
  for (const place of new Set([...left.keys(), ...right.keys()])) {
    const one = left.get(place);
    const other = right.get(place);
    const block = differingBlock(one, other);
    if (block === undefined) continue;
    const time = one?.times[block] ?? one?.times.at(-1) ?? other?.times[0] ?? Infinity;
    if (first === undefined || time < first.time) first = { place, time, block };
  }
  if (first === undefined) return undefined;
  const { place, block } = first;
  const one = left.get(place)?.info;
  const other = right.get(place)?.info;
  const from = Math.max(0, block * BLOCK - context);
  const sides = [taskSteps(a, one, ids, from), taskSteps(b, other, ids, from)] as const;
  return { place, a: one, b: other, ...compare(...sides, from, context) };
}

/** The first block in which two sequences differ; undefined if they are the same. */
function differingBlock(
  a: TaskSequence | undefined,
  b: TaskSequence | undefined,
): number | undefined {
  if (a === undefined || b === undefined) return 0;
  if (a.events === b.events && a.hash === b.hash) return undefined;
  const whole = Math.min(a.blocks.length, b.blocks.length);
  for (let i = 0; i < whole; i++) if (a.blocks[i] !== b.blocks[i]) return i;
  return whole;
}

type Steps = Iterator<Step, void>;

function compare(
  one: Steps,
  other: Steps,
  from: number,
  context: number,
): Pick<LogDifference, 'index' | 'before' | 'inA' | 'inB'> {
  const before: Step[] = [];
  for (let index = from; ; index++) {
    const inA = one.next().value ?? undefined;
    const inB = other.next().value ?? undefined;
    if (inA === undefined || inA.compared !== inB?.compared) {
      return { index, before, inA: more(inA, one, context), inB: more(inB, other, context) };
    }
    before.push(inA);
    if (before.length > context) before.shift();
  }
}

/** A step and so many after it. */
function more(first: Step | undefined, rest: Steps, count: number): Step[] {
  const steps: Step[] = [];
  for (let step = first; step !== undefined; step = rest.next().value ?? undefined) {
    steps.push(step);
    if (steps.length > count) break;
  }
  return steps;
}

function* taskSteps(
  log: ReadableLog,
  info: TaskInfo | undefined,
  ids: ReadonlySet<string>,
  from: number,
): Generator<Step, void, undefined> {
  if (info === undefined) return;
  let index = 0;
  for (const step of stepsOf(log, ids)) {
    if (step.info.task === info.task && index++ >= from) yield step;
  }
}
