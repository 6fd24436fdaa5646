/** Chooses what of a log goes into a page of limited size, and puts it there. */
import { deflateRawSync } from 'node:zlib';
import type { EventReader } from '../log/event-reader.js';
import type { LogIndex } from '../log/log-index.js';
import { Aggregate, AggregateTable } from '../model/aggregate.js';
import { BLOCK_EVENTS } from '../model/event-block.js';
import type { EmbeddedChunk, EmbeddedEvent, EmbeddedLog, EmbeddedTask } from '../model/embedded.js';
import type { EventTree } from '../model/event-tree.js';
import { encodeTables } from '../model/lane-codec.js';
import type { Bytes, EventDetail } from '../model/source.js';

/** Blocks whose events' texts are compressed together. */
const CHUNK_BLOCKS = 32;
/** Part of the size that sums may take. */
const SUMS_PART = 0.25;
/** Bytes of a row of sums once it is compressed: measured, 30 to 45. */
const SUM_BYTES = 60;
/** Bytes of a payload that are kept. */
const PAYLOAD_BYTES = 1024;
const FAN_OUT = 8;

export function embed(index: LogIndex, events: EventReader, maxBytes: number): EmbeddedLog {
  const { facts } = index;
  const trees = facts.tasks.map(({ uid }) => ({ uid, tree: index.trees.get(uid)! }));
  const files = packed(Buffer.from(JSON.stringify(index.files.facts())));
  let room = maxBytes - JSON.stringify(facts).length - files.length;
  let level = 0;
  while (rowsOf(trees, level) * SUM_BYTES > maxBytes * SUMS_PART && level < 8) level++;
  room -= rowsOf(trees, level) * SUM_BYTES;

  const kept = new Map(trees.map(({ uid }) => [uid, 0]));
  const chunks: EmbeddedChunk[] = [];
  for (const rows of chunksOf(trees)) {
    const texts: EmbeddedEvent[] = [];
    for (const { uid, tree, row } of rows) {
      for (let i = 0; i < tree.blockLength(row); i++) {
        texts.push(short(events.detail({ task: uid, index: row * BLOCK_EVENTS + i })!));
      }
    }
    const chunk = {
      rows: rows.flatMap(({ uid, row }) => [uid, row]),
      events: packed(Buffer.from(JSON.stringify(texts))),
    };
    const blocks = packed(
      Buffer.concat(rows.map(({ tree, row }) => Buffer.from(tree.block(row).buffer.slice(0)))),
    );
    const size = chunk.events.length + blocks.length + JSON.stringify(chunk.rows).length;
    if (size > room) break;
    room -= size;
    chunks.push(chunk);
    for (const { uid, row } of rows) kept.set(uid, row + 1);
  }

  const tasks: EmbeddedTask[] = trees.map(({ uid, tree }) => {
    const rows = kept.get(uid)!;
    const rest = restOf(tree, rows, level);
    return {
      uid,
      events: Math.min(tree.length, rows * BLOCK_EVENTS),
      rest: rest.length === 0 ? '' : packed(encodeTables([rest])),
    };
  });
  const blocks = packed(
    Buffer.concat(
      trees.flatMap(({ uid, tree }) =>
        Array.from({ length: kept.get(uid)! }, (_, row) =>
          Buffer.from(tree.block(row).buffer.slice(0)),
        ),
      ),
    ),
  );
  return { facts, files, tasks, blocks, chunks, leftOut: leftOutText(facts.events, tasks, trees) };
}

interface Named {
  readonly uid: number;
  readonly tree: EventTree;
}

function rowsOf(trees: readonly Named[], level: number): number {
  let rows = 0;
  for (const { tree } of trees) rows += (tree.levels[level] ?? tree.levels.at(-1)!).length;
  return rows;
}

/** The blocks of all tasks in the order of their ends, some at a time. */
function* chunksOf(trees: readonly Named[]): Generator<(Named & { readonly row: number })[]> {
  const next = trees.map((named) => ({ ...named, row: 0 }));
  let chunk: (Named & { row: number })[] = [];
  for (;;) {
    let first: (Named & { row: number }) | undefined;
    let end = Infinity;
    for (const place of next) {
      const blocks = place.tree.levels[0]!;
      if (place.row >= blocks.length || blocks.end(place.row) >= end) continue;
      first = place;
      end = blocks.end(place.row);
    }
    if (first === undefined) break;
    chunk.push({ ...first });
    first.row++;
    if (chunk.length === CHUNK_BLOCKS) {
      yield chunk;
      chunk = [];
    }
  }
  if (chunk.length > 0) yield chunk;
}

/** Sums of the blocks from `row` on: one for each block up to where rows of `level` begin, then those. */
function restOf(tree: EventTree, row: number, level: number): AggregateTable {
  const rest = new AggregateTable();
  const top = Math.min(level, tree.levels.length - 1);
  const wide = FAN_OUT ** top;
  const blocks = tree.levels[0]!.length;
  const sum = new Aggregate();
  const add = (at: number, place: number): void => {
    sum.clear();
    tree.levels[at]!.addTo(sum, place);
    rest.push(sum);
  };
  let block = row;
  while (block < blocks && block % wide !== 0) add(0, block++);
  for (let place = block / wide; block < blocks; block += wide) add(top, place++);
  return rest;
}

function short(detail: EventDetail): EmbeddedEvent {
  const { text, lines, args, result, fileName, stream, sent, received } = detail;
  return {
    text,
    lines,
    args,
    result,
    fileName,
    stream,
    ...(sent === undefined ? {} : { sent: cut(sent) }),
    ...(received === undefined ? {} : { received: cut(received) }),
  };
}

/** Base64 of the first bytes: four letters for three of them. */
function cut({ base64, size }: Bytes): Bytes {
  const letters = Math.floor(PAYLOAD_BYTES / 3) * 4;
  return { base64: base64.length > letters ? base64.slice(0, letters) : base64, size };
}

function packed(bytes: Uint8Array): string {
  return deflateRawSync(bytes).toString('base64');
}

function leftOutText(all: number, tasks: readonly EmbeddedTask[], trees: readonly Named[]): string {
  let kept = 0;
  let until = 0;
  tasks.forEach(({ events }, i) => {
    kept += events;
    const rows = Math.ceil(events / BLOCK_EVENTS);
    if (rows > 0) until = Math.max(until, trees[i]!.tree.levels[0]!.end(rows - 1));
  });
  if (kept === all) return '';
  const seconds = (until / 1e9).toFixed(3);
  return (
    `This file holds ${kept.toLocaleString('en-US')} of ${all.toLocaleString('en-US')} events in full, up to about ` +
    `${seconds} s. Those after are in the timeline and the counters as sums; lists, searches and the summary do not have them.`
  );
}
