/** What the tasks of a log did, in a form in which two recordings of one program can be compared. */
import type { FrameFilter, LogHeader, LogRecord, TaskUid } from '@scribe-ts/tracelog';
import { decodeEvents } from '../events/decoder.js';
import type { Event } from '../events/event.js';
import type { TaskInfo } from '../events/task-info.js';

/** Hashes are kept every so many events, so that a long log takes little memory. */
export const BLOCK = 256;

/** An event as it is compared, and as people read it. */
export interface Step {
  readonly compared: string;
  readonly text: string;
  /** Nanoseconds since the recording began. */
  readonly time: number;
}

export interface TaskSequence {
  readonly info: TaskInfo;
  /** Where it is in the tree of tasks: `1`, its second child `1.2`. Tasks of two logs with one place are compared. */
  place: string;
  events: number;
  /** Hash of all events up to the end of each whole block, and of all. */
  readonly blocks: number[];
  hash: number;
  /** When each block began, nanoseconds since the recording began. */
  readonly times: number[];
}

/** A log that can be read more than once. */
export interface ReadableLog {
  readonly header: LogHeader;
  /** All frames that pass the filter, from the beginning. */
  records(filter?: FrameFilter): Iterable<LogRecord>;
}

/** All ids of tasks that the programs of these logs saw. */
export function idsOf(...logs: readonly ReadableLog[]): ReadonlySet<string> {
  const ids = new Set<string>();
  for (const log of logs) {
    for (const { frame } of log.records({ type: ['spawn', 'task-start', 'image'] })) {
      if (!('tid' in frame)) continue;
      for (const id of [frame.tid, frame.pid]) if (id > 1) ids.add(String(id));
    }
  }
  return ids;
}

/** Makes alike what differs between two recordings of the same: addresses, times, ids of processes. */
function plain(text: string, ids: ReadonlySet<string>): string {
  return text.replace(/0x[0-9a-f]{6,}|\btv_[nu]?sec=-?\d+|\b\d{2,}\b/g, (part) => {
    if (part.startsWith('0x')) return '0x…';
    const equals = part.indexOf('=');
    if (equals >= 0) return `${part.slice(0, equals)}=…`;
    // Of either log, as a number may be an id in one and a plain number in the other.
    return ids.has(part) ? '<id>' : part;
  });
}

/** What must be the same in both recordings. */
function comparedOf(event: Event, text: string, ids: ReadonlySet<string>): string {
  if (event.type !== 'syscall') return plain(text, ids);
  // Random bytes, and ids of processes that are not in the log (its parent's).
  if (event.name === 'getrandom') return `getrandom ${event.result}`;
  if (event.row?.returns === 'pid' && !event.failed) {
    return plain(text.slice(0, text.lastIndexOf('=')), ids);
  }
  return plain(text, ids);
}

/** What is shown of an event; undefined for those that chance decides (thread switches, traps …). */
function textOf(event: Event): string | undefined {
  switch (event.type) {
    case 'syscall':
      return event.text;
    case 'signal':
      return `signal ${event.name}, ${event.frame.action}`;
    case 'exec':
      return `exec ${event.path} ${JSON.stringify(event.argv)}`;
    case 'exit':
      return event.signal === 0 ? `exit status ${event.code}` : `ended by signal ${event.signal}`;
    default:
      return undefined;
  }
}

/** The steps of a log as they come. `ids`: those of both logs. */
export function* stepsOf(
  log: ReadableLog,
  ids: ReadonlySet<string>,
): Generator<Step & { readonly info: TaskInfo }, void, undefined> {
  for (const event of decodeEvents(log)) {
    const text = textOf(event);
    if (text === undefined) continue;
    yield { info: event.info, time: event.time, text, compared: comparedOf(event, text, ids) };
  }
}

/** The sequences of all tasks, by their places. */
export function sequencesOf(
  log: ReadableLog,
  ids: ReadonlySet<string>,
): ReadonlyMap<string, TaskSequence> {
  const byTask = new Map<TaskUid, TaskSequence>();
  for (const { info, time, compared } of stepsOf(log, ids)) {
    let sequence = byTask.get(info.task);
    if (sequence === undefined) {
      sequence = { info, place: '', events: 0, blocks: [], hash: 0, times: [] };
      byTask.set(info.task, sequence);
    }
    if (sequence.events % BLOCK === 0) sequence.times.push(time);
    sequence.hash = hashText(sequence.hash, compared);
    if (++sequence.events % BLOCK === 0) sequence.blocks.push(sequence.hash);
  }
  return placed([...byTask.values()]);
}

/** Tasks get their numbers in the order in which they are made, so those of one parent stand in that order. */
function placed(sequences: readonly TaskSequence[]): ReadonlyMap<string, TaskSequence> {
  const places = new Map<TaskUid, string>();
  const children = new Map<TaskUid, number>();
  const byPlace = new Map<string, TaskSequence>();
  for (const sequence of sequences.toSorted((a, b) => a.info.task - b.info.task)) {
    const { task, parent } = sequence.info;
    const above = places.get(parent);
    const key = above === undefined ? 0 : parent;
    const nth = (children.get(key) ?? 0) + 1;
    children.set(key, nth);
    sequence.place = above === undefined ? String(nth) : `${above}.${nth}`;
    places.set(task, sequence.place);
    byPlace.set(sequence.place, sequence);
  }
  return byPlace;
}

/** FNV-1a over UTF-16 units, with an end behind. */
function hashText(hash: number, text: string): number {
  let h = hash;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 16777619);
  return Math.imul(h ^ 0x10000, 16777619);
}
