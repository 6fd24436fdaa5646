import type { Frame, StreamId, TaskUid } from '@scribe-ts/tracelog';

type OneOrMore<T> = T | readonly T[];

/** Which events of a log are meant. An event must meet all conditions that are given. */
export interface EventFilter {
  /** Kinds of frames; default: `syscall`. */
  readonly type?: OneOrMore<Frame['type']>;
  /** System calls, by name or number. */
  readonly name?: OneOrMore<string | number>;
  /** Numbers the log gives to tasks. */
  readonly task?: OneOrMore<TaskUid>;
  /** Process ids as the recorded program saw them. */
  readonly pid?: OneOrMore<number>;
  /** Descriptors: calls with such a one among their arguments. */
  readonly fd?: OneOrMore<number>;
  /** Signals, by number. */
  readonly signo?: OneOrMore<number>;
  /** `true`: only calls that failed; `false`: only those that did not. */
  readonly failed?: boolean;
  /**
   * Only these calls of each task, by their places among all `syscall` frames of the task, from 0, ascending. That is how
   * calls which a query has found in the log are found again in its replay.
   */
  readonly calls?: ReadonlyMap<TaskUid, ArrayLike<number>>;
}

/**
 * Side of an event to stop at. `before`: the task stands at its call, signal, trap or end, which has no effect yet; its
 * result is in the frame all the same. `after`: it has had its effect.
 */
export type Side = 'before' | 'after';

/** Where a replay is to stop. */
export type ReplayTarget =
  /** The `nth` event (from 1, default 1) that matches from here on. */
  | { readonly event: EventFilter; readonly nth?: number; readonly side?: Side }
  /** The same, for system calls alone: a name, a number or a filter. */
  | {
      readonly syscall: string | number | EventFilter;
      readonly nth?: number;
      readonly side?: Side;
    }
  /** A frame by its stream and its place in it, from 0. */
  | { readonly stream: StreamId; readonly index: number }
  /**
   * The first frame of the chunk at this offset in the file, or the first that does not begin before `position` in that
   * chunk, bytes; as a log's reader gives them, and as `parsePlace` of the profiler reads them from `profiler -o`.
   */
  | { readonly offset: number; readonly position?: number }
  /** All streams are at this bookmark, and its state has been verified. */
  | { readonly bookmark: number }
  /** Every stream is before its first frame of this time or a later one; nanoseconds since the recording began. */
  | { readonly time: number };

/** A task of the replay. */
export interface TaskInfo {
  /** Number the log gives to it. */
  readonly task: TaskUid;
  /** Process and thread id as the recorded program saw them. */
  readonly pid: number;
  readonly tid: number;
  /** Thread id in this replay: the one that tools outside see. */
  readonly replayTid: number;
  readonly stream: StreamId;
  /** For people: 'about to call read', 'after its last call', 'ended' … */
  readonly state: string;
  /** Program it was started with; '' before its image is made. */
  readonly path: string;
  readonly argv: readonly string[];
}

/** A mapping of a replayed address space. The pages that a replay keeps for itself are left out. */
export interface MapInfo {
  readonly start: number;
  readonly end: number;
  /** PROT_* bits. */
  readonly prot: number;
  readonly shared: boolean;
  /** Offset in the file, bytes. */
  readonly offset: number;
  /** Path as the recording has it, a name like '[stack]', or '' for anonymous memory. */
  readonly path: string;
}

/** What an address is. Fields that are not known are '' or 0. */
export interface CodeLocation {
  /** Path of the mapped file as the recording has it. */
  readonly object: string;
  /** Name of the function, as the symbol table has it (C++: mangled; the profiler's `demangle` makes it readable). */
  readonly symbol: string;
  /** Bytes from the function's beginning. */
  readonly offset: number;
  /** Source file and line, where there is debug information. */
  readonly file: string;
  readonly line: number;
}

/** A frame of a call stack. */
export interface StackFrame extends CodeLocation {
  /** Where it goes on: behind its call, or where it was interrupted. */
  readonly address: number;
  /** It was made by the kernel to call a signal handler: the frame after it was interrupted, and did not call. */
  readonly isSignalFrame: boolean;
}

/** General registers by name, unsigned 64-bit values. */
export type RegisterValues = Readonly<Record<RegisterName, bigint>>;

/** The general registers. */
export type RegisterName =
  | 'rip'
  | 'rsp'
  | 'rbp'
  | 'rax'
  | 'rbx'
  | 'rcx'
  | 'rdx'
  | 'rsi'
  | 'rdi'
  | 'r8'
  | 'r9'
  | 'r10'
  | 'r11'
  | 'r12'
  | 'r13'
  | 'r14'
  | 'r15'
  | 'orig_rax'
  | 'eflags'
  | 'fs_base'
  | 'gs_base';

/** An event of a replay, seen from where it happens. Byte arrays in it are its own. */
export interface ReplayEvent<F extends Frame = Frame> {
  readonly frame: F;
  /** Frames that belong to the call: what it takes (`data`), what it prints (`output`), what it maps (`mapping`). */
  readonly details: readonly Frame[];
  /** Place of the frame in its stream, from 0. */
  readonly stream: StreamId;
  readonly index: number;
  /** Place of a `syscall` frame among those of its task, from 0; of another frame: calls before it. */
  readonly call: number;
  /** Offset in the file of the frame's chunk, and where the frame begins in it, bytes. */
  readonly offset: number;
  readonly position: number;
  /** Innermost first; empty unless asked for. */
  readonly backtrace: readonly StackFrame[];
}
