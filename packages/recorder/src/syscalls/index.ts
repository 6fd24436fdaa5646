import type { Session } from '../session.js';
import type { Task } from '../tasks.js';
import { affinityEntries, affinityExits } from './affinity.js';
import { cloneEntries } from './clone.js';
import { controlEntries, controlExits } from './control.js';
import { execEntries, execExits } from './exec.js';
import { exitEntries } from './exit.js';
import { fileEntries, fileExits } from './file.js';
import { futexEntries, futexExits } from './futex.js';
import { memoryEntries, memoryExits } from './memory.js';
import { signalExits } from './signal.js';

/** Runs at a syscall's entry. True if it has taken care of the call itself: nothing more is to be done. */
export type EntryHook = (session: Session, task: Task) => boolean;
/** Runs at a syscall's exit with the baton held, instead of the plain recording of its result. */
export type ExitHook = (session: Session, task: Task) => void;

/** By syscall number: what recording a call takes beyond its row in the table. */
export const entryHooks: readonly (EntryHook | undefined)[] = toArray(
  memoryEntries,
  cloneEntries,
  execEntries,
  exitEntries,
  futexEntries,
  controlEntries,
  affinityEntries,
  fileEntries,
);
export const exitHooks: readonly (ExitHook | undefined)[] = toArray(
  memoryExits,
  execExits,
  futexExits,
  controlExits,
  affinityExits,
  fileExits,
  signalExits,
);

function toArray<T>(...maps: Readonly<Record<number, T>>[]): (T | undefined)[] {
  const hooks: (T | undefined)[] = new Array<T | undefined>(512).fill(undefined);
  for (const map of maps) for (const [nr, hook] of Object.entries(map)) hooks[Number(nr)] = hook;
  return hooks;
}
