import { type Agent, type Drained } from '@scribe-ts/core-native';
import { countRun } from '@scribe-ts/tracelog';
import { numberConnections } from '../connections/numbers.js';
import type { Session } from '../session.js';
import { type Task, TaskState } from '../tasks.js';
import type { AgentSpace } from './space.js';

/** How often a task that is busy recording is looked at. */
const PEEKS = 5;

/** Takes what agents have recorded into the log. */
export class AgentRing {
  /** Whose ring was full when the tracer was called last. */
  private filler: Task | undefined;
  /** Whose ring a wait may empty. */
  private borrower: Task | undefined;

  constructor(
    private readonly session: Session,
    private readonly agent: Agent,
  ) {}

  /**
   * Takes what the agent has recorded since it last was here, if it was that task's. The task is stopped, or has ended. The
   * tracer's registers stay as they are.
   */
  drain(task: Task): void {
    const space = task.space.agent;
    if (space?.user !== task) return;
    this.agent.look(space.memory);
    this.drainLooked(task, space);
  }

  /** As drainLooked, for a task that asks for nothing else. */
  drainFull(task: Task, space: AgentSpace): void {
    this.drainLooked(task, space, true);
    this.filler = task;
  }

  /** A wait is about to begin: until it ends, full rings of who has had a full one just now are emptied without a stop. */
  lend(): void {
    const task = this.filler;
    if (task === undefined) return;
    this.filler = undefined;
    const { agent, session } = this;
    const space = task.space.agent;
    if (space?.runner !== task || session.parking.active) return;
    const loan = session.lend(task, space.time);
    if (loan === undefined) return;
    const { memory, offset } = loan;
    const { agent_entry, agent_forward_end } = agent.symbols;
    session.tracer.lend(
      task.tid,
      space.memory.bytes,
      space.taken.bytes,
      memory,
      offset,
      memory.length - offset,
      space.connections,
      agent_forward_end,
      agent_entry,
    );
    this.borrower = task;
  }

  /** The wait is over. */
  endLoan(): void {
    const task = this.borrower;
    if (task === undefined) return;
    this.borrower = undefined;
    const { values } = this.session.tracer;
    const [, , , bytes, frames, calls, time] = values;
    if (bytes === 0) return;
    // Its ring is still of the space in which it was: a stop that changes that is handled after this.
    const space = task.space.agent!;
    this.session.took(task, bytes!, frames! - space.taken.frames, time!);
    this.count(task, space, 0, frames!, calls!, time!);
    // It is about to be full again.
    this.filler = task;
  }

  /**
   * As drain, with the block that was just looked at. `inRow`: the agent goes on with nothing of the tracer's in between, so what comes
   * next is to follow this as it is.
   */
  drainLooked(task: Task, space: AgentSpace, inRow = false): void {
    const { agent } = this;
    const { taken } = space;
    if (agent.hasReports) this.takeReports(task, space);
    if (space.solo) this.takeSerial(space);
    let drained = agent.drain(space.memory, taken.bytes);
    // Killed while it was counting what it had recorded.
    if (drained !== undefined && agent.writing % 2 === 1) drained = this.counted(space, drained);
    if (drained !== undefined) {
      if (drained.changed === undefined) task.files.forgetAll();
      else for (const fd of drained.changed) task.files.forget(fd);
      this.append(task, space, drained);
    } else if (taken.bytes === 0) return;
    this.discard(space, inRow);
  }

  /** Goes on with the order of output where the agent is, unless the tracer has put out something since. */
  private takeSerial(space: AgentSpace): void {
    const { output } = this.session;
    space.serial = this.agent.serial;
    output.serial = Math.max(output.serial, space.serial);
  }

  /** The same, by what is in the ring itself. */
  private counted(space: AgentSpace, drained: Drained): Drained {
    const { taken } = space;
    this.agent.endWriting(space.memory);
    const { frames, calls, connections, time } = countRun(drained.bytes, space.time);
    return {
      ...drained,
      frames: taken.frames + frames,
      calls: taken.calls + calls,
      connections: space.connections + connections,
      time,
    };
  }

  /** Empties the ring. */
  private discard(space: AgentSpace, inRow: boolean): void {
    const { taken } = space;
    if (!inRow) space.time = Math.max(space.time, this.session.tracer.values[1]!);
    this.agent.empty(space.memory, space.time);
    taken.bytes = taken.frames = taken.calls = 0;
  }

  /**
   * The task that uses it, which is stopped, is about to go on. What it records next is no earlier than what the tracer has recorded of it
   * until now: frames that were would have to be encoded once more, one by one, for as long as the agent's coarse clock is behind.
   */
  begin(space: AgentSpace): void {
    const now = this.session.tracer.values[1]!;
    if (space.isPrecise || space.time >= now) return;
    this.agent.look(space.memory);
    if (!this.agent.isEmpty) return;
    space.time = now;
    this.agent.setTime(space.memory, now);
  }

  /**
   * Learns what decides how a signal is delivered that the task, which is stopped, is about to get. The block has been looked
   * at then.
   */
  collect(task: Task, space: AgentSpace): void {
    this.agent.look(space.memory);
    if (this.agent.hasReports) this.takeReports(task, space);
  }

  private takeReports(task: Task, space: AgentSpace): void {
    const { written, actions } = this.agent.takeReports(space.memory);
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
      const space = task.space.agent;
      if (isOut || space?.user !== task) continue;
      const reported = this.agent.reports.read(space.memory);
      for (const key of reported.written) session.writtenFiles.add(key);
      if (reported.opening) opening = true;
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
    this.count(task, space, head, frames, calls, time);
  }

  /** So much of the ring has been taken into the log. `calls` and `frames` are all since it was last emptied. */
  private count(
    task: Task,
    space: AgentSpace,
    bytes: number,
    frames: number,
    calls: number,
    time: number,
  ): void {
    const { taken } = space;
    const fresh = calls - taken.calls;
    this.session.syscalls += fresh;
    task.paths.agent += fresh;
    if (fresh > 0) task.atEntry = false;
    taken.bytes = bytes;
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
      for (let attempt = 0; attempt < PEEKS && !this.peekAt(task, space); attempt++) {
        // It has just been writing.
      }
    }
  }

  private peekAt(task: Task, space: AgentSpace): boolean {
    const { agent } = this;
    agent.look(space.memory);
    const { writing } = agent;
    if (writing % 2 === 1) return false;
    const drained = agent.drain(space.memory, space.taken.bytes);
    agent.look(space.memory);
    if (agent.writing !== writing) return false;
    if (drained !== undefined) this.append(task, space, drained);
    return true;
  }
}
