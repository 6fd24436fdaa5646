/**
 * The shape of a row of the syscall table. The table is the only place that knows what a system call's arguments are:
 * the recorder copies by it, the replayer checks by it, the profiler prints by it, and the agent's C header is made from it.
 */

/** What recording and replaying do with a call (see the table in docs/ARCHITECTURE.md). */
export type SyscallClass =
  /** Run and save result and out-buffers; in replay not run, but injected. */
  | 'data'
  /** As data, but it may wait: the baton is given up meanwhile. */
  | 'blocking'
  /** Changes the address space: run, and run again in replay, forced to the same addresses. */
  | 'memory'
  /** Makes, replaces or ends tasks: clone, execve, exit … */
  | 'process'
  /** Signal state: sigaction, sigprocmask, sigaltstack, sigreturn. */
  | 'signal'
  /** Answered ENOSYS while recording, so that programs fall back; named once at the end. */
  | 'refused';

/**
 * A byte count or element count, taken from the call itself. Never negative: what comes out below 0 is 0. An argument is
 * read at its own width, as the kernel does: the low 32 bits if its kind is `int`, `uint`, `fd` or `dirfd`, else all 64, unsigned.
 */
export type Size =
  /** A constant. */
  | { readonly const: number }
  /** ceil((argument `arg` + `plus`) / `per`) * `times` (defaults: 0, 1, 1). */
  | { readonly arg: number; readonly plus?: number; readonly per?: number; readonly times?: number }
  /**
   * The call's result * `times` + `plus` (defaults: 1, 0). It is never more than argument `room`, which stands for it
   * before the call; a blocking call's out-buffer must have one.
   */
  | {
      readonly result: true;
      readonly times?: number;
      readonly plus?: number;
      readonly room?: number;
    }
  /**
   * The smaller of the result and argument `resultUpTo` (a truncating call such as recvfrom with MSG_TRUNC, or one that
   * only tells the needed size, such as getxattr with size 0). For `in` bytes of a call that failed or is yet to run: the argument.
   */
  | { readonly resultUpTo: number }
  /**
   * The 32-bit (`width` 4) or 64-bit (8) word that argument `deref` points to, plus `plus` (default 0). For out-buffers the
   * word is read after the call, limited by its value before the call (value-result arguments, as in accept).
   */
  | { readonly deref: number; readonly width: 4 | 8; readonly plus?: number };

/** Which way the bytes behind a pointer go, seen from the program: `in` is read by the kernel, `out` written by it. */
export type Direction = 'in' | 'out' | 'inout';

/** When the kernel has written an out-buffer: if the call did not fail, if its result is above 0, or failed calls as well. */
export type WrittenWhen = 'success' | 'positive' | 'always';

/** How a scalar is printed; sets of flag names are defined by the profiler under these names. */
export type ScalarFormat = string;

/** What an argument is, and what it points to. */
export type ArgType =
  /** A 32-bit signed integer (int). */
  | { readonly kind: 'int'; readonly format?: ScalarFormat }
  /** A 32-bit unsigned integer. */
  | { readonly kind: 'uint'; readonly format?: ScalarFormat }
  /** A 64-bit signed (`long`) or unsigned (`ulong`) integer. */
  | { readonly kind: 'long'; readonly format?: ScalarFormat }
  | { readonly kind: 'ulong'; readonly format?: ScalarFormat }
  /** A file descriptor. */
  | { readonly kind: 'fd' }
  /** A directory file descriptor, AT_FDCWD allowed. */
  | { readonly kind: 'dirfd' }
  /** An address that the call does not follow. */
  | { readonly kind: 'address' }
  /** A NUL-terminated string the kernel reads; `path` if it names a file. */
  | { readonly kind: 'string'; readonly path?: boolean }
  /** A NULL-terminated array of strings (argv, envp). */
  | { readonly kind: 'strings' }
  /**
   * `size` plain bytes. `text` where people want to see them as a string; `struct` is the C name where they are one
   * structure of variable length (a socket address), or several (directory entries).
   */
  | {
      readonly kind: 'buffer';
      readonly dir: Direction;
      readonly size: Size;
      readonly when?: WrittenWhen;
      readonly text?: boolean;
      readonly struct?: string;
    }
  /** `count` (default 1) structures of `size` bytes each; `struct` is its C name. */
  | {
      readonly kind: 'struct';
      readonly struct: string;
      readonly dir: Direction;
      readonly size: number;
      readonly count?: Size;
      readonly when?: WrittenWhen;
    }
  /**
   * An array of `count` struct iovec; the bytes behind them go `dir`, in all as many as the result says. `inout` where
   * the way depends on the descriptor (vmsplice).
   */
  | { readonly kind: 'iovec'; readonly dir: Direction; readonly count: Size }
  /** A struct msghdr, or an array of `count` struct mmsghdr: the first as many of them as the result says went through. */
  | { readonly kind: 'msghdr'; readonly dir: 'in' | 'out'; readonly count?: Size }
  /** Its shape depends on other arguments: the function named `decoder` in special.ts tells. */
  | { readonly kind: 'special'; readonly decoder: string; readonly dir: Direction };

/** An argument of a system call. */
export interface ArgSpec {
  readonly name: string;
  readonly type: ArgType;
}

/** How the result is printed. */
export type ReturnFormat =
  'int' | 'fd' | 'address' | 'size' | 'pid' | 'hex' | 'uid' | 'flags' | 'none';

/** All that is known of one system call. */
export interface SyscallRow {
  readonly nr: number;
  readonly name: string;
  readonly class: SyscallClass;
  readonly args: readonly ArgSpec[];
  readonly returns: ReturnFormat;
  /**
   * Traits for filters such as `trace=file`, in strace's words: 'file', 'desc', 'network', 'memory', 'process', 'signal',
   * 'ipc', 'creds', 'clock', 'pure', 'stat', 'lstat', 'fstat', 'statfs', 'fstatfs', and '%stat' and '%statfs' for what
   * strace calls %%stat and %%statfs; besides these 'time' (clocks, timers, sleeping), 'futex', 'key', 'pid', 'sched' and
   * 'system'.
   */
  readonly groups: readonly string[];
  /** Why a refused call is refused, for people. */
  readonly reason?: string;
}
