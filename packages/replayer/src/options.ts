import type { Frame, Word } from '@scribe-ts/tracelog';

/** What a live program has for itself, beside its process ids. */
export interface LiveIsolation {
  /** A network of its own, in which there is nothing but itself. */
  readonly network: boolean;
  /** Directories, absolute: what is written there is seen by it alone, and gone with it. */
  readonly directories: readonly string[];
}

/** How a replay goes live. */
export interface LiveOptions {
  /** Descriptors of this process that it gets as standard input, output and error; default: this process's own. */
  readonly stdio?: readonly [number, number, number];
  /**
   * It has these things, and System V IPC, for itself, so several copies of it can live at the same time. Fails with
   * NOT_SUPPORTED where the namespaces for that cannot be made.
   */
  readonly isolation?: LiveIsolation;
  /**
   * Directory, absolute, empty or not there: the program runs over an overlay that keeps there what it writes. In it files
   * are as the recording has left them at that moment. Default: the files of this machine, as they are.
   */
  readonly overlay?: string;
  /** Processes may have other ids than in the recording, where those cannot be had. Without, going live fails with NEW_PIDS then. */
  readonly allowNewPids?: boolean;
  /** Fail with INCOMPLETE where something cannot come back. */
  readonly requireComplete?: boolean;
}

/** What `replay` is to do. */
export interface ReplayOptions {
  readonly log: string;
  /** Content store; default: the one the log names. */
  readonly store?: string;
  /** Stop at this bookmark, verify its hashes, and end. */
  readonly until?: number;
  /** At the bookmark of `until`, let the program go: it runs on by itself, and its end is waited for. */
  readonly live?: LiveOptions;
  /** Called at once, with what can be asked of the replay while it runs. */
  readonly onStart?: (control: ReplayControl) => void;
  /**
   * Called when the program has gone live, with the id that its first process has outside of its namespace; 0 if that one
   * had ended before. `init`: the first process of its namespace, with which all others end; 0 where it has none. From then
   * on an abort of `signal` leaves the program alone.
   */
  readonly onLive?: (pid: number, init: number) => void;
  /** Called when a check has found that the replay gets on, with the number of its stops meanwhile: 0 if it computes. */
  readonly onChecked?: (stops: number) => void;
  /** Called with each thing that cannot come back, before the program goes live. */
  readonly onLost?: (what: string) => void;
  /** Do not show the program's output. */
  readonly quiet?: boolean;
  /** Frames of each task kept for a divergence report (default 20). */
  readonly backtraceLength?: number;
  /** Report a replay that makes no progress for so many seconds as stuck. */
  readonly deadlockSeconds?: number;
  /** Compute the end-state hash of every address space, also where the log has none. */
  readonly stateHashes?: boolean;
  /** Where a divergence leaves its core file; default: beside the log. */
  readonly corePath?: string;
  /** Called with the program's output instead of writing it to descriptors 1 and 2. */
  readonly onOutput?: (target: number, bytes: Uint8Array) => void;
  /** Called with every frame once it has been replayed, for diagnostics. */
  readonly onFrame?: (frame: Frame) => void;
  /** Called a few times a second with the part of the log that has been replayed, 0 to 1. */
  readonly onProgress?: (part: number) => void;
  /**
   * Answer common calls inside the replayed processes (the agent), without stopping them. Without effect where every frame
   * is told: with onFrame, with live, and in sessions.
   */
  readonly agent?: boolean;
  readonly signal?: AbortSignal;
}

/** What can be asked of a replay that runs. */
export interface ReplayControl {
  /**
   * The program goes live at the next sync point of every domain, also if `live` was not given: the replay begins anew up to
   * there then, without showing again what it has shown. Without effect if it ends before, or is live.
   */
  goLive(): void;
  /** Looks for a second whether the replay gets on: it ends as stuck if not, else `onChecked` is told. */
  check(): void;
}

/** What a replay came to. */
export interface ReplayResult {
  /**
   * Recorded wait status of the command; undefined if the log does not reach its end. After going live the one that the
   * program ended with.
   */
  readonly status: number | undefined;
  readonly syscalls: number;
  /** How many of them the agent answered. */
  readonly answered: number;
  /** How often a task was stopped. */
  readonly stops: number;
  readonly tasks: number;
  /** True if the log is truncated or detached: the replay went to its last whole chunk. */
  readonly truncated: boolean;
  /** The bookmark the replay stopped at, its state verified. */
  readonly bookmark?: number;
  /** One hash over the end states of all address spaces, in the order of the tasks' numbers; '' without hashes. */
  readonly endState: string;
}

/** What a replay found to differ from the log. */
export interface Divergence {
  readonly kind:
    | 'syscall'
    | 'arguments'
    | 'output'
    | 'signal'
    | 'trap'
    | 'preempt'
    | 'state'
    | 'exit'
    | 'stuck'
    | 'internal';
  readonly message: string;
  /** Number the log gives to the task. */
  readonly task: number;
  readonly pid: number;
  readonly tid: number;
  /** The frame the log has here. */
  readonly expected: Frame | undefined;
  /** What the program did instead. */
  readonly actual: {
    readonly event: string;
    /** The call it is about to make, if it is about to make one, and as many arguments as that has. */
    readonly nr?: number;
    readonly args?: readonly Word[];
    /** The signal that its own instruction caused, if one did. */
    readonly signo?: number;
    /** '' if the task is gone. */
    readonly rip: string;
  };
  /** By name, as hexadecimal; empty if the task is gone. */
  readonly registers: Readonly<Record<string, string>>;
  /** Innermost first; symbol is '' where unknown. */
  readonly backtrace: readonly {
    readonly address: string;
    readonly object: string;
    readonly symbol: string;
  }[];
  /**
   * Where each task stands, and its last frames, oldest first: the diverged one, then by number all others that have not
   * ended, and the last 64 that have.
   */
  readonly history: readonly {
    readonly task: number;
    readonly pid: number;
    readonly tid: number;
    /** For people: 'about to call read', 'ended' … */
    readonly state: string;
    readonly frames: readonly Frame[];
  }[];
  /** Core file of the diverged process, '' if it could not be written. */
  readonly core: string;
  /** What this report lacks, and why. */
  readonly notes: readonly string[];
}

/** The program did something else than the log says; `divergence` has all that is known of it. */
export class DivergenceError extends Error {
  readonly code = 'DIVERGENCE';
  constructor(readonly divergence: Divergence) {
    super(divergence.message);
    this.name = 'DivergenceError';
  }
}
