import { constants } from 'node:os';
import { isDetail, LineFormatter } from '@scribe-ts/profiler';
import { syscallRows, type Frame, type LogReader } from '@scribe-ts/tracelog';
import { BLOCK_EVENTS } from '../model/event-block.js';
import { FAILED, kindCode, plainCode, syscallNumber } from '../model/event-code.js';
import { mergeEvents } from '../model/merge-events.js';
import { FIRST_KEY } from '../model/source.js';
import type { Place } from './event-reader.js';
import type { LogIndex } from './log-index.js';
import { needsLog, type SearchPlan, type Vocabulary } from '../model/search-query.js';

export const VOCABULARY: Vocabulary = {
  calls: new Map(syscallRows.map(({ name, nr }) => [name, nr])),
  errnos: new Map(Object.entries(constants.errno)),
  signals: new Map(Object.entries(constants.signals)),
};

/** A hit, or a sign of how far the search is, for those who give way to others meanwhile. */
export type SearchStep = { readonly hit: Place } | { readonly done: number };

/** Steps without a hit between two signs. */
const STRIDE = 4096;

/** Events that match, in the order of time. Damage of the log ends the search where it ended the index. */
export function* searchLog(
  reader: LogReader,
  index: LogIndex,
  plan: SearchPlan,
  tasks: ReadonlySet<number> | undefined,
): Generator<SearchStep, void, undefined> {
  if (needsLog(plan)) yield* searchFrames(reader, index, plan, tasks);
  else yield* searchIndex(index, plan, tasks);
}

function* searchIndex(
  index: LogIndex,
  plan: SearchPlan,
  tasks: ReadonlySet<number> | undefined,
): Generator<SearchStep, void, undefined> {
  const trees = [...index.trees].filter(([task]) => tasks?.has(task) ?? true);
  let total = 0;
  for (const [, tree] of trees) total += tree.length;
  let seen = 0;
  for (const event of mergeEvents(trees, FIRST_KEY, 'forward')) {
    if (++seen % STRIDE === 0) yield { done: seen / total };
    const block = event.block();
    const i = event.index % BLOCK_EVENTS;
    const code = block.code[i]!;
    if (plan.codes !== undefined && !plan.codes.has(plainCode(code))) continue;
    if (plan.failed && (code & FAILED) === 0) continue;
    if (block.duration[i]! < plan.longer) continue;
    yield { hit: { task: event.task, index: event.index } };
  }
}

function* searchFrames(
  reader: LogReader,
  index: LogIndex,
  plan: SearchPlan,
  tasks: ReadonlySet<number> | undefined,
): Generator<SearchStep, void, undefined> {
  const texts = plan.texts.map((text) => Buffer.from(text));
  const printer = new Printer();
  const pending = new Map<number, Frame[]>();
  /** Events so far of each task: the number of the next. */
  const numbers = new Map<number, number>();
  const total = index.facts.events;
  let seen = 0;
  for (const frame of reader.frames()) {
    const { task } = frame;
    let details = pending.get(task);
    if (details === undefined) pending.set(task, (details = []));
    if (isDetail(frame)) {
      details.push(frame);
      continue;
    }
    if (frame.type === 'block') continue;
    const number = numbers.get(task) ?? 0;
    numbers.set(task, number + 1);
    // The index ends where the log is damaged, before this frame's error can arise.
    if (++seen > total) return;
    if ((tasks?.has(task) ?? true) && matches(plan, texts, frame, details, printer)) {
      yield { hit: { task, index: number } };
    }
    details.length = 0;
    if (seen % STRIDE === 0) yield { done: seen / total };
  }
}

function matches(
  plan: SearchPlan,
  texts: readonly Buffer[],
  frame: Frame,
  details: readonly Frame[],
  printer: Printer,
): boolean {
  const call = frame.type === 'syscall' ? frame : undefined;
  if (plan.codes !== undefined) {
    const code = call?.nr ?? (frame.type === 'block' ? -1 : kindCode(frame.type as 'exit'));
    if (!plan.codes.has(plainCode(code)) && !plan.codes.has(syscallNumber(code))) return false;
  }
  if (plan.longer > 0 && (call?.duration ?? 0) < plan.longer) return false;
  if (plan.errno !== undefined && call?.result !== -plan.errno) return false;
  if (plan.failed && !(call !== undefined && call.result < 0 && call.result >= -4095)) return false;
  if (plan.signal !== undefined && !(frame.type === 'signal' && frame.signo === plan.signal)) {
    return false;
  }
  return texts.every((text, i) => hasText(plan.texts[i]!, text, frame, details, printer));
}

/** Whether a text stands in the bytes or names of an event, or in its lines. */
function hasText(
  text: string,
  bytes: Buffer,
  frame: Frame,
  details: readonly Frame[],
  printer: Printer,
): boolean {
  for (const detail of details) {
    if (detail.type === 'data' || detail.type === 'output') {
      if (holds(detail.bytes, bytes)) return true;
    } else if (detail.type === 'resource' && detail.desc.includes(text)) return true;
  }
  if (frame.type === 'syscall') {
    for (const write of frame.writes) if (holds(write.bytes, bytes)) return true;
  } else if (frame.type === 'image') {
    return frame.path.includes(text) || frame.argv.some((word) => word.includes(text));
  }
  return printer.lines(frame, details).some((line) => line.includes(text));
}

/** Prints what is decoded of an event: addresses, flags. Plain bytes have been looked through before. */
class Printer {
  private formatter = new LineFormatter({ textBytes: 0 });
  private readonly printed: string[] = [];

  lines(frame: Frame, details: readonly Frame[]): readonly string[] {
    const { formatter, printed } = this;
    printed.length = 0;
    for (const detail of details) formatter.push(detail, printed);
    formatter.push(frame, printed);
    // It keeps the details of a call that it has not seen; they must not be taken for the next one's.
    if (frame.type !== 'syscall' && details.length > 0) {
      this.formatter = new LineFormatter({ textBytes: 0 });
    }
    return printed;
  }
}

function holds(haystack: Uint8Array, needle: Buffer): boolean {
  if (haystack.length < needle.length) return false;
  const { buffer, byteOffset, length } = haystack;
  return Buffer.from(buffer, byteOffset, length).includes(needle);
}
