import type { EventKind } from '@scribe-ts/core-native';
import type { PreemptFrame } from '@scribe-ts/tracelog';
import type { Engine } from '../engine.js';
import { At, type ReplayTask } from '../tasks.js';
import { CounterSearch } from './counter-search.js';
import { CountedSearch } from './counted-search.js';
import { PointSearch } from './point-search.js';

/** True if the task stands at the frame's point; false if it is on its way there. */
export function applyPreempt(engine: Engine, task: ReplayTask, frame: PreemptFrame): boolean {
  if (task.foundPoint === frame) return true;
  if (task.at === At.Running) return engine.wait(task);
  if (task.at !== At.User)
    throw engine.internal(task, `frame preempt for a task that is ${At[task.at]}`);
  // The point is compared with code as it was, and may be patched itself.
  engine.agent?.unpatch(task);
  const search = makeSearch(engine, task, frame);
  if (search.begin()) return true;
  task.search = search;
  return engine.go(task);
}

function makeSearch(
  engine: Engine,
  task: ReplayTask,
  frame: PreemptFrame,
): CounterSearch | CountedSearch | PointSearch {
  switch (frame.counter) {
    case 'none':
      return new PointSearch(engine, task, frame);
    case 'rounds':
      return new CounterSearch(engine, task, frame, engine.rounds);
    case 'branches':
      return CountedSearch.make(engine, task, frame) ?? new PointSearch(engine, task, frame);
  }
}

/** Handles a stop of a task whose point is being looked for. True if it stands there now. */
export function searchOn(task: ReplayTask, kind: EventKind): boolean {
  if (task.search!.stopped(kind) !== true) return false;
  task.search = undefined;
  task.foundPoint = task.domain.cursor.peek();
  task.at = At.User;
  return true;
}
