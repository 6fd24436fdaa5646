/** What `record` is asked to do. */
export interface RecordOptions {
  /** Command and its arguments; the command is looked up in PATH. */
  readonly command: readonly string[];
  /** The log to write. */
  readonly log: string;
  /** Environment as `NAME=value` strings. */
  readonly env: readonly string[];
  readonly cwd?: string;
  /** Directory to chroot into. */
  readonly root?: string;
  /** Give the program a network namespace of its own, with loopback only. */
  readonly newNetwork?: boolean;
  /** What the log shall hold beyond what replay needs (see Verbosity). */
  readonly verbosity: string;
  /** Content store; default: defaultStore(). */
  readonly store?: string;
  /** Put the contents of mapped files into the log. */
  readonly pack?: boolean;
  /** Take a bookmark every so many seconds. */
  readonly autoBookmarkSeconds?: number;
  /** Save a hash of each address space before it ends, to be verified by every replay. */
  readonly stateHashes?: boolean;
  /** Record the common system calls inside the program's own processes (the agent), without stopping them. */
  readonly agent?: boolean;
  /**
   * Leave who runs, and for how long, to chance: the seed of it, a whole number from 0 to 2^32 - 1. Shakes out races. Not
   * together with `agent`.
   */
  readonly chaos?: number;
  /** What to do with the program when the log cannot be written any more: let it run on by itself, or end it. */
  readonly onLogFailure?: 'detach' | 'kill';
  /** Descriptors of the calling process for the program's 0, 1, 2. */
  readonly stdio?: readonly [number, number, number];
}

/** Counts and messages of a finished recording. */
export interface RecordResult {
  /** Wait status of the command itself. */
  readonly status: number;
  /** True if the recording ended by detaching. */
  readonly detached: boolean;
  readonly syscalls: number;
  readonly tasks: number;
  /** Warnings for people: calls that were refused by name, what could not be recorded. */
  readonly notes: readonly string[];
  /** What this machine refuses to a recording, which does without. */
  readonly missing: readonly string[];
  /** True if `end` has killed the program. */
  readonly ended: boolean;
  /** Set when the log could not be written to its end. `path`: the log, or the store of the contents it refers to. */
  readonly logFailure?: { readonly code: string; readonly message: string; readonly path: string };
}

/** A recording under way. */
export interface Recording {
  /** Process id of the recorded command. */
  readonly pid: number;
  /** Takes a bookmark at the next sync point of every domain; resolves to its id. */
  bookmark(): Promise<number>;
  /** Lets the program run on by itself; the log ends here. */
  detach(): Promise<void>;
  /** Sends a signal to the command or, when that has ended, to each process that it has left behind. */
  kill(signal: number): void;
  /**
   * Kills every process; the log is complete up to there. With `stuckMs` only if a task computes and none has made a
   * system call for so many milliseconds.
   */
  end(stuckMs?: number): void;
  /** Called when the command was stopped by job control (signal number). */
  onStopped?: (signal: number) => void;
  readonly finished: Promise<RecordResult>;
}

/**
 * Letters of the verbosity, as Scribe's users know them. Level N is the first N letters of `sShcrmdgDRFpT`
 * (13 and above: all of them).
 */
export const VERBOSITY_LETTERS = 'sShcrmdgDRFpT';

/** Meaning of each letter, for `--help` and FORMAT.md. */
export const VERBOSITY_MEANING: Readonly<Record<string, string>> = {
  s: 'arguments of system calls (needed to verify them in a replay)',
  S: 'strings that system calls take: paths, names, argv',
  h: 'hash of the general registers at every system call, verified by every replay',
  c: 'counters of each task at its end',
  r: 'resources with their serial numbers',
  m: 'names of mapped files',
  d: 'data that system calls take, the first 256 bytes of each',
  g: 'signals that have no effect on the program (ignored, stop, continue)',
  D: 'data that system calls take, whole',
  R: 'registers at every system call',
  F: 'time of every frame to the nanosecond (else to the microsecond)',
  p: 'what each program was started with: path, arguments, environment',
  T: 'time spent in each system call',
};

/** Letters that a recording has if nothing else is said. */
export const DEFAULT_VERBOSITY = 'sSrmdgpT';
