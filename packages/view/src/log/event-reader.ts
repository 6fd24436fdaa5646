/** Goes from events of the index back to the frames of the log. */
import {
  EventDecoder,
  isDetail,
  LineFormatter,
  SyscallEvent,
  type Event,
} from '@scribe-ts/profiler';
import {
  syscallTable,
  type Frame,
  type LogReader,
  type StreamCursor,
  type Word,
} from '@scribe-ts/tracelog';
import { BLOCK_EVENTS } from '../model/event-block.js';
import { eventKind, syscallNumber, UNFINISHED } from '../model/event-code.js';
import type { EventTree } from '../model/event-tree.js';
import type { Bytes, EventDetail, EventRow } from '../model/source.js';
import { CALL_NAMES, transferDirection } from './call-traits.js';
import type { LogIndex } from './log-index.js';
import { payloadOf, type Payload } from './payload.js';

/** Bytes of a buffer shown in a list's line, and in the lines of one event. */
const ROW_TEXT_BYTES = 48;
const DETAIL_TEXT_BYTES = 1024;
const ROW_LIMITS = { input: ROW_TEXT_BYTES, output: ROW_TEXT_BYTES };
/** Longest line of a list, characters. */
const MAX_ROW_CHARACTERS = 400;
/** Bytes of a payload sent to the page at once. */
export const MAX_PAYLOAD_BYTES = 64 * 1024;

export interface Place {
  readonly task: number;
  readonly index: number;
}

/** The frames of one event: its details, and the frame that it is. */
export interface EventFrames {
  readonly details: readonly Frame[];
  /** Undefined for a call that never came back. */
  readonly frame: Frame | undefined;
}

/** A cursor and the place in the stream of the frame that it will give. */
interface Position {
  readonly cursor: StreamCursor;
  next: number;
}

export class EventReader {
  private readonly positions = new Map<number, Position>();
  /** Where the tasks' parts of streams begin. */
  private readonly streams: ReadonlyMap<number, readonly { event: number; stream: number }[]>;

  constructor(
    private readonly reader: LogReader,
    private readonly index: LogIndex,
  ) {
    this.streams = new Map(index.facts.tasks.map((task) => [task.uid, task.streams]));
  }

  /** The lines of events, in the order given. */
  rows(places: readonly Place[]): EventRow[] {
    const frames = this.framesOf(places);
    return places.map((place, i) => this.row(place, frames[i]!));
  }

  row(place: Place, { details, frame }: EventFrames): EventRow {
    const base = this.base(place);
    if (frame === undefined) return { ...base, text: unfinishedText(base.code) };
    const call = callOf(details, frame);
    const line =
      call === undefined
        ? (linesOf(details, frame, ROW_TEXT_BYTES)[0] ?? '')
        : call.print(ROW_LIMITS);
    const text = line.length > MAX_ROW_CHARACTERS ? `${line.slice(0, MAX_ROW_CHARACTERS)}…` : line;
    return { ...base, text };
  }

  /** Undefined if there is no such event. */
  detail(place: Place): EventDetail | undefined {
    const tree = this.index.trees.get(place.task);
    if (tree === undefined || place.index < 0 || place.index >= tree.length) return undefined;
    const [frames] = this.framesOf([place]);
    const { details, frame } = frames!;
    const row = this.row(place, frames!);
    const { block, i } = blockOf(tree, place.index);
    const file = block.file[i]!;
    const payload = payloadOfFrames(frames!);
    const call = frame === undefined ? undefined : callOf(details, frame);
    return {
      ...row,
      lines: frame === undefined ? [row.text] : linesOf(details, frame, DETAIL_TEXT_BYTES),
      args: call?.arguments.map(({ name, word, text }) => argument(name, word, text)) ?? [],
      result: call?.resultText ?? '',
      file,
      fileName: this.index.files.nameOf(file),
      stream: this.streamOf(place),
      ...(payload === undefined
        ? {}
        : { [payload.direction === 'out' ? 'sent' : 'received']: bytesOf(payload) }),
    };
  }

  /** The frames of events, in the order given. */
  framesOf(places: readonly Place[]): EventFrames[] {
    const wanted = places.map((place, i) => {
      const tree = this.treeOf(place.task);
      const { block, i: at } = blockOf(tree, place.index);
      const code = block.code[at]!;
      return { i, place, stream: this.streamOf(place), frame: block.frame[at]!, code };
    });
    const result = new Array<EventFrames>(places.length);
    // In the order of the log, so that a run of frames is decoded once.
    wanted.sort((a, b) => a.stream - b.stream || a.frame - b.frame);
    for (const { i, place, stream, frame, code } of wanted) {
      result[i] =
        (code & UNFINISHED) !== 0
          ? { details: [], frame: undefined }
          : this.read(stream, frame, place.task, eventKind(code) === 'kernel-write');
    }
    return result;
  }

  streamOf({ task, index }: Place): number {
    let stream = -1;
    for (const part of this.streams.get(task) ?? []) if (part.event <= index) stream = part.stream;
    return stream;
  }

  private treeOf(task: number): EventTree {
    const tree = this.index.trees.get(task);
    if (tree === undefined) throw new Error(`there is no task ${task}`);
    return tree;
  }

  private base({ task, index }: Place): Omit<EventRow, 'text'> {
    const { block, i } = blockOf(this.treeOf(task), index);
    return {
      task,
      index,
      time: block.time[i]!,
      duration: block.duration[i]!,
      waited: block.waited[i]!,
      code: block.code[i]!,
    };
  }

  /** `writes`: the event is a store of the kernel's; those within a call are none. */
  private read(stream: number, place: number, task: number, writes: boolean): EventFrames {
    const position = this.seek(stream, place);
    const details: Frame[] = [];
    for (;;) {
      const frame = position.cursor.next();
      if (frame === undefined) return { details, frame: undefined };
      position.next++;
      // Frames of other tasks may stand between.
      if (frame.task !== task || frame.type === 'block') continue;
      if (frame.type === 'kernel-write' && !writes) continue;
      if (!isDetail(frame)) return { details, frame };
      details.push(frame);
    }
  }

  /** A cursor that is about to give the frame at `place`. */
  private seek(stream: number, place: number): Position {
    let position = this.positions.get(stream);
    if (position === undefined || position.next > place || position.next + 4096 < place) {
      position?.cursor.close();
      position = { cursor: this.reader.stream(stream), next: 0 };
      this.positions.set(stream, position);
      const { cursor } = position;
      for (let run = cursor.upcoming; run !== undefined; run = cursor.upcoming) {
        if (position.next + run.frames > place) break;
        position.next += run.frames;
        cursor.skipRun();
      }
      cursor.enterRun();
    }
    const { cursor } = position;
    while (position.next < place) {
      if (cursor.step()) cursor.pass();
      else if (cursor.enterRun()) continue;
      else break;
      position.next++;
    }
    return position;
  }

  close(): void {
    for (const { cursor } of this.positions.values()) cursor.close();
    this.positions.clear();
  }
}

/** The bytes that an event's call moved. */
export function payloadOfFrames({ details, frame }: EventFrames): Payload | undefined {
  if (frame?.type !== 'syscall') return undefined;
  const direction = transferDirection(frame.nr);
  return direction === undefined ? undefined : payloadOf(frame, details, direction);
}

export function bytesOf({ bytes, size }: Payload, limit = MAX_PAYLOAD_BYTES): Bytes {
  const part = bytes.subarray(0, limit);
  return {
    base64: Buffer.from(part.buffer, part.byteOffset, part.length).toString('base64'),
    size,
  };
}

/** A call that never came back; of some nobody expects it. */
function unfinishedText(code: number): string {
  const expected = syscallTable[syscallNumber(code)]?.returns === 'none';
  return `${nameOf(code)}(…)${expected ? '' : ' never came back'}`;
}

/** What an event is called: the name of its call, else its kind. */
export function nameOf(code: number): string {
  const nr = syscallNumber(code);
  if (nr >= 0) return CALL_NAMES[nr] || `syscall_${nr}`;
  return eventKind(code) ?? 'event';
}

function blockOf(tree: EventTree, index: number) {
  return { block: tree.block(Math.floor(index / BLOCK_EVENTS)), i: index % BLOCK_EVENTS };
}

/** The event's lines in Scribe's form, without the number of its task. */
export function linesOf(details: readonly Frame[], frame: Frame, textBytes: number): string[] {
  const formatter = new LineFormatter({ textBytes });
  const lines: string[] = [];
  for (const detail of details) formatter.push(detail, lines);
  formatter.push(frame, lines);
  return lines.map((line) => line.slice(line.indexOf('] ') + 2));
}

/** The call that an event is, decoded; undefined if it is none. */
function callOf(details: readonly Frame[], frame: Frame): SyscallEvent | undefined {
  if (frame.type !== 'syscall') return undefined;
  const decoder = new EventDecoder({ descriptors: 'unknown' });
  const events: Event[] = [];
  for (const detail of details) decoder.push(detail, events);
  decoder.push(frame, events);
  const event = events.at(-1);
  return event instanceof SyscallEvent ? event : undefined;
}

/** The register stands beside the text where that says something else. */
function argument(name: string, word: Word, text: string): { name: string; value: string } {
  const raw = String(word);
  const hex = `0x${BigInt.asUintN(64, BigInt(word)).toString(16)}`;
  return { name, value: text === raw || text === hex ? text : `${text}   ${hex}` };
}
