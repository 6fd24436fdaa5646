import type { TaskFacts } from '../src/model/facts.js';

/** A row of the timeline. */
export interface TaskRow {
  readonly task: TaskFacts;
  readonly depth: number;
  /** Number of rows that hang on this one, shown or folded away. */
  readonly below: number;
  readonly folded: boolean;
  /** A thread that is not the first of its process. */
  readonly thread: boolean;
}

/** The tasks as a tree: processes below those that started them, threads below the first of their process. */
export function processRows(
  tasks: readonly TaskFacts[],
  folded: ReadonlySet<number>,
  wanted: (task: TaskFacts) => boolean = () => true,
): readonly TaskRow[] {
  const byUid = new Map(tasks.map((task) => [task.uid, task]));
  const children = new Map<number, TaskFacts[]>();
  const roots: TaskFacts[] = [];
  for (const task of tasks) {
    const parent = byUid.get(leaderOf(task, byUid)?.uid ?? task.parent);
    if (parent === undefined || parent === task) roots.push(task);
    else {
      const list = children.get(parent.uid);
      if (list === undefined) children.set(parent.uid, [task]);
      else list.push(task);
    }
  }
  const below = new Map<number, number>();
  const size = (task: TaskFacts): number => {
    let sum = 0;
    for (const child of children.get(task.uid) ?? []) sum += 1 + size(child);
    below.set(task.uid, sum);
    return sum;
  };
  for (const root of roots) size(root);
  const rows: TaskRow[] = [];
  const add = (task: TaskFacts, depth: number): void => {
    const closed = folded.has(task.uid);
    if (wanted(task)) {
      rows.push({
        task,
        depth,
        below: below.get(task.uid) ?? 0,
        folded: closed,
        thread: task.tid !== task.pid,
      });
    }
    if (closed) return;
    const list = children.get(task.uid) ?? [];
    // Threads first: they belong to the process itself.
    for (const child of list) if (child.pid === task.pid) add(child, depth + 1);
    for (const child of list) if (child.pid !== task.pid) add(child, depth + 1);
  };
  for (const root of roots) add(root, 0);
  return rows;
}

/** The first task of a thread's process, found upwards; undefined if the task is it. */
function leaderOf(task: TaskFacts, byUid: ReadonlyMap<number, TaskFacts>): TaskFacts | undefined {
  let leader: TaskFacts | undefined;
  for (
    let up = byUid.get(task.parent);
    up !== undefined && up.pid === task.pid && up.uid < task.uid;
    up = byUid.get(up.parent)
  ) {
    leader = up;
  }
  return leader;
}
