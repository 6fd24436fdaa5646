import { type Agent, type Drained } from '@scribe-ts/core-native';
import { numberConnections } from '../connections/numbers.js';
import { unlessGone } from '../gone.js';
import type { Session } from '../session.js';
import { type Task, TaskState } from '../tasks.js';
import type { AgentSpace } from './space.js';

/** How often a task that is busy recording is looked at. */
const PEEKS = 5;

/** Takes what agents have recorded into the log. */
export class AgentRing {
  constructor(
    private readonly session: Session,
    private readonly agent: Agent,
  ) {}

  /** Takes what the agent has recorded since it last was here, if it was that task's. The task is stopped. */
  drain(task: Task): void {
    const space = task.space.agent;
    if (space?.user !== task || !this.agent.look(task.tid)) return;
    this.drainLooked(task, space);
  }

  /** As drain, with the block that was just looked at. */
  drainLooked(task: Task, space: AgentSpace): void {
    const { agent } = this;
    const { taken } = space;
    if (agent.hasReports) this.takeReports(task);
    const drained = agent.drain(task.tid, taken.bytes);
    if (drained !== undefined) {
      if (drained.changed === undefined) task.files.forgetAll();
      else for (const fd of drained.changed) task.files.forget(fd);
      this.append(task, space, drained);
    } else if (taken.bytes === 0) return;
    this.discard(task.tid, space);
  }

  /** Empties the ring of what one has left that is dead. `task`: another that lives there. */
  drop(task: Task, space: AgentSpace): void {
    if (this.agent.look(task.tid) && this.agent.hasReports)
      for (const key of this.agent.takeReports(task.tid).written)
        this.session.writtenFiles.add(key);
    this.discard(task.tid, space);
  }

  /** Empties the ring. */
  discard(tid: number, space: AgentSpace): void {
    const { taken } = space;
    space.time = Math.max(space.time, this.session.tracer.values[1]!);
    this.agent.empty(tid, space.time);
    taken.bytes = taken.frames = taken.calls = 0;
  }

  /**
   * The task, which is stopped, is about to go on. What it records next is no earlier than what the tracer has recorded of it
   * until now: frames that were would have to be encoded once more, one by one, for as long as the agent's coarse clock is behind.
   */
  begin(task: Task, space: AgentSpace): void {
    const now = this.session.tracer.values[1]!;
    if (space.isPrecise || space.time >= now) return;
    if (!this.agent.look(task.tid) || !this.agent.isEmpty) return;
    space.time = now;
    this.agent.setTime(task.tid, now);
  }

  /**
   * Learns what decides how a signal is delivered that the task, which is stopped, is about to get. The block has been looked
   * at then; false if it is gone.
   */
  collect(task: Task): boolean {
    if (!this.agent.look(task.tid)) return false;
    if (this.agent.hasReports) this.takeReports(task);
    return true;
  }

  private takeReports(task: Task): void {
    const { written, actions } = this.agent.takeReports(task.tid);
    for (const key of written) this.session.writtenFiles.add(key);
    for (const { signo, handler, flags } of actions) {
      task.handlers.handler[signo] = handler;
      task.handlers.flags[signo] = flags;
    }
  }

  /**
   * Learns which files tasks that are not at a stop have opened to be written. True if one is just being opened: nobody knows
   * yet which.
   */
  gatherWritten(): boolean {
    const { session } = this;
    let opening = false;
    for (const task of session.tasks.values()) {
      // One in group-stop may be inside.
      const isOut = task.state !== TaskState.Running && task.state !== TaskState.Stopped;
      if (isOut || task.space.agent?.user !== task) continue;
      // One that has just been killed opens nothing any more.
      unlessGone(() => {
        const reported = this.agent.reports.read(task.tid);
        for (const key of reported.written) session.writtenFiles.add(key);
        if (reported.opening) opening = true;
      });
    }
    return opening;
  }

  private append(
    task: Task,
    space: AgentSpace,
    { bytes, head, frames, calls, time, connections }: Drained,
  ): void {
    const { session } = this;
    const { taken } = space;
    if (space.connections !== connections) numberConnections(session, task, bytes, space.time);
    space.connections = connections;
    if (bytes.length > 0) session.appendRun(task, bytes, frames - taken.frames, space.time, time);
    session.syscalls += calls - taken.calls;
    task.paths.agent += calls - taken.calls;
    if (calls > taken.calls) task.atEntry = false;
    taken.bytes = head;
    taken.frames = frames;
    taken.calls = calls;
    space.time = time;
  }

  /**
   * Takes what the agents of running tasks have recorded so far, so that little is lost if the recorder is killed. To be
   * called now and then.
   */
  peek(): void {
    const { session } = this;
    for (const task of session.tasks.values()) {
      const space = task.space.agent;
      if (space === undefined || space.runner !== task) continue;
      // Killed just now, it has no memory any more.
      unlessGone(() => {
        for (let attempt = 0; attempt < PEEKS && !this.peekAt(task, space); attempt++) {
          // It has just been writing.
        }
      });
    }
  }

  private peekAt(task: Task, space: AgentSpace): boolean {
    const { agent } = this;
    if (!agent.look(task.tid)) return true;
    const { writing } = agent;
    if (writing % 2 === 1) return false;
    const drained = agent.drain(task.tid, space.taken.bytes);
    if (!agent.look(task.tid) || agent.writing !== writing) return false;
    if (drained !== undefined) this.append(task, space, drained);
    return true;
  }
}
