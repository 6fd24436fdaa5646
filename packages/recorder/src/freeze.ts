import { EventKind, monotonicNs, readTaskFile, Sys, waitThrough } from '@scribe-ts/core-native';
import type { Session } from './session.js';
import { type Task, TaskState } from './tasks.js';

/** How long everything waits for a task that computes to come to a sync point, ns. */
const PATIENCE_NS = 5e9;
const MSG_WAITALL = 0x100;

/** What a freeze is for. */
export interface Frozen {
  /** Looks at the state; again if a task turns out to have moved meanwhile. */
  describe(): void;
  /** Writes what was described. */
  emit(): void;
  /** It took too long: the reason. */
  giveUp(reason: string): void;
}

/**
 * Brings every task to a sync point and keeps it there: nothing is in flight then, so the state of all domains together
 * is one that the log describes. Tasks asleep in a call stay there: an interrupted call could fail with EINTR, come back
 * with half its work done, or begin its timeout anew.
 */
export class Freezer {
  private frozen: Frozen | undefined;
  private checking = false;
  private sinceNs = 0;

  constructor(private readonly session: Session) {}

  /** Freezes, has the state described, and thaws. One at a time: throws if one is under way. */
  freeze(frozen: Frozen): void {
    if (this.session.parking.active) throw new Error('a freeze is already under way');
    this.session.parking.active = true;
    this.frozen = frozen;
    this.sinceNs = monotonicNs();
    this.session.agent?.recall();
    this.session.chaos?.releaseAll();
    for (const task of this.session.tasks.values()) {
      // What an interrupt does to the call is hidden (signals.ts).
      if (task.state === TaskState.InKernel && !maySleep(task))
        this.session.tracer.interruptTask(task.tid);
      else if (task.state === TaskState.Running) this.session.baton.contended.add(task.domain);
    }
    this.check();
  }

  /** Called after every stop while active: is everything still? */
  check(): void {
    if (this.checking) return;
    this.checking = true;
    try {
      while (this.frozen !== undefined && this.isComplete() && !this.complete(this.frozen)) {
        // Something moved meanwhile: look again, unless it was the last of all that ended, and no stop will ever come.
        if (this.session.tasks.size === 0) this.frozen = undefined;
      }
    } finally {
      this.checking = false;
    }
  }

  /** Called now and then while active. */
  tick(): void {
    const { frozen } = this;
    if (frozen === undefined || monotonicNs() - this.sinceNs < PATIENCE_NS) return;
    this.giveUp('a task computes without making a system call');
    this.session.parking.release();
  }

  /** Says that a freeze under way will not be complete. Parked tasks stay where they are. */
  giveUp(reason: string): void {
    const { frozen } = this;
    this.frozen = undefined;
    frozen?.giveUp(reason);
  }

  /** Every task is at a sync point, or in a call in which it may sleep. */
  private isComplete(): boolean {
    const { session } = this;
    for (const task of session.tasks.values()) {
      if (session.parking.has(task) || isOut(task)) continue;
      if (task.state !== TaskState.InKernel || !maySleep(task)) return false;
    }
    return true;
  }

  /** Describes the state. False if a task was on the move: the description would be wrong. */
  private complete(frozen: Frozen): boolean {
    const { session } = this;
    const before = this.sleepers();
    if (before !== undefined) frozen.describe();
    const after = before === undefined ? undefined : this.sleepers();
    const moved = before === undefined || !sameMarks(before, after);
    // A task that has come out of its call has stored what the log does not say yet.
    const kind = waitThrough(session.tracer, moved ? 1 : 0);
    if (kind !== EventKind.None) {
      session.stops.dispatch(kind);
      return false;
    }
    if (moved) {
      this.tick();
      return false;
    }
    this.frozen = undefined;
    for (const task of before.keys()) this.session.baton.giveWay(task);
    frozen.emit();
    this.session.parking.release();
    return true;
  }

  /** Tasks asleep in calls, with a mark that changes when one runs. Undefined if one runs right now. */
  private sleepers(): Map<Task, string> | undefined {
    const { session } = this;
    const marks = new Map<Task, string>();
    for (const task of session.tasks.values()) {
      if (session.parking.has(task) || isOut(task)) continue;
      const mark = sleepMark(task);
      if (mark === undefined) return undefined;
      marks.set(task, mark);
    }
    return marks;
  }
}

/** No state of it is to be described: in group-stop, or on its way out. */
function isOut(task: Task): boolean {
  return task.state === TaskState.Stopped || task.state === TaskState.Dead || task.exiting;
}

/** True if the task may be asleep in its call with nothing of the call's results stored yet. */
function maySleep(task: Task): boolean {
  // A vfork parent sleeps until its child goes on, which is frozen.
  if (task.onSpawn !== undefined) return task.mayYield;
  if (!task.mayYield) return false;
  switch (task.nr) {
    case Sys.recvfrom:
      return (Number(task.args[3]) & MSG_WAITALL) === 0;
    case Sys.recvmsg:
      return (Number(task.args[2]) & MSG_WAITALL) === 0;
    case Sys.recvmmsg:
    case Sys.io_getevents:
    case Sys.io_pgetevents:
      return false;
    default:
      return true;
  }
}

/** Changes whenever the task runs; undefined if it runs right now, or waits for a disk in the middle of its call. */
function sleepMark(task: Task): string | undefined {
  const status = readTaskFile(task.tid, 'status');
  if (status === undefined) return undefined;
  const state = /^State:\t(.)/m.exec(status)?.[1];
  const asleep = state === 'S' || state === 't' || (state === 'D' && task.onSpawn !== undefined);
  return asleep ? status.slice(status.indexOf('voluntary_ctxt_switches')) : undefined;
}

function sameMarks(
  before: ReadonlyMap<Task, string>,
  after: ReadonlyMap<Task, string> | undefined,
): boolean {
  if (after === undefined || after.size !== before.size) return false;
  for (const [task, mark] of before) if (after.get(task) !== mark) return false;
  return true;
}
