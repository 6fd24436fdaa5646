/** Turns frames into events. */
import type { Frame, LogHeader, StreamId, TaskUid } from '@scribe-ts/tracelog';
import type { LocatedFrame, ProfileRecord } from '../options.js';
import { follow, followExec } from './descriptors.js';
import { SignalEvent, type Event, type ExitEvent } from './event.js';
import { SyscallEvent } from './syscall-event.js';
import { TaskStates, type TaskInfo, type TaskState } from './task-info.js';

/** How events are made. */
export interface EventOptions {
  /** Gives `switch` events. Default: false. */
  readonly switches?: boolean;
  /** Does not follow what descriptors refer to: events know nothing of their meaning, and come a little faster. */
  readonly descriptors?: 'followed' | 'unknown';
  /** Working directory of the first task; default: that of the log's header, if a log is given. */
  readonly cwd?: string;
}

/** What `decodeEvents` reads: a log's reader, or anything with frames. */
export type EventSource = LogSource | Iterable<ProfileRecord>;

/** What `decodeEvents` needs of a log's reader. */
export interface LogSource {
  readonly header: LogHeader;
  /** All frames, in the order of their times. */
  records(): Iterable<LocatedFrame>;
}

/** Events of a log, both for `for` and for `for await`: the latter lets other work go on meanwhile. */
export interface Events extends Iterable<Event>, AsyncIterable<Event> {
  /** Tasks that the log has told of by now. */
  readonly tasks: ReadonlyMap<TaskUid, TaskInfo>;
}

const EVENTS_A_TURN = 1024;
const CORE = 0x80;

/** True for frames that say something of the syscall frame after them. */
export function isDetail(frame: Frame): boolean {
  switch (frame.type) {
    case 'data':
    case 'resource':
    case 'output':
    case 'mapping':
    case 'registers':
    case 'spawn':
    case 'exec':
    case 'shared-write':
    case 'connection':
      return true;
    default:
      return false;
  }
}

/** Takes frames in the order in which a log's reader gives them, and gives the events that they make. */
export class EventDecoder {
  readonly states: TaskStates;
  /** Tasks that have started and not ended. */
  alive = 0;
  private readonly switches: boolean;
  private readonly descriptors: boolean;
  private readonly running = new Map<StreamId, TaskUid>();
  private index = 0;

  constructor(options: EventOptions = {}) {
    this.states = new TaskStates(options.cwd ?? '');
    this.switches = options.switches === true;
    this.descriptors = options.descriptors !== 'unknown';
  }

  /** Appends the events that are due after this record to `events`. */
  push(record: ProfileRecord, events: Event[]): void {
    let frame: Frame;
    let offset = -1;
    let stream = 0;
    if ('frame' in record) {
      frame = record.frame;
      offset = record.offset ?? -1;
      stream = record.stream ?? 0;
    } else frame = record;
    const state = this.states.of(frame.task);
    if (this.switches) this.switched(frame, stream, offset, state, events);
    if (frame.type === 'syscall') {
      const { details } = state;
      const index = this.index++;
      const { table, cwd } = state;
      const event = new SyscallEvent(frame, details, state, stream, offset, index, table, cwd);
      state.details = undefined;
      if (this.descriptors) follow(event, state);
      events.push(event);
      return;
    }
    if (isDetail(frame)) {
      (state.details ??= []).push(frame);
      if (frame.type === 'spawn') this.states.spawned(frame);
      return;
    }
    events.push(this.other(frame, stream, offset, state));
  }

  /** Appends what is left: details of calls that the log does not end. */
  end(events: Event[]): void {
    for (const state of this.states.values()) {
      const { details } = state;
      if (details === undefined) continue;
      state.details = undefined;
      for (const frame of details) {
        const { task, time } = frame;
        const index = this.index++;
        events.push({
          type: 'other',
          frame,
          task,
          info: state,
          time,
          stream: 0,
          offset: -1,
          index,
        });
      }
    }
  }

  private switched(
    frame: Frame,
    stream: StreamId,
    offset: number,
    info: TaskState,
    events: Event[],
  ): void {
    const from = this.running.get(stream);
    if (from === frame.task) return;
    this.running.set(stream, frame.task);
    if (from === undefined) return;
    const { task, time } = frame;
    events.push({ type: 'switch', from, task, info, time, stream, offset, index: this.index++ });
  }

  private other(frame: Frame, stream: StreamId, offset: number, state: TaskState): Event {
    const { task, time } = frame;
    const index = this.index++;
    const base = { task, info: state, time, stream, offset, index };
    switch (frame.type) {
      case 'signal':
        return new SignalEvent(frame, state, stream, offset, index);
      case 'task-start':
        this.alive++;
        state.tid = frame.tid;
        state.pid = frame.pid;
        state.parent = frame.parent;
        return { type: 'start', frame, ...base };
      case 'image':
        state.tid = frame.tid;
        state.pid = frame.pid;
        state.path = frame.path;
        state.argv = frame.argv;
        if (this.descriptors) followExec(state, index);
        return { type: 'exec', frame, path: frame.path, argv: frame.argv, ...base };
      case 'exit': {
        this.alive--;
        state.alive = false;
        const { status, last } = frame;
        const signal = status & 0x7f;
        const event: ExitEvent = {
          type: 'exit',
          frame,
          code: signal === 0 ? (status >> 8) & 0xff : -1,
          signal,
          coreDumped: signal !== 0 && (status & CORE) !== 0,
          last,
          details: state.details ?? [],
          ...base,
        };
        state.details = undefined;
        return event;
      }
      case 'detach': {
        this.alive--;
        state.alive = false;
        const details = state.details ?? [];
        state.details = undefined;
        return { type: 'detach', frame, details, ...base };
      }
      case 'block':
        return { type: 'block', frame, ...base };
      case 'bookmark':
        return { type: 'bookmark', frame, id: frame.id, ...base };
      case 'trap':
        return { type: 'trap', frame, ...base };
      case 'note':
        return { type: 'note', frame, text: frame.text, ...base };
      case 'counters':
        return { type: 'counters', frame, ...base };
      default:
        return { type: 'other', frame, ...base };
    }
  }
}

/**
 * The events of a log, or of frames in the order in which a log's reader gives them, in constant memory. An event reads
 * from its frame when it is asked, so those that are not looked at cost little. Errors of the reader pass through.
 */
export function decodeEvents(source: EventSource, options: EventOptions = {}): Events {
  let settings = options;
  let records: Iterable<ProfileRecord>;
  if ('records' in source) {
    records = source.records();
    settings = { cwd: source.header.cwd, ...options };
  } else records = source;
  const decoder = new EventDecoder(settings);
  return {
    tasks: decoder.states.byTask,
    [Symbol.iterator]: () => iterate(decoder, records),
    [Symbol.asyncIterator]: () => iterateInTurns(decoder, records),
  };
}

function* iterate(
  decoder: EventDecoder,
  records: Iterable<ProfileRecord>,
): Generator<Event, void, undefined> {
  const events: Event[] = [];
  for (const record of records) {
    decoder.push(record, events);
    for (let i = 0; i < events.length; i++) yield events[i]!;
    events.length = 0;
  }
  decoder.end(events);
  yield* events;
}

async function* iterateInTurns(
  decoder: EventDecoder,
  records: Iterable<ProfileRecord>,
): AsyncGenerator<Event, void, undefined> {
  let count = 0;
  for (const event of iterate(decoder, records)) {
    if (++count % EVENTS_A_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
    yield event;
  }
}
