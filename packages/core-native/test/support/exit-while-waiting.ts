// The main thread leaves while a worker waits for a tracee that never stops. Prints the tracee's tid.
import { Worker, isMainThread, parentPort } from 'node:worker_threads';
import { Resume, Tracer } from '../../lib/index.js';
import { guest, start } from './guest.js';

if (isMainThread) {
  const worker = new Worker(new URL('./worker.mjs', import.meta.url), {
    workerData: { module: import.meta.url },
  });
  worker.once('message', (tid) => {
    process.stdout.write(String(tid));
    process.exitCode = 7;
    if (process.argv[2] === 'throw') throw new Error('thrown on purpose');
    process.exit();
  });
} else {
  const tracer = new Tracer();
  const tid = start(tracer, guest('stops'), 'pause');
  tracer.resume(tid, Resume.Cont, 0);
  parentPort!.postMessage(tid);
  for (;;) tracer.wait(-1);
}
