/** The table of x86-64 system calls. Nothing else in the project knows what a call's arguments are. */
import { credsRows } from './creds.js';
import { descRows } from './desc.js';
import { fileRows } from './file.js';
import { ipcRows } from './ipc.js';
import { memoryRows } from './memory.js';
import { networkRows } from './network.js';
import { processRows } from './process.js';
import { refusedRows } from './refused.js';
import { signalRows } from './signal.js';
import { systemRows } from './system.js';
import { timeRows } from './time.js';
import { unimplementedRows } from './unimplemented.js';
import type { SyscallRow } from './types.js';

/** All rows, by number. */
export const syscallRows: readonly SyscallRow[] = [
  ...fileRows,
  ...descRows,
  ...networkRows,
  ...memoryRows,
  ...processRows,
  ...signalRows,
  ...ipcRows,
  ...timeRows,
  ...credsRows,
  ...systemRows,
  ...refusedRows,
  ...unimplementedRows,
].sort((a, b) => a.nr - b.nr);

function byNumber(): (SyscallRow | undefined)[] {
  const table = new Array<SyscallRow | undefined>(syscallRows.at(-1)!.nr + 1).fill(undefined);
  for (const row of syscallRows) table[row.nr] = row;
  return table;
}

/** The rows, indexed by system call number; `undefined` where the number is not in use. */
export const syscallTable: readonly (SyscallRow | undefined)[] = byNumber();

/** Rows of the table by the names of their calls. */
export const syscallByName: ReadonlyMap<string, SyscallRow> = new Map(
  syscallRows.map((row) => [row.name, row]),
);
