/** What a self-contained page holds of a log. Binary parts are deflated (raw) and in base64. */
import type { LogFacts } from './facts.js';
import type { EventDetail } from './source.js';

/** An event's parts that its block does not have. */
export type EmbeddedEvent = Pick<
  EventDetail,
  'text' | 'lines' | 'args' | 'result' | 'fileName' | 'stream' | 'sent' | 'received'
>;

export interface EmbeddedTask {
  readonly uid: number;
  /** Number of its first events that are here in full. */
  readonly events: number;
  /** A table (see lane-codec.ts) with sums of those that come after. */
  readonly rest: string;
}

/** Some rows of blocks, one after the other. */
export interface EmbeddedChunk {
  /** Pairs of task and row of its tree, in the order in which they stand. */
  readonly rows: readonly number[];
  /** JSON of an array of EmbeddedEvent. */
  readonly events: string;
}

export interface EmbeddedLog {
  readonly facts: LogFacts;
  /** JSON of an array of FileFacts: a server may have used a hundred thousand sockets. */
  readonly files: string;
  readonly tasks: readonly EmbeddedTask[];
  /** The blocks of all tasks: rows of the first task, then those of the second, … */
  readonly blocks: string;
  readonly chunks: readonly EmbeddedChunk[];
  /** For people; '' if nothing is left out. */
  readonly leftOut: string;
}

export const EMBEDDED_ID = 'embedded-log';
