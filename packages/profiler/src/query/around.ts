/** What came before and after one place of a log. */
import type { FrameFilter, LogReader, LogRecord } from '@scribe-ts/tracelog';
import { QueryError } from './errors.js';

/** A place as offsets show it: of a chunk in the file, and of a frame in the chunk. */
export interface Place {
  readonly offset: number;
  readonly position: number;
}

/** Reads `115b` or `0000115b:0001f3`, hexadecimal as `profiler -o` prints them. Throws QueryError. */
export function parsePlace(text: string): Place {
  const parts = /^(?:0x)?([0-9a-f]{1,13})(?::([0-9a-f]{1,13}))?$/i.exec(text);
  if (parts === null) {
    throw new QueryError(`'${text}' is no offset: give one as -o prints them, 0000115b:0001f3`);
  }
  return { offset: parseInt(parts[1]!, 16), position: parseInt(parts[2] ?? '0', 16) };
}

/** How far back the first look goes, and how much farther each next one, ns. */
const FIRST_WINDOW = 1_000_000;
const GROWTH = 8;

/** Gives the lines that are due after a record. */
export type Printer = (record: LogRecord) => readonly string[];

/**
 * The lines of the `count` records (those that give lines) before a place, of the one at the place, and of `count` after
 * it. Reads no more of the log than it takes: first a millisecond before the place, then longer and longer; `wholePast`
 * where lines depend on what was long before. Throws QueryError if there is no such place.
 */
export function linesAround(
  reader: LogReader,
  place: Place,
  count: number,
  wholePast: boolean,
  makePrinter: () => Printer,
): readonly string[] {
  const found = reader.locate(place.offset, place.position);
  if (found === undefined) {
    throw new QueryError(`the log has no frames at offset ${place.offset.toString(16)}`);
  }
  const target = { offset: place.offset, position: found.position };
  for (let window = FIRST_WINDOW; ; window *= GROWTH) {
    const whole = wholePast || window >= found.time;
    const filter: FrameFilter = whole ? {} : { from: found.time - window };
    const { before, after } = readTo(reader, filter, target, count, makePrinter());
    if (before.length >= count || whole) return [...before, ...after].flat();
  }
}

type Pieces = (readonly string[])[];

function readTo(
  reader: LogReader,
  filter: FrameFilter,
  target: Place,
  count: number,
  print: Printer,
): { readonly before: Pieces; readonly after: Pieces } {
  const before: Pieces = [];
  const after: Pieces = [];
  let there = false;
  for (const record of reader.records(filter)) {
    there ||= record.offset === target.offset && record.position >= target.position;
    const lines = print(record);
    if (lines.length === 0) continue;
    if (there) {
      after.push(lines);
      if (after.length > count) break;
    } else {
      before.push(lines);
      if (before.length > count) before.shift();
    }
  }
  return { before, after };
}
