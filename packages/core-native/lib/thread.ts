import { writeSync } from 'node:fs';
import { Worker, type WorkerOptions } from 'node:worker_threads';

/**
 * Starts a worker that leaves this process's standard output and error as they are. Left to itself Node would make stream
 * objects for them, and switch a pipe there to non-blocking, for a program that shares it as well.
 */
export function startThread(url: URL, options: WorkerOptions): Worker {
  const worker = new Worker(url, { ...options, stdout: true, stderr: true });
  // What Node has to say in there (warnings, NODE_DEBUG) must be taken: a worker that waits for that never ends.
  worker.stdout.on('data', (bytes: Uint8Array) => print(1, bytes));
  worker.stderr.on('data', (bytes: Uint8Array) => print(2, bytes));
  return worker;
}

function print(fd: number, bytes: Uint8Array): void {
  try {
    for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done);
  } catch {
    // Nobody reads it, or not now.
  }
}
