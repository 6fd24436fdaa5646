import { syscallByName } from '@scribe-ts/tracelog';
import { descriptorCalls } from './descriptors.js';
import type { Handler, Handlers } from './handler.js';
import { openCalls } from './open.js';
import { posixQueueCalls } from './posix-queues.js';
import { processCalls } from './process.js';
import { signalCalls } from './signals.js';
import { socketCalls } from './sockets.js';
import { specialFileCalls } from './special-files.js';
import { sysvIpcCalls } from './sysv-ipc.js';
import { transferCalls } from './transfer.js';

const all: Handlers = {
  ...openCalls,
  ...descriptorCalls,
  ...transferCalls,
  ...specialFileCalls,
  ...socketCalls,
  ...signalCalls,
  ...processCalls,
  ...sysvIpcCalls,
  ...posixQueueCalls,
};

/** What a call that succeeded does to the model, by number. */
export const handlers: readonly (Handler | undefined)[] = byNumber();

function byNumber(): (Handler | undefined)[] {
  const table: (Handler | undefined)[] = [];
  for (const [name, handler] of Object.entries(all)) {
    const row = syscallByName.get(name);
    if (row === undefined) throw new Error(`there is no system call named ${name}`);
    table[row.nr] = handler;
  }
  return table;
}
