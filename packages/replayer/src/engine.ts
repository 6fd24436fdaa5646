import { basename } from 'node:path';
import {
  type CounterBackend,
  CPUID_MISSING,
  type CpuPolicy,
  EventKind,
  PAGE_SIZE,
  Reg,
  Registers,
  Resume,
  RoundCounter,
  Signal,
  StateSaves,
  type Tracer,
  TrapSites,
  waitThrough,
} from '@scribe-ts/core-native';
import type {
  Backing,
  Frame,
  LogReader,
  StreamId,
  SyscallFrame,
  TaskUid,
} from '@scribe-ts/tracelog';
import type { AgentControl } from './agent/control.js';
import type { Contents } from './contents.js';
import { type DivergenceKind, Mismatch } from './divergence.js';
import { History } from './history.js';
import type { EngineHooks } from './hooks.js';
import type { KernelObserver } from './live/kernel-observer.js';
import type { LiveProcesses } from './live/live-processes.js';
import type { ReplayOptions } from './options.js';
import type { OutputQueue } from './output.js';
import type { SharedFiles } from './shared.js';
import { At, ReplayDomain, type ReplaySpace, ReplayTask } from './tasks.js';
import { isFault, nameOf } from './words.js';

/** Frames of each task kept for a divergence report. */
const DEFAULT_HISTORY = 20;
/** Tasks that have ended whose last frames a divergence report shows. */
const MAX_ENDED_TASKS = 64;

/** Hashes of logs before this minor version had the bytes below the stack pointer that a leaf function may use. */
const WITHOUT_RED_ZONE = 2;
/** From this minor version on hashes of memory leave out pages with instructions that were made to trap. */
const WITHOUT_TRAPS = 3;
const RED_ZONE = 128;

/** One replay: its tasks, its domains, and the ways to take a task from one sync point to the next. */
export class Engine {
  readonly regs: Registers;
  readonly byTid = new Map<number, ReplayTask>();
  readonly tasks = new Map<TaskUid, ReplayTask>();
  readonly endStates: string[] = [];
  nextSpace = 1;
  syscalls = 0;
  answered = 0;
  rootStatus: number | undefined;
  bookmarkReached = false;
  /** When the bookmark was set, ns since the recording began. */
  bookmarkTime = 0;
  /** Of the latest frame that has been applied; the agent's do not count. */
  latestTime = 0;
  /** Thread id in this replay of the first task. */
  rootTid = 0;
  /** Whoever looks at the replay on its way. */
  hooks: EngineHooks | undefined;
  /** What keeps the kernel's side of the program, if that is wanted. */
  kernel: KernelObserver | undefined;
  /** Keeps the processes as they were to each other, if the replay is to go live. */
  live: LiveProcesses | undefined;
  /** Answers calls inside the replayed processes; undefined if all are traced. */
  agent: AgentControl | undefined;
  /** Counts rounds of the program's code. */
  readonly rounds: RoundCounter;
  /** Set where branches can be counted as the recording has counted them. */
  branches: CounterBackend | undefined;
  readonly stateSaves = new StateSaves();
  /** The replayed processes have the stack limit that they are to have. */
  hasLiftedLimits = false;
  /** Bytes below the stack pointer that count in hashes of memory. */
  readonly hashedBelowStack: number = 0;
  /** Hashes of memory have the pages in which instructions were made to trap. */
  readonly hashesTraps: boolean;
  /** How cpuid traps: `traps` by itself, if the CPU can, `patches` by code that the replay changes, as it cannot. */
  readonly cpuid: {
    readonly traps: boolean;
    readonly patches: boolean;
    /** Code that the recording or this replay has made to trap. */
    readonly sites: TrapSites;
  };
  /** Told how many frames more have been replayed. */
  onFrames: ((count: number) => void) | undefined;
  readonly domains = new Map<StreamId, ReplayDomain>();
  /** First stops of tasks whose clone has not returned yet. */
  readonly earlyChildren = new Set<number>();
  /** Last part of the path of each file that was mapped, to the path the recording had for it; '' if it was no file. */
  readonly recordedPaths = new Map<string, string>();
  /** Tasks that have ended and whose last frames are still kept: a build has thousands. */
  private readonly endedTasks: ReplayTask[] = [];

  constructor(
    readonly tracer: Tracer,
    private readonly log: LogReader,
    readonly contents: Contents,
    readonly shared: SharedFiles,
    readonly output: OutputQueue,
    readonly options: ReplayOptions,
    readonly cpus: CpuPolicy,
    canTrapCpuid: boolean,
  ) {
    this.hashesTraps = log.header.formatMinor < WITHOUT_TRAPS;
    if (log.header.formatMinor < WITHOUT_RED_ZONE) this.hashedBelowStack = RED_ZONE;
    // Where the recording's CPU could not, what it has changed is in the log, and the rest asked the CPU itself.
    const traps = !log.header.missing.includes(CPUID_MISSING);
    this.cpuid = { traps, patches: traps && !canTrapCpuid, sites: new TrapSites(true) };
    this.regs = new Registers(tracer.regs);
    this.rounds = new RoundCounter(tracer);
  }

  domain(stream: StreamId): ReplayDomain {
    let domain = this.domains.get(stream);
    if (domain === undefined) {
      domain = new ReplayDomain(stream, this.log.stream(stream));
      this.domains.set(stream, domain);
    }
    return domain;
  }

  /** Keeps a process on one CPU that has code in which cpuid does not trap, if the recording did. */
  keepHome(space: ReplaySpace): void {
    if (this.log.header.machine.home !== undefined) this.cpus.keepHome(space, this.byTid.values());
  }

  newTask(uid: TaskUid, tid: number, domain: ReplayDomain, space: ReplaySpace): ReplayTask {
    const history = new History(this.options.backtraceLength ?? DEFAULT_HISTORY);
    return new ReplayTask(uid, tid, domain, space, history);
  }

  addTask(task: ReplayTask): void {
    this.tasks.set(task.uid, task);
    this.byTid.set(task.tid, task);
    task.domain.tasks.add(task);
    task.space.users++;
    if (task.at === At.Start) this.freshDomains.push(task.domain);
  }
  /** Domains whose first task was made while another domain advanced. */
  readonly freshDomains: ReplayDomain[] = [];

  retire(task: ReplayTask): void {
    task.at = At.Dead;
    task.domain.tasks.delete(task);
    task.space.users--;
    if (this.endedTasks.push(task) > MAX_ENDED_TASKS) this.endedTasks.shift()!.history.clear();
  }

  /** All tasks that have not ended, and the last ones that have, in the order of their numbers. */
  rememberedTasks(): ReplayTask[] {
    const ended = new Set(this.endedTasks);
    return [...this.tasks.values()]
      .filter((task) => task.at !== At.Dead || ended.has(task))
      .sort((one, other) => one.uid - other.uid);
  }

  /** A file that stands for one of the recording has been mapped. A log with few details has no names. */
  rememberPath(path: string, backing: Exclude<Backing, { kind: 'anonymous' }>): void {
    if (backing.kind === 'file') this.agent?.learn(backing.hash, path, backing.path);
    if (backing.path !== '' || backing.hash === '')
      this.recordedPaths.set(basename(path), backing.path);
  }

  /** Waits for the first stop of a task that clone made. */
  awaitChild(tid: number): void {
    if (!this.earlyChildren.delete(tid)) this.tracer.waitFor(tid);
  }

  internal(task: ReplayTask, message: string): Mismatch {
    return new Mismatch('internal', task, task.domain.cursor.peek(), message, '');
  }

  mismatch(
    kind: DivergenceKind,
    task: ReplayTask,
    frame: Frame,
    actual: string,
    expected: string,
  ): Mismatch {
    return new Mismatch(kind, task, frame, actual, expected);
  }

  /** Ends every process of the replay. */
  killAll(): void {
    for (const tid of this.byTid.keys()) this.tracer.kill(0, tid, Signal.SIGKILL);
    while (this.byTid.size > 0) {
      const kind = waitThrough(this.tracer, 1000);
      if (kind === EventKind.None || kind === EventKind.NoTracees) return;
      const tid = this.tracer.event[0]!;
      if (kind === EventKind.Exited) this.byTid.delete(tid);
      else this.tracer.resume(tid, Resume.Cont, 0);
    }
  }

  resumeKind(task: ReplayTask): Resume {
    return task.at === At.Running ? this.towardsCall(task) : Resume.Cont;
  }

  /** How a task goes on to its next call, which is not run. */
  towardsCall({ dispatching }: ReplayTask): Resume {
    return dispatching ? Resume.Cont : Resume.Sysemu;
  }

  wait(task: ReplayTask): false {
    task.domain.waiting = task;
    return false;
  }

  /** Lets the task run to its next stop. */
  go(task: ReplayTask): false {
    this.agent?.prepare(task);
    task.at = At.Running;
    this.tracer.resume(task.tid, this.towardsCall(task), 0);
    return this.wait(task);
  }

  /** True if the task stands at a syscall entry; else it is on its way there. */
  reachEntry(task: ReplayTask, frame: Frame): boolean {
    switch (task.at) {
      case At.Entry:
        return true;
      case At.User:
        return this.go(task);
      case At.Fault:
        throw this.mismatch('signal', task, frame, `signal ${task.signo}`, 'no signal');
      case At.Running:
      case At.Exec:
        return this.wait(task);
      default:
        throw this.internal(task, `frame ${frame.type} for a task that is ${At[task.at]}`);
    }
  }

  writeAll(task: ReplayTask, writes: SyscallFrame['writes']): void {
    for (const { addr, bytes } of writes) {
      if (this.tracer.writeMemory(task.tid, addr, bytes, 0, bytes.length) !== bytes.length) {
        throw this.internal(task, `cannot store ${bytes.length} bytes at 0x${addr.toString(16)}`);
      }
    }
  }

  /**
   * As writeAll, of a call that failed with EFAULT: the log may have more than it stored, as far as memory that nobody may
   * write to. A store to such a page would make it a page of the process's own, which the recorded one was not.
   */
  writeChanged(task: ReplayTask, writes: SyscallFrame['writes']): void {
    for (const { addr, bytes } of writes) {
      for (let from = 0; from < bytes.length;) {
        const size = Math.min(bytes.length - from, PAGE_SIZE - ((addr + from) % PAGE_SIZE));
        const part = bytes.subarray(from, from + size);
        const there = new Uint8Array(size);
        const got = this.tracer.readMemory(task.tid, addr + from, there, 0, size);
        if (got !== size || Buffer.compare(there, part) !== 0) {
          this.writeAll(task, [{ addr: addr + from, bytes: part }]);
        }
        from += size;
      }
    }
  }

  checkNumber(task: ReplayTask, frame: Frame, nr: number): void {
    this.load(task);
    const actual = this.regs.int(Reg.orig_rax);
    // -1: made by int $0x80, whose numbers are others.
    if (actual !== nr && nr !== -1) {
      throw this.mismatch('syscall', task, frame, nameOf(actual), nameOf(nr));
    }
  }

  load(task: ReplayTask): void {
    if (this.tracer.getRegs(task.tid)) return;
    throw new Mismatch('exit', task, task.domain.cursor.peek(), 'ended', 'go on');
  }

  /** Steps a task once. */
  step(task: ReplayTask, expected: EventKind): void {
    const kind = this.runToStop(task, Resume.Step);
    if (kind !== expected)
      throw this.internal(task, `a step ended in ${EventKind[kind]}, not ${EventKind[expected]}`);
  }

  /**
   * Resumes a task to its next stop of its own making. The end of a child that has executed a program sends SIGCHLD,
   * whatever clone was told, and a terminal's signals reach the replayed processes as well: those are dropped.
   */
  runToStop(task: ReplayTask, how: Resume): EventKind {
    const { tracer } = this;
    for (;;) {
      tracer.resume(task.tid, how, 0);
      const kind = tracer.waitFor(task.tid);
      if (kind !== EventKind.Signal || isFault(tracer.event[2]!)) return kind;
    }
  }
}
