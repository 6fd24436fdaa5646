import { CallPaths } from './agent/call-paths.js';
import type { AgentSpace } from './agent/space.js';
import { readFileSync } from 'node:fs';
import { Signal } from '@scribe-ts/core-native';
import type { MemoryWrite, OutPiece, StreamId, TaskUid, Word } from '@scribe-ts/tracelog';
import type { FileTable } from './files.js';
import { type MovedBuffers, type ScratchSlot, ScratchSlots } from './scratch.js';
import type { RestingCounter, Site, TaskCounter } from './preempt/counting.js';
import type { HandlerFrame, Returned } from './timer-signals.js';

/** Number of semaphores in a System V set. */
function semCount(semid: number): number | undefined {
  for (const line of readFileSync('/proc/sysvipc/sem', 'utf8').split('\n')) {
    const fields = line.trim().split(/\s+/);
    if (Number(fields[1]) === semid && fields.length > 3) return Number(fields[3]);
  }
  return undefined;
}

const FIRST_SLICE_NS = 100_000_000;
const NO_BYTES = new Uint8Array(0);
export const NOWHERE: readonly number[] = [];

/** Where a task stands. A task runs user code only while it holds its domain's baton. */
export enum TaskState {
  /** Made by clone, its first stop not seen yet. */
  Starting,
  /** Stopped at a sync point, waiting for the baton; `onBaton` says how it goes on. */
  Ready,
  /** Holds the baton and runs user code. */
  Running,
  /** Inside a system call; it may or may not hold the baton. */
  InKernel,
  /** In group-stop. */
  Stopped,
  Dead,
}

/** A signal taken from the kernel and not yet shown to the program. */
export interface HeldSignal {
  readonly signo: number;
  /** siginfo_t, 128 bytes. */
  readonly siginfo: Uint8Array;
  /** Delivered before the next call, it would keep the task from making that (timer-signals.ts). */
  readonly isPatient: boolean;
}

/** Memory shared by several mappings, as the log numbers it. */
export interface SharedMapping {
  start: number;
  end: number;
  readonly object: number;
  readonly offset: number;
  readonly writable: boolean;
}

export class AddressSpace {
  /** Tasks that live in it. */
  users = 0;
  /** Shared mappings, needed to know who shares memory with whom. */
  shared: SharedMapping[] = [];
  /** Addresses right after a `syscall` instruction that were checked not to be `int $0x80`. */
  readonly syscallSites = new Set<number>();

  constructor(
    readonly id: number,
    readonly scratch = new ScratchSlots(),
  ) {}

  /** A task that stored here was killed where replay cannot follow it exactly: hashes of the memory are no use. */
  unverifiable = false;
  /** It has code that no file has, in which cpuid does not trap: its tasks are kept on one CPU. */
  isAtHome = false;
  /** What reads the time stamp counter in its code is known, and traps by itself: the counter need not. */
  opensTsc = false;
  /** Places in its code at which tasks have been stopped. */
  readonly sites = new Map<number, Site>();
  /** PR_SET_DUMPABLE as the program believes it to be. */
  dumpable = 1;

  clone(id: number): AddressSpace {
    const copy = new AddressSpace(id, this.scratch.clone());
    copy.unverifiable = this.unverifiable;
    copy.dumpable = this.dumpable;
    copy.isAtHome = this.isAtHome;
    copy.opensTsc = this.opensTsc;
    for (const site of this.syscallSites) copy.syscallSites.add(site);
    copy.agent = this.agent?.clone();
    copy.shared = this.shared.map((mapping) => ({ ...mapping }));
    return copy;
  }

  /** A task does not live in it any more. */
  leave(): void {
    if (--this.users === 0) this.agent?.memory.release();
  }

  /** The agent in it; undefined if there is none. */
  agent: AgentSpace | undefined;

  /** Forgets what was mapped in [start, end). */
  unmap(start: number, end: number): void {
    this.agent?.unmap(start, end);
    if (this.shared.length === 0) return;
    const left: SharedMapping[] = [];
    for (const mapping of this.shared) {
      if (mapping.end <= start || mapping.start >= end) {
        left.push(mapping);
        continue;
      }
      if (mapping.start < start) left.push({ ...mapping, end: start });
      if (mapping.end > end) {
        left.push({ ...mapping, start: end, offset: mapping.offset + (end - mapping.start) });
      }
    }
    this.shared = left;
  }
}

/** Bytes of the kernel's struct sigaction: handler, flags, restorer, mask. */
export const SIGACTION_SIZE = 32;

/** Dispositions a thread group has for its signals: the handler's address, 0 default, 1 ignore; flags as in sigaction. */
export class SignalHandlers {
  readonly handler = new Float64Array(65);
  readonly flags = new Float64Array(65);
  /** The action for SIGSYS as rt_sigaction takes it. */
  readonly sysAction = new Uint8Array(SIGACTION_SIZE);
  /** The kernel has put that action back to the default, because dispatch has forced the signal on one who ignores it. */
  isSysReset = false;

  clone(): SignalHandlers {
    const copy = new SignalHandlers();
    copy.handler.set(this.handler);
    copy.flags.set(this.flags);
    copy.sysAction.set(this.sysAction);
    copy.isSysReset = this.isSysReset;
    return copy;
  }

  /** True if the program does something else with SIGSYS than to die of it. */
  get usesSys(): boolean {
    return this.handler[Signal.SIGSYS]! > 0;
  }

  /** After exec: caught signals go back to default, ignored ones stay ignored. */
  resetCaught(): void {
    for (let signo = 1; signo <= 64; signo++) {
      if (this.handler[signo]! > 1) this.handler[signo] = 0;
      this.flags[signo] = 0;
    }
    this.sysAction.fill(0);
    this.sysAction[0] = this.handler[Signal.SIGSYS]!;
    this.isSysReset = false;
  }
}

/** Points in user code that a task has been stopped at. */
export class PointTally {
  /** Places that were made sites to be counted at. */
  sites = 0;
  /** Points told by their count, and the rounds up to them; points told by their state. */
  counted = 0;
  rounds = 0;
  described = 0;
  /** Time spent on counters and their points, and on describing states, ns. */
  countingNs = 0;
  describingNs = 0;

  /** As a `counters` frame has them; undefined if there were no points. */
  values(): Record<string, number> | undefined {
    if (this.counted + this.described === 0) return undefined;
    return {
      'points.sites': this.sites,
      'points.counted': this.counted,
      'points.rounds': this.rounds,
      'points.described': this.described,
      'points.counting_ns': Math.round(this.countingNs),
      'points.describing_ns': Math.round(this.describingNs),
    };
  }
}

export class ThreadGroup {
  readonly tasks = new Set<Task>();
  /** All its tasks are being ended: none of them is to run user code any more. */
  ending = false;
  constructor(
    readonly tgid: number,
    readonly parent: TaskUid,
  ) {}
}

/** Tasks that can see each other's writable memory: one baton, one stream. */
export class Domain {
  readonly tasks = new Set<Task>();
  /** Who has the baton; undefined only while no task of the domain can run. */
  holder: Task | undefined;
  /** Tasks in state Ready, first come first served. */
  readonly ready: Task[] = [];
  /** When the holder got the baton, ns. */
  since = 0;
  constructor(readonly stream: StreamId) {}
}

/** Who writes to one of the outputs, and who waits to. */
export interface OutputTurn {
  writer: Task | undefined;
  readonly waiting: Task[];
}

/** Where a task runs that has been let go (spread.ts). */
export class Placement {
  isAway = false;
  /** It has stopped since it was looked at last. */
  hasStopped = true;
  /** When it was looked at first after that, ns. */
  sinceNs = 0;
  /** When it is to be asked next whether it is asleep, ns. */
  askNs = 0;
  isAsleep = false;
}

export class Task {
  state = TaskState.Starting;
  /** How the task goes on once it has the baton; only in state Ready. */
  onBaton: (task: Task) => void = () => {};
  /** In state Stopped: how the task goes on when the stop is over, if not by running on. */
  afterStop: ((task: Task) => void) | undefined;
  /** The system call the task is in: number and argument registers as the program set them. */
  nr = -1;
  readonly args: Word[] = [0, 0, 0, 0, 0, 0];
  /** Words of the call's arguments that the kernel overwrites (see readEntry). */
  readonly regionContext = { entry: new Float64Array(6), semCount };
  /** When the call was entered, ns since the recording began. */
  enteredAt = 0;
  /** Result of the system call, while the task waits for the baton to finish it. */
  result: Word = 0;
  /** The call the kernel will go on with when it restarts through restart_syscall. */
  restartNr = -1;
  restartArgs: Word[] = [];
  /** What runs when the system call has ended, instead of the plain recording of its result. */
  onExit: ((task: Task) => void) | undefined;
  /** True while the task's call was cancelled at its entry, to be made again. */
  cancelled = false;
  /** What the call under way is to give the program instead of being run. */
  answered: number | undefined;
  /** All registers at the last syscall-stop; `exitRegsValid`: that was the end of a call, and the task has not gone on. */
  readonly exitRegs = new Uint32Array(54);
  exitRegsValid = false;
  readonly held: HeldSignal[] = [];
  /** When the first of them came, ns since the recording began. */
  heldSince = 0;
  /** A handler under way blocks them: they wait for a system call. */
  heldBlocked = false;
  /** When it was let go into user code last, ns since the recording began. */
  resumedAt = 0;
  /** How long it may compute while others wait. */
  sliceNs = FIRST_SLICE_NS;
  /** In a chaotic recording: who has most goes first. */
  priority = 0;
  /** Addresses in its code, four at most, at which debug registers stop it to become a sync point. */
  stopsAt: readonly number[] = NOWHERE;
  /** When it was sent an interrupt that has not stopped it yet, ns since the recording began; -1: it was not. */
  interruptedAt = -1;
  /** Registers at its last preemption. */
  lastPoint: Uint8Array = NO_BYTES;
  /** Set while it runs user code and counts how often it comes by a place. */
  counter: TaskCounter | undefined;
  /** What is left of the counter that took it to its last point, while the handler of a signal runs. */
  resting: RestingCounter | undefined;
  /** Address behind the program's own `syscall` of a call that the agent's has made in its stead, with no stop. */
  passes = 0;
  /** The signal of a trap is still to come that stands for nothing any more. */
  owesTrap = false;
  /** Its points in user code, and what they have cost the recorder. */
  readonly points = new PointTally();
  /** A signal this recorder asked the kernel to send so that `held[0]` can take its place (carrier.ts). */
  carrier = 0;
  /** Handlers of timers' signals under way, by the addresses of their signal frames. */
  readonly handlerFrames = new Map<number, HandlerFrame>();
  /** Set when such a handler returns, up to the next call that the tracer sees. */
  returned: Returned | undefined;
  /** The program's signal mask, while the task blocks more than that. */
  ownMask: Uint8Array | undefined;
  /** clear_child_tid: where the kernel stores 0 when the task ends; 0 if nowhere. */
  clearChildTid = 0;
  /** Head of the robust futex list; 0 if none. */
  robustList = 0;
  altStack = { start: 0, size: 0 };
  /** The exec under way has given the task its new image. */
  execed = false;
  /** A block frame has been written for the current call. */
  blocked = false;
  /** Others may have the baton while the task is in its current call. */
  mayYield = false;
  /** The task stands before a call that was taken back: a handler that starts now starts before that call. */
  atEntry = false;
  /** Runs at PTRACE_EVENT_FORK and its like, with the new task's tid. */
  onSpawn: ((tid: number) => void) | undefined;
  /** That has happened in the call under way. */
  hasSpawned = false;
  /** Where the kernel stored the task's own tid at its start (CLONE_CHILD_SETTID); 0 if nowhere. */
  setChildTid = 0;
  /** The former leader of the thread group, whose place this task took by exec. */
  replaced: Task | undefined;
  counters = -1;
  exitStatus = 0;
  /** True after PTRACE_EVENT_EXIT. */
  exiting = false;
  /** What the kernel stores when the task, which has been sent SIGKILL, is gone. */
  lastWrites: readonly MemoryWrite[] = [];
  /** Killed inside a system call. */
  diesInCall = false;
  /** Its call has ended, and no frame tells so yet. */
  unrecorded = false;
  /** The call is not recorded by its row alone. */
  hooked = false;
  /** A signal ends it at a point that replay reaches exactly. */
  endsHere = false;

  constructor(
    readonly uid: TaskUid,
    public tid: number,
    public group: ThreadGroup,
    public space: AddressSpace,
    public domain: Domain,
    public files: FileTable,
    public handlers: SignalHandlers,
  ) {}

  /** Buffers that are to be elsewhere during the call that the task is entering. */
  planned: readonly OutPiece[] | undefined;
  /** Buffers of the call under way that are elsewhere meanwhile. */
  moved: MovedBuffers | undefined;
  /** The same of a call that the kernel may go on with by restart_syscall. */
  suspended: MovedBuffers | undefined;
  /** Where they go. */
  scratch: ScratchSlot | undefined;
  readonly placement = new Placement();
  /** CPUs the program has bound the task to; undefined: those it was given. */
  cpus: readonly number[] | undefined;
  /** Its futex call woke somebody, who shall go first this time. */
  wokeOthers = false;
  /** rdtsc traps in it. */
  trapsTsc = false;
  /** Dispatch is on: the agent makes its calls, and stops it at the others. */
  dispatching = false;
  /** The agent has made the call that is being finished, and left it to the tracer to record it. */
  taken = false;
  readonly paths = new CallPaths();
  /** Its task-start frame is written. */
  started = false;
  /** Set while the task writes to the recorded output, or waits until it may. */
  outputTurn: OutputTurn | undefined;
  /** Place of its last write in the order of all output, until that is recorded; else -1. */
  outputSerial = -1;
  /** Whoever finishes the call under way lets the task go on: it has lost the baton on the way. */
  proceedsLater = false;

  /** An exec has given the task memory of its own, in which nothing is of what the program and its recording had in the old. */
  renew(space: AddressSpace): void {
    this.space.leave();
    this.space = space;
    space.users = 1;
    this.handlers = this.handlers.clone();
    this.handlers.resetCaught();
    this.altStack = { start: 0, size: 0 };
    this.robustList = 0;
    this.clearChildTid = 0;
    this.dispatching = false;
    this.stopsAt = NOWHERE;
  }

  /** Whether anything of a counter is in its memory. */
  get isCounting(): boolean {
    return this.counter !== undefined || this.resting !== undefined;
  }

  get pid(): number {
    return this.group.tgid;
  }
}
