import { EventKind, PtraceEvent, Resume } from '@scribe-ts/core-native';
import type { Session } from './session.js';
import { TaskState } from './tasks.js';

/** How a task was met before anything had told whose child it is. */
export interface Meeting {
  /** InterruptStop, GroupStop: its first stop. Event: the exit event, with no stop before it. Exited: not even that. */
  readonly kind: EventKind.InterruptStop | EventKind.GroupStop | EventKind.Event | EventKind.Exited;
  /** Wait status of its end. */
  readonly status: number;
}

/**
 * Tasks that have stopped, or ended, before the event by which their parent tells of them. A parent that is killed at
 * that point has no such event: see untold-child.ts.
 */
export class EarlyTasks {
  private readonly met = new Map<number, Meeting>();

  constructor(private readonly session: Session) {}

  get tids(): Iterable<number> {
    return this.met.keys();
  }

  has(tid: number): boolean {
    return this.met.has(tid);
  }

  /** Notes what a wait has found of a task that is not known yet; `tracer.event` and `tracer.values` belong to it. */
  meet(tid: number, kind: EventKind): void {
    const { event, values } = this.session.tracer;
    if (kind === EventKind.InterruptStop || kind === EventKind.GroupStop)
      this.met.set(tid, { kind, status: 0 });
    else if (kind === EventKind.Event && event[2] === PtraceEvent.Exit) {
      // It stays there: in the log its end comes after its start.
      this.met.set(tid, { kind, status: values[0]! });
      this.release();
    } else if (kind === EventKind.Exited && (this.met.has(tid) || this.isAwaited()))
      this.met.set(tid, { kind, status: event[3]! });
  }

  /** Its parent has told of it. undefined if it has not been met. */
  take(tid: number): Meeting | undefined {
    const meeting = this.met.get(tid);
    this.met.delete(tid);
    return meeting;
  }

  /** To be called when a task has ended that may have been making another one: what nobody can tell of any more may end. */
  release(): void {
    if (this.met.size === 0 || this.isAwaited()) return;
    for (const [tid, { kind }] of this.met) {
      if (kind === EventKind.InterruptStop || kind === EventKind.GroupStop) continue;
      this.met.delete(tid);
      this.session.tracer.resume(tid, Resume.Cont, 0);
    }
  }

  /** Somebody may still tell of a task. */
  private isAwaited(): boolean {
    for (const task of this.session.tasks.values())
      if (task.onSpawn !== undefined && !task.hasSpawned && task.state !== TaskState.Dead)
        return true;
    return false;
  }
}
