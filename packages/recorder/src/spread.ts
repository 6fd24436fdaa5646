import type { CpuPolicy } from '@scribe-ts/core-native';
import { type Task, TaskState } from './tasks.js';

/** Who has run for this long without a stop computes, ns. */
const LONG_NS = 500_000;
/** Such tasks are looked for no more often than this, ns. */
const LOOK_NS = 250_000;
/** The same for each task, so that looking costs little where there are very many, ns. */
const LOOK_AT_ONE_NS = 2_500;
const LOOK_MS = 1;
/** Whether a task is asleep, in a call that its agent makes, is asked no more often than this, ns. */
const ASK_NS = 5_000_000;

/**
 * Sends tasks to other CPUs that compute while others want the one that all share with the tracer (`CpuPolicy`). Each is
 * back as soon as it stops: the next stop is likely to come soon, and wakes no other CPU then.
 */
export class Spread {
  private lookedNs = 0;
  /** Several wanted the CPU that all share, and one of them may leave it. */
  private isCrowded = false;
  /** `cpus.moves` when it was looked last. */
  private moves = 0;

  /** `stateOf`: as /proc shows it. */
  constructor(
    private readonly cpus: CpuPolicy,
    private readonly tasks: ReadonlyMap<number, Task>,
    private readonly stateOf: (tid: number) => string,
  ) {}

  /** How long to wait for a stop before `look`, ms; -1: for ever. */
  get waitMs(): number {
    return this.isCrowded && this.cpus.isShared ? LOOK_MS : -1;
  }

  /** For each stop of a task, before it is let go. */
  stopped({ tid, placement, space }: Task): void {
    placement.hasStopped = true;
    if (!placement.isAway) return;
    placement.isAway = false;
    if (!space.isAtHome) this.cpus.bringHome(tid);
  }

  /** To be called after each wait. */
  look(nowNs: number): void {
    const { cpus, tasks } = this;
    const gapNs = Math.max(LOOK_NS, tasks.size * LOOK_AT_ONE_NS);
    if (!cpus.isShared || nowNs - this.lookedNs < gapNs) return;
    this.lookedNs = nowNs;
    if (this.moves !== cpus.moves) this.forgetAway();
    let atHome = 0;
    let away = 0;
    let mayGo = false;
    let longest: Task | undefined;
    for (const task of tasks.values()) {
      const { placement } = task;
      if (task.state !== TaskState.Running) continue;
      this.note(task, nowNs);
      if (placement.isAsleep) continue;
      if (placement.isAway) {
        away++;
        continue;
      }
      atHome++;
      if (task.space.isAtHome) continue;
      mayGo = true;
      const { sinceNs } = placement;
      if (nowNs - sinceNs >= LONG_NS && sinceNs < (longest?.placement.sinceNs ?? Infinity))
        longest = task;
    }
    this.isCrowded = mayGo && away < (atHome - 1) * cpus.others.length;
    if (!this.isCrowded || longest === undefined) return;
    longest.placement.isAway = true;
    cpus.sendAway(longest.tid);
  }

  /** All have been moved since somebody was sent. */
  private forgetAway(): void {
    this.moves = this.cpus.moves;
    for (const { placement } of this.tasks.values()) placement.isAway = false;
  }

  /** Notes since when a task runs that has been let go, and now and then whether it sleeps. */
  private note({ tid, placement }: Task, nowNs: number): void {
    if (placement.hasStopped) {
      placement.hasStopped = false;
      placement.isAsleep = false;
      placement.sinceNs = nowNs;
      placement.askNs = nowNs + LONG_NS;
    } else if (nowNs >= placement.askNs) {
      placement.isAsleep = this.stateOf(tid) !== 'R';
      placement.askNs = nowNs + ASK_NS;
    }
  }
}
