import type { Frame, FrameType } from '@scribe-ts/tracelog';
import type { Engine } from '../engine.js';
import type { EngineHooks } from '../hooks.js';
import type { ReplayLoop } from '../replay-loop.js';
import { At, ReplayDomain, type ReplayTask } from '../tasks.js';
import { queueToRead, queueToWrite } from './model/calls/transfer.js';
import type { KernelModel } from './model/kernel-model.js';
import type { OpenFile } from './model/open-file.js';
import type { Pty } from './model/pty.js';

/** Before these a task stands at a sync point where it can go on by itself. Others belong to what came before them. */
const RESTS: ReadonlySet<FrameType> = new Set<FrameType>([
  'syscall',
  'block',
  'data',
  'connection',
  'output',
  'mapping',
  'exec',
  'trap',
  'preempt',
  'signal',
  'exit',
]);

/**
 * A moment at which all processes of a replay can go live, away from any bookmark: the next sync point of every domain. As
 * domains do not wait for each other in a replay, one may have read what another has yet to write; such ones go on alone
 * until all of them fit together.
 */
export class LiveCut implements EngineHooks {
  /** Every domain rests, and they fit together. */
  reached = false;
  private until = Infinity;
  /** The frame before which each domain rests. */
  private readonly held = new Map<ReplayDomain, Frame>();
  /** Domains that have to go on beyond the moment, and how far. */
  private readonly limits = new Map<ReplayDomain, number>();

  constructor(
    private readonly engine: Engine,
    private readonly loop: ReplayLoop,
  ) {}

  /** Asks for one at this time, ns since the recording began; by default as soon as can be. */
  request(time = this.engine.latestTime): void {
    if (this.until === Infinity) this.until = time;
  }

  get isRequested(): boolean {
    return this.until !== Infinity;
  }

  holds(domain: ReplayDomain, frame: Frame): boolean {
    if (frame.time <= (this.limits.get(domain) ?? this.until)) return false;
    if (!RESTS.has(frame.type) || !canRest(domain, frame)) return false;
    this.held.set(domain, frame);
    return true;
  }

  arrived(): void {
    // Nobody looks.
  }

  applied(): void {
    // Nobody looks.
  }

  released(): boolean {
    if (this.held.size === 0 || this.reached || !this.isEverythingHeld()) return false;
    const behind = this.findBehind();
    if (behind !== undefined) {
      this.limits.set(behind, this.held.get(behind)!.time);
      this.held.delete(behind);
      this.loop.advance(behind);
      return true;
    }
    this.reached = true;
    this.engine.bookmarkTime = this.until;
    for (const domain of this.engine.domains.values()) domain.ended = true;
    return true;
  }

  private isEverythingHeld(): boolean {
    for (const domain of this.engine.domains.values()) {
      if (domain.ended || this.held.has(domain) || this.loop.isOrphan(domain)) continue;
      if (!(domain.waiting instanceof ReplayDomain)) return false;
    }
    return true;
  }

  /** A domain that has not done yet what others have seen of it: of several the one whose next frame is the oldest. */
  private findBehind(): ReplayDomain | undefined {
    let found: ReplayDomain | undefined;
    const offer = (domain: ReplayDomain): void => {
      const frame = this.held.get(domain);
      if (frame === undefined) return;
      if (found === undefined || frame.time < this.held.get(found)!.time) found = domain;
    };
    const { tasks, kernel } = this.engine;
    const { model } = kernel!;
    const awaited = new Set(
      [...model.tasks.values()].flatMap(({ process }) => [...process.reaped]),
    );
    const owed = owedBy(model);
    for (const task of tasks.values()) {
      if (task.at === At.Dead) continue;
      // Whoever knows an id may have put into it what others have taken.
      if (
        awaited.has(task.pid) ||
        model.ipc.isAhead ||
        model.queues.isAhead ||
        this.gives(task, model, owed)
      )
        offer(task.domain);
    }
    return found;
  }

  /** Whether a task has a descriptor through which something may come that has been received already. */
  private gives(task: ReplayTask, model: KernelModel, owed: ReadonlySet<unknown>): boolean {
    if (owed.size === 0) return false;
    for (const { file } of model.tasks.get(task.uid)?.files.all.values() ?? [])
      if (owed.has(file) || owed.has(queueToWrite(file)) || owed.has(ptyOf(file))) return true;
    return false;
  }
}

/** Whether nothing of the domain's tasks is half done. */
function canRest(domain: ReplayDomain, frame: Frame): boolean {
  // A handler belongs to the call that the signal has interrupted.
  if (frame.type === 'signal' && frame.action === 'handler') return false;
  for (const task of domain.tasks) {
    if (task.hasSpawned || task.isTerminating) return false;
    if (task.search !== undefined || task.foundPoint === frame) return false;
    if (task.at !== At.User && task.at !== At.Entry && task.at !== At.Fault) return false;
  }
  return true;
}

/** Queues and eventfds from which more has been taken than was put in. */
function owedBy(model: KernelModel): ReadonlySet<unknown> {
  const owed = new Set<unknown>();
  for (const file of model.openFiles()) {
    const queue = queueToRead(file);
    // What was read from a FIFO may have come from outside.
    if (queue?.isAhead === true && file.what.kind !== 'path') owed.add(queue);
    if (file.what.kind === 'eventfd' && file.what.count < 0n) owed.add(file);
    const pty = ptyOf(file);
    if (pty !== undefined && !owed.has(pty) && pty.settled().isAhead) owed.add(pty);
  }
  return owed;
}

function ptyOf({ what }: OpenFile): Pty | undefined {
  return what.kind === 'pty' ? what.pty : undefined;
}
