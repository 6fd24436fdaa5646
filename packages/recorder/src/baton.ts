import type { Frame, StreamId } from '@scribe-ts/tracelog';
import type { Chaos } from './chaos/chaos.js';
import { isGone } from './gone.js';
import { type Domain, type Task, TaskState } from './tasks.js';

/** A task that holds the baton longer than this gives it up at the end of its next call if others wait, ns. */
export const TURN_NS = 5_000_000;

/** Where switches are written. */
interface Journal {
  readonly now: number;
  emit(task: Task, frame: Frame): void;
  endStream(stream: StreamId): void;
}

/** Its end is under way: how far it would come until it is there is no matter of its own. */
function isDoomed(task: Task): boolean {
  return task.group.ending && !task.exiting;
}

/** Who of a domain may run user code, and in which order the others get to. */
export class Baton {
  /** Domains whose holder may have to be stopped in user code: others wait for the baton, or it for a signal. */
  readonly contended = new Set<Domain>();
  /** Chooses who is next; undefined: who came first. */
  chaos: Chaos | undefined;

  constructor(private readonly journal: Journal) {}

  /** Queues a stopped task for its domain's baton; `then` runs when it has it. `force`: even while the holder is in a call that does not wait. */
  request(task: Task, then: (task: Task) => void, force = false): void {
    const { domain } = task;
    task.state = TaskState.Ready;
    task.onBaton = then;
    domain.ready.push(task);
    this.contended.add(domain);
    const { holder } = domain;
    if (holder === task) this.handOn(task);
    else if (holder === undefined) {
      this.pass(domain);
    } else if (holder.state === TaskState.InKernel && (holder.mayYield || force)) this.pass(domain);
  }

  /** The holder stands at a sync point and lets the next one go first. */
  handOn(holder: Task): void {
    const { domain } = holder;
    const { journal } = this;
    // It has run on since its last frame, up to a call that was taken back: replay must have it there as well.
    if (holder.atEntry) {
      journal.emit(holder, {
        type: 'block',
        task: holder.uid,
        time: journal.now,
        nr: holder.nr,
      });
    }
    domain.holder = undefined;
    this.pass(domain);
  }

  /** Gives the baton to a task that waits for it. */
  pass(domain: Domain): void {
    const { ready } = domain;
    const place = this.nextOf(ready);
    const next = ready[place];
    if (next === undefined) return;
    ready.splice(place, 1);
    const { holder } = domain;
    if (holder !== undefined && holder.state === TaskState.InKernel && !holder.blocked) {
      // Replay must know that this call came before what the next task does.
      this.block(holder);
    }
    domain.holder = next;
    domain.since = this.journal.now;
    if (next.state !== TaskState.Ready)
      throw new Error(`task ${next.uid} waits for the baton in state ${next.state}`);
    if (domain.ready.length > 0) this.contended.add(domain);
    next.state = TaskState.InKernel;
    try {
      next.onBaton(next);
    } catch (error) {
      // It keeps the baton up to its end, which comes next. Whoever has given it away goes on with what it is doing.
      if (!isGone(error)) throw error;
    }
  }

  /** Whose turn it is: a place in `ready`, or none. */
  private nextOf(ready: readonly Task[]): number {
    const { chaos } = this;
    if (chaos === undefined) return ready.findIndex((task) => !isDoomed(task));
    const alive = ready.filter((task) => !isDoomed(task));
    if (alive.length === 0) return -1;
    const next = alive[chaos.choose(alive)]!;
    next.sliceNs = chaos.slice();
    return ready.indexOf(next);
  }

  /** The task is asleep in a call: whatever comes next in its domain comes before that call's end. */
  giveWay(task: Task): void {
    const { domain } = task;
    if (!task.blocked) this.block(task);
    if (domain.holder === task) domain.holder = undefined;
  }

  /** Says in the log that the task is in its call, and others come before the call's end. */
  private block(task: Task): void {
    const { journal } = this;
    task.blocked = true;
    journal.emit(task, { type: 'block', task: task.uid, time: journal.now, nr: task.nr });
  }

  /** A task leaves its domain (exec, end). */
  leave(task: Task): void {
    const { domain } = task;
    domain.tasks.delete(task);
    const waiting = domain.ready.indexOf(task);
    if (waiting >= 0) domain.ready.splice(waiting, 1);
    if (domain.tasks.size === 0) {
      this.contended.delete(domain);
      domain.holder = undefined;
      this.journal.endStream(domain.stream);
    } else if (domain.holder === task) {
      domain.holder = undefined;
      this.pass(domain);
    }
  }
}
