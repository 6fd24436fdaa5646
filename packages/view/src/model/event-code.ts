/** What kind of event one is, in 16 bits: a number in the low 12, flags above. */

/** Codes below this are system call numbers. */
export const FIRST_KIND_CODE = 0x800;
const CODE_MASK = 0xfff;

/** Events that are no system calls. The order is the code: add at the end. */
export const EVENT_KINDS = [
  'task-start',
  'image',
  'signal',
  'trap',
  'kernel-write',
  'exit',
  'state',
  'merge',
  'merged',
  'bookmark',
  'detach',
  'counters',
  'note',
  'preempt',
] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

/** The call failed: its result is -errno. */
export const FAILED = 0x1000;
/** Another task of the domain held the baton since this task's event before. */
export const SWITCHED = 0x2000;
/** The task gave the baton away inside this call. */
export const BLOCKED = 0x4000;
/** The call never came back: the task ended in it, or the log did. */
export const UNFINISHED = 0x8000;

export function kindCode(kind: EventKind): number {
  return FIRST_KIND_CODE + EVENT_KINDS.indexOf(kind);
}

/** The code without its flags. */
export function plainCode(code: number): number {
  return code & CODE_MASK;
}

/** The system call number, -1 for another event. */
export function syscallNumber(code: number): number {
  const plain = code & CODE_MASK;
  return plain < FIRST_KIND_CODE ? plain : -1;
}

/** The kind of an event that is no system call. */
export function eventKind(code: number): EventKind | undefined {
  return EVENT_KINDS[(code & CODE_MASK) - FIRST_KIND_CODE];
}
