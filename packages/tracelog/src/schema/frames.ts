/**
 * The frames a log is made of: the one schema that the recorder writes, the replayer obeys and the profiler prints.
 *
 * A frame belongs to one task and one stream (the totally ordered sequence of a domain). Replay runs the task named by
 * the next frame to its next sync point and applies the frame there.
 */

/**
 * A 64-bit register or memory word, read as signed: a `number` whenever it is a safe integer, else a `bigint`.
 * The form is canonical (one value has one form), so two words are equal exactly when `===` says so.
 */
export type Word = number | bigint;

/** The number a scribe-ts log gives to a task (kernel thread): never recycled, unlike a tid. 1 is the recorder itself. */
export type TaskUid = number;

/** The number of a stream: the frames of one domain, in the order in which its baton was held. */
export type StreamId = number;

/** Bytes the kernel stored in the task's memory; replay stores them again. */
export interface MemoryWrite {
  /** Address in the task's address space. */
  readonly addr: number;
  readonly bytes: Uint8Array;
}

/** Where a mapping's first contents come from when replay makes it again. */
export type Backing =
  /** Zero pages. */
  | { readonly kind: 'anonymous' }
  /** A private view of a file kept in the store: `hash` names the content, `offset` is the byte offset in it. */
  | { readonly kind: 'file'; readonly hash: string; readonly offset: number; readonly path: string }
  /**
   * Memory shared with other mappings of the same `object` (shared anonymous memory, a shared file, SysV shared
   * memory). `size` is the object's size in bytes at this moment, `hash` its first content in the store, '' if zero pages.
   */
  | {
      readonly kind: 'shared';
      readonly object: number;
      readonly offset: number;
      readonly size: number;
      readonly hash: string;
      readonly path: string;
    };

/** One mapping of an address space. `prot` is PROT_* and `flags` MAP_* as mmap(2) takes them. */
export interface Mapping {
  readonly start: number;
  readonly end: number;
  readonly prot: number;
  readonly flags: number;
  readonly backing: Backing;
}

/** Fields that every frame has. */
interface FrameBase {
  readonly task: TaskUid;
  /** Nanoseconds since the recording began (CLOCK_MONOTONIC). */
  readonly time: number;
}

/** A completed system call. Its details (`data`, `resource`, `mapping`, `spawn`, …) are the frames of this task just before it. */
export interface SyscallFrame extends FrameBase {
  readonly type: 'syscall';
  /** x86-64 system call number. */
  readonly nr: number;
  /** Raw argument registers, as many as the syscall's row has; empty at verbosity 0. */
  readonly args: readonly Word[];
  /** Raw result: -errno on failure, kernel-internal -512…-516 where the call is restarted. */
  readonly result: Word;
  readonly writes: readonly MemoryWrite[];
  /**
   * Nanoseconds from the call's entry to when its task went on, waiting for the baton included; absent where it was not
   * measured.
   */
  readonly duration?: number | undefined;
}

/** The task entered a system call and lost the baton inside it; the `syscall` frame follows when it has the baton again. */
export interface BlockFrame extends FrameBase {
  readonly type: 'block';
  readonly nr: number;
}

/** A mapping made by the memory syscall that follows (mmap, mremap, shmat, brk …). */
export interface MappingFrame extends FrameBase {
  readonly type: 'mapping';
  readonly mapping: Mapping;
}

/** The clone, fork or vfork that follows made a task. */
export interface SpawnFrame extends FrameBase {
  readonly type: 'spawn';
  readonly child: TaskUid;
  /** The child's frames are in this stream: the parent's own where they share memory. */
  readonly stream: StreamId;
  /** CLONE_* flags, the exit signal in the low byte. */
  readonly flags: number;
  /** The child's thread id and thread group id as the recorded program saw them. */
  readonly tid: number;
  readonly pid: number;
}

/** First frame of a task in its stream. */
export interface TaskStartFrame extends FrameBase {
  readonly type: 'task-start';
  readonly parent: TaskUid;
  readonly tid: number;
  readonly pid: number;
  /** Words stored in the child's memory by CLONE_CHILD_SETTID and the like. */
  readonly writes: readonly MemoryWrite[];
}

/** The execve that follows succeeded: the task goes on in `stream` (its own, or a new one if it shared memory), where an `image` comes first. */
export interface ExecFrame extends FrameBase {
  readonly type: 'exec';
  readonly stream: StreamId;
  /** Tasks of the thread group that the exec ended. */
  readonly ended: readonly TaskUid[];
}

/** A fresh address space, complete, as the kernel left it after exec and before the first instruction. */
export interface ImageFrame extends FrameBase {
  readonly type: 'image';
  /** The task's id at its time of start, as it may have been a non-leader before. */
  readonly tid: number;
  readonly pid: number;
  readonly path: string;
  readonly argv: readonly string[];
  readonly envp: readonly string[];
  readonly mappings: readonly Mapping[];
  /** Contents that no backing gives: the initial stack, relocated or zeroed tail of .data pages. */
  readonly writes: readonly MemoryWrite[];
  /** user_regs_struct: 27 little-endian 64-bit words. */
  readonly regs: Uint8Array;
  /** Program break at start, bytes. */
  readonly brk: number;
}

/** Where a signal was delivered. */
export type SignalPoint =
  /** Before the system call the task was about to make: the instruction is run again later. */
  | 'syscall-entry'
  /** Right after the task's last sync point (mostly the end of a system call), before any instruction. */
  | 'syscall-exit'
  /** Caused by the instruction at the recorded rip (SIGSEGV, SIGFPE, SIGILL, SIGTRAP, SIGBUS). */
  | 'fault'
  /** Anywhere in user code: only where nothing of the task is seen afterwards (it dies, or merely stops). */
  | 'anywhere';

/** What became of a signal: a handler ran, it was ignored, or it had its default effect. */
export type SignalAction = 'handler' | 'ignored' | 'terminate' | 'stop' | 'continue';

/** A signal delivered to a task. */
export interface SignalFrame extends FrameBase {
  readonly type: 'signal';
  readonly signo: number;
  readonly point: SignalPoint;
  readonly action: SignalAction;
  /** siginfo_t: 128 bytes. */
  readonly siginfo: Uint8Array;
  /** rip where the signal hit. */
  readonly rip: number;
  /** For `handler`: user_regs_struct at the handler's first instruction; else empty. */
  readonly regs: Uint8Array;
  /** For `handler`: the signal frame the kernel built on the stack. */
  readonly writes: readonly MemoryWrite[];
}

/** An instruction that traps and was answered by the recorder. */
export interface TrapFrame extends FrameBase {
  readonly type: 'trap';
  readonly insn: 'rdtsc' | 'rdtscp' | 'cpuid';
  readonly rip: number;
  /** rax, rbx, rcx, rdx afterwards (rbx unused by rdtsc, rdtscp). */
  readonly values: readonly [number, number, number, number];
}

/** Memory the kernel wrote by itself at this sync point (clear_child_tid, robust futexes). */
export interface KernelWriteFrame extends FrameBase {
  readonly type: 'kernel-write';
  readonly writes: readonly MemoryWrite[];
}

/** A write(2)-like call changed an object that is mapped shared: replay applies it to the object. */
export interface SharedWriteFrame extends FrameBase {
  readonly type: 'shared-write';
  readonly object: number;
  readonly offset: number;
  readonly bytes: Uint8Array;
  /** Size of the object afterwards, bytes. */
  readonly size: number;
}

/** The task ended. `status` is a wait status (as waitpid gives it). */
export interface ExitFrame extends FrameBase {
  readonly type: 'exit';
  readonly status: number;
  /** True for the last task of its thread group. */
  readonly last: boolean;
}

/** End state of an address space, taken before its last task ends, or at a bookmark. */
export interface StateFrame extends FrameBase {
  readonly type: 'state';
  /** Hash of the task's general registers, hex; '' where not taken. */
  readonly registers: string;
  /** Hash of the address space's non-zero pages, hex; '' where not taken. */
  readonly memory: string;
}

/** Another stream ends here and its tasks go on in this one: the two domains came to share memory. */
export interface MergeFrame extends FrameBase {
  readonly type: 'merge';
  readonly from: StreamId;
}

/** The stream has been merged into another: its last frame. */
export interface MergedFrame extends FrameBase {
  readonly type: 'merged';
  readonly into: StreamId;
}

/** Every domain is at a sync point. One frame a stream; `state` frames of its tasks come right before it. */
export interface BookmarkFrame extends FrameBase {
  readonly type: 'bookmark';
  readonly id: number;
}

/** The task left the recording (detach) and ran on by itself. */
export interface DetachFrame extends FrameBase {
  readonly type: 'detach';
}

/**
 * The task was stopped in user code, away from any system call, to let another one run or to get a signal. Replay finds
 * the point again by its state, or by what was counted since the task's frame before this one. Of rounds everybody can count,
 * so there are only the registers then, and are compared; branches are counted by few machines, so the state is there, too.
 */
export interface PreemptFrame extends FrameBase {
  readonly type: 'preempt';
  /**
   * Where the task stands. Told by rounds: the instruction that is counted; the task stands there or, from 1.4 on, by some
   * instructions on in that round, as `regs` tell.
   */
  readonly rip: number;
  /** The instructions from `rip` on, as far as replay may have to patch them; none where rounds were counted. */
  readonly code: Uint8Array;
  /** user_regs_struct, with orig_rax -1 and without the flags that a stop leaves. */
  readonly regs: Uint8Array;
  /** xmm0 to xmm15, 16 bytes each. */
  readonly sse: Uint8Array;
  /** Hash of all vector and x87 registers. */
  readonly vector: string;
  /** What memory holds where the next instructions will look. */
  readonly memory: readonly MemoryWrite[];
  /** What the stack holds above the stack pointer. */
  readonly stack: Uint8Array;
  /** Pages hashed: address and length by turns. */
  readonly pages: readonly number[];
  /** Hash over them, '' if there are none. */
  readonly pagesHash: string;
  /** The pages that `code` lies on are private, and so may be patched. */
  readonly patchable: boolean;
  /** How long the task had run since its last sync point, ns. */
  readonly ran: number;
  /**
   * What tells where the point is: `none`: the state of the task; `rounds`: how often it has come to `rip`; `branches`: how many
   * conditional branches have retired. `none` in logs before 1.3.
   */
  readonly counter: 'none' | 'rounds' | 'branches';
  /** How much since the task's frame before this one; of rounds this one counts, and a first one that began there. */
  readonly count: number;
  /** Memory of which the sums have to be equal: addresses and lengths of whole pages. Empty in logs before 1.3. */
  readonly summed: readonly number[];
  /**
   * Sums of these pages, in their order, 64 bits each, which code can compare that cannot hash: of row i of 16 bytes the
   * words count 256 - i times, its first one once more. Empty in logs before 1.3.
   */
  readonly sums: Uint8Array;
}

/** Bytes that reached the recording's own standard output, error or terminal by the syscall that follows. */
export interface OutputFrame extends FrameBase {
  readonly type: 'output';
  /** Place in the order of all output of the recording, from 0. */
  readonly serial: number;
  /** 1: standard output, 2: standard error, 0: the terminal by another descriptor. */
  readonly target: number;
  readonly bytes: Uint8Array;
}

/* Frames below are for readers alone: replay skips them, and readers may skip those they do not know. */

/** Bytes that a syscall took from the program's memory (write, sendto, a path). `size` is the whole length, of which `bytes` may hold the beginning. */
export interface DataFrame extends FrameBase {
  readonly type: 'data';
  /** Index of the argument that the bytes belong to. */
  readonly arg: number;
  readonly size: number;
  readonly bytes: Uint8Array;
}

/** Scribe's names for kernel objects. */
export type ResourceKind =
  'files_struct' | 'file' | 'inode' | 'pid' | 'futex' | 'ipc' | 'mmap' | 'ppid' | 'sunaddr';

/** A kernel object that the syscall that follows used, with the number of times it has been used before. */
export interface ResourceFrame extends FrameBase {
  readonly type: 'resource';
  readonly kind: ResourceKind;
  readonly id: number;
  readonly serial: number;
  /** What it is, for people: a path, an address; '' if nothing is known. */
  readonly desc: string;
}

/** user_regs_struct at a syscall's exit. */
export interface RegistersFrame extends FrameBase {
  readonly type: 'registers';
  readonly regs: Uint8Array;
}

/**
 * Counters of a task at its end; `null` where the machine has no such counter. Of a task that was recorded with the agent:
 * `calls.agent` and `calls.traced`, frames of calls by who recorded them, and `stops.NAME`, how often it stopped for the
 * tracer because of a call or an instruction. Of one that was stopped in user code: `points.counted` and `points.described`,
 * how many of these points a count or the state tells, `points.rounds` counted, `points.sites` where rounds may be,
 * and `points.counting_ns` and `points.describing_ns`, what both took.
 */
export interface CountersFrame extends FrameBase {
  readonly type: 'counters';
  readonly values: Readonly<Record<string, number | null>>;
}

/** Something the recorder has to say: a syscall answered ENOSYS, a feature that is missing here. */
export interface NoteFrame extends FrameBase {
  readonly type: 'note';
  readonly text: string;
}

/**
 * The socket that the call that follows has connected or accepted. Both ends of a connection within the recording
 * have the same `id`; an end whose other end is outside has one that no other has. Going live needs it, replay does not.
 */
export interface ConnectionFrame extends FrameBase {
  readonly type: 'connection';
  readonly id: number;
  /** Addresses (struct sockaddr) as getsockname and getpeername tell them; empty where they tell none. */
  readonly local: Uint8Array;
  readonly peer: Uint8Array;
}

/** Anything a log can hold; `type` tells which. */
export type Frame =
  | SyscallFrame
  | BlockFrame
  | MappingFrame
  | SpawnFrame
  | TaskStartFrame
  | ExecFrame
  | ImageFrame
  | SignalFrame
  | TrapFrame
  | KernelWriteFrame
  | SharedWriteFrame
  | ExitFrame
  | StateFrame
  | MergeFrame
  | MergedFrame
  | BookmarkFrame
  | DetachFrame
  | OutputFrame
  | PreemptFrame
  | DataFrame
  | ResourceFrame
  | RegistersFrame
  | CountersFrame
  | NoteFrame
  | ConnectionFrame;

/** Names of the kinds of frames. */
export type FrameType = Frame['type'];
