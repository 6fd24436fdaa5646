import { currentCpu, getAffinity, monotonicNs, setAffinity } from './system.js';

/** Stops a second above which sharing one CPU pays even for programs that could use more. */
const MANY_STOPS = 8000;
/** Stops a second below which a program that could use more CPUs gets them. */
const FEW_STOPS = 3000;

/** A task, as far as this is about where it runs. */
interface Placed {
  readonly tid: number;
  /** Its address space: whether all who run in it are kept at home. */
  readonly space: { isAtHome: boolean };
}

/**
 * Where tracer and tracees run. A stop costs a few microseconds when both share a CPU, and many times that when each has
 * to wake the other's: so they share one, unless several tasks compute at the same time and seldom stop.
 */
export class CpuPolicy {
  /** CPUs the program was given, and believes it has. */
  readonly allowed: readonly number[];
  /** The CPU they share. */
  readonly home: number;
  /** The program's CPUs without that. */
  readonly others: readonly number[];
  /** How often all tasks have been moved. */
  moves = 0;
  private together = false;
  private stops = 0;
  private since = monotonicNs();

  /**
   * Binds the calling thread, and what it spawns from now on, to one CPU: to `home`, if there is such a one, even where the
   * thread was told to run on others.
   */
  constructor(home?: number) {
    this.allowed = getAffinity(0);
    if (home !== undefined && this.bind(0, [home])) this.home = home;
    else {
      this.home = currentCpu();
      if (this.allowed.length > 1) this.bind(0, [this.home]);
    }
    this.others = this.allowed.filter((cpu) => cpu !== this.home);
    this.together = true;
  }

  /** Whether all share one CPU now, and there are others. */
  get isShared(): boolean {
    return this.together && this.others.length > 0;
  }

  /**
   * To be called now and then with the number of stops so far, the number of tasks that run user code at this moment, and
   * all tasks.
   */
  review(nowNs: number, stops: number, running: number, tasks: Iterable<Placed>): void {
    if (this.allowed.length < 2) return;
    const seconds = (nowNs - this.since) / 1e9;
    if (seconds < 0.05) return;
    const rate = (stops - this.stops) / seconds;
    this.stops = stops;
    this.since = nowNs;
    if (this.together && running > 1 && rate < FEW_STOPS) this.move(tasks, this.allowed, false);
    else if (!this.together && (rate > MANY_STOPS || running < 2))
      this.move(tasks, [this.home], true);
  }

  /** Binds those of `tasks` that run in an address space to `home` for good, if they are not yet. */
  keepHome(space: Placed['space'], tasks: Iterable<Placed>): void {
    if (space.isAtHome) return;
    space.isAtHome = true;
    if (this.allowed.length < 2) return;
    for (const task of tasks) if (task.space === space) this.bind(task.tid, [this.home]);
  }

  /** Has a task run on the other CPUs. */
  sendAway(tid: number): void {
    this.bind(tid, this.others);
  }

  /** Has a task run where all do, unless they run everywhere. */
  bringHome(tid: number): void {
    this.bind(tid, this.together ? [this.home] : this.allowed);
  }

  /** Gives a task all its CPUs back, for its life without a tracer. */
  release(tid: number): void {
    this.bind(tid, this.allowed);
  }

  private move(tasks: Iterable<Placed>, cpus: readonly number[], together: boolean): void {
    this.together = together;
    this.moves++;
    for (const { tid, space } of tasks) if (!space.isAtHome) this.bind(tid, cpus);
  }

  /** False if the task has just ended, or its cpuset allows something else: it stays where it is. */
  private bind(tid: number, cpus: readonly number[]): boolean {
    try {
      setAffinity(tid, cpus);
      return true;
    } catch {
      return false;
    }
  }
}
