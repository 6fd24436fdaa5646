import { taskNumber } from '../format/common.js';
import { taskTitle } from '../export/names.js';
import type { TaskInfo } from '../events/task-info.js';
import type { LogDifference } from './diff-logs.js';
import type { Step } from './task-sequences.js';

/** The difference as a unified diff has it. `nameA` and `nameB` are the logs' names. */
export function differenceLines(
  { a, b, index, before, inA, inB }: LogDifference,
  nameA: string,
  nameB: string,
): string[] {
  const lines = (sign: string, info: TaskInfo | undefined, steps: readonly Step[]): string[] =>
    info === undefined ? [] : steps.map(({ text }) => `${sign}[${taskNumber(info.task)}] ${text}`);
  const title = (info: TaskInfo | undefined): string =>
    info === undefined ? 'no such task' : taskTitle(info);
  const removed = lines('-', a, inA);
  const added = lines('+', b, inB);
  return [
    `--- ${nameA} ${title(a)}`,
    `+++ ${nameB} ${title(b)}`,
    `@@ event ${index} @@`,
    ...lines(' ', a, before),
    ...(removed.length === 0 && a !== undefined ? ['-(it has ended)'] : removed),
    ...(added.length === 0 && b !== undefined ? ['+(it has ended)'] : added),
  ];
}
