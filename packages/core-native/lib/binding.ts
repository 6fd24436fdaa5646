/**
 * The addon's surface: mechanism only. Every method acts on tasks traced by the calling OS thread (ptrace belongs to a
 * thread), so a `Tracer` is made and used in one worker. Failures throw `NativeError` with `errno`, `code` ('ESRCH', …) and
 * `operation`; a task that died under us is `ESRCH`.
 */

/** What `Tracer.wait` found; `Tracer.event[1]`. */
export enum EventKind {
  /** Nothing: timeout or interrupt(). */
  None = 0,
  /** PTRACE_SYSCALL stop (entry or exit: the caller alternates; PTRACE_SYSEMU stops are entries). */
  Syscall = 1,
  /** signal-delivery-stop; event[2] is the signal. */
  Signal = 2,
  /** PTRACE_EVENT_*; event[2] is the PTRACE_EVENT number, eventMessage has PTRACE_GETEVENTMSG. */
  Event = 3,
  /** Group-stop (PTRACE_EVENT_STOP with a stopping signal); event[2] is that signal. */
  GroupStop = 4,
  /** PTRACE_EVENT_STOP with SIGTRAP: first stop of an auto-attached child, or PTRACE_INTERRUPT. */
  InterruptStop = 5,
  /** The task is gone; event[3] is its wait status. */
  Exited = 6,
  /** No tracees are left to wait for (ECHILD). */
  NoTracees = 7,
  /**
   * Of `waitFor`, or of a remote call that it has ended: a thread group's leader has ended without a stop for that, as
   * it was killed at another one, and threads of its group live on; event[3] is its wait status. `Exited` follows when
   * the last of them is gone.
   */
  Zombie = 8,
}

export enum PtraceEvent {
  Fork = 1,
  Vfork = 2,
  Clone = 3,
  Exec = 4,
  VforkDone = 5,
  Exit = 6,
  Stop = 128,
}

/** How `resume` lets a task go on. */
export enum Resume {
  Cont = 0,
  Syscall = 1,
  Step = 2,
  /** PTRACE_SYSEMU: stop at the next syscall entry, the call not run. */
  Sysemu = 3,
  /** PTRACE_SYSEMU_SINGLESTEP. */
  SysemuStep = 4,
  /** PTRACE_LISTEN: stay in group-stop, but hear SIGCONT. */
  Listen = 5,
}

/** Index of each register in user_regs_struct (27 words of 64 bits; `regs` has two 32-bit halves a word, low first). */
export enum Reg {
  r15 = 0,
  r14,
  r13,
  r12,
  rbp,
  rbx,
  r11,
  r10,
  r9,
  r8,
  rax,
  rcx,
  rdx,
  rsi,
  rdi,
  orig_rax,
  rip,
  cs,
  eflags,
  rsp,
  ss,
  fs_base,
  gs_base,
  ds,
  es,
  fs,
  gs,
}

export interface SpawnOptions {
  /** Path to execute, already looked up. */
  readonly file: string;
  readonly argv: readonly string[];
  readonly envp: readonly string[];
  readonly cwd?: string;
  readonly chroot?: string;
  /** A new network namespace with only loopback, inside a new user namespace if need be. */
  readonly newNetwork?: boolean;
  /** Ask for ADDR_NO_RANDOMIZE; where personality is refused, recorded in `missing`. */
  readonly disableAslr?: boolean;
  /** Descriptors of the calling process for the child's 0, 1, 2 (default: the same). */
  readonly stdio?: readonly [number, number, number];
  /** Soft RLIMIT_NOFILE. Node raises its own to the hard limit at start; a program expects what the user's shell has (`parentNofile`). */
  readonly nofile?: number;
}

export interface SpawnResult {
  readonly tid: number;
  /** What could not be had, e.g. 'personality: EPERM'. */
  readonly missing: readonly string[];
}

/** A line of /proc/TID/maps, parsed. */
export interface ProcMapping {
  readonly start: number;
  readonly end: number;
  /** PROT_* bits. */
  readonly prot: number;
  readonly shared: boolean;
  readonly offset: number;
  readonly dev: string;
  readonly inode: number;
  /** Path or '[stack]'-like name, '' if anonymous; ' (deleted)' is kept. */
  readonly name: string;
}

export interface NativeTracer {
  /**
   * [tid, EventKind, signal or event, wait status] of the last wait, and 1 if it was a Syscall, Signal or InterruptStop at
   * which the task was killed before its registers were read: `regs` are another stop's.
   */
  readonly event: Int32Array;
  /** user_regs_struct of the last stop that `wait` reported (kinds 1 to 5), as 54 32-bit halves. Also what setRegs stores. */
  readonly regs: Uint32Array;
  /** The same memory as `regs`, in bytes (216). */
  readonly regsBytes: Uint8Array;
  /**
   * [0]: of an Event PTRACE_GETEVENTMSG, -1 if the task has been killed since and left that stop; of a Signal its
   * si_code; [1]: CLOCK_MONOTONIC in ns of the last wait's return; [2]: how many stops and ends there have been
   * by then, those of remote calls as well. Of what `wait` has taken from a ring that was lent for: [3]: bytes; [4], [5]:
   * frames and calls that the agent had counted by then; [6]: time of the last frame, CLOCK_MONOTONIC, ns.
   */
  readonly values: Float64Array;

  /** For `interrupt`, from any thread: ends this tracer's wait, or else its next one. */
  readonly interruptToken: number;

  /** Forks, seizes the child (TRACESYSGOOD, CLONE, FORK, VFORK, VFORKDONE, EXEC, EXIT, EXITKILL) and lets it run to its exec's PTRACE_EVENT_EXEC stop, in which it is left. Throws NativeError with the failed step's name (chdir, chroot, execve, ptrace …) and leaves no process behind if it can't. */
  spawn(options: SpawnOptions): SpawnResult;
  /** Waits for any tracee of this thread (__WALL|__WNOTHREAD). timeoutMs < 0: for ever. Returns the EventKind. Interruptible from any thread by interrupt(). */
  wait(timeoutMs: number): EventKind;
  /**
   * Lends the next wait memory for what the agent of a task records: it empties the ring of a task that asks for nothing but that
   * (at `asked`) and has it go on (at `entry`), until there is no more room or anything else happens.
   *
   * @param memory the agent's, of which the first `from` bytes of the ring have been taken
   * @param connections how many `connection` frames there have been: the ring is left alone if there are more
   */
  lend(
    tid: number,
    memory: Uint8Array,
    from: number,
    into: Uint8Array,
    offset: number,
    length: number,
    connections: number,
    asked: number,
    entry: number,
  ): void;
  /**
   * As wait, for one tid only, not interruptible (for stops known to come at once). NoTracees if it isn't a tracee (any more).
   * A Syscall, Signal or InterruptStop at which it is killed before its registers are known is not told of: its end is.
   * `isAlone`: it has no other threads, so its end is told like any stop, and need not be looked for meanwhile.
   */
  waitFor(tid: number, isAlone?: boolean): EventKind;
  /** false if the task died (ESRCH). */
  resume(tid: number, how: Resume, signal: number): boolean;
  /** Loads regs of a stopped task into `regs`. */
  getRegs(tid: number): boolean;
  /** Stores `regs` into a stopped task. */
  setRegs(tid: number): boolean;
  /** NT_X86_XSTATE. */
  getXstate(tid: number): Uint8Array;
  setXstate(tid: number, state: Uint8Array): void;
  /**
   * Puts the vector and x87 state in the form in which a signal handler begins here: all components initial, mxcsr 0x1f80,
   * fcw 0x37f; x87 and SSE in use.
   */
  initXstate(tid: number): void;
  /**
   * The same for a task that the kernel has just put at the first instruction of a signal handler, where all components are
   * initial: takes a fifth of the time. false if the task died.
   */
  useXstate(tid: number): boolean;
  getSiginfo(tid: number): Uint8Array;
  setSiginfo(tid: number, info: Uint8Array): void;
  /** PTRACE_GETSIGMASK / SETSIGMASK: 64 bits as 8 bytes. */
  getSigmask(tid: number): Uint8Array;
  /**
   * Whether a signal is queued for a stopped task, or for its process, that is not in `mask`: 64 bits as 8 bytes; if not
   * given, what it blocks. false if the task is gone.
   */
  hasWaitingSignal(tid: number, mask?: Uint8Array): boolean;
  setSigmask(tid: number, mask: Uint8Array): void;
  /**
   * Has a stopped task stop with SIGTRAP (si_code 4, TRAP_HWBKPT) whenever it is about to execute what is at one of these
   * addresses, at most four, by debug registers: its memory stays as it is. 0: nowhere. false if the task died; NativeError where there are no debug
   * registers.
   */
  setBreakpoint(tid: number, addr: number, ...more: readonly number[]): boolean;
  interruptTask(tid: number): boolean;
  /**
   * Syscall User Dispatch of a stopped task: every `syscall` instruction whose end is not in the `length` bytes from
   * `start` on raises SIGSYS instead (si_code 2), its registers as they were before. `length` 0: off. EINVAL before
   * Linux 6.4. A task made by fork or clone has it off, as one that has executed a program.
   */
  setDispatch(tid: number, start: number, length: number): boolean;
  detach(tid: number, signal: number): boolean;
  /** Signals one thread (tgkill), or with one of the ids 0 the thread group that the other is in. false if there is no such task. */
  kill(tgid: number, tid: number, signal: number): boolean;

  /** Reads `length` bytes at `addr` into `into` at `offset`; returns the number of bytes read (short at an unmapped page). process_vm_readv, falling back to /proc/TID/mem. */
  readMemory(tid: number, addr: number, into: Uint8Array, offset: number, length: number): number;
  /** Writes through /proc/TID/mem when process_vm_writev can't (read-only pages: copied on write, as a debugger's poke). Returns bytes written. */
  writeMemory(tid: number, addr: number, from: Uint8Array, offset: number, length: number): number;
  /** Writes as the kernel does for a call of the task's own: stops at a page that the task can't write. Returns bytes written. */
  storeMemory(tid: number, addr: number, from: Uint8Array, offset: number, length: number): number;
  /** Reads a NUL-terminated string of at most `limit` bytes, without the NUL; ends early at an unmapped page. */
  readString(tid: number, addr: number, limit: number): Uint8Array;
  /** Keeps /proc/TID/mem open for reads and writes that process_vm_readv/writev can't do; without it each of those opens the file anew. Forgotten at the task's exec and end. */
  openMemory(tid: number): void;
  closeMemory(tid: number): void;

  /**
   * Runs one system call in a stopped task through the `syscall` instruction at `insn` (an address of the task's), all
   * signals blocked, with its registers and signal mask put back afterwards. `args`: up to 6 numbers or bigints. Returns
   * the raw result as number (negative errno). Not for calls that don't return (execve, exit, rt_sigreturn). What the task's
   * stop becomes:
   *  - syscall-exit-stop, InterruptStop, GroupStop: stays as good as it was; an interrupted call is restarted as it would
   *    have been.
   *  - a stop at syscall entry: the pending call is dropped (after PTRACE_SYSEMU it is anyway). To have it run, set rip
   *    back by 2 and rax to orig_rax.
   *  - Exec, Fork, Clone, VforkDone events: the call that caused the event is finished first. The task is past its
   *    syscall-exit-stop and has that stop's registers.
   *  - Signal: a new signal-delivery-stop of the same signal, with the same siginfo; while remote calls end in traps, one of
   *    nobody's signal if it was Syscall User Dispatch's.
   *  - Vfork event, where the task would wait for its child: EBUSY.
   * `event`, `regs` and `values` aren't touched. If the task dies or is in its Exit event: ESRCH; a stop or end that was
   * seen here first is reported by the next `wait`. EFAULT: no `syscall` at `insn`. A SIGSTOP that comes in between takes
   * effect; the task is interrupted again for it, as for interruptTask: GroupStop, or InterruptStop if it is over by then.
   * No signal-delivery-stop tells of it any more: `takeStop` does.
   */
  remoteSyscall(tid: number, insn: number, nr: number, args: readonly (number | bigint)[]): number;
  /**
   * Several calls one after the other, each a number and its arguments, whatever they return; at a third less cost. Returns
   * their results. `links`: arguments that are results, in threes: the call, which of its arguments, the earlier call.
   */
  remoteSyscalls(
    tid: number,
    insn: number,
    calls: readonly (readonly (number | bigint)[])[],
    links?: readonly number[],
  ): number[];
  /**
   * Has all remote calls from now on end in a trap, one for all calls that are made together by the instruction at `insn`:
   * tasks have code at `loop`, up to `end`, that makes calls of a table, and `tableSize` bytes for that at `table`. int3
   * must follow each instruction that remote calls are made by. A task that handles or ignores SIGTRAP no longer does then.
   * `insn` 0: no longer.
   */
  useTraps(insn: number, loop: number, end: number, table: number, tableSize: number): void;

  /**
   * siginfo of the first SIGSTOP that has taken effect in a remote call of a task, and has not been taken yet. It may have ended
   * since: who is not asked then leaves it to the next task of that tid.
   */
  takeStop(tid: number): Uint8Array | undefined;

  /**
   * Hash of a stopped task's address space, 32 hex digits: an order-independent sum over its non-zero pages, each hashed
   * with its address. Private pages count where they are in memory or swapped out and not merely a file's (pagemap),
   * whatever their protection; writable shared mappings count whole. Left out: [excludeStart, excludeEnd), read-only shared
   * mappings, devices, [vdso] and its like, and what can't be read. `scan` 'read' does without the PAGEMAP_SCAN ioctl
   * (the same hash, slower).
   */
  hashMemory(
    tid: number,
    excludeStart: number,
    excludeEnd: number,
    stackPointer: number,
    scan?: 'read',
  ): string;
  /** Addresses of single pages that hashMemory leaves out from now on. */
  leaveOut(pages: Float64Array): void;
  /** 64-bit hash (16 hex digits) of `length` bytes of a task's memory, wherever they are. EFAULT if not all can be read. */
  hashRange(tid: number, addr: number, length: number): string;
  /**
   * Sums of the pages from `addr` on, 64 bits each, into `length` bytes of `into` at `offset`: of row i of 16 bytes the words
   * count 256 - i times, its first one once more. EFAULT if not all can be read.
   */
  sumPages(tid: number, addr: number, into: Uint8Array, offset: number, length: number): void;
}

/** Content store: files named by the hash of their content. */
export interface NativeStore {
  /** Hash (hex, 32 digits) of a file's content, read through `fd`. */
  hashFile(path: string): { readonly hash: string; readonly size: number };
  /** Copies by reflink (FICLONE) where the file system can, else copy_file_range / read+write; atomically (temp name + rename), fsync not needed. Never follows into a half-written file. */
  addFile(path: string, target: string): 'reflink' | 'copy' | 'exists';
}

export const COUNTER_NAMES = [
  'task-clock',
  'page-faults',
  'context-switches',
  'cpu-migrations',
  'cycles',
  'instructions',
  'branches',
] as const;
export type CounterName = (typeof COUNTER_NAMES)[number];

/** Per-task perf counters. A counter the machine or its policy refuses is null. */
export interface NativeCounters {
  open(tid: number): number;
  read(handle: number): Readonly<Record<CounterName, number | null>>;
  close(handle: number): void;
}
