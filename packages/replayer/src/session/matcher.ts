import {
  type Frame,
  type SyscallFrame,
  syscallByName,
  syscallTable,
  type TaskUid,
  type Word,
} from '@scribe-ts/tracelog';
import type { ReplayTask } from '../tasks.js';
import type { EventFilter } from './types.js';

/** Results from -4095 to -1 are errors. */
const MAX_ERRNO = 4095;

function setOf<T>(value: T | readonly T[] | undefined): ReadonlySet<T> | undefined {
  if (value === undefined) return undefined;
  return new Set(Array.isArray(value) ? (value as readonly T[]) : [value as T]);
}

/** Decides which events a filter means, one after the other in the order of each task. */
export class EventMatcher {
  private readonly types: ReadonlySet<Frame['type']>;
  private readonly numbers: ReadonlySet<number> | undefined;
  private readonly tasks: ReadonlySet<TaskUid> | undefined;
  private readonly pids: ReadonlySet<number> | undefined;
  private readonly fds: ReadonlySet<number> | undefined;
  private readonly signals: ReadonlySet<number> | undefined;
  private readonly failed: boolean | undefined;
  private readonly calls: ReadonlyMap<TaskUid, ReadonlySet<number>> | undefined;

  /** Throws RangeError for a name that no system call has. */
  constructor(filter: EventFilter) {
    this.types = setOf(filter.type ?? 'syscall')!;
    const names = setOf(filter.name);
    this.numbers = names && new Set(Array.from(names, numberOf));
    this.tasks = setOf(filter.task);
    this.pids = setOf(filter.pid);
    this.fds = setOf(filter.fd);
    this.signals = setOf(filter.signo);
    this.failed = filter.failed;
    this.calls =
      filter.calls &&
      new Map(Array.from(filter.calls, ([task, calls]) => [task, new Set(Array.from(calls))]));
  }

  /** `call`: the frame's place among the calls of its task. `args`: those of the registers, as a log may have none. */
  matches(task: ReplayTask, frame: Frame, call: number, args: readonly Word[]): boolean {
    if (!this.types.has(frame.type)) return false;
    if (this.tasks !== undefined && !this.tasks.has(frame.task)) return false;
    if (this.pids !== undefined && !this.pids.has(task.pid)) return false;
    if (this.signals !== undefined && !(frame.type === 'signal' && this.signals.has(frame.signo)))
      return false;
    if (frame.type === 'syscall') return this.matchesCall(frame, call, args);
    return (
      this.numbers === undefined &&
      this.fds === undefined &&
      this.failed === undefined &&
      this.calls === undefined
    );
  }

  private matchesCall(frame: SyscallFrame, call: number, args: readonly Word[]): boolean {
    const { nr, result } = frame;
    if (this.numbers !== undefined && !this.numbers.has(nr)) return false;
    if (this.calls !== undefined && this.calls.get(frame.task)?.has(call) !== true) return false;
    if (this.failed !== undefined && (result < 0 && result >= -MAX_ERRNO) !== this.failed)
      return false;
    return this.fds === undefined || this.takesDescriptor(nr, args);
  }

  private takesDescriptor(nr: number, args: readonly Word[]): boolean {
    const specs = syscallTable[nr]?.args ?? [];
    return specs.some(
      ({ type }, i) =>
        (type.kind === 'fd' || type.kind === 'dirfd') && this.fds!.has(Number(args[i]) | 0),
    );
  }
}

function numberOf(name: string | number): number {
  const nr = typeof name === 'number' ? name : syscallByName.get(name)?.nr;
  if (nr === undefined) throw new RangeError(`there is no system call named ${name}`);
  return nr;
}
