import { readFileSync } from 'node:fs';
import { currentCpu, getAffinity, setAffinity } from './system.js';

/** Stops a second above which sharing one CPU pays even for programs that could use more. */
const MANY_STOPS = 8000;
/** Stops a second below which a program that could use more CPUs gets them. */
const FEW_STOPS = 3000;
/** A program that has run for so long since its exec has asked cpuid what it keeps, ns of CPU time. */
const BEGUN_NS = 5e6;
/** With so many it is looked which of them have begun by now, or are gone. */
const MAX_BEGINNING = 256;

/**
 * Where tracer and tracees run. A stop costs a few microseconds when both share a CPU, and many times that when each has
 * to wake the other's: so they share one, unless several tasks compute at the same time and seldom stop.
 *
 * Where cpuid cannot trap it tells a program the number of the CPU that it is on (leaf 1, the initial APIC id), and every
 * dynamic linker keeps that in its memory. So there all programs begin on the same CPU, in a replay on the recording's.
 */
export class CpuPolicy {
  /** CPUs the program was given, and believes it has. */
  readonly allowed: readonly number[];
  /** The CPU they share. */
  readonly home: number;
  /** Tasks that have executed a program of late, if they have to stay at home: what they had run by then, ns. */
  private readonly beginning = new Map<number, number>();
  private together = false;
  private stops = 0;
  private since = 0;

  /**
   * Binds the calling thread, and what it spawns from now on, to one CPU: `home` if it may run there. `isTrapped`: programs
   * are told by the recorder what CPU they run on.
   */
  constructor(
    private readonly isTrapped: boolean,
    home?: number,
  ) {
    this.allowed = getAffinity(0);
    this.home = home !== undefined && this.allowed.includes(home) ? home : currentCpu();
    if (this.allowed.length > 1) {
      setAffinity(0, [this.home]);
      this.together = true;
    }
  }

  /**
   * To be called now and then with the number of stops so far, the number of tasks that run user code at this moment, and
   * the tids of all tasks (asked for only when they are to be moved).
   */
  review(nowNs: number, stops: number, running: number, tids: () => Iterable<number>): void {
    if (this.allowed.length < 2) return;
    const seconds = (nowNs - this.since) / 1e9;
    if (seconds < 0.05) return;
    const rate = (stops - this.stops) / seconds;
    this.stops = stops;
    this.since = nowNs;
    if (this.together && running > 1 && rate < FEW_STOPS) this.move(tids(), this.allowed, false);
    else if (!this.together && (rate > MANY_STOPS || running < 2))
      this.move(tids(), [this.home], true);
    else if (!this.together && this.haveBegun()) this.move(tids(), this.allowed, false);
  }

  /** A stopped task is about to run a new program. */
  begins(tid: number): void {
    if (this.isTrapped || this.allowed.length < 2) return;
    if (!this.together) this.bind(tid, [this.home]);
    if (this.beginning.size >= MAX_BEGINNING) this.haveBegun();
    this.beginning.set(tid, runtimeOf(tid) ?? -BEGUN_NS);
  }

  /** True if there were some that have to stay at home no more. */
  private haveBegun(): boolean {
    const before = this.beginning.size;
    for (const [tid, since] of this.beginning) {
      const runtime = runtimeOf(tid);
      if (runtime === undefined || runtime - since >= BEGUN_NS) this.beginning.delete(tid);
    }
    return this.beginning.size < before;
  }

  /** Gives a task all its CPUs back, for its life without a tracer. */
  release(tid: number): void {
    this.bind(tid, this.allowed);
  }

  private move(tids: Iterable<number>, cpus: readonly number[], together: boolean): void {
    this.together = together;
    if (!together) this.haveBegun();
    for (const tid of tids) if (together || !this.beginning.has(tid)) this.bind(tid, cpus);
  }

  private bind(tid: number, cpus: readonly number[]): void {
    try {
      setAffinity(tid, cpus);
    } catch {
      // The task has just ended, or its cpuset allows something else: it stays where it is.
    }
  }
}

/** How long a task has run, ns (`proc(5)`, schedstat); undefined if it is gone, or the kernel does not tell. */
function runtimeOf(tid: number): number | undefined {
  try {
    return parseInt(readFileSync(`/proc/${tid}/schedstat`, 'latin1'), 10);
  } catch {
    return undefined;
  }
}
