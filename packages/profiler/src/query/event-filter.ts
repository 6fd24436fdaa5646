/** Lets events through that a query asks for. */
import { syscallByName, type TaskUid } from '@scribe-ts/tracelog';
import type { BlockEvent, Event } from '../events/event.js';
import type { SyscallEvent } from '../events/syscall-event.js';
import { filesOf } from './files.js';
import { onlyCalls, type Query, type Status } from './query.js';

/** Calls that never come back. */
const ENDS: ReadonlySet<number> = new Set(
  ['exit', 'exit_group'].map((name) => syscallByName.get(name)!.nr),
);

/** Lets events through that a query asks for. */
export class EventFilter {
  private readonly from: number;
  private readonly to: number;
  private readonly tasks: ReadonlySet<number> | undefined;
  private readonly shown = new Set<TaskUid>();
  /** Whether calls are chosen at all, and whether nothing else is wanted besides. */
  private readonly choosy: boolean;
  private readonly strict: boolean;
  /** Where calls that the log does not end are wanted: the calls that tasks are in. */
  private readonly waiting: Map<TaskUid, BlockEvent> | undefined;

  constructor(private readonly query: Query) {
    this.from = query.from ?? -Infinity;
    this.to = query.to ?? Infinity;
    this.tasks = query.tasks === undefined ? undefined : new Set(query.tasks);
    this.strict = onlyCalls(query);
    this.choosy = this.strict || query.calls !== undefined || query.statuses !== undefined;
    if (query.statuses?.has('unfinished')) this.waiting = new Map();
  }

  /** Appends the event to `wanted` if it is, after those that turn out to be now. */
  push(event: Event, wanted: Event[]): void {
    const { waiting } = this;
    if (waiting !== undefined) {
      if (event.type === 'block' && !ENDS.has(event.frame.nr)) {
        if (this.isWanted(event)) waiting.set(event.task, event);
        return;
      }
      if (event.type === 'syscall') waiting.delete(event.task);
      else if (event.type === 'exit' || event.type === 'detach') this.leave(event.task, wanted);
    }
    if (this.isWanted(event)) wanted.push(event);
  }

  /** Appends what is wanted only because nothing more came. */
  end(wanted: Event[]): void {
    for (const task of this.waiting?.keys() ?? []) this.leave(task, wanted);
  }

  private leave(task: TaskUid, wanted: Event[]): void {
    const event = this.waiting?.get(task);
    if (event === undefined) return;
    wanted.push(event);
    this.waiting?.delete(task);
  }

  private isWanted(event: Event): boolean {
    // First, as a task is known by what it was called before the time asked for.
    if (this.tasks !== undefined && !this.isTask(event, this.tasks)) return false;
    if (event.time < this.from || event.time >= this.to) return false;
    const { query } = this;
    switch (event.type) {
      case 'syscall':
        return !this.choosy || this.isCall(event);
      case 'signal':
        return query.signals?.has(event.signo) ?? !this.strict;
      case 'exit':
        return !this.strict;
      case 'detach':
        return !this.strict && (query.statuses?.has('detached') ?? true);
      case 'exec':
        return !this.choosy || this.isExec(event.path, event.argv);
      case 'block':
        return this.isBlock(event.frame.nr);
      default:
        return !this.choosy;
    }
  }

  private isTask(event: Event, tasks: ReadonlySet<number>): boolean {
    const { task, info } = event;
    if (this.shown.has(task)) return true;
    if (!tasks.has(task) && !tasks.has(info.tid) && !tasks.has(info.pid)) return false;
    // A thread that executes a program takes its process's id, and is the same task.
    this.shown.add(task);
    return true;
  }

  private isCall(event: SyscallEvent): boolean {
    const { calls, statuses, slowerThan, fds, paths, texts } = this.query;
    if (calls !== undefined && !calls.has(event.nr)) return false;
    if (statuses !== undefined && !statuses.has(statusOf(event))) return false;
    if (slowerThan !== undefined && !((event.duration ?? -1) >= slowerThan)) return false;
    if (fds !== undefined && !event.fds.some(({ fd }) => fds.has(fd))) return false;
    if (paths !== undefined && !filesOf(event).some((file) => paths.includes(file))) return false;
    if (texts !== undefined) {
      const { data, output } = event;
      return texts.every(
        (text) =>
          data.some(({ bytes }) => text.isIn(bytes)) ||
          (output !== undefined && text.isIn(output.bytes)),
      );
    }
    return true;
  }

  /** A task's last call is known by its block frame alone. */
  private isBlock(nr: number): boolean {
    if (!this.choosy) return true;
    const { calls, statuses } = this.query;
    if (this.strict || calls?.has(nr) === false) return false;
    const status = ENDS.has(nr) ? 'unavailable' : 'unfinished';
    return statuses === undefined ? status === 'unavailable' : statuses.has(status);
  }

  /** A program that began to run is on its file, and has its arguments as bytes. */
  private isExec(path: string, argv: readonly string[]): boolean {
    const { calls, statuses, fds, slowerThan, paths, texts } = this.query;
    const other = calls ?? statuses ?? fds ?? slowerThan;
    if (other !== undefined || (paths ?? texts) === undefined) return false;
    if (paths !== undefined && !paths.includes(path)) return false;
    return texts?.every((text) => argv.some((word) => text.isIn(Buffer.from(word)))) ?? true;
  }
}

/** How a call ended. Those that never did are no events of their own. */
export function statusOf(event: SyscallEvent): Status {
  if (event.failed) return 'failed';
  return ENDS.has(event.nr) ? 'unavailable' : 'successful';
}
