import { type Transferable, Worker } from 'node:worker_threads';
import type { ReplayOptions } from './options.js';
import type { Wanted } from './protocol.js';

/** Starts the thread that traces the replayed program. */
export function startWorker(
  options: ReplayOptions,
  wanted: Wanted,
  transferList: Transferable[] = [],
): Worker {
  return new Worker(new URL('./worker.js', import.meta.url), {
    workerData: { options, wanted },
    transferList,
    // Else Node would make objects for this process's own, and switch a pipe there to non-blocking, for the program too.
    stdout: true,
    stderr: true,
  });
}
