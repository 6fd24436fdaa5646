/** Frames in, those that a query asks for out: whole events, each call with its details before it. */
import type { Frame } from '@scribe-ts/tracelog';
import { EventDecoder, type EventOptions, type EventSource } from '../events/decoder.js';
import type { Event } from '../events/event.js';
import type { LocatedFrame, ProfileRecord } from '../options.js';
import { EventFilter } from './event-filter.js';
import type { Query } from './query.js';

/** Lets the frames of events through that a query asks for. */
export class Selector {
  private readonly decoder: EventDecoder;
  private readonly filter: EventFilter;
  private readonly decoded: Event[] = [];
  private readonly wanted: Event[] = [];

  constructor(query: Query, options: EventOptions = {}) {
    this.decoder = new EventDecoder(options);
    this.filter = new EventFilter(query);
  }

  /** Appends the frames that are due after this record to `records`. */
  push(record: ProfileRecord, records: LocatedFrame[]): void {
    const { decoded } = this;
    this.decoder.push(record, decoded);
    if (decoded.length === 0) return;
    const position = 'frame' in record ? record.position : undefined;
    this.choose(records, position);
  }

  /** Appends what is wanted only because nothing more came. */
  end(records: LocatedFrame[]): void {
    this.decoder.end(this.decoded);
    this.choose(records, undefined);
    this.filter.end(this.wanted);
    this.give(records, undefined);
  }

  private choose(records: LocatedFrame[], position: number | undefined): void {
    const { decoded } = this;
    for (let i = 0; i < decoded.length; i++) this.filter.push(decoded[i]!, this.wanted);
    decoded.length = 0;
    this.give(records, position);
  }

  /** `position`: where the frame that completed these events begins. */
  private give(records: LocatedFrame[], position: number | undefined): void {
    const { wanted } = this;
    for (let i = 0; i < wanted.length; i++) {
      const event = wanted[i]!;
      const { stream, offset } = event;
      const place = position === undefined ? { stream, offset } : { stream, offset, position };
      for (const frame of framesOf(event)) records.push({ frame, ...place });
    }
    wanted.length = 0;
  }
}

const NONE: readonly Frame[] = [];

/** The frames of an event, in the order in which they stood in the log. */
export function framesOf(event: Event): readonly Frame[] {
  switch (event.type) {
    case 'switch':
      return NONE;
    case 'syscall':
    case 'exit':
    case 'detach':
      return event.details.length === 0 ? [event.frame] : [...event.details, event.frame];
    default:
      return [event.frame];
  }
}

/** The events of a log that a query asks for, in constant memory. Errors of the reader pass through. */
export function* selectEvents(
  source: EventSource,
  query: Query,
  options: EventOptions = {},
): Generator<Event, void, undefined> {
  const located = 'records' in source;
  const decoder = new EventDecoder(located ? { cwd: source.header.cwd, ...options } : options);
  const filter = new EventFilter(query);
  const decoded: Event[] = [];
  const wanted: Event[] = [];
  const pass = function* (): Generator<Event, void, undefined> {
    for (let i = 0; i < decoded.length; i++) filter.push(decoded[i]!, wanted);
    decoded.length = 0;
    for (let i = 0; i < wanted.length; i++) yield wanted[i]!;
    wanted.length = 0;
  };
  for (const record of located ? source.records() : source) {
    decoder.push(record, decoded);
    if (decoded.length > 0) yield* pass();
  }
  decoder.end(decoded);
  yield* pass();
  filter.end(wanted);
  yield* wanted;
}
