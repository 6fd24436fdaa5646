import type { EventKind } from '@scribe-ts/core-native';
import type {
  DataFrame,
  Frame,
  MappingFrame,
  OutputFrame,
  SharedWriteFrame,
  StreamCursor,
  StreamId,
  TaskUid,
  ExecFrame,
} from '@scribe-ts/tracelog';
import type { AgentSpace } from './agent/space.js';
import type { History } from './history.js';

/** What looks for a point in user code (preempt/point-search.ts, preempt/counter-search.ts). */
export interface PointSearch {
  stopped(kind: EventKind): boolean;
  checkTime(nowNs: number): void;
}

/** Where a replayed task stands; it moves only when a frame of its asks for it. */
export enum At {
  /** Made, its task-start not reached. */
  Start,
  /** Right after its last sync point; the next instructions are its own. */
  User,
  /** Stopped at the entry of a system call that will not be run. */
  Entry,
  /** Stopped by a signal its own instruction caused; `signo` tells. */
  Fault,
  /** Let go towards its next stop. */
  Running,
  /** In a real execve of the stub. */
  Exec,
  /** In the stub, waiting for its image. */
  Stub,
  Dead,
}

/** What an address space was made for, as the log has it. */
export interface Program {
  readonly path: string;
  readonly argv: readonly string[];
  /** Address of argc, above which argv, envp and the auxiliary vector follow. */
  readonly stack: number;
  /** Where its arguments begin and end, and its environment, in a replay that is to go live. */
  readonly strings?: readonly [number, number, number, number] | undefined;
}

/** A SysV segment in an address space. `end`: the first address behind it. */
export interface AttachedSegment {
  readonly end: number;
  readonly isReadOnly: boolean;
}

export class ReplaySpace {
  /** undefined until its image is built. */
  program: Program | undefined;
  /** Program break, bytes. */
  brk = 0;
  /** Where that was at first. */
  startBrk = 0;
  /** SysV segments by their first address, for shmdt. */
  readonly segments = new Map<number, AttachedSegment>();
  users = 0;
  /** What the agent has in it; undefined if nothing. */
  agent: AgentSpace | undefined;
  /** Its tasks are kept on one CPU, as in the recording: it has code in which cpuid does not trap. */
  isAtHome = false;
  constructor(readonly id: number) {}
}

export class ReplayDomain {
  readonly tasks = new Set<ReplayTask>();
  /** The task the domain waits for, or another domain to be merged. */
  waiting: ReplayTask | ReplayDomain | undefined;
  /** Every frame of the stream has been applied, or the bookmark is reached. */
  ended = false;
  /** Its tasks have gone over to another domain. */
  merged = false;
  /** Stopped at the bookmark asked for. */
  atBookmark = false;
  constructor(
    readonly stream: StreamId,
    readonly cursor: StreamCursor,
  ) {}
}

/** Frames that belong to the next syscall frame of their task. */
export class PendingDetails {
  mapping: MappingFrame | undefined;
  exec: ExecFrame | undefined;
  output: OutputFrame | undefined;
  readonly data: DataFrame[] = [];
  /** How many of `data` have been compared with the task's memory. */
  checked = 0;
  readonly sharedWrites: SharedWriteFrame[] = [];

  get isEmpty(): boolean {
    return (
      this.mapping === undefined &&
      this.exec === undefined &&
      this.output === undefined &&
      this.data.length === 0 &&
      this.sharedWrites.length === 0
    );
  }

  clear(): void {
    this.mapping = undefined;
    this.exec = undefined;
    this.output = undefined;
    this.data.length = 0;
    this.checked = 0;
    this.sharedWrites.length = 0;
  }
}

export class ReplayTask {
  at = At.Start;
  signo = 0;
  readonly details = new PendingDetails();
  /** It has made a child, and the call for that has not ended. */
  hasSpawned = false;
  /** Calls that are not the agent's stop it by SIGSYS (Syscall User Dispatch), else by PTRACE_SYSEMU. */
  dispatching = false;
  /** A signal has ended it, and its exit is next. */
  isTerminating = false;
  /** Thread group as the recording numbers it. */
  pid = 0;
  /** How the point of its `preempt` frame is being looked for. */
  search: PointSearch | undefined;
  /** The last point that was found. */
  foundPoint: Frame | undefined;
  /** Thread id in the recording. */
  recordedTid = 0;
  /** Thread id as it sees it itself, in a replay that is to go live. */
  ownTid = 0;
  /** Signal that ends it, once it is dead. */
  endsBy = 0;
  constructor(
    readonly uid: TaskUid,
    /** Thread id in this replay. */
    public tid: number,
    public domain: ReplayDomain,
    public space: ReplaySpace,
    /** Its last frames. */
    readonly history: History,
  ) {}
}
