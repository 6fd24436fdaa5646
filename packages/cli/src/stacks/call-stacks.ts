import type { ReplayEvent, StackFrame } from '@scribe-ts/replayer';
import type { Event, EventDecoder, LocatedFrame, SyscallEvent } from '@scribe-ts/profiler';
import type { TaskUid } from '@scribe-ts/tracelog';
import type { Deps } from '../deps.js';

/** A call that was asked for, and who made it. */
export interface CallStack {
  readonly event: SyscallEvent;
  /** Innermost first. */
  readonly stack: readonly StackFrame[];
  /** Nanoseconds from the task's call before it, or its start, to the beginning of this one. */
  readonly sinceLast: number;
  /** The call's line; '' if no lines were asked for. */
  readonly line: string;
}

export interface StackRequest {
  readonly log: string;
  readonly store?: string | undefined;
  /** Is given every record, and gives the line of the call that it ends, if that is wanted. */
  readonly print?: ((record: LocatedFrame) => string) | undefined;
  /** Makes a new test for the events of a log, which are given to it one by one. */
  readonly filter: () => (event: Event) => boolean;
}

/**
 * Replays a log and gives the stack of each call that is wanted, in the order of the log. First the log is read for the
 * calls, then it's replayed, and read a second time beside that. Rejects with DivergenceError and ReplayError.
 */
export async function* callStacks(
  deps: Deps,
  { log, store, print, filter }: StackRequest,
): AsyncGenerator<CallStack, void, undefined> {
  const { openLog } = await deps.tracelog();
  const { EventDecoder } = await deps.profiler();
  using reader = openLog(log);
  const wanted = (lines?: StackRequest['print']): Generator<WantedCall> =>
    wantedCalls(reader.records(), new EventDecoder({ cwd: reader.header.cwd }), filter(), lines);
  const calls = new Map<TaskUid, number[]>();
  for (const { event, place } of wanted()) {
    const places = calls.get(event.task);
    if (places === undefined) calls.set(event.task, [place]);
    else places.push(place);
  }
  if (calls.size === 0) return;
  const { openReplay } = await deps.sessions();
  const session = await openReplay({ log, ...(store === undefined ? {} : { store }) });
  try {
    const found = new FoundStacks(session.trace({ calls }, { backtrace: true }));
    for (const { event, place, sinceLast, line } of wanted(print)) {
      const stack = await found.of(event.task, place);
      // A truncated log may show calls that its replay does not come to.
      if (stack !== undefined) yield { event, stack, sinceLast, line };
    }
  } finally {
    await session.close();
  }
}

interface WantedCall {
  readonly event: SyscallEvent;
  /** Its place among the calls of its task, from 0. */
  readonly place: number;
  readonly sinceLast: number;
  readonly line: string;
}

function* wantedCalls(
  records: Iterable<LocatedFrame>,
  decoder: EventDecoder,
  isWanted: (event: Event) => boolean,
  print: (record: LocatedFrame) => string = () => '',
): Generator<WantedCall> {
  const made = new Map<TaskUid, number>();
  const last = new Map<TaskUid, number>();
  const decoded: Event[] = [];
  for (const record of records) {
    decoded.length = 0;
    decoder.push(record, decoded);
    const line = print(record);
    // Without switches a record ends one event at most.
    const event = decoded[0];
    if (event === undefined) continue;
    const wanted = isWanted(event);
    const { task, time } = event;
    if (event.type !== 'syscall') {
      if (event.type === 'start' || event.type === 'exec') last.set(task, time);
      continue;
    }
    const place = made.get(task) ?? 0;
    made.set(task, place + 1);
    const sinceLast = Math.max(0, time - (event.duration ?? 0) - (last.get(task) ?? time));
    last.set(task, time);
    if (wanted) yield { event, place, sinceLast, line };
  }
}

/** Stacks come in the replay's order, which is not the log's: tasks that share no memory run side by side. */
class FoundStacks {
  private readonly early = new Map<TaskUid, Map<number, readonly StackFrame[]>>();

  constructor(private readonly trace: AsyncIterator<ReplayEvent>) {}

  /** The stack of a task's call; undefined if the replay did not come to it. */
  async of(task: TaskUid, place: number): Promise<readonly StackFrame[] | undefined> {
    for (;;) {
      const stack = this.early.get(task)?.get(place);
      if (stack !== undefined) {
        this.early.get(task)!.delete(place);
        return stack;
      }
      const { done, value } = await this.trace.next();
      if (done === true) return undefined;
      const { frame, call, backtrace } = value;
      let ofTask = this.early.get(frame.task);
      if (ofTask === undefined) this.early.set(frame.task, (ofTask = new Map()));
      ofTask.set(call, backtrace);
    }
  }
}
