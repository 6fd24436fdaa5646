import type { CpuPolicy } from '@scribe-ts/core-native';
import { type Domain, type Task, TaskState } from './tasks.js';

/** Who has run for this long without a stop computes, ns. */
const LONG_NS = 500_000;
/** Such tasks are looked for no more often than this, ns. */
const LOOK_NS = 250_000;
const LOOK_MS = 1;
/** Who was asleep then, in a call that its agent makes, is not asked again for this long, ns. */
const ASLEEP_NS = 5_000_000;

/**
 * Sends tasks to other CPUs that compute while others want the one that all share with the tracer (`CpuPolicy`). Each is
 * back as soon as it stops: the next stop is likely to come soon, and wakes no other CPU then.
 */
export class Spread {
  private lookedNs = 0;
  /** Somebody has stopped since then. */
  private hasNews = false;
  /** There were tasks then that may run at the same time. */
  private hasDomains = false;
  /** Several wanted the CPU that all share, and one of them may leave it. */
  private isCrowded = false;

  /** `stateOf`: as /proc shows it. */
  constructor(
    private readonly cpus: CpuPolicy,
    private readonly tasks: ReadonlyMap<number, Task>,
    private readonly stateOf: (tid: number) => string,
  ) {}

  /** How long to wait for a stop before `look`, ms; -1: for ever. */
  get waitMs(): number {
    const isDue = this.isCrowded || (this.hasNews && this.hasDomains);
    return isDue && this.cpus.isShared ? LOOK_MS : -1;
  }

  /** For each stop of a task, before it is let go. */
  stopped({ tid, placement, space }: Task): void {
    placement.hasStopped = true;
    this.hasNews = true;
    if (!placement.isAway) return;
    placement.isAway = false;
    if (!space.isAtHome) this.cpus.bringHome(tid);
  }

  /** To be called after each wait. */
  look(nowNs: number): void {
    const { cpus } = this;
    if (!cpus.isShared || nowNs - this.lookedNs < LOOK_NS) return;
    this.lookedNs = nowNs;
    this.hasNews = false;
    this.hasDomains = false;
    let domain: Domain | undefined;
    let atHome = 0;
    let away = 0;
    let mayGo = false;
    let longest: Task | undefined;
    for (const task of this.tasks.values()) {
      const { placement } = task;
      domain ??= task.domain;
      if (task.domain !== domain) this.hasDomains = true;
      if (task.state !== TaskState.Running || this.isAsleep(task, nowNs)) continue;
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

  /** Whether a task sleeps that has been let go. */
  private isAsleep({ tid, placement }: Task, nowNs: number): boolean {
    if (placement.hasStopped) {
      placement.hasStopped = false;
      placement.isAsleep = false;
      placement.sinceNs = nowNs;
    } else if (nowNs - placement.sinceNs >= (placement.isAsleep ? ASLEEP_NS : LONG_NS)) {
      placement.isAsleep = this.stateOf(tid) !== 'R';
      if (placement.isAsleep) placement.sinceNs = nowNs;
    }
    return placement.isAsleep;
  }
}
