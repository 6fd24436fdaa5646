import { Sys } from '@scribe-ts/core-native';
import { affinityEntries, affinityExits } from './affinity.js';
import { cloneEntries } from './clone.js';
import { controlEntries, controlExits } from './control.js';
import { execEntries, execExits } from './exec.js';
import { exitEntries } from './exit.js';
import { fileEntries, fileExits } from './file.js';
import { futexEntries, futexExits } from './futex.js';
import type { EntryHook, ExitHook } from './hook.js';
import { memoryEntries, memoryExits } from './memory.js';
import { networkExits } from './network.js';
import { procEntries } from './proc.js';
import { signalExits } from './signal.js';

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
  procEntries,
);
export const exitHooks: readonly (ExitHook | undefined)[] = toArray(
  memoryExits,
  execExits,
  futexExits,
  controlExits,
  affinityExits,
  fileExits,
  signalExits,
  networkExits,
);

/** Calls whose hooks only look at what they have done: those of a task that is killed meanwhile are recorded without. */
export const looksOnly: ReadonlySet<number> = new Set([
  Sys.futex,
  ...Object.keys(networkExits).map(Number),
]);

function toArray<T>(...maps: Readonly<Record<number, T>>[]): (T | undefined)[] {
  const hooks: (T | undefined)[] = new Array<T | undefined>(512).fill(undefined);
  for (const map of maps) for (const [nr, hook] of Object.entries(map)) hooks[Number(nr)] = hook;
  return hooks;
}
