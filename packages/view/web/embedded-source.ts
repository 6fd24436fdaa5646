/** Answers from what the page itself holds. */
import { Aggregate, AggregateTable } from '../src/model/aggregate.js';
import { countItems } from '../src/model/counters.js';
import type { EmbeddedEvent, EmbeddedLog } from '../src/model/embedded.js';
import { FAILED, plainCode } from '../src/model/event-code.js';
import {
  BLOCK_BYTES,
  BLOCK_EVENTS,
  EventBlock,
  isOutward,
  MemoryBlockStore,
  transferBytes,
} from '../src/model/event-block.js';
import { EventTree } from '../src/model/event-tree.js';
import type { FileFacts, LogFacts } from '../src/model/facts.js';
import { decodeTables } from '../src/model/lane-codec.js';
import { mergeEvents } from '../src/model/merge-events.js';
import { parseSearch, type SearchPlan } from '../src/model/search-query.js';
import {
  FIRST_KEY,
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
} from '../src/model/source.js';
import { summarize } from '../src/model/summary.js';
import { decodeBase64 } from './bytes-view.js';

/** Chunks of texts kept decompressed. */
const CHUNKS_KEPT = 16;
/** Events looked at between two signs of a search. */
const STRIDE = 2000;

interface Place {
  readonly chunk: number;
  /** Of the row's first event, in its chunk. */
  readonly at: number;
}

export class EmbeddedSource implements Source {
  readonly leftOut: string;
  private readonly table: Uint8Array;
  private readonly trees = new Map<number, EventTree>();
  private readonly rests = new Map<number, AggregateTable>();
  /** By task, where the texts of each row of blocks are. */
  private readonly places = new Map<number, Place[]>();
  private readonly chunks = new Map<number, EmbeddedEvent[]>();
  private ready: Promise<void> | undefined;

  constructor(private readonly log: EmbeddedLog) {
    this.leftOut = log.leftOut;
    this.table = Uint8Array.from(log.facts.categories);
  }

  async facts(): Promise<LogFacts> {
    await (this.ready ??= this.load());
    return this.log.facts;
  }

  private async load(): Promise<void> {
    const { log } = this;
    const blocks = await inflated(log.blocks);
    let at = 0;
    for (const { uid, events, rest } of log.tasks) {
      const tree = new EventTree(new MemoryBlockStore(), this.table);
      for (let done = 0; done < events; done += BLOCK_EVENTS) {
        const block = new EventBlock(blocks.slice(at, at + BLOCK_BYTES));
        tree.append(block, Math.min(BLOCK_EVENTS, events - done));
        at += BLOCK_BYTES;
      }
      tree.finish();
      this.trees.set(uid, tree);
      this.places.set(uid, []);
      if (rest !== '') this.rests.set(uid, decodeTables(await inflated(rest))[0]!);
    }
    log.chunks.forEach(({ rows }, chunk) => {
      let first = 0;
      for (let i = 0; i < rows.length; i += 2) {
        const task = rows[i]!;
        const row = rows[i + 1]!;
        this.places.get(task)![row] = { chunk, at: first };
        first += this.trees.get(task)!.blockLength(row);
      }
    });
  }

  async lanes({ tasks, from, to, resolution }: LanesQuery): Promise<AggregateTable[]> {
    await this.facts();
    return tasks.map((task) => {
      const items = new AggregateTable();
      this.trees.get(task)?.query(from, to, resolution, items);
      const rest = this.rests.get(task);
      if (rest !== undefined) addRest(rest, from, to, resolution, items);
      return items;
    });
  }

  async counters(from: number, to: number, steps: number): Promise<Counters> {
    const tasks = this.log.tasks.map(({ uid }) => uid);
    const lanes = await this.lanes({ tasks, from, to, resolution: (to - from) / steps });
    return countItems(lanes, from, to, steps);
  }

  async list({ tasks, key, direction, count }: ListQuery): Promise<EventRow[]> {
    const keys: EventKey[] = [];
    for (const { time, task, index } of mergeEvents(this.chosen(tasks), key, direction)) {
      if (keys.length === count) break;
      keys.push({ time, task, index });
    }
    if (direction === 'backward') keys.reverse();
    return Promise.all(keys.map((place) => this.row(place)));
  }

  async event(task: number, index: number): Promise<EventDetail | undefined> {
    const tree = this.trees.get(task);
    if (tree === undefined || index < 0 || index >= tree.length) return undefined;
    const row = await this.row({ task, index });
    const { block, i } = this.blockOf(task, index);
    return { ...(await this.text(task, index)), ...row, file: block.file[i]! };
  }

  async files(): Promise<readonly FileFacts[]> {
    const json = new TextDecoder().decode(await inflated(this.log.files));
    return JSON.parse(json) as FileFacts[];
  }

  async transfers(file: number, after: EventKey, count: number): Promise<Transfer[]> {
    const found: Transfer[] = [];
    for (const event of mergeEvents(this.trees, after, 'forward')) {
      if (found.length === count) break;
      const block = event.block();
      const i = event.index % BLOCK_EVENTS;
      const transfer = block.transfer[i]!;
      if (block.file[i] !== file || transferBytes(transfer) === 0) continue;
      const { time, task, index } = event;
      const code = block.code[i]!;
      const { sent, received } = await this.text(task, index);
      found.push({
        time,
        task,
        index,
        out: isOutward(transfer),
        call: this.log.facts.calls[plainCode(code)] ?? '',
        bytes: sent ?? received ?? { base64: '', size: transferBytes(transfer) },
      });
    }
    return found;
  }

  async summary({ tasks, from, to }: Omit<LanesQuery, 'resolution'>): Promise<Summary> {
    await this.facts();
    return summarize(this.chosen(tasks), from, to);
  }

  async *search(
    { text, tasks }: SearchQuery,
    limit: number,
    signal: AbortSignal,
  ): AsyncGenerator<SearchState, void, undefined> {
    const { calls } = this.log.facts;
    const names = calls.map((name, nr) => [name, nr] as const).filter(([name]) => name !== '');
    // Names of errors and signals are found as the texts that they are.
    const plan = parseSearch(text, {
      calls: new Map(names),
      errnos: new Map(),
      signals: new Map(),
    });
    let hits: EventRow[] = [];
    let found = 0;
    let seen = 0;
    for (const event of mergeEvents(this.chosen(tasks), FIRST_KEY, 'forward')) {
      if (++seen % STRIDE === 0) {
        yield { hits, done: seen / this.log.facts.events };
        hits = [];
        await new Promise((resolve) => setTimeout(resolve));
        if (signal.aborted) return;
      }
      const { task, index } = event;
      if (!matchesBlock(plan, event.block(), index % BLOCK_EVENTS)) continue;
      if (plan.texts.length > 0) {
        const { text: line, lines } = await this.text(task, index);
        const all = [line, ...lines].join('\n');
        if (!plan.texts.every((part) => all.includes(part))) continue;
      }
      hits.push(await this.row({ task, index }));
      if (++found === limit) break;
    }
    yield { hits, done: 1 };
  }

  private chosen(tasks: readonly number[] | undefined): [number, EventTree][] {
    return [...this.trees].filter(([task]) => tasks?.includes(task) ?? true);
  }

  private blockOf(task: number, index: number) {
    const block = this.trees.get(task)!.block(Math.floor(index / BLOCK_EVENTS));
    return { block, i: index % BLOCK_EVENTS };
  }

  private async row({ task, index }: { task: number; index: number }): Promise<EventRow> {
    const { text } = await this.text(task, index);
    const { block, i } = this.blockOf(task, index);
    return {
      task,
      index,
      time: block.time[i]!,
      duration: block.duration[i]!,
      waited: block.waited[i]!,
      code: block.code[i]!,
      text,
    };
  }

  private async text(task: number, index: number): Promise<EmbeddedEvent> {
    const { chunk, at } = this.places.get(task)![Math.floor(index / BLOCK_EVENTS)]!;
    let events = this.chunks.get(chunk);
    if (events === undefined) {
      const json = new TextDecoder().decode(await inflated(this.log.chunks[chunk]!.events));
      events = JSON.parse(json) as EmbeddedEvent[];
    } else this.chunks.delete(chunk);
    // Last in the map: the most recently used.
    this.chunks.set(chunk, events);
    for (const oldest of this.chunks.keys()) {
      if (this.chunks.size <= CHUNKS_KEPT) break;
      this.chunks.delete(oldest);
    }
    return events[at + (index % BLOCK_EVENTS)]!;
  }
}

function matchesBlock(plan: SearchPlan, block: EventBlock, i: number): boolean {
  const code = block.code[i]!;
  if (plan.codes !== undefined && !plan.codes.has(plainCode(code))) return false;
  if (plan.failed && (code & FAILED) === 0) return false;
  return block.duration[i]! >= plan.longer;
}

/** Adds sums, neighbours together where they share a pixel. */
function addRest(
  rest: AggregateTable,
  from: number,
  to: number,
  resolution: number,
  items: AggregateTable,
): void {
  const sum = new Aggregate();
  sum.clear();
  for (let row = rest.firstEndingFrom(from); row < rest.length; row++) {
    const beyond = rest.start(row) > to;
    if (sum.count > 0 && rest.end(row) - sum.start > resolution) {
      items.push(sum);
      sum.clear();
    }
    rest.addTo(sum, row);
    // The one after tells whether the task waited for its turn until then.
    if (beyond) break;
  }
  if (sum.count > 0) items.push(sum);
}

async function inflated(base64: string): Promise<ArrayBuffer> {
  const stream = new Blob([decodeBase64(base64) as Uint8Array<ArrayBuffer>])
    .stream()
    .pipeThrough(new DecompressionStream('deflate-raw'));
  return new Response(stream).arrayBuffer();
}
