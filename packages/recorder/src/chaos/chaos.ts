import { monotonicNs, Reg, Sys } from '@scribe-ts/core-native';
import type { Preempter } from '../preempt/preempter.js';
import type { Session } from '../session.js';
import { type Task, TaskState } from '../tasks.js';
import { Chance } from './chance.js';
import { Places } from './places.js';
import { SHORTEST_DELAY, SHORTEST_SLICE, type Temper, temperOf } from './temper.js';

/** A holder that makes calls gives the baton up at the end of one at the latest after so long, ns. */
const TURN_NS = 5_000_000;
/** Instructions after which a task is stopped, at most. */
const MAX_STEPS = 400;
/** Stopping tasks may take this part of the time, and so much at the beginning, ns. */
const SHARE = 0.4;
const FREE_NS = 50_000_000;
/** How often priorities change, ns. */
const SHORTEST_REIGN = 1e6;
const LONGEST_REIGN = 50e6;

/** A task that is kept at a sync point for a while. */
interface Delay {
  readonly task: Task;
  readonly until: number;
}

/**
 * Decides by a seed who runs, for how long, and where it is stopped, so that orders come up that are rare otherwise. What
 * it does are the switches and stops of any recording, so the log replays like any other.
 */
export class Chaos {
  private readonly chance: Chance;
  private readonly temper: Temper;
  private readonly places: Places;
  private readonly delays: Delay[] = [];
  /** Time taken by stopping tasks in user code, ns. */
  private spent = 0;
  private reignEnds = 0;
  /** Set by the TraceLoop. */
  preempter!: Preempter;

  constructor(
    private readonly session: Session,
    seed: number,
  ) {
    this.chance = new Chance(seed);
    this.temper = temperOf(this.chance);
    this.places = new Places(session.tracer, this.chance);
  }

  /** Whether tasks are kept that have to be let go in a while. */
  get isWaiting(): boolean {
    return this.delays.length > 0;
  }

  slice(): number {
    return this.chance.scaled(SHORTEST_SLICE, this.temper.longestSlice);
  }

  /** Which of the tasks that wait for the baton gets it: its index. */
  choose(ready: readonly Task[]): number {
    const { chance } = this;
    if (!this.temper.strict) return chance.below(ready.length);
    this.redraw();
    let best = 0;
    for (let i = 1; i < ready.length; i++) if (ready[i]!.priority > ready[best]!.priority) best = i;
    return best;
  }

  /** Priorities last only for a while, or a task that waits for another one might never get what it waits for. */
  private redraw(): void {
    const { session, chance } = this;
    if (session.now < this.reignEnds) return;
    this.reignEnds = session.now + chance.scaled(SHORTEST_REIGN, LONGEST_REIGN);
    for (const task of session.tasks.values()) task.priority = chance.next();
  }

  /** Whether a task gives way before the call that it is entering. */
  givesWayAtEntry(task: Task): boolean {
    const { temper } = this;
    return task.domain.ready.length > 0 && this.chance.happens(temper.switchesAtEntry);
  }

  /** What comes after a call, under the baton. */
  afterCall(task: Task): void {
    const { session, chance, temper } = this;
    const { domain } = task;
    const others = domain.ready.length > 0;
    const mustYield = task.nr === Sys.sched_yield || session.now - domain.since > TURN_NS;
    if (others && (mustYield || chance.happens(temper.switches))) {
      if (mustYield || chance.happens(0.5)) task.priority = chance.next() / 2;
      session.baton.request(task, this.goOn);
    } else if (session.tasks.size > 1 && chance.happens(temper.delays))
      this.delay(task, session.resumeUser);
    else this.goOn(task);
  }

  /** What comes after a task has been stopped in user code, at what is a sync point now. */
  afterPoint(task: Task): void {
    const { session, chance } = this;
    // Whoever comes to run now should get far before this one goes on.
    task.priority = chance.next() / 4;
    if (task.domain.ready.length > 0) session.baton.request(task, this.leavePoint);
    else if (task.domain.tasks.size > 1) this.delay(task, this.leavePoint);
    else this.leavePoint(task);
  }

  private readonly leavePoint = (task: Task): void => {
    // It may come to the same registers again, with other memory.
    task.exitRegsValid = false;
    this.goOn(task);
  };

  /** Lets a task into user code, perhaps to be stopped there soon. */
  readonly goOn = (task: Task): void => {
    const { session, chance, temper, preempter } = this;
    const mayStop = task.domain.tasks.size > 1 && this.spent < FREE_NS + SHARE * session.now;
    const draw = chance.next();
    if (mayStop && draw < temper.steps) {
      const began = monotonicNs();
      preempter.stopAfter(task, Math.round(chance.scaled(1, MAX_STEPS)));
      this.spent += monotonicNs() - began;
      return;
    }
    if (mayStop && draw < temper.steps + temper.points) {
      const began = monotonicNs();
      session.tracer.getRegs(task.tid);
      const rip = session.regs.address(Reg.rip);
      const places = this.places.choose(task, session.regs).filter((at) => at !== rip);
      if (places.length > 0) preempter.stopAt(task, places);
      this.spent += monotonicNs() - began;
    }
    session.resumeUser(task);
  };

  /** Keeps a task at its sync point; others of its domain may run meanwhile, and those of other domains get ahead. */
  private delay(task: Task, then: (task: Task) => void): void {
    const { session } = this;
    const ns = this.chance.scaled(SHORTEST_DELAY, this.temper.longestDelay);
    task.state = TaskState.Ready;
    task.onBaton = then;
    this.delays.push({ task, until: session.now + ns });
    session.baton.handOn(task);
  }

  /** Lets those go that have been kept for long enough. */
  check(): void {
    const { delays, session } = this;
    for (let i = delays.length - 1; i >= 0; i--) {
      if (delays[i]!.until > session.now) continue;
      const [{ task }] = delays.splice(i, 1) as [Delay];
      this.release(task);
    }
  }

  /** Everything is to stand still: nobody is kept any more. */
  releaseAll(): void {
    for (const { task } of this.delays.splice(0)) this.release(task);
  }

  /** Takes a task that is kept out of that; false if it is not. */
  takeBack(task: Task): boolean {
    const place = this.delays.findIndex((delay) => delay.task === task);
    if (place >= 0) this.delays.splice(place, 1);
    return place >= 0;
  }

  private release(task: Task): void {
    // It may have been killed meanwhile.
    if (task.state === TaskState.Ready && !task.exiting)
      this.session.baton.request(task, task.onBaton);
  }
}
