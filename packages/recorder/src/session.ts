import {
  type CpuPolicy,
  type EventKind,
  Reg,
  Registers,
  RESERVED_END,
  RESERVED_START,
  Resume,
  StateSaves,
  Sys,
  type Tracer,
  type TrapSites,
  unixPeer,
} from '@scribe-ts/core-native';
import {
  type Frame,
  type Loan,
  type LogWriter,
  LogWriteError,
  type MemoryWrite,
  type StreamId,
  type TaskUid,
} from '@scribe-ts/tracelog';
import type { AgentControl } from './agent/control.js';
import { Baton } from './baton.js';
import { Chaos } from './chaos/chaos.js';
import { Connections } from './connections/connections.js';
import { EarlyTasks } from './early.js';
import { FileRegistry, type FileTable, type Resource } from './files.js';
import { OutputTracker } from './output.js';
import { Parking } from './parking.js';
import type { BranchPoints } from './preempt/branch-points.js';
import { SharedObjects } from './shared-objects.js';
import type { ContentStore } from './store.js';
import {
  AddressSpace,
  Domain,
  type SignalHandlers,
  Task,
  TaskState,
  type ThreadGroup,
} from './tasks.js';
import { blockRepeated } from './timer-signals.js';
import type { Verbosity } from './verbosity.js';

export const NO_WRITES: readonly MemoryWrite[] = [];
const NO_PAGES = new Float64Array(0);
/** More than most calls take, bytes. */
const LARGE_BYTES = 1024 * 1024;

export interface SessionConfig {
  readonly verbosity: Verbosity;
  readonly stateHashes: boolean;
  /** Seed of a chaotic recording. */
  readonly chaosSeed: number | undefined;
}

/** What handles stops, for those who wait for one in the middle of something else. */
export interface StopHandler {
  /** Handles what `tracer.wait` has returned. */
  dispatch(kind: EventKind): void;
  /** Handles one stop of a task; `tracer.event` and `tracer.regs` are those of this stop. */
  handle(task: Task, kind: EventKind): void;
  /**
   * Makes the place in user code at which a task is stopped a sync point. False if it cannot be one, or if the task is
   * likely to come to one soon by itself.
   */
  preempt(task: Task): boolean;
  /** A task goes on behind a handler, from where that was begun: it may count from there on. */
  count(task: Task): void;
  /** A task is stopped at its rt_sigreturn: true if that has been recorded, and is all that is left to be done. */
  returnToCount(task: Task): boolean;
  /** A task that is stopped is about to be let go for good: it counts no more. True if that was all that the stop is about. */
  endCount(task: Task, kind: EventKind): boolean;
  /** Makes up for what a task has done that is known only now: it may have stopped before its parent told of it. */
  adopt(tid: number): void;
}

/**
 * What a recording consists of: every task of the tree, the domains they form and the stream each domain writes.
 *
 * The rule everything rests on: a task runs user code only while it holds its domain's baton, and a frame is appended
 * to a stream only by the holder, at a sync point.
 */
export class Session {
  readonly regs: Registers;
  readonly tasks = new Map<number, Task>();
  readonly registry = new FileRegistry();
  readonly objects: SharedObjects;
  readonly output = new OutputTracker();
  readonly baton = new Baton(this);
  readonly parking = new Parking(this.baton);
  readonly connections = new Connections(unixPeer);
  /** Set if calls are recorded inside the tasks. */
  agent: AgentControl | undefined;
  /** Set where instructions are made to trap by changing them. */
  trapSites: TrapSites | undefined;
  readonly stateSaves = new StateSaves();
  /** Set where branches can be counted in hardware. */
  branches: BranchPoints | undefined;
  /** Set if who runs is left to chance. */
  readonly chaos: Chaos | undefined;
  /** Set by the TraceLoop. */
  stops!: StopHandler;
  /** Files (dev:ino) that the program has opened for writing. */
  readonly writtenFiles = new Set<string>();
  readonly notes = new Set<string>();
  /** Whether the log is to hold what calls read through their arguments. */
  readonly recordsInputs: boolean;
  syscalls = 0;
  /** How often a task was stopped in user code to become a sync point. */
  preemptions = 0;
  tasksMade = 0;
  /** The command itself, and its wait status once it has ended. */
  root: Task | undefined;
  rootStatus: number | undefined;
  private nextUid: TaskUid = 2;
  private nextStream = 1;
  private nextSpace = 1;
  readonly early = new EarlyTasks(this);
  /** What the call that is being recorded has stored into memory of other tasks of its domain. */
  readonly stores: { readonly target: Task; readonly writes: readonly MemoryWrite[] }[] = [];
  finished = false;
  /** The log takes nothing any more. */
  muted = false;
  /** Why it cannot be written. */
  failure: LogWriteError | undefined;
  private rawNow = NaN;
  private roundedNow = 0;

  constructor(
    readonly tracer: Tracer,
    readonly log: LogWriter,
    readonly store: ContentStore,
    readonly config: SessionConfig,
    readonly cpus: CpuPolicy,
    /** When the recording began (CLOCK_MONOTONIC), ns. */
    readonly startNs: number,
  ) {
    this.regs = new Registers(tracer.regs);
    this.objects = new SharedObjects(store, (path) => this.nameOf(path));
    if (config.chaosSeed !== undefined) this.chaos = new Chaos(this, config.chaosSeed);
    this.baton.chaos = this.chaos;
    this.recordsInputs = config.verbosity.strings || config.verbosity.data;
  }

  /** Nanoseconds since the recording began, as of the last stop. */
  get now(): number {
    const raw = this.tracer.values[1]!;
    if (raw !== this.rawNow) {
      this.rawNow = raw;
      const ns = raw - this.startNs;
      this.roundedNow = this.config.verbosity.nanoseconds ? ns : ns - (ns % 1000);
    }
    return this.roundedNow;
  }

  emit(task: Task, frame: Frame): void {
    this.emitTo(task.domain, frame);
  }

  emitTo(domain: Domain, frame: Frame): void {
    if (this.muted) return;
    try {
      this.log.append(domain.stream, frame);
    } catch (error) {
      this.logFailed(error);
    }
  }

  /** No frame of the stream comes any more. */
  endStream(stream: StreamId): void {
    if (this.muted) return;
    try {
      this.log.endStream(stream);
    } catch (error) {
      this.logFailed(error);
    }
  }

  /** The next call of the task uses the resource. */
  emitResource(task: Task, resource: Resource): void {
    if (this.muted) return;
    const { id, encoded } = resource;
    const { stream } = task.domain;
    try {
      this.log.appendResource(stream, task.uid, this.now, encoded, id, resource.serial++);
    } catch (error) {
      this.logFailed(error);
    }
  }

  /** The beginning of what the task's next call takes: `bytes` of `size` bytes. */
  emitData(task: Task, arg: number, size: number, bytes: Uint8Array): void {
    if (this.muted) return;
    const { log } = this;
    const { length } = bytes;
    try {
      const offset = log.beginData(task.domain.stream, task.uid, this.now, arg, size, length);
      log.frameMemory.set(bytes, offset);
      log.endData(length);
    } catch (error) {
      this.logFailed(error);
    }
  }

  /** As emitData, of `length` bytes at `addr` in the task's memory; nothing if there are none. */
  emitDataAt(task: Task, arg: number, size: number, addr: number, length: number): void {
    if (this.muted) return;
    const { log, tracer } = this;
    if (length > LARGE_BYTES) {
      // There may be much less, and a frame has no room for all.
      const bytes = new Uint8Array(length);
      const got = tracer.readMemory(task.tid, addr, bytes, 0, length);
      if (got > 0) this.emitData(task, arg, size, bytes.subarray(0, got));
      return;
    }
    const { stream } = task.domain;
    const offset = log.beginData(stream, task.uid, this.now, arg, size, length);
    let got = 0;
    try {
      if (length > 0) got = tracer.readMemory(task.tid, addr, log.frameMemory, offset, length);
    } finally {
      // Also if the task is gone.
      if (got === 0 && length > 0) log.cancelFrame();
    }
    if (got === 0 && length > 0) return;
    try {
      log.endData(got);
    } catch (error) {
      this.logFailed(error);
    }
  }

  /** Appends frames of a task that the agent has encoded. `base`, `last`: CLOCK_MONOTONIC of what was before, and of the last, ns. */
  appendRun(task: Task, bytes: Uint8Array, frames: number, base: number, last: number): void {
    if (this.muted) return;
    const { startNs } = this;
    const { stream } = task.domain;
    try {
      this.log.appendRun(stream, bytes, frames, task.uid, base - startNs, last - startNs);
    } catch (error) {
      this.logFailed(error);
    }
  }

  /** Memory of the log for more frames of a task that are encoded already. `base`: CLOCK_MONOTONIC of the one before, ns. */
  lend(task: Task, base: number): Loan | undefined {
    if (this.muted) return undefined;
    return this.log.lend(task.domain.stream, task.uid, base - this.startNs);
  }

  /** Such frames are there. `last`: CLOCK_MONOTONIC of the last of them, ns. */
  took(task: Task, bytes: number, frames: number, last: number): void {
    try {
      this.log.took(task.domain.stream, bytes, frames, last - this.startNs);
    } catch (error) {
      this.logFailed(error);
    }
  }

  /** The log takes nothing any more: the recording goes on only until everything can be let go. */
  muteLog(): void {
    this.muted = true;
  }

  /**
   * The log takes no more. Whatever was being recorded is done to its end, so that every task is in a state that is known when all
   * are let go: the trace loop throws the error then. Not so before the program's first instruction, which it then never makes.
   */
  private logFailed(error: unknown): void {
    if (!(error instanceof LogWriteError) || this.syscalls === 0) throw error;
    this.failure = error;
    this.muteLog();
  }

  /** Name of a mapped file, if the log is to hold such names. */
  nameOf(path: string): string {
    return this.config.verbosity.mappedNames ? path : '';
  }

  note(task: Task, text: string): void {
    if (this.notes.has(text)) return;
    this.notes.add(text);
    this.emit(task, { type: 'note', task: task.uid, time: this.now, text });
  }

  newDomain(): Domain {
    return new Domain(this.nextStream++);
  }

  newSpace(): AddressSpace {
    return new AddressSpace(this.nextSpace++);
  }

  cloneSpace(space: AddressSpace): AddressSpace {
    return space.clone(this.nextSpace++);
  }

  newTask(
    tid: number,
    group: ThreadGroup,
    space: AddressSpace,
    domain: Domain,
    files: FileTable,
    handlers: SignalHandlers,
  ): Task {
    const task = new Task(this.nextUid++, tid, group, space, domain, files, handlers);
    this.tasks.set(tid, task);
    group.tasks.add(task);
    space.users++;
    domain.tasks.add(task);
    this.tasksMade++;
    return task;
  }

  /** Ends the recording's loop. */
  stop(): void {
    this.finished = true;
  }

  readonly resumeUser = (task: Task): void => {
    // Killed from here on, it is in no call.
    task.state = TaskState.Running;
    task.resumedAt = this.now;
    // Behind a handler it is in the midst of code, where a loop may bring it again with the same registers and other memory.
    // So it is known to stand there still only if a signal waits already, which hits it before its next instruction.
    if (task.exitRegsValid && task.nr === Sys.rt_sigreturn) {
      task.exitRegsValid = this.tracer.hasWaitingSignal(task.tid);
      // Not the one that is to make it stop here.
      if (task.exitRegsValid && task.returned !== undefined && task.carrier === 0) {
        blockRepeated(this, task);
        task.exitRegsValid = this.tracer.hasWaitingSignal(task.tid);
      }
      if (!task.exitRegsValid && task.counter === undefined) this.stops.count(task);
    }
    this.branches?.leave(task);
    const { agent } = task.space;
    if (agent === undefined) this.tracer.resume(task.tid, Resume.Syscall, 0);
    else this.agent!.resume(task, agent);
  };

  /**
   * True if the task whose registers are loaded has run no user code since its last sync point. At the end of a call, which
   * the kernel may be about to make again, orig_rax has that call's number until the first instruction.
   */
  isAtSyncPoint(task: Task): boolean {
    // In the middle of a call that no frame tells of yet.
    if (task.space.agent !== undefined && this.agent!.stops.isInside(task)) return false;
    if (this.regs.int(Reg.orig_rax) >= 0) return true;
    return task.exitRegsValid && this.regs.equals(task.exitRegs);
  }

  /** Lets a task go on where it is, with what it was resumed for before. */
  goOn(task: Task, signal: number): void {
    this.tracer.resume(task.tid, task.dispatching ? Resume.Cont : Resume.Syscall, signal);
  }

  readonly peek = (addr: number, length: number): Uint8Array | undefined => {
    const bytes = new Uint8Array(length);
    return this.tracer.readMemory(this.peekTid, addr, bytes, 0, length) === length
      ? bytes
      : undefined;
  };
  peekTid = 0;

  /** Hash of the address space of a stopped or sleeping task. */
  hashMemory(task: Task, stackPointer: number): string {
    const { trapSites, tracer } = this;
    const traps = trapSites?.pagesIn(tracer, task.tid) ?? [];
    const patched = task.space.agent?.changedPages() ?? NO_PAGES;
    tracer.leaveOut(Float64Array.from(new Set([...traps, ...patched])));
    return this.tracer.hashMemory(task.tid, RESERVED_START, RESERVED_END, stackPointer);
  }

  /** A 64-bit word of a task's memory; 0 if it is not there. */
  readWord(task: Task, addr: number): number {
    const bytes = new Uint8Array(8);
    this.tracer.readMemory(task.tid, addr, bytes, 0, 8);
    return Number(new DataView(bytes.buffer).getBigInt64(0, true));
  }

  /** The call that `task` is finishing has stored into the memory of a task of its domain. */
  storedBy(task: Task, target: Task, writes: readonly MemoryWrite[]): void {
    if (target.domain === task.domain) this.stores.push({ target, writes });
  }
}
