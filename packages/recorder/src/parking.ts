import type { Baton } from './baton.js';
import { type Task, TaskState } from './tasks.js';

/** Where tasks wait at sync points while everything is to stand still (see Freezer). */
export class Parking {
  /** Tasks that come to a sync point are to be parked. */
  active = false;
  private readonly parked: { readonly task: Task; readonly then: (task: Task) => void }[] = [];
  private readonly tasks = new Set<Task>();

  constructor(private readonly baton: Baton) {}

  /** Keeps a task that has just reached a sync point; `then` is how it goes on after the thaw. */
  park(task: Task, then: (task: Task) => void): void {
    const { domain } = task;
    task.state = TaskState.Ready;
    this.parked.push({ task, then });
    this.tasks.add(task);
    if (domain.holder === task) this.baton.handOn(task);
  }

  has(task: Task): boolean {
    return this.tasks.has(task);
  }

  /** Lets everything go on. */
  release(): void {
    this.active = false;
    const parked = this.parked.splice(0);
    this.tasks.clear();
    for (const { task, then } of parked) {
      if (task.state !== TaskState.Ready) continue;
      task.onBaton = then;
      task.domain.ready.push(task);
    }
    for (const { task } of parked) {
      const { domain } = task;
      if (domain.holder === undefined) this.baton.pass(domain);
    }
  }
}
