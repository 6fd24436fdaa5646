import type { CounterBackend } from '@scribe-ts/core-native';
import { isGone } from '../gone.js';
import type { Session } from '../session.js';
import type { Domain, Task } from '../tasks.js';

/**
 * Tells how many branches are behind tasks that are stopped in user code. Only tasks have a counter that have been stopped
 * there before: nearly all never are, and a counter costs something at each switch between tasks.
 */
export class BranchPoints {
  /** The task's domain and what had been added to its stream when the task was let into user code. */
  private readonly left = new Map<Task, { domain: Domain | undefined; additions: number }>();

  constructor(
    private readonly session: Session,
    private readonly backend: CounterBackend,
  ) {}

  /** The task has been stopped in user code, and may be again. */
  watch(task: Task): void {
    if (!this.left.has(task)) this.left.set(task, { domain: undefined, additions: 0 });
  }

  /**
   * The task is being let into user code. Without a frame since it was the last time, it stands where it was stopped. A frame
   * may also tell of the end of another one that was killed: what is counted then is less than a replay counts up to there,
   * which costs that one a search.
   */
  leave(task: Task): void {
    const left = this.left.get(task);
    if (left === undefined) return;
    const additions = this.additionsTo(task);
    if (left.domain === task.domain && left.additions === additions) return;
    left.domain = this.begin(task) ? task.domain : undefined;
    left.additions = additions;
  }

  /** Branches since the last sync point of a task that is stopped away from one; 0 if they have not been counted. */
  since(task: Task): number {
    const left = this.left.get(task);
    // A frame since then is one of a call that the agent has recorded: what the agent did is counted as well.
    const isCounted = left?.domain === task.domain && left.additions === this.additionsTo(task);
    return isCounted ? (this.backend.now(task.tid)?.count ?? 0) : 0;
  }

  /** The task ends, or goes on without a tracer. */
  forget(task: Task): void {
    if (this.left.delete(task)) this.backend.end(task.tid);
  }

  private additionsTo({ domain }: Task): number {
    return this.session.log.additionsTo(domain.stream);
  }

  private begin(task: Task): boolean {
    const { tracer, agent } = this.session;
    // What it does inside the agent is counted as well, and a replay may have no agent.
    if (task.space.agent !== undefined && !tracer.getRegs(task.tid)) return false;
    if (task.space.agent !== undefined && agent!.stops.isInside(task)) return false;
    try {
      return this.backend.begin(task.tid, NO_PLACE);
    } catch (error) {
      // Killed: its end is reported next, and whoever lets it go is busy with another task maybe.
      if (isGone(error)) return false;
      throw error;
    }
  }
}

/** All instructions are alike to who counts branches. */
const NO_PLACE = 0;
