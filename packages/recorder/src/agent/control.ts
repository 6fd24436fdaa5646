import {
  Agent,
  AgentDetail,
  AgentMemory,
  type CodeMapping,
  Halt,
  LeafIndex,
  matchTscHere,
  NativeError,
  Patcher,
  type ProcMapping,
  Resume,
  Shared,
  SiteIndex,
  stateOf,
  type TrapInstruction,
  trapTsc,
} from '@scribe-ts/core-native';
import type { EncodedFile } from '@scribe-ts/tracelog';
import { TURN_NS } from '../baton.js';
import type { Session } from '../session.js';
import { type Task, TaskState } from '../tasks.js';
import { cpuidAnswers, maskedCpuid } from '../traps.js';
import { isBlocking } from '../timer-signals.js';
import type { Verbosity } from '../verbosity.js';
import { AgentDescriptors } from './descriptors.js';
import { AgentRing } from './ring.js';
import { isHarmedByDispatch, restoreSys } from './sigsys.js';
import { AgentSpace } from './space.js';
import { AgentStops } from './stops.js';

/** Whether a task sleeps that others wait for is looked at again when they have waited longer by this part. */
const LOOK_SHARE = 4;

/**
 * The recorder's side of the agent: which tasks run with it, and how it comes into an address space and out of it.
 *
 * A task that runs with the agent is resumed without syscall-stops: dispatch stops it (SIGSYS) at every call that is made
 * outside the agent. Of tasks that share memory only the one that has the baton runs, so all of them use one block, one
 * stack and one ring, one after the other.
 */
export class AgentControl {
  readonly ring: AgentRing;
  readonly stops: AgentStops;
  readonly descriptors: AgentDescriptors;
  private readonly agent: Agent;
  private readonly patcher: Patcher;
  private readonly details: number;
  private readonly leaves: LeafIndex;
  /** How many of the answers of cpuid those who come later know to ask for. */
  private knownLeaves: number;
  /** The vDSO tells the time without a system call. */
  private hasClock = true;

  /** Whether the agent's frames hold the details that are wanted. */
  static canHold(verbosity: Verbosity): boolean {
    const { registerHashes, registers, wholeData, nanoseconds } = verbosity;
    return !registerHashes && !registers && !wholeData && !nanoseconds;
  }

  /** `storePath`: of what is known about the contents of files. */
  constructor(
    private readonly session: Session,
    storePath: string,
  ) {
    this.agent = new Agent(session.tracer);
    const { agent_entry, agent_cpuid, agent_rdtsc } = this.agent.symbols;
    const entries = { call: agent_entry, cpuid: agent_cpuid, rdtsc: agent_rdtsc };
    const index = new SiteIndex(storePath);
    this.leaves = new LeafIndex(storePath);
    for (const [leaf, subleaf] of this.leaves.leaves()) maskedCpuid(leaf, subleaf);
    this.knownLeaves = cpuidAnswers.length;
    this.patcher = new Patcher(session.tracer, entries, session.trapSites, index);
    this.ring = new AgentRing(session, this.agent);
    this.stops = new AgentStops(session, this.agent, this.patcher, this.ring, this.clockFailed);
    this.descriptors = new AgentDescriptors(session, this.agent);
    const { verbosity } = session.config;
    this.details =
      (verbosity.args ? AgentDetail.Args : 0) |
      (verbosity.strings ? AgentDetail.Strings : 0) |
      (verbosity.data ? AgentDetail.Data : 0) |
      (verbosity.durations ? AgentDetail.Durations : 0);
  }

  /** Puts the agent into a fresh address space, and the vDSO's pages with it. False if it cannot be there. */
  load(task: Task, vdsoPages: readonly ProcMapping[]): boolean {
    const { agent, session } = this;
    task.dispatching = false;
    const memory = AgentMemory.map(session.tracer, task.tid);
    if (memory === undefined) {
      session.note(task, NO_MEMORY);
      return false;
    }
    const clock = agent.makeRoom(task.tid, vdsoPages);
    task.space.opensTsc = clock !== 0 && this.hasClock;
    const space = new AgentSpace(memory);
    space.time = session.tracer.values[1]!;
    agent.load(task.tid, memory, this.details, space.time, clock);
    space.files = task.files;
    agent.reports.outputs(memory, session.output.files);
    task.space.agent = space;
    this.tellAnswers(space);
    this.descriptors.follow(space);
    return true;
  }

  /** A task that a fork has made is at its first stop: it gets memory of the agent of its own. */
  start(task: Task): void {
    const { session } = this;
    if (task.space.agent?.memory.arrive(session.tracer, task.tid) !== false) return;
    session.note(task, NO_MEMORY);
    task.space.opensTsc = false;
    this.matchTsc(task, task.space.agent);
    this.leave(task, true);
  }

  /** A stopped task has mapped code of a file privately. True if the tracer's registers are another stop's now. */
  mapped(task: Task, mapping: CodeMapping): boolean {
    const space = task.space.agent;
    if (space === undefined || space.given) return false;
    if (!this.patcher.mapped(task.tid, space, mapping)) return false;
    this.agent.reports.code(space.memory, space.changedPages());
    return true;
  }

  /** The tracer has answered an instruction of a task, which goes on at `ret`. The tracer's registers may be another stop's then. */
  answered(task: Task, insn: TrapInstruction['name'], ret: number): void {
    const space = task.space.agent;
    if (space === undefined || !task.dispatching || space.halt !== Halt.None) return;
    if (insn === 'cpuid') {
      for (const [leaf, subleaf] of cpuidAnswers.slice(this.knownLeaves))
        this.leaves.add(leaf!, subleaf!);
      this.knownLeaves = cpuidAnswers.length;
      this.tellAnswers(space);
    }
    if (insn === 'rdtscp' || (insn === 'rdtsc' && !space.isPrecise)) return;
    if (this.patcher.trapped(task.tid, space, ret, insn))
      this.agent.reports.code(space.memory, space.changedPages());
  }

  private tellAnswers(space: AgentSpace): void {
    this.agent.answers(space.memory, cpuidAnswers, space.answers);
    space.answers = cpuidAnswers.length;
  }

  /** Lets a task go on in user code. */
  resume(task: Task, space: AgentSpace): void {
    const { session } = this;
    const { tid } = task;
    const usable = !session.parking.active && !space.given && !isHarmedByDispatch(session, task);
    if (usable) this.handOver(task, space);
    const halt = !usable
      ? Halt.Off
      : task.held.length > 0 || isBlocking(task)
        ? Halt.Signal
        : Halt.None;
    if (space.halt !== halt) space.setHalt(this.agent, halt);
    const shares = task.space.shared.length > 0;
    if (space.shares !== shares) {
      space.shares = shares;
      this.agent.reports.share(space.memory, shares);
    }
    this.tellMapped(task, space);
    if (!usable) restoreSys(session, task);
    this.matchTsc(task, space);
    if (task.dispatching !== usable) {
      const done = this.dispatch(task, space, usable);
      if (done === undefined) return;
      task.dispatching = usable && done;
    }
    session.tracer.resume(tid, task.dispatching ? Resume.Cont : Resume.Syscall, 0);
  }

  /** A task at a stop has just mapped a part of a file that nobody writes to: the next part may be the agent's. */
  mappedFile(task: Task, fd: number, file: EncodedFile): void {
    const space = task.space.agent;
    if (space !== undefined) space.mapped = { task, fd, file };
  }

  private tellMapped(task: Task, space: AgentSpace): void {
    const { mapped } = space;
    space.mapped = undefined;
    if (mapped?.task === task) {
      this.agent.mapsOn(space.memory, mapped.fd, mapped.file.before, mapped.file.after);
      space.mapsOn = true;
    } else if (space.mapsOn) {
      this.agent.mapsNothing(space.memory);
      space.mapsOn = false;
    }
  }

  /** Has rdtsc trap in a task that is about to run, unless its code is known. */
  private matchTsc(task: Task, space: AgentSpace): void {
    const { opensTsc } = task.space;
    if (task.trapsTsc === opensTsc) {
      task.trapsTsc = !opensTsc;
      // Not before: to have it trap in one of the two alone makes each switch to the other slow.
      if (!opensTsc) matchTscHere();
      trapTsc(this.session.tracer, task.tid, !opensTsc);
    }
    if (space.isPrecise === opensTsc) return;
    space.isPrecise = opensTsc;
    this.agent.precise(space.memory, opensTsc);
  }

  /**
   * A task was stopped in the vDSO, which wanted to make a system call: this kernel has no clock any more that can be read
   * without one.
   */
  readonly clockFailed = (task: Task, space: AgentSpace): void => {
    // rdtsc traps from the task's next stop on.
    this.hasClock = task.space.opensTsc = space.isPrecise = false;
    this.agent.precise(space.memory, false);
  };

  /** The task is the next to be inside the agent. */
  private handOver(task: Task, space: AgentSpace): void {
    const { agent } = this;
    space.user = task;
    const shared = sharedBy(task);
    if (space.shared !== shared) {
      space.shared = shared;
      agent.share(space.memory, shared);
    }
    this.ring.begin(space);
    const solo = this.session.tasks.size === 1;
    const { serial } = this.session.output;
    if (space.solo !== solo || (solo && space.serial !== serial)) {
      space.solo = solo;
      space.serial = serial;
      agent.solo(space.memory, solo, serial);
    }
    const { usesSys } = task.handlers;
    if (space.usesSys !== usesSys) {
      space.usesSys = usesSys;
      agent.guard(space.memory, usesSys);
    }
    if (space.files !== task.files) {
      space.files = task.files;
      agent.forgetFds(space.memory);
    }
  }

  /**
   * Others have waited long enough for a task that runs: its next call is to be the tracer's, who then lets them run. One
   * that sleeps inside the agent is taken out.
   */
  urge(task: Task, look: boolean): void {
    const space = task.space.agent;
    if (space?.runner !== task) return;
    if (space.halt === Halt.None) space.setHalt(this.agent, Halt.Off);
    const { now, tracer } = this.session;
    if (!look || now < this.nextUrge(task)) return;
    space.lookedAt = now;
    if (stateOf(task.tid) === 'S') tracer.interruptTask(task.tid);
  }

  /**
   * When a task that others wait for is to be urged next. Only a call that was begun before is made inside, so it gets less
   * and less likely that it sleeps there.
   */
  nextUrge({ domain, space }: Task): number {
    const { since } = domain;
    const lookedAt = space.agent?.lookedAt ?? 0;
    if (lookedAt < since + TURN_NS) return since + TURN_NS;
    return lookedAt + (lookedAt - since) / LOOK_SHARE;
  }

  /** undefined if the task is gone, false if this kernel cannot. */
  private dispatch(task: Task, space: AgentSpace, on: boolean): boolean | undefined {
    try {
      return this.agent.dispatch(task.tid, on) ? true : undefined;
    } catch (error) {
      if (!(error instanceof NativeError)) throw error;
      // Before Linux 6.4 a tracer cannot set it.
      this.session.note(task, `the agent is off: dispatch is not to be had here (${error.code})`);
      space.setHalt(this.agent, Halt.Off);
      space.given = true;
      this.unpatch(task);
      return false;
    }
  }

  /** Calls every task that runs with the agent to its next call's entry stop. */
  recall(): void {
    const { session } = this;
    for (const task of session.tasks.values()) {
      const space = task.space.agent;
      if (space === undefined || !task.dispatching || task.state !== TaskState.Running) continue;
      space.setHalt(this.agent, Halt.Off);
      session.tracer.interruptTask(task.tid);
    }
  }

  /** The address space is to be as the program alone would have it: for its hash, or for good. */
  unpatch(task: Task): void {
    const space = task.space.agent;
    if (space !== undefined && (space.patches.size > 0 || space.pages.length > 0))
      this.patcher.undo(task.tid, space);
  }

  /** Takes everything of the agent out of a stopped task that is about to be let go, wherever in the agent it stands. */
  leave(task: Task, last: boolean): void {
    const { agent } = this;
    if (task.dispatching) agent.dispatch(task.tid, false);
    task.dispatching = false;
    restoreSys(this.session, task);
    if (task.space.agent === undefined) return;
    // Whoever is let go must not come into the agent any more.
    this.unpatch(task);
    if (!last) return;
    agent.unload(task.tid);
    task.space.agent.memory.release();
    task.space.agent = undefined;
  }
}

const NO_MEMORY = 'the agent is off: it can have no memory in common with the recorder here';

/** What a task has in common with others of its domain: the child of a vfork has dispositions of its own. */
function sharedBy(task: Task): Shared {
  const { tasks } = task.domain;
  if (tasks.size === 1) return Shared.Nothing;
  for (const other of tasks)
    if (other !== task && other.handlers === task.handlers) return Shared.TurnAndActions;
  return Shared.Turn;
}
