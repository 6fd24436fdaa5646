// A worker that waits for its tracee, which makes system calls now and then, and counts what ends its waits.
import { parentPort, workerData } from 'node:worker_threads';
import { EventKind, Resume, Tracer } from '../../lib/index.js';
import { start } from './guest.js';

/** Shared words. */
export const Word = { Interrupted: 0, Events: 1, Stop: 2 } as const;

export interface WaiterData {
  readonly words: Int32Array;
  readonly program: readonly [string, ...string[]];
}

if (parentPort !== null) {
  const { words, program } = workerData as WaiterData;
  const tracer = new Tracer();
  const tid = start(tracer, ...program);
  tracer.resume(tid, Resume.Syscall, 0);
  parentPort.postMessage({ token: tracer.interruptToken, tid });
  while (Atomics.load(words, Word.Stop) === 0) {
    const kind = tracer.wait(-1);
    if (kind === EventKind.None) {
      Atomics.add(words, Word.Interrupted, 1);
      Atomics.notify(words, Word.Interrupted);
    } else {
      Atomics.add(words, Word.Events, 1);
      tracer.resume(tracer.event[0]!, Resume.Syscall, 0);
    }
  }
}
