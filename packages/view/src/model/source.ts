/** What the page asks of a log, wherever it is kept: behind a server, or in the page itself. */
import type { AggregateTable } from './aggregate.js';
import type { FileFacts, LogFacts } from './facts.js';

/** An event's place in the order of all events: by time, then task, then number in its task. */
export interface EventKey {
  readonly time: number;
  readonly task: number;
  readonly index: number;
}

/** An event as a line. */
export interface EventRow extends EventKey {
  /** Time in the call, and waiting for the baton before it, ns. */
  readonly duration: number;
  readonly waited: number;
  /** See event-code.ts. */
  readonly code: number;
  readonly text: string;
}

/** Bytes for people, base64. */
export interface Bytes {
  readonly base64: string;
  /** How many there were, of which the log or the page may hold the first. */
  readonly size: number;
}

export interface EventDetail extends EventRow {
  /** All lines of the event, details included. */
  readonly lines: readonly string[];
  readonly args: readonly { readonly name: string; readonly value: string }[];
  readonly result: string;
  /** Number of the first file that the call used, 0 if none, and its name. */
  readonly file: number;
  readonly fileName: string;
  readonly stream: number;
  readonly sent?: Bytes;
  readonly received?: Bytes;
}

/** Bytes that went through a file. */
export interface Transfer extends EventKey {
  readonly out: boolean;
  readonly call: string;
  readonly bytes: Bytes;
}

/** What was seen of one kind of event. */
export interface SummaryRow {
  readonly code: number;
  readonly count: number;
  readonly failed: number;
  /** Time in calls, ns, and the longest. */
  readonly total: number;
  readonly longest: number;
  /** Where that one is. */
  readonly task: number;
  readonly index: number;
}

/** Sums by kind of event. */
export interface Summary {
  readonly rows: readonly SummaryRow[];
  /** Bytes into the programs and out of them. */
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** Sums over all tasks in even steps. */
export interface Counters {
  /** Width of a step, ns. */
  readonly step: number;
  readonly events: readonly number[];
  readonly failed: readonly number[];
  readonly bytesIn: readonly number[];
  readonly bytesOut: readonly number[];
}

/** A span of time, ns since the recording began, and how fine it is to be drawn. */
export interface LanesQuery {
  readonly tasks: readonly number[];
  readonly from: number;
  readonly to: number;
  /** ns for a pixel. */
  readonly resolution: number;
}

/** Events before or after a place. */
export interface ListQuery {
  /** Undefined: all tasks. */
  readonly tasks?: readonly number[];
  /** Events after (or before) this place, which need not be an event's own. */
  readonly key: EventKey;
  readonly direction: 'forward' | 'backward';
  readonly count: number;
}

/** What to look for; the language is that of the page's search field. */
export interface SearchQuery {
  readonly text: string;
  readonly tasks?: readonly number[];
}

/** How far a search is. */
export interface SearchState {
  /** New hits, in the order of their keys. */
  readonly hits: readonly EventRow[];
  /** Part of the log that has been searched, 0 to 1. */
  readonly done: number;
}

/** Answers to everything that the page asks. Questions end in the log's errors, or the signal's reason. */
export interface Source {
  /** Resolves once there is an index; tells meanwhile how much of the log has been read, 0 to 1. */
  facts(progress: (done: number) => void): Promise<LogFacts>;
  /** What is to be drawn of each task, in the order of `tasks`: events, or sums of those narrower than a pixel. */
  lanes(query: LanesQuery, signal?: AbortSignal): Promise<readonly AggregateTable[]>;
  /** Sums over all tasks of so many even steps of that time, ns. */
  counters(from: number, to: number, steps: number, signal?: AbortSignal): Promise<Counters>;
  /** In the order of their keys, whatever the direction. */
  list(query: ListQuery, signal?: AbortSignal): Promise<readonly EventRow[]>;
  /** Undefined if there is no such event, or it has been left out. */
  event(task: number, index: number, signal?: AbortSignal): Promise<EventDetail | undefined>;
  /** All objects that calls used. */
  files(): Promise<readonly FileFacts[]>;
  /** Transfers through a file after this place. */
  transfers(
    file: number,
    after: EventKey,
    count: number,
    signal?: AbortSignal,
  ): Promise<readonly Transfer[]>;
  /** Sums of the events that began in that time. */
  summary(query: Omit<LanesQuery, 'resolution'>, signal?: AbortSignal): Promise<Summary>;
  /** Ends when everything has been searched or `limit` hits were found. Throws SearchError. */
  search(query: SearchQuery, limit: number, signal: AbortSignal): AsyncIterable<SearchState>;
  /** What of the log is not here, for people; '' if all is. */
  readonly leftOut: string;
}

/** Before all events. */
export const FIRST_KEY: EventKey = { time: -1, task: 0, index: -1 };

/** Below 0 if `a` comes first. */
export function compareKeys(a: EventKey, b: EventKey): number {
  return a.time - b.time || a.task - b.task || a.index - b.index;
}
