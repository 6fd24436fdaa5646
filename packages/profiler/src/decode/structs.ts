/** All structures that are printed member by member. */
import { fileStructs } from './file.js';
import { ipcStructs } from './ipc.js';
import { landlockStructs } from './landlock.js';
import { memoryStructs } from './memory.js';
import { netStructs } from './net.js';
import { processStructs } from './process.js';
import { refusedStructs } from './refused.js';
import { signalStructs } from './signal.js';
import { scalarStructs, type Struct, type Structs } from './struct.js';
import { systemStructs } from './system.js';
import { timeStructs } from './time.js';

const structs: Structs = {
  ...scalarStructs,
  ...fileStructs,
  ...netStructs,
  ...memoryStructs,
  ...processStructs,
  ...signalStructs,
  ...ipcStructs,
  ...timeStructs,
  ...systemStructs,
  ...refusedStructs,
  ...landlockStructs,
};

/** The structure of that C name; undefined if its members are not known here. */
export function structNamed(name: string): Struct | undefined {
  return Object.hasOwn(structs, name) ? structs[name] : undefined;
}
