/** Answers the page's questions from the log itself. */
import { setImmediate as turn } from 'node:timers/promises';
import { openLog, type LogReader } from '@scribe-ts/tracelog';
import { AggregateTable } from '../model/aggregate.js';
import { BLOCK_EVENTS } from '../model/event-block.js';
import type { FileFacts, LogFacts } from '../model/facts.js';
import { countItems } from '../model/counters.js';
import { mergeEvents } from '../model/merge-events.js';
import {
  compareKeys,
  type Counters,
  type EventDetail,
  type EventKey,
  type EventRow,
  type LanesQuery,
  type ListQuery,
  type SearchQuery,
  type SearchState,
  type Source,
  type Summary,
  type Transfer,
} from '../model/source.js';
import { BlockFile } from './block-file.js';
import { bytesOf, EventReader, nameOf, payloadOfFrames, type Place } from './event-reader.js';
import { movesBytes } from './file-table.js';
import { indexLog, type LogIndex } from './log-index.js';
import { parseSearch } from '../model/search-query.js';
import { searchLog, VOCABULARY } from './search.js';
import { summarize } from '../model/summary.js';

/** Bytes of one transfer in a list of them. */
const TRANSFER_BYTES = 4096;
/** How long work may keep the event loop waiting, ms. */
const TURN_MS = 20;

/** Where the index is kept. */
export interface LogSourceOptions {
  /** Directory of the index's file while it is there. Default: the system's for temporary files. */
  readonly directory?: string;
}

/** Answers the page's questions from the log itself. Memory grows with the number of tasks, and slowly with that of events. */
export class LogSource implements Source {
  readonly leftOut = '';
  /** Part of the log that has been read, 0 to 1. */
  progress = 0;

  private readonly reader: LogReader;
  private readonly store: BlockFile;
  private readonly abort = new AbortController();
  private readonly indexing: Promise<LogIndex>;
  private events: EventReader | undefined;

  /** Opens the log and begins to read it. Throws as openLog does, and the system's errors for the index's file. */
  constructor(path: string, { directory }: LogSourceOptions = {}) {
    this.reader = openLog(path);
    try {
      this.store = new BlockFile(directory);
    } catch (error) {
      this.reader.close();
      throw error;
    }
    const frames = Math.max(1, this.reader.stats.frames);
    this.indexing = indexLog(this.reader, this.store, {
      signal: this.abort.signal,
      progress: (done) => (this.progress = done / frames),
    });
    // Whoever asks for the index learns of the failure.
    this.indexing.catch(() => undefined);
  }

  /** Bytes of the index's file. */
  get indexBytes(): number {
    return this.store.bytes;
  }

  /** Resolves when the log has been read. */
  get index(): Promise<LogIndex> {
    return this.indexing;
  }

  async facts(progress?: (done: number) => void): Promise<LogFacts> {
    progress?.(this.progress);
    return (await this.indexing).facts;
  }

  /** What is to be drawn of each task: events, or sums of those narrower than a pixel. */
  async lanes({ tasks, from, to, resolution }: LanesQuery): Promise<AggregateTable[]> {
    const { trees } = await this.indexing;
    return tasks.map((task) => {
      const items = new AggregateTable();
      trees.get(task)?.query(from, to, resolution, items);
      return items;
    });
  }

  /** Sums over all tasks of so many even steps of that time, ns. */
  async counters(from: number, to: number, steps: number): Promise<Counters> {
    const tasks = [...(await this.indexing).trees.keys()];
    const lanes = await this.lanes({ tasks, from, to, resolution: (to - from) / steps });
    return countItems(lanes, from, to, steps);
  }

  async list({ tasks, key, direction, count }: ListQuery): Promise<EventRow[]> {
    const index = await this.indexing;
    const places: Place[] = [];
    for (const event of mergeEvents(treesOf(index, tasks), key, direction)) {
      if (places.length === count) break;
      places.push({ task: event.task, index: event.index });
    }
    if (direction === 'backward') places.reverse();
    return this.eventReader(index).rows(places);
  }

  async event(task: number, index: number): Promise<EventDetail | undefined> {
    return this.eventReader(await this.indexing).detail({ task, index });
  }

  /** All objects that calls used. */
  async files(): Promise<FileFacts[]> {
    return (await this.indexing).files.facts();
  }

  async transfers(file: number, after: EventKey, count: number): Promise<Transfer[]> {
    const index = await this.indexing;
    const keys: EventKey[] = [];
    const places = index.files.places(file);
    for (let at = 0; at < places.length; at += 2) {
      const task = places[at]!;
      const row = places[at + 1]!;
      const tree = index.trees.get(task)!;
      if (tree.levels[0]!.end(row) < after.time) continue;
      // Rows are in the order in which they were filled: nothing in later ones is much earlier than their start.
      if (keys.length >= count && tree.levels[0]!.start(row) > latestOf(keys, count)) continue;
      const block = tree.block(row);
      for (let i = 0; i < tree.blockLength(row); i++) {
        if (!movesBytes(block, i, file)) continue;
        const key = { time: block.time[i]!, task, index: row * BLOCK_EVENTS + i };
        if (compareKeys(key, after) > 0) keys.push(key);
      }
    }
    keys.sort(compareKeys);
    keys.length = Math.min(keys.length, count);
    const frames = this.eventReader(index).framesOf(keys);
    return keys.map((key, i) => {
      const payload = payloadOfFrames(frames[i]!);
      const { block, at } = eventOf(index, key);
      return {
        ...key,
        out: block.transfer[at]! >= 0x8000_0000,
        call: nameOf(block.code[at]!),
        bytes:
          payload === undefined
            ? { base64: '', size: block.transfer[at]! & 0x7fff_ffff }
            : bytesOf(payload, TRANSFER_BYTES),
      };
    });
  }

  /** Sums of the events that began in that time. */
  async summary({ tasks, from, to }: Omit<LanesQuery, 'resolution'>): Promise<Summary> {
    return summarize(treesOf(await this.indexing, tasks), from, to);
  }

  async *search(
    { text, tasks }: SearchQuery,
    limit: number,
    signal?: AbortSignal,
  ): AsyncGenerator<SearchState, void, undefined> {
    const index = await this.indexing;
    const plan = parseSearch(text, VOCABULARY);
    const wanted = tasks === undefined ? undefined : new Set(tasks);
    let hits: Place[] = [];
    let found = 0;
    let done = 0;
    let since = performance.now();
    for (const step of searchLog(this.reader, index, plan, wanted)) {
      if ('hit' in step) {
        hits.push(step.hit);
        found++;
      } else done = step.done;
      if (found < limit && performance.now() - since < TURN_MS) continue;
      yield { hits: this.eventReader(index).rows(hits), done };
      if (found >= limit) return;
      hits = [];
      await turn();
      if (signal?.aborted === true) return;
      since = performance.now();
    }
    yield { hits: this.eventReader(index).rows(hits), done: 1 };
  }

  /** Ends what is going on, and lets go of the log and the index's file. */
  close(): void {
    this.abort.abort();
    this.events?.close();
    // The pass over the log notices the abort before it reads on.
    const end = (): void => {
      this.store.close();
      this.reader.close();
    };
    this.indexing.then(end, end);
  }

  /** Goes back from the index's events to frames. */
  eventReader(index: LogIndex): EventReader {
    return (this.events ??= new EventReader(this.reader, index));
  }
}

function treesOf(index: LogIndex, tasks: readonly number[] | undefined) {
  if (tasks === undefined) return [...index.trees];
  return tasks.flatMap((task) => {
    const tree = index.trees.get(task);
    return tree === undefined ? [] : [[task, tree] as const];
  });
}

function eventOf(index: LogIndex, { task, index: number }: Place) {
  const block = index.trees.get(task)!.block(Math.floor(number / BLOCK_EVENTS));
  return { block, at: number % BLOCK_EVENTS };
}

/** Time of the key that would be the last of `count`. */
function latestOf(keys: EventKey[], count: number): number {
  keys.sort(compareKeys);
  keys.length = Math.min(keys.length, Math.max(count, 1) * 2);
  return keys[count - 1]!.time;
}
