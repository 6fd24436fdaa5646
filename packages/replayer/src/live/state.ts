import type { TaskUid } from '@scribe-ts/tracelog';
import type { KernelModel } from './model/kernel-model.js';
import type { OpenFile } from './model/open-file.js';
import type { ProcessState, TaskState } from './model/process-state.js';

/** An open descriptor. */
export interface DescriptorInfo {
  readonly fd: number;
  readonly closeOnExec: boolean;
  /** Equal where descriptors share offset and flags, as those do that came from each other by dup and fork. */
  readonly file: number;
  readonly kind:
    | 'standard'
    | 'path'
    | 'pipe'
    | 'socket'
    | 'eventfd'
    | 'epoll'
    | 'timerfd'
    | 'signalfd'
    | 'inotify'
    | 'memfd'
    | 'pty'
    | 'mqueue'
    | 'pidfd'
    | 'other';
  /** What it is, for people: a path, 'pipe, read end' … */
  readonly what: string;
  /** Access mode and status flags (O_*), as fcntl(F_GETFL) gives them. Those of standard descriptors are known once the program has asked. */
  readonly flags: number;
  /** Offset in a file, bytes; 'end' after an append; undefined where there is none. */
  readonly offset: number | 'end' | undefined;
  /** Bytes waiting in a pipe or socket whose writers are in the recording, or the count of an eventfd. */
  readonly waiting: number;
}

/** A thread, as the kernel knows it. */
export interface TaskKernelState {
  /** Number the log gives to it. */
  readonly task: TaskUid;
  readonly tid: number;
  /** Numbers of blocked signals; undefined as long as the program has neither changed nor asked for them. */
  readonly blocked: readonly number[] | undefined;
  /** Its alternate signal stack. */
  readonly altStack: { readonly sp: number; readonly size: number } | undefined;
}

/** A process, as the kernel knows it. What is undefined is as it was when the program started. */
export interface ProcessKernelState {
  readonly pid: number;
  readonly tasks: readonly TaskKernelState[];
  readonly descriptors: readonly DescriptorInfo[];
  /** Working directory, absolute. */
  readonly cwd: string;
  readonly root: string;
  readonly umask: number | undefined;
  /** Numbers of the signals with a handler, and of those that are ignored. */
  readonly handled: readonly number[];
  readonly ignored: readonly number[];
  /** Soft and hard resource limits by RLIMIT_* number, where the program has set them. */
  readonly limits: ReadonlyMap<number, readonly [soft: bigint, hard: bigint]>;
  readonly processGroup: number | undefined;
  readonly session: number | undefined;
}

/** What the kernel knew of a recorded program, as the log tells it. */
export interface KernelState {
  readonly processes: readonly ProcessKernelState[];
  /** Where answers in the log say otherwise than what was kept: this state is not to be trusted then. For people. */
  readonly contradictions: readonly string[];
  /** Calls that changed what is not kept. */
  readonly notKept: readonly string[];
}

/** A copy of what is known right now. */
export function snapshot(model: KernelModel): KernelState {
  const byProcess = new Map<ProcessState, TaskState[]>();
  for (const task of model.tasks.values()) {
    const tasks = byProcess.get(task.process);
    if (tasks === undefined) byProcess.set(task.process, [task]);
    else tasks.push(task);
  }
  return {
    processes: [...byProcess].map(([process, tasks]) => describeProcess(process, tasks)),
    contradictions: [...model.contradictions],
    notKept: [...model.unknown],
  };
}

function describeProcess(process: ProcessState, tasks: readonly TaskState[]): ProcessKernelState {
  const { actions } = process.handlers;
  const { files, directories } = tasks[0]!;
  const signals = actions.map((_, signo) => signo).slice(1);
  return {
    pid: process.pid,
    tasks: tasks.map((task) => ({
      task: task.uid,
      tid: task.tid,
      blocked: task.mask === undefined ? undefined : signalsIn(task.mask),
      altStack: task.altStack,
    })),
    descriptors: [...files.all]
      .sort(([one], [other]) => one - other)
      .map(([fd, { file, closeOnExec }]) => ({ fd, closeOnExec, ...describeFile(file) })),
    cwd: directories.cwd,
    root: directories.root,
    umask: directories.umask,
    handled: signals.filter((signo) => (actions[signo]?.handler ?? 0) > 1),
    ignored: signals.filter((signo) => actions[signo]?.handler === 1),
    limits: new Map(process.limits),
    processGroup: process.group,
    session: process.session,
  };
}

function signalsIn(mask: bigint): number[] {
  return Array.from({ length: 64 }, (_, i) => i + 1).filter((n) => (mask >> BigInt(n - 1)) & 1n);
}

function describeFile(file: OpenFile): Omit<DescriptorInfo, 'fd' | 'closeOnExec'> {
  const { what, flags } = file;
  const seekable = (what.kind === 'path' && what.fifo === undefined) || what.kind === 'memfd';
  return {
    file: file.id,
    kind: what.kind,
    what: nameOfFile(file),
    flags,
    offset: seekable ? file.offset.value : undefined,
    waiting: waitingIn(file),
  };
}

function waitingIn({ what }: OpenFile): number {
  if (what.kind === 'pipe') return what.queue.size;
  if (what.kind === 'path') return what.fifo?.size ?? 0;
  if (what.kind === 'socket') return what.socket.queue.size;
  return what.kind === 'eventfd' ? Number(what.count) : 0;
}

/** What an open file is, for people. */
export function nameOfFile({ what }: OpenFile): string {
  switch (what.kind) {
    case 'standard':
      return ['standard input', 'standard output', 'standard error'][what.number]!;
    case 'path':
      return what.removed ? `${what.path} (deleted)` : what.path;
    case 'pipe':
      return `pipe, ${what.end} end`;
    case 'socket': {
      const { socket } = what;
      if (socket.pair !== undefined) return 'socket pair';
      if (socket.backlog !== undefined) return 'listening socket';
      return socket.peer === undefined ? 'socket' : 'connected socket';
    }
    case 'memfd':
      return `memfd ${what.name}`;
    case 'pidfd':
      return `pidfd of process ${what.pid}`;
    case 'pty':
      return `pseudo-terminal${what.pty.number === undefined ? '' : ` ${what.pty.number}`}, ${what.end} end`;
    case 'mqueue':
      return `message queue /${what.queue.name}`;
    case 'other':
      return what.what;
    default:
      return what.kind;
  }
}
