// Worker threads, timers, the thread pool, a child. Prints the same each time; uses no file.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { clearInterval, setInterval } from 'node:timers';
import { promisify } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { gunzip, gzip } from 'node:zlib';

const sha = (text) => createHash('sha1').update(text).digest('hex');

async function converse(worker) {
  const answers = [];
  for (let i = 0; i < 20; i++) {
    worker.postMessage(`message ${i}`);
    answers.push((await once(worker, 'message'))[0]);
  }
  worker.postMessage(undefined);
  await once(worker, 'exit');
  return answers;
}

if (isMainThread) {
  const workers = [1, 2].map((workerData) => new Worker(new URL(import.meta.url), { workerData }));
  console.log(sha((await Promise.all(workers.map(converse))).join()));
  let ticks = 0;
  await new Promise((resolve) => {
    const timer = setInterval(() => {
      if (++ticks < 8) return;
      clearInterval(timer);
      resolve();
    }, 3);
  });
  const packed = await promisify(gzip)(Buffer.alloc(300_000, 'abc'));
  console.log(ticks, sha(await promisify(gunzip)(packed)));
  const { stdout } = await promisify(execFile)('sh', ['-c', 'seq 1 2000 | tail -n 1']);
  console.log(stdout.trim());
  process.exitCode = 6;
} else
  parentPort.on('message', (text) => {
    if (text === undefined) parentPort.close();
    else parentPort.postMessage(sha(`${text} ${workerData}`));
  });
