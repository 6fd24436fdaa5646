import type { Transferable, Worker } from 'node:worker_threads';
import { startThread } from '@scribe-ts/core-native';
import type { ReplayOptions } from './options.js';
import type { Wanted } from './protocol.js';

/** Starts the thread that traces the replayed program. */
export function startWorker(
  options: ReplayOptions,
  wanted: Wanted,
  transferList: Transferable[] = [],
): Worker {
  return startThread(new URL('./worker.js', import.meta.url), {
    workerData: { options, wanted },
    transferList,
  });
}
