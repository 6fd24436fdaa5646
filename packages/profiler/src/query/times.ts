import type { Bookmark } from '@scribe-ts/tracelog';
import { QueryError } from './errors.js';

const NS: Readonly<Record<string, number>> = { s: 1e9, ms: 1e6, us: 1e3, ns: 1 };
const DAY_MS = 86_400_000;

/** What times are told by. */
export interface TimeBase {
  /** Seconds since 1970 when the recording began. */
  readonly startedAt: number;
  readonly bookmarks: readonly Bookmark[];
}

/** Nanoseconds of `12`, `12.5s`, `300ms`, `20us`, `5ns`; undefined if it is no such thing. */
export function parseSpan(text: string): number | undefined {
  const parts = /^(\d+(?:\.\d*)?|\.\d+)(s|ms|us|ns)?$/.exec(text);
  if (parts === null) return undefined;
  return Math.round(Number(parts[1]) * NS[parts[2] ?? 's']!);
}

/**
 * Nanoseconds since the recording began: a span, `@2` or `@NAME` for a bookmark, or `HH:MM:SS` with a fraction for a
 * time of the day (local, the first such after the beginning). Throws QueryError.
 */
export function parseTime(text: string, base: TimeBase): number {
  const span = parseSpan(text);
  if (span !== undefined) return span;
  if (text.startsWith('@')) return bookmarkTime(text.slice(1), base.bookmarks);
  const clock = clockTime(text, base.startedAt);
  if (clock !== undefined) return clock;
  throw new QueryError(
    `'${text}' is no time: give seconds since the beginning (1.5, 300ms), @2 for a bookmark, or 08:15:00`,
  );
}

function bookmarkTime(name: string, bookmarks: readonly Bookmark[]): number {
  const found = bookmarks.find((mark) => String(mark.id) === name || mark.name === name);
  if (found !== undefined) return found.time;
  const known = bookmarks.map(({ id }) => `@${id}`).join(', ');
  throw new QueryError(
    `there is no bookmark '${name}' in the log${known === '' ? '' : `, only ${known}`}`,
  );
}

function clockTime(text: string, startedAt: number): number | undefined {
  const parts = /^(\d\d):(\d\d)(?::(\d\d)(\.\d+)?)?$/.exec(text);
  if (parts === null) return undefined;
  const [, hours, minutes, seconds = '0', fraction = '0'] = parts;
  const day = new Date(startedAt * 1000);
  day.setHours(Number(hours), Number(minutes), Number(seconds), 0);
  let ms = day.getTime() + Number(fraction) * 1000 - startedAt * 1000;
  // A minute given without its seconds may have begun before the recording did.
  if (ms < -60_000) ms += DAY_MS;
  return Math.max(0, Math.round(ms * 1e6));
}
