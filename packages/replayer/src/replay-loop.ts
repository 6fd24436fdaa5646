import {
  EventKind,
  PtraceEvent,
  Resume,
  Signal,
  stateOf,
  SYS_USER_DISPATCH,
} from '@scribe-ts/core-native';
import type { Frame, StreamId, TaskUid } from '@scribe-ts/tracelog';
import { applySyscall, checkBlocked } from './apply-syscall.js';
import { applySignal, applyTrap } from './apply-signal.js';
import { checkState } from './check-state.js';
import { Mismatch } from './divergence.js';
import type { Engine } from './engine.js';
import { buildImage } from './image.js';
import { replayExit, replaySpawn, startStub } from './syscalls/process.js';
import { applyPreempt, searchOn } from './preempt/apply-preempt.js';
import { At, ReplayDomain, ReplaySpace, ReplayTask } from './tasks.js';
import { isFault } from './words.js';

const FIRST_TASK: TaskUid = 2;
/** How long a check that was asked for looks. */
const CHECK_NS = 1e9;

/**
 * Follows every stream by itself: the task its next frame names runs to its next sync point, what it does there is
 * compared with the frame, and the frame is applied.
 */
export class ReplayLoop {
  /** Stops so far. */
  private progress = 0;
  private lastProgress = -1;
  private lastProgressNs = 0;
  /** What a check that was asked for begins with. */
  private check: { readonly progress: number; readonly dueNs: number } | undefined;
  private rootPid = 0;

  /** `aborted` is asked now and then; `onFrame` is told of every frame once it has been applied. */
  constructor(
    private readonly engine: Engine,
    private readonly aborted: () => boolean,
    private readonly onFrame: ((frame: Frame) => void) | undefined,
    private readonly onCheck: (stops: number) => void,
  ) {}

  /** Looks for a second whether the replay gets on, and reports it as stuck if not. */
  beginCheck(): void {
    this.check ??= { progress: this.progress, dueNs: Infinity };
  }

  /** Starts the first task: the stub, stopped at its exec. */
  start(stdio: readonly [number, number, number]): void {
    const { engine } = this;
    const tid = engine.live?.start(stdio) ?? startStub(engine.tracer, stdio);
    engine.rootTid = tid;
    const domain = engine.domain(1);
    const task = engine.newTask(FIRST_TASK, tid, domain, new ReplaySpace(engine.nextSpace++));
    task.at = At.Stub;
    engine.addTask(task);
    this.advance(domain);
  }

  /** Replays until the log ends, or the bookmark is reached. Throws Mismatch. */
  run(): void {
    const { engine } = this;
    while (!this.isDone()) {
      if (engine.hooks?.released() === true) continue;
      const kind = engine.tracer.wait(-1);
      this.progress++;
      if (kind === EventKind.None) this.tick();
      else if (kind === EventKind.NoTracees) this.reportLost();
      else this.dispatch(kind);
    }
  }

  private isDone(): boolean {
    const { engine } = this;
    for (const domain of engine.domains.values()) {
      if (!domain.ended && !this.isOrphan(domain)) return false;
    }
    return true;
  }

  /** True if the domain waits for one whose tasks were never made, as the log breaks off before that. */
  isOrphan(domain: ReplayDomain): boolean {
    const { engine } = this;
    const { waiting } = domain;
    if (waiting instanceof ReplayDomain) return !waiting.ended && this.isOrphan(waiting);
    return domain.tasks.size === 0 && !engine.freshDomains.includes(domain);
  }

  /** Runs ten times a second: somebody may want the replay to end, or it may be stuck. */
  private tick(): void {
    const { engine } = this;
    if (this.aborted()) throw new DOMException('the replay was aborted', 'AbortError');
    const now = engine.tracer.values[1]!;
    let running = 0;
    for (const task of engine.byTid.values()) {
      if (task.at === At.Running) {
        running++;
        if (engine.agent?.hasAdvanced(task) === true) this.progress++;
      }
      task.search?.checkTime(now);
    }
    engine.cpus.review(now, engine.tracer.values[2]!, running, engine.byTid.values());
    const { deadlockSeconds } = engine.options;
    // This tick itself is no progress.
    this.progress--;
    this.endCheck(now);
    if (this.progress !== this.lastProgress) {
      this.lastProgress = this.progress;
      this.lastProgressNs = now;
    } else if (deadlockSeconds !== undefined && now - this.lastProgressNs > deadlockSeconds * 1e9)
      this.reportStuck();
  }

  private endCheck(nowNs: number): void {
    const { check } = this;
    if (check === undefined) return;
    if (check.dueNs === Infinity) this.check = { progress: this.progress, dueNs: nowNs + CHECK_NS };
    else if (nowNs >= check.dueNs) {
      this.check = undefined;
      const stops = this.progress - check.progress;
      if (stops === 0 && !this.isComputing()) this.reportStuck();
      this.onCheck(stops);
    }
  }

  /** Whether a task that has been let go is on a CPU, or wants one. */
  private isComputing(): boolean {
    for (const { at, tid } of this.engine.byTid.values())
      if (at === At.Running && stateOf(tid) === 'R') return true;
    return false;
  }

  /** Every process is gone, but the log has more to say. */
  private reportLost(): never {
    const { engine } = this;
    for (const domain of engine.domains.values()) {
      const frame = domain.ended ? undefined : domain.cursor.peek();
      const task = frame === undefined ? undefined : engine.tasks.get(frame.task);
      if (frame !== undefined && task !== undefined) {
        throw engine.mismatch('exit', task, frame, 'every process has ended', 'go on');
      }
    }
    throw new Error('every process has ended, but the log has not');
  }

  private reportStuck(): void {
    const { engine } = this;
    for (const domain of engine.domains.values()) {
      if (domain.ended || !(domain.waiting instanceof ReplayTask)) continue;
      engine.agent?.pass(domain.waiting);
      const frame = domain.cursor.peek();
      throw new Mismatch(
        'stuck',
        domain.waiting,
        frame,
        'made no progress',
        'reach the next frame',
      );
    }
  }

  /** Handles the stop that the tracer has found. */
  dispatch(stop: EventKind): void {
    const { engine } = this;
    const { event } = engine.tracer;
    const tid = event[0]!;
    const task = engine.byTid.get(tid);
    const kind = task?.dispatching === true && this.isDispatch(stop) ? EventKind.Syscall : stop;
    if (kind === EventKind.Exited) {
      engine.byTid.delete(tid);
      if (task !== undefined && task.at !== At.Dead && task.at !== At.Exec)
        throw this.unexpectedEnd(task, event[3]!);
      return;
    }
    if (task === undefined) {
      if (kind === EventKind.InterruptStop) engine.earlyChildren.add(tid);
      return;
    }
    const isSearching = task.search !== undefined;
    if (isSearching && kind !== EventKind.Event) {
      if (!searchOn(task, kind)) return;
    } else if (kind === EventKind.Syscall) {
      task.at = engine.agent?.arrived(task) ?? At.Entry;
    } else if (kind === EventKind.Signal) {
      const signo = event[2]!;
      if (task.at === At.Dead || !isFault(signo) || !this.isOwnFault(signo)) {
        // Nothing that comes from outside reaches a replayed program.
        const isEnd = task.at === At.Dead && signo === task.endsBy;
        engine.tracer.resume(tid, engine.resumeKind(task), isEnd ? signo : 0);
        return;
      }
      task.at = engine.agent?.faulted(task) ?? At.Fault;
      if (task.at === At.Running) return;
      task.signo = signo;
    } else if (kind === EventKind.Event && event[2] === PtraceEvent.Exec) {
      this.rebind(task, engine.tracer.values[0]!);
      return;
    } else if (kind === EventKind.Event && event[2] === PtraceEvent.Exit && this.isKilled(task)) {
      // Its memory is still there, which is not so when it has ended.
      throw this.unexpectedEnd(task, engine.tracer.values[0]!);
    } else {
      // Exit events, stops by job control: none of them is the program's.
      if (task.at === At.Dead || kind === EventKind.Event)
        engine.tracer.resume(tid, Resume.Cont, 0);
      else engine.tracer.resume(tid, engine.resumeKind(task), 0);
      return;
    }
    this.advance(task.domain);
  }

  /** Whether a stop is a call's that Syscall User Dispatch has kept from being made. */
  private isDispatch(kind: EventKind): boolean {
    const { event, values } = this.engine.tracer;
    const isSys = kind === EventKind.Signal && event[2] === Signal.SIGSYS;
    return isSys && values[0] === SYS_USER_DISPATCH;
  }

  private isOwnFault(signo: number): boolean {
    return this.engine.tracer.values[0]! > 0 && signo !== Signal.SIGCHLD;
  }

  /** Whether a task at its exit event was ended by somebody else: the replay ends tasks itself, and so does exec. */
  private isKilled(task: ReplayTask): boolean {
    const { engine } = this;
    if (task.at === At.Dead || task.at === At.Exec) return false;
    for (const other of engine.byTid.values())
      if (other.at === At.Exec && other.pid === task.pid) return false;
    return true;
  }

  private unexpectedEnd(task: ReplayTask, status: number): Mismatch {
    this.engine.agent?.pass(task);
    const frame = task.domain.cursor.peek();
    return new Mismatch('exit', task, frame, `ended with wait status ${status}`, 'go on');
  }

  private rebind(leader: ReplayTask, formerTid: number): void {
    const { engine } = this;
    const task = engine.byTid.get(formerTid) ?? leader;
    if (task !== leader) {
      engine.byTid.delete(formerTid);
      if (leader.at !== At.Dead) engine.retire(leader);
      task.tid = leader.tid;
      task.ownTid = leader.ownTid;
      engine.byTid.set(task.tid, task);
    }
    task.at = At.Stub;
    this.advance(task.domain);
  }

  // Frames

  /** Applies frames of a domain until it has to wait for a task, or for another domain. */
  advance(domain: ReplayDomain): void {
    const { engine } = this;
    domain.waiting = undefined;
    for (;;) {
      const frame = domain.cursor.peek();
      if (frame === undefined) {
        domain.ended = true;
        this.endStream(domain);
        break;
      }
      const task = engine.tasks.get(frame.task);
      if (task === undefined) {
        throw new Error(
          `the log's stream ${domain.stream} names the task ${frame.task}, which was never made`,
        );
      }
      if (engine.hooks?.holds(domain, frame) === true) break;
      if (!this.apply(domain, task, frame)) break;
      if (frame.time > engine.latestTime) engine.latestTime = frame.time;
      this.onFrame?.(frame);
      engine.onFrames?.(1);
      task.history.push(frame);
      engine.hooks?.applied(domain, task, frame);
      domain.cursor.next();
      if (domain.ended) break;
    }
    for (
      let fresh = engine.freshDomains.pop();
      fresh !== undefined;
      fresh = engine.freshDomains.pop()
    ) {
      if (fresh !== domain && fresh.waiting === undefined && !fresh.ended) this.advance(fresh);
    }
  }

  private endStream(domain: ReplayDomain): void {
    const { engine } = this;
    for (const other of engine.domains.values()) {
      if (other.waiting === domain) this.advance(other);
    }
  }

  /** True if the frame has been applied; false if its task has been let go towards its next sync point. */
  private apply(domain: ReplayDomain, task: ReplayTask, frame: Frame): boolean {
    const { engine } = this;
    switch (frame.type) {
      case 'syscall':
        return engine.reachEntry(task, frame) && applySyscall(engine, task, frame);
      case 'block':
        if (!engine.reachEntry(task, frame)) return false;
        engine.checkNumber(task, frame, frame.nr);
        checkBlocked(engine, task, frame.nr);
        return true;
      case 'data':
        // The agent compares it with the call that follows.
        if (task.at === At.User && engine.agent?.takes(task, frame) === true)
          return engine.go(task);
        if (task.at === At.Running) return engine.wait(task);
        task.details.data.push(frame);
        return true;
      case 'output':
        task.details.output = frame;
        return true;
      case 'mapping':
        if (task.at === At.User && engine.agent?.takes(task, frame) === true)
          return engine.go(task);
        if (task.at === At.Running) return engine.wait(task);
        task.details.mapping = frame;
        return true;
      case 'exec':
        task.details.exec = frame;
        return true;
      case 'shared-write':
        task.details.sharedWrites.push(frame);
        return true;
      case 'spawn':
        if (!engine.reachEntry(task, frame)) return false;
        replaySpawn(engine, task, frame);
        return true;
      case 'task-start':
        return this.startTask(task, frame);
      case 'image':
        if (task.at !== At.Stub) return engine.wait(task);
        buildImage(engine, task, frame);
        if (task.uid === FIRST_TASK && task.ownTid === 0) engine.live?.began(task);
        engine.kernel?.executed(task, frame);
        return true;
      case 'signal':
        return applySignal(engine, task, frame);
      case 'trap':
        return applyTrap(engine, task, frame);
      case 'preempt':
        return applyPreempt(engine, task, frame);
      case 'kernel-write':
        engine.writeAll(task, frame.writes);
        return true;
      case 'exit':
        engine.hooks?.arrived(task, frame);
        if (task.pid === this.rootPid && frame.last) engine.rootStatus = frame.status;
        replayExit(engine, task, frame);
        engine.kernel?.ended(task.uid, frame);
        return true;
      case 'state':
        checkState(engine, task, frame);
        return true;
      case 'merge':
        return this.merge(domain, frame.from);
      case 'merged':
        domain.ended = domain.merged = true;
        domain.cursor.next();
        for (const member of domain.tasks) {
          member.domain = engine.domain(frame.into);
          member.domain.tasks.add(member);
        }
        domain.tasks.clear();
        this.endStream(domain);
        return false;
      case 'bookmark':
        if (frame.id !== engine.options.until) return true;
        domain.ended = true;
        domain.atBookmark = true;
        engine.bookmarkReached = true;
        engine.bookmarkTime = frame.time;
        return false;
      case 'detach':
      case 'resource':
      case 'registers':
      case 'counters':
      case 'note':
        return true;
      case 'connection':
        engine.kernel?.connected(task, frame);
        return true;
    }
  }

  private startTask(task: ReplayTask, frame: Extract<Frame, { type: 'task-start' }>): boolean {
    const { engine } = this;
    task.recordedTid = frame.tid;
    task.pid = frame.pid;
    if (task.uid === FIRST_TASK) {
      this.rootPid = frame.pid;
      engine.kernel?.begin(task);
    }
    engine.writeAll(task, frame.writes);
    if (task.at === At.Start) task.at = At.User;
    return true;
  }

  private merge(domain: ReplayDomain, from: StreamId): boolean {
    const { engine } = this;
    const other = engine.domain(from);
    if (other.merged) return true;
    // What the other's tasks did last is missing: a truncated log ends here for this stream, too.
    if (!other.ended) domain.waiting = other;
    else {
      domain.ended = true;
      this.endStream(domain);
    }
    return false;
  }
}
