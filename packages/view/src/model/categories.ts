/** The few colours of the timeline: which category an event belongs to. */
import { EVENT_KINDS, FIRST_KIND_CODE, plainCode, type EventKind } from './event-code.js';

/** The order is the number of a category, and the order in which they are stacked. */
export const CATEGORIES = [
  { id: 'io', name: 'Read & write', hint: 'reading and writing through descriptors' },
  { id: 'file', name: 'Files', hint: 'opening, closing, names, status, directories' },
  { id: 'network', name: 'Network', hint: 'sockets' },
  { id: 'memory', name: 'Memory', hint: 'mapping, protecting, brk' },
  { id: 'process', name: 'Processes', hint: 'starting, executing and ending tasks' },
  { id: 'wait', name: 'Waiting', hint: 'poll, epoll, futex, wait, sleeping' },
  { id: 'signal', name: 'Signals', hint: 'signals, and calls about them' },
  { id: 'other', name: 'Other', hint: 'time, credentials, system, trapped instructions' },
] as const;

/** What a category is called in the page's style sheet. */
export type CategoryId = (typeof CATEGORIES)[number]['id'];
export const CATEGORY_COUNT = CATEGORIES.length;

const INDEX = Object.fromEntries(CATEGORIES.map(({ id }, i) => [id, i])) as Record<
  CategoryId,
  number
>;

const KIND_CATEGORY: Record<EventKind, CategoryId> = {
  'task-start': 'process',
  image: 'process',
  signal: 'signal',
  trap: 'other',
  'kernel-write': 'memory',
  exit: 'process',
  state: 'other',
  merge: 'other',
  merged: 'other',
  bookmark: 'other',
  detach: 'process',
  counters: 'other',
  note: 'other',
  preempt: 'other',
};

/** The categories of all codes, from those of the system calls: by number, 'other' where there is none. */
export function categoryTable(calls: readonly (CategoryId | undefined)[]): Uint8Array {
  const table = new Uint8Array(FIRST_KIND_CODE + EVENT_KINDS.length).fill(INDEX.other);
  calls.forEach((id, nr) => {
    if (id !== undefined) table[nr] = INDEX[id];
  });
  EVENT_KINDS.forEach((kind, i) => {
    table[FIRST_KIND_CODE + i] = INDEX[KIND_CATEGORY[kind]];
  });
  return table;
}

/** The category of a code, flags allowed. */
export function categoryOf(table: Uint8Array, code: number): number {
  return table[plainCode(code)] ?? INDEX.other;
}
