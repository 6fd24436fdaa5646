import type { ConnectionFrame, TaskUid, Word } from '@scribe-ts/tracelog';
import type { DescriptorTable, Descriptor } from './descriptor-table.js';
import type { FileLocks } from './file-locks.js';
import type { OpenFile, TimerSetting } from './open-file.js';
import { PendingSignals } from './pending-signals.js';

const SIGNALS = 64;
const SIGCHLD = 17;
const SA_NOCLDWAIT = 2n;

/** What a signal does: struct kernel_sigaction as rt_sigaction takes it. */
export interface Disposition {
  /** Address; 0: SIG_DFL, 1: SIG_IGN. */
  readonly handler: number;
  readonly flags: bigint;
  readonly restorer: number;
  readonly mask: bigint;
}

export const DEFAULT: Disposition = { handler: 0, flags: 0n, restorer: 0, mask: 0n };
export const IGNORE: Disposition = { handler: 1, flags: 0n, restorer: 0, mask: 0n };

/** A sighand_struct. By number, [0] unused; undefined: as it was when the program started. */
export class SignalHandlers {
  readonly actions: (Disposition | undefined)[];
  constructor(actions?: readonly (Disposition | undefined)[]) {
    this.actions = actions?.slice() ?? new Array<undefined>(SIGNALS + 1).fill(undefined);
  }

  /** What exec leaves: handlers are gone, what is ignored stays. */
  afterExec(): SignalHandlers {
    return new SignalHandlers(
      this.actions.map((action) =>
        action === undefined || action.handler === 1 ? action : DEFAULT,
      ),
    );
  }
}

/** An fs_struct. */
export class Directories {
  constructor(
    /** Working directory, absolute. */
    public cwd: string,
    /** '/' unless chroot was called. */
    public root: string,
    /** undefined: as the program was started with. */
    public umask: number | undefined,
  ) {}

  copy(): Directories {
    return new Directories(this.cwd, this.root, this.umask);
  }
}

/** What timer_create made. */
export interface PosixTimer {
  readonly clock: number;
  /** struct sigevent, undefined if none was given. */
  readonly event: Uint8Array | undefined;
  setting: TimerSetting | undefined;
}

/** Ids as the kernel checks them; undefined where the program has not changed them. */
export interface Credentials {
  readonly uids: readonly [real: number, effective: number, saved: number] | undefined;
  readonly gids: readonly [real: number, effective: number, saved: number] | undefined;
  readonly groups: readonly number[] | undefined;
}

/** Memory that mlock has locked: from `start` to before `end`. */
export interface LockedMemory {
  readonly start: number;
  readonly end: number;
  /** Of mlock2. */
  readonly flags: number;
}

/** What the threads of a process have in common. */
export class ProcessState {
  handlers = new SignalHandlers();
  /** Soft and hard limit by resource, for those that the program has set. */
  readonly limits = new Map<number, readonly [bigint, bigint]>();
  /** By ITIMER_*. */
  readonly intervalTimers = new Map<number, TimerSetting>();
  readonly posixTimers = new Map<number, PosixTimer>();
  /** undefined: as it was when the program started. */
  group: number | undefined;
  session: number | undefined;
  /** What the process has locked by fcntl(2). */
  readonly locks = new Map<OpenFile, FileLocks>();
  /** Signals that are pending for the process as a whole. */
  readonly pending = new PendingSignals();
  /** Signal that has stopped it, 0 while it runs. */
  stoppedBy = 0;
  /** Memory that it has locked, what was locked last at the end. */
  locked: readonly LockedMemory[] = [];
  /** Commands of membarrier that have registered it for something. */
  readonly barriers = new Set<number>();
  /** Ended children it has waited for. */
  readonly reaped = new Set<number>();

  constructor(
    readonly pid: number,
    readonly parent: ProcessState | undefined,
  ) {}

  /** Its children leave nothing to wait for when they end. */
  get ignoresChildren(): boolean {
    const action = this.handlers.actions[SIGCHLD];
    return action !== undefined && (action.handler === 1 || (action.flags & SA_NOCLDWAIT) !== 0n);
  }
}

/** What each thread has for itself; what it shares is shared by reference. */
export class TaskState {
  /** Blocked signals, bit N - 1 for signal N; undefined: as it was when the program started. */
  mask: bigint | undefined;
  /** Blocked for the time of a call alone (sigsuspend, ppoll …) that a signal has ended. */
  waitMask: bigint | undefined;
  /** stack_t of its alternate stack. */
  altStack: { readonly sp: number; readonly flags: number; readonly size: number } | undefined;
  /** Address that the kernel clears at its end, 0: none. */
  clearTid = 0;
  /** Address at which the kernel stores its id before it runs, in memory of its own; 0: none. */
  setTid = 0;
  robustList: { readonly head: number; readonly length: number } | undefined;
  /** As prctl(PR_SET_NAME) set it. */
  name: string | undefined;
  nice: number | undefined;
  /** CPUs that it may run on, as sched_setaffinity takes them. */
  affinity: Uint8Array | undefined;
  credentials: Credentials = { uids: undefined, gids: undefined, groups: undefined };
  /** Arguments behind the option of each prctl that has set something, by option. */
  readonly settings = new Map<number, readonly Word[]>();
  /** Signal of its parent's end. */
  parentDeathSignal = 0;
  /** Signals that are pending for this thread alone. */
  pending = new PendingSignals();
  /** What the log tells of the socket that its next call connects or accepts. */
  connection: ConnectionFrame | undefined;
  /** Call that restart_syscall stands for, since it has been interrupted. */
  restart: number | undefined;

  constructor(
    readonly uid: TaskUid,
    readonly tid: number,
    public process: ProcessState,
    public files: DescriptorTable,
    public directories: Directories,
  ) {}

  descriptor(fd: number): Descriptor | undefined {
    return this.files.get(fd);
  }
}
