import { existsSync } from 'node:fs';
import {
  EventKind,
  PtraceEvent,
  Resume,
  Sys,
  monotonicNs,
  Signal,
  stateOf,
} from '@scribe-ts/core-native';
import { childStarted, childStopped } from './children.js';
import { FileTable } from './files.js';
import { Freezer } from './freeze.js';
import { isGone } from './gone.js';
import { Preempter } from './preempt/preempter.js';
import { NO_WRITES, type Session, type StopHandler } from './session.js';
import { onSignalStop, recordStops } from './signals.js';
import { Spread } from './spread.js';
import { SyscallStops } from './syscall-stops.js';
import { beginExit, reportDeath, reportZombie } from './syscalls/exit.js';
import { exitHooks } from './syscalls/index.js';
import { NOWHERE, SignalHandlers, type Task, TaskState, ThreadGroup } from './tasks.js';

/** What a recording tells the thread that started it. */
export interface LoopEvents {
  onStopped(signal: number): void;
  /** Called between stops when somebody interrupted the wait. */
  onInterrupt(): void;
}

/** While waits are short, the other thread's requests are looked for no more often than this, ns. */
const LOOK_NS = 20_000_000;
/** What is under way for longer than this is not waited for, ns: in a loaded machine, or asleep for a disk. */
const SETTLE_NS = 1e9;

/** Takes every stop of every task to what handles it, from the first exec to the end of the last task. */
export class TraceLoop implements StopHandler {
  readonly freezer: Freezer;
  private readonly syscalls: SyscallStops;
  /** Stops so far, interrupted waits among them. */
  stops = 0;
  private readonly preempter: Preempter;
  private readonly spread: Spread;
  private lastLookNs = 0;
  /** A wait has ended without a stop since: somebody may want something. */
  private owesLook = false;
  /** When a task stopped last, ns. */
  private lastStopNs = 0;
  /** Everything is being killed. */
  ending = false;

  constructor(
    readonly session: Session,
    private readonly events: LoopEvents,
  ) {
    session.stops = this;
    this.freezer = new Freezer(session);
    this.syscalls = new SyscallStops(session);
    this.preempter = new Preempter(session);
    this.spread = new Spread(session.cpus, session.tasks, stateOf);
    if (session.chaos !== undefined) session.chaos.preempter = this.preempter;
  }

  /** The first task: stopped at its exec event by Tracer.spawn. */
  adoptRoot(tid: number): void {
    const { session } = this;
    const task = session.newTask(
      tid,
      new ThreadGroup(tid, 1),
      session.newSpace(),
      session.newDomain(),
      new FileTable(session.registry),
      new SignalHandlers(),
    );
    session.root = task;
    session.output.learn(tid);
    task.domain.holder = task;
    task.state = TaskState.InKernel;
    task.nr = Sys.execve;
    task.execed = true;
    task.onExit = (root) => exitHooks[Sys.execve]!(session, root);
    task.started = true;
    session.emit(task, {
      type: 'task-start',
      task: task.uid,
      time: 0,
      parent: 1,
      tid,
      pid: tid,
      writes: NO_WRITES,
    });
    session.tracer.resume(tid, Resume.Syscall, 0);
  }

  /** Runs the recording to its end: every task gone, or `stop()` called. Throws what keeps the log from being written. */
  run(): void {
    const { session } = this;
    while (!session.finished && session.tasks.size > 0) {
      session.agent?.ring.lend();
      let waitMs = shorter(this.preempter.timeoutMs, this.spread.waitMs);
      if (this.owesLook) waitMs = shorter(waitMs, LOOK_NS / 1e6);
      const kind = session.tracer.wait(waitMs);
      session.agent?.ring.endLoan();
      this.spread.look(session.tracer.values[1]!);
      this.dispatch(kind);
      if (kind === EventKind.None) this.owesLook = true;
      if (this.owesLook) this.lookForRequests(waitMs);
      if (session.failure !== undefined) throw session.failure;
      this.preempter.check(kind);
    }
  }

  /** Passes a signal on to the command or, when that has ended, to each process that it has left behind. */
  pass(signo: number): void {
    const { session } = this;
    const groups = new Set(Array.from(session.tasks.values(), ({ group }) => group));
    for (const group of groups) {
      if (group.tasks.size === 0 || (group !== session.root?.group && this.isCommandThere()))
        continue;
      session.tracer.kill(0, group.tgid, signo);
    }
  }

  private isCommandThere(): boolean {
    const { root } = this.session;
    return root !== undefined && root.group.tasks.size > 0;
  }

  /**
   * Kills every process; with `stuckMs` only if the command has ended, or a task computes and nothing has stopped for so many
   * milliseconds.
   */
  end(stuckMs: number): void {
    if (stuckMs > 0 && !this.isStuck(stuckMs)) return;
    this.ending = true;
    this.killAll();
  }

  private isStuck(stuckMs: number): boolean {
    if (!this.isCommandThere()) return true;
    if (monotonicNs() - this.lastStopNs < stuckMs * 1e6) return false;
    for (const task of this.session.tasks.values())
      if (task.state === TaskState.Running) return true;
    return false;
  }

  private killAll(): void {
    const { session } = this;
    for (const tid of [...session.tasks.keys(), ...session.early.tids])
      session.tracer.kill(0, tid, Signal.SIGKILL);
  }

  /** Runs now and then while the recording is going on. */
  review(): void {
    const { session } = this;
    // A process that was just being made has not been there to be killed.
    if (this.ending) this.killAll();
    let running = 0;
    for (const task of session.tasks.values()) if (task.state === TaskState.Running) running++;
    const [, now, stops] = session.tracer.values;
    session.cpus.review(now!, stops!, running, session.tasks.values());
  }

  /**
   * Lets calls come to their ends that are under way and not asleep: what they did may have been seen already, by whoever
   * wants the recording to end here.
   */
  settle(): void {
    const { session } = this;
    const latest = monotonicNs() + SETTLE_NS;
    const calls = new Map<Task, number>();
    for (const task of session.tasks.values())
      if (task.state === TaskState.InKernel) calls.set(task, task.enteredAt);
    while (monotonicNs() < latest) {
      for (const [task, enteredAt] of calls) {
        const isUnderWay = task.state === TaskState.InKernel && task.enteredAt === enteredAt;
        if (!isUnderWay || stateOf(task.tid) === 'S') calls.delete(task);
      }
      if (calls.size === 0) return;
      const kind = session.tracer.wait(1);
      if (kind === EventKind.NoTracees) return;
      if (kind !== EventKind.None) this.dispatch(kind);
    }
  }

  /** Handles what `tracer.wait` has returned. */
  dispatch(kind: EventKind): void {
    const { session } = this;
    this.stops++;
    if (kind === EventKind.None) return;
    if (kind === EventKind.NoTracees) {
      session.tasks.clear();
      return;
    }
    this.lastStopNs = session.tracer.values[1]!;
    const tid = session.tracer.event[0]!;
    const task = session.tasks.get(tid);
    if (task === undefined) {
      session.early.meet(tid, kind);
      return;
    }
    this.spread.stopped(task);
    this.handle(task, kind);
    if (session.parking.active) this.freezer.check();
  }

  /** After a wait for so many ms at most. A short one ends by itself, too: nothing is gained by looking again so soon. */
  private lookForRequests(waitMs: number): void {
    const now = this.session.tracer.values[1]!;
    if (waitMs >= 0 && now - this.lastLookNs < LOOK_NS) return;
    this.lastLookNs = now;
    this.owesLook = false;
    this.events.onInterrupt();
  }

  /** Handles one stop of a task; `tracer.event` and `tracer.regs` are those of this stop. */
  handle(task: Task, kind: EventKind): void {
    try {
      this.take(task, kind);
    } catch (error) {
      // Killed at this stop: its end is reported by the next wait.
      if (!isGone(error)) throw error;
    }
    const { holder } = task.domain;
    // Come to wait for its turn when the one that has it was in group-stop already.
    if (task.state === TaskState.Ready && holder?.state === TaskState.Stopped)
      this.stopWaiting(holder);
  }

  private take(task: Task, kind: EventKind): void {
    const { session } = this;
    // Killed at this stop: its end is reported by the next wait, and what registers there are were another stop's.
    if (session.tracer.event[4] !== 0 && task.state !== TaskState.Starting) return;
    if (this.preempter.counting.takes(task, kind)) return;
    switch (kind) {
      case EventKind.Syscall:
        if (task.state === TaskState.InKernel) this.syscalls.exit(task);
        else this.syscalls.entry(task);
        return;
      case EventKind.Signal:
        if (task.stopsAt.length > 0 && this.preempter.isAtStop(task)) this.preempter.stopped(task);
        else onSignalStop(session, task, session.tracer.event[2]!);
        return;
      case EventKind.Event:
        this.ptraceEvent(task, session.tracer.event[2]!, session.tracer.values[0]!);
        return;
      case EventKind.GroupStop:
        this.groupStop(task, session.tracer.event[2]!);
        return;
      case EventKind.InterruptStop:
        this.interruptStop(task);
        return;
      case EventKind.Exited:
        reportDeath(session, this.whoEnds(task), session.tracer.event[3]!);
        return;
      case EventKind.Zombie:
        reportZombie(session, task, session.tracer.event[3]!);
        return;
    }
  }

  preempt(task: Task): boolean {
    return this.preempter.preemptHere(task);
  }

  count(task: Task): void {
    this.preempter.counting.begin(task);
  }

  returnToCount(task: Task): boolean {
    return this.preempter.counting.returnToCount(task);
  }

  endCount(task: Task, kind: EventKind): boolean {
    return this.preempter.counting.release(task, kind);
  }

  adopt(tid: number): void {
    const { session } = this;
    const meeting = session.early.take(tid);
    const child = session.tasks.get(tid);
    if (meeting === undefined || child === undefined) return;
    if (meeting.kind === EventKind.InterruptStop) childStarted(session, child);
    else if (meeting.kind === EventKind.GroupStop) childStopped(session, child);
    else if (meeting.kind === EventKind.Event) beginExit(session, child, meeting.status);
    else reportDeath(session, child, meeting.status);
  }

  private ptraceEvent(task: Task, event: number, message: number): void {
    const { session } = this;
    switch (event) {
      case PtraceEvent.Fork:
      case PtraceEvent.Vfork:
      case PtraceEvent.Clone:
        // Killed at this event: the next one tells, and a resume would make it go unseen.
        if (message < 0) return;
        task.onSpawn?.(message);
        this.adopt(message);
        session.tracer.resume(task.tid, Resume.Syscall, 0);
        return;
      case PtraceEvent.Exec:
        this.rebindAfterExec(task, message);
        return;
      case PtraceEvent.Exit:
        // It is past that already: its end is reported next.
        if (message < 0) return;
        if (task.dispatching) session.agent!.stops.onExit(task, task.space.agent!);
        beginExit(session, this.whoEnds(task), message);
        return;
      default:
        session.tracer.resume(task.tid, Resume.Syscall, 0);
    }
  }

  /** After exec the task has its thread group's id, whoever it was before. */
  private rebindAfterExec(leader: Task, formerTid: number): void {
    const { session } = this;
    const task = session.tasks.get(formerTid) ?? executing(leader);
    // Its counter is known by a tid that it no longer has.
    session.branches?.forget(task);
    if (task !== leader) {
      session.branches?.forget(leader);
      if (leader.state !== TaskState.Dead) {
        leader.state = TaskState.Dead;
        leader.group.tasks.delete(leader);
        leader.space.leave();
        session.baton.leave(leader);
      }
      task.replaced = leader;
      this.takePlace(leader, task);
    }
    task.group.ending = false;
    task.execed = true;
    task.stopsAt = NOWHERE;
    session.tracer.resume(task.tid, Resume.Syscall, 0);
  }

  /** A thread that executes a program becomes the leader of its group. */
  private takePlace(leader: Task, task: Task): void {
    const { session } = this;
    session.tasks.delete(task.tid);
    task.tid = leader.tid;
    session.tasks.set(task.tid, task);
    if (session.root === leader) session.root = task;
  }

  /**
   * Whose end a leader's tid tells of: a thread that executes a program may have been killed when it had taken the leader's
   * place, and not yet come to its exec event.
   */
  private whoEnds(leader: Task): Task {
    if (leader.group.tasks.size === 0 || leader.tid !== leader.group.tgid) return leader;
    const task = executing(leader);
    if (task === leader || existsSync(`/proc/${leader.tid}/task/${task.tid}`)) return leader;
    if (leader.state !== TaskState.Dead) reportDeath(this.session, leader, 0);
    this.takePlace(leader, task);
    return task;
  }

  private groupStop(task: Task, signo: number): void {
    const { session } = this;
    if (task.state === TaskState.Starting) {
      childStopped(session, task);
      return;
    }
    const { domain } = task;
    const wasRunning = task.state === TaskState.Running;
    // One that is inside the agent goes on with what it has of the ring.
    const isUnderWay = wasRunning && session.agent?.stops.isUnderWay(task) === true;
    if (wasRunning && !isUnderWay) session.agent?.ring.drain(task);
    const isAtSyncPoint = !isUnderWay && session.isAtSyncPoint(task);
    if (domain.holder === task) recordStops(session, task);
    task.state = TaskState.Stopped;
    session.tracer.resume(task.tid, Resume.Listen, 0);
    this.stopWaiting(task);
    // Away from a sync point it must keep the baton: nobody else may run before it goes on.
    if (domain.holder === task && wasRunning && isAtSyncPoint) session.baton.handOn(task);
    if (task.group === session.root?.group) this.events.onStopped(signo);
  }

  /**
   * Brings the threads that wait for their turn into the stop that one of their group is in: it is complete, and seen by
   * the parent, only when all are. The one that has the baton may be stopped too, and would never hand it on.
   */
  private stopWaiting(stopped: Task): void {
    const { tracer } = this.session;
    for (const task of stopped.group.tasks) {
      // At the entry of a call there is no way to the stop but through the call.
      if (task.state !== TaskState.Ready || !task.exitRegsValid || task.exiting) continue;
      const { ready } = task.domain;
      const place = ready.indexOf(task);
      // Parked ones stay where they are.
      if (place < 0 && !this.session.chaos?.takeBack(task)) continue;
      if (place >= 0) ready.splice(place, 1);
      task.state = TaskState.Stopped;
      task.afterStop = task.onBaton;
      // Should the stop be over by now, it is this that keeps the task from running on.
      tracer.interruptTask(task.tid);
      tracer.resume(task.tid, Resume.Syscall, 0);
    }
  }

  private interruptStop(task: Task): void {
    const { session } = this;
    task.interruptedAt = -1;
    if (task.domain.holder === task) recordStops(session, task);
    if (task.state === TaskState.Starting) childStarted(session, task);
    else if (task.state === TaskState.Stopped) {
      const goOn = task.afterStop ?? session.resumeUser;
      task.afterStop = undefined;
      if (task.domain.holder === task) {
        task.state = TaskState.InKernel;
        goOn(task);
      } else {
        // It has given the baton away, so it stands at a sync point: should the group be stopped again, it can be too.
        task.exitRegs.set(session.regs.halves);
        task.exitRegsValid = true;
        session.baton.request(task, (holder) => {
          recordStops(session, holder);
          goOn(holder);
        });
      }
    } else if (task.dispatching && session.agent!.stops.onInterrupt(task, task.space.agent!)) {
      // It was inside the agent, and comes to a sync point by itself.
      return;
    } else if (task.state === TaskState.Running) this.preempter.interrupted(task);
    else session.tracer.resume(task.tid, Resume.Syscall, 0);
  }
}

/** Who of a group executes a program; the leader if nobody does. */
function executing(leader: Task): Task {
  for (const task of leader.group.tasks)
    if (isExec(task.nr) && task.state === TaskState.InKernel) return task;
  return leader;
}

function isExec(nr: number): boolean {
  return nr === Sys.execve || nr === Sys.execveat;
}

/** Of two times, either of which may be -1: for ever. */
function shorter(ms: number, otherMs: number): number {
  return ms < 0 || otherMs < 0 ? Math.max(ms, otherMs) : Math.min(ms, otherMs);
}
