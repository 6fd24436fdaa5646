/** Which frames a reader wants, decided from the little that all frames begin with. */
import { codeOf, type FrameDecoder } from './codec.js';
import { LogError } from './errors.js';
import { syscallByName } from './schema/syscalls/index.js';
import type { FrameType, StreamId, TaskUid } from './schema/frames.js';

type OneOrMore<T> = T | readonly T[];

/** A frame must meet all conditions that are given. */
export interface FrameFilter {
  readonly type?: OneOrMore<FrameType>;
  readonly task?: OneOrMore<TaskUid>;
  /** Thread group ids as the recorded program saw them. */
  readonly pid?: OneOrMore<number>;
  readonly stream?: OneOrMore<StreamId>;
  /** Numbers or names: only `syscall` and `block` frames of these calls. */
  readonly syscall?: OneOrMore<string | number>;
  /** Nanoseconds since the recording began: `from` <= time < `to`. */
  readonly from?: number;
  readonly to?: number;
}

const SYSCALL = codeOf('syscall');
const BLOCK = codeOf('block');
const PID_SOURCES = [codeOf('spawn'), codeOf('task-start'), codeOf('image')];

function setOf<T>(value: OneOrMore<T> | undefined): Set<T> | undefined {
  if (value === undefined) return undefined;
  return new Set(Array.isArray(value) ? (value as readonly T[]) : [value as T]);
}

export class Matcher {
  readonly from: number;
  readonly to: number;
  readonly streams: ReadonlySet<StreamId> | undefined;
  /** Whether runs before `from` must be read all the same: they tell the pids of tasks. */
  readonly needsPast: boolean;

  private readonly codes: ReadonlySet<number> | undefined;
  private readonly tasks: ReadonlySet<TaskUid> | undefined;
  private readonly pids: ReadonlySet<number> | undefined;
  private readonly calls: ReadonlySet<number> | undefined;
  private readonly pidOf = new Map<TaskUid, number>();

  constructor(filter: FrameFilter) {
    this.from = filter.from ?? -Infinity;
    this.to = filter.to ?? Infinity;
    this.streams = setOf(filter.stream);
    this.tasks = setOf(filter.task);
    this.pids = setOf(filter.pid);
    this.needsPast = this.pids !== undefined;
    const types = setOf(filter.type);
    if (types !== undefined) this.codes = new Set([...types].map(codeOf));
    const calls = setOf(filter.syscall);
    if (calls !== undefined) {
      this.calls = new Set(
        [...calls].map((call) => {
          const nr = typeof call === 'number' ? call : syscallByName.get(call)?.nr;
          if (nr !== undefined) return nr;
          throw new LogError('LOG_UNKNOWN_SYSCALL', `there is no system call named ${call}`);
        }),
      );
    }
  }

  /** Whether the frame that the decoder stepped to is wanted. */
  matches(decoder: FrameDecoder): boolean {
    const { code, task, time } = decoder;
    if (this.pids !== undefined) {
      if (PID_SOURCES.includes(code)) this.learn(decoder);
      const pid = this.pidOf.get(task);
      if (pid === undefined || !this.pids.has(pid)) return false;
    }
    if (time < this.from || time >= this.to) return false;
    if (this.codes !== undefined && !this.codes.has(code)) return false;
    if (this.tasks !== undefined && !this.tasks.has(task)) return false;
    if (this.calls !== undefined) {
      return (code === SYSCALL || code === BLOCK) && this.calls.has(decoder.peekNr());
    }
    return true;
  }

  private learn(decoder: FrameDecoder): void {
    const frame = decoder.peek();
    if (frame.type === 'spawn') this.pidOf.set(frame.child, frame.pid);
    else if (frame.type === 'image' || frame.type === 'task-start') {
      this.pidOf.set(frame.task, frame.pid);
    }
  }
}
