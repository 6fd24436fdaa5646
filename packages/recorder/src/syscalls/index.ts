import type { Session } from '../session.js';
import type { Task } from '../tasks.js';
import { fileEntry, fileExit } from './file.js';
import { memoryEntry, memoryExit } from './memory.js';
import { processEntry, processExit } from './process.js';
import { signalExit } from './signal.js';

/** Runs at a syscall's entry. True if it has taken care of the call itself: nothing more is to be done. */
export type EntryHook = (session: Session, task: Task) => boolean;
/** Runs at a syscall's exit with the baton held, instead of the plain recording of its result. */
export type ExitHook = (session: Session, task: Task) => void;

/** By syscall number: what recording a call takes beyond its row in the table. */
export const entryHooks: readonly (EntryHook | undefined)[] = toArray(
  memoryEntry,
  processEntry,
  fileEntry,
);
export const exitHooks: readonly (ExitHook | undefined)[] = toArray(
  memoryExit,
  processExit,
  fileExit,
  signalExit,
);

function toArray<T>(...maps: Readonly<Record<number, T>>[]): (T | undefined)[] {
  const hooks: (T | undefined)[] = new Array<T | undefined>(512).fill(undefined);
  for (const map of maps) for (const [nr, hook] of Object.entries(map)) hooks[Number(nr)] = hook;
  return hooks;
}
