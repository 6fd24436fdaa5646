// fs promises, worker threads with shared memory, child processes, an HTTP server with its own clients, timers, crypto.
import { execFile, fork, spawn } from 'node:child_process';
import { createHash, pbkdf2, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { gzipSync } from 'node:zlib';

async function files() {
  await mkdir('tree/deep', { recursive: true });
  await Promise.all(
    Array.from({ length: 20 }, (_, i) => writeFile(`tree/${i}`, randomBytes(1000 * i))),
  );
  await rename('tree/3', 'tree/deep/3');
  const hash = createHash('sha256');
  for (const name of (await readdir('tree')).sort()) {
    if (name !== 'deep') hash.update(await readFile(`tree/${name}`));
  }
  const file = await open('tree/lines', 'w+');
  await file.write('one\ntwo\nthree\n');
  await file.close();
  for await (const line of (await open('tree/lines')).readLines()) console.log(line);
  console.log(hash.digest('hex'), (await stat('tree/19')).size, gzipSync('x'.repeat(1e5)).length);
  await rm('tree', { recursive: true });
}

async function workers() {
  const shared = new Int32Array(new SharedArrayBuffer(8));
  const started = Array.from({ length: 3 }, (_, id) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: { id, shared } });
    worker.on('message', (message) => console.log('worker', message));
    return once(worker, 'exit');
  });
  await Promise.all(started);
  console.log('sum', shared[0]);
}

function work({ id, shared }) {
  let sum = 0;
  for (let i = 0; i < 300_000; i++) sum = (sum + i * id) % 1_000_003;
  Atomics.add(shared, 0, sum);
  Atomics.add(shared, 1, 1);
  Atomics.notify(shared, 1);
  while (Atomics.load(shared, 1) < 3) Atomics.wait(shared, 1, Atomics.load(shared, 1), 50);
  import('node:worker_threads').then(({ parentPort }) => parentPort.postMessage({ id, sum }));
}

async function children() {
  console.log((await promisify(execFile)('date', ['+%s.%N'])).stdout.trim());
  const cat = spawn('cat', { stdio: ['pipe', 'inherit', 'inherit'] });
  cat.stdin.end('through cat\n');
  console.log('cat', await once(cat, 'exit'));
  const child = fork(new URL(import.meta.url), ['child']);
  child.send({ question: randomUUID() });
  console.log('child', (await once(child, 'message'))[0]);
  await once(child, 'exit');
  const sleeper = spawn('sleep', ['1000']);
  sleeper.kill();
  console.log('sleeper', await once(sleeper, 'exit'));
}

async function web() {
  const server = http.createServer(async (request, response) => {
    for await (const chunk of request) response.write(chunk);
    response.end(`${request.method} ${request.url}`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const base = `http://127.0.0.1:${server.address().port}`;
  const replies = await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      const options = i % 2 ? { method: 'POST', body: 'x'.repeat(i * 100) } : {};
      return (await (await globalThis.fetch(`${base}/${i}`, options)).text()).length;
    }),
  );
  console.log(replies.join(' '));
  server.closeAllConnections();
  server.close();
}

if (!isMainThread) work(workerData);
else if (process.argv[2] === 'child') {
  process.once('message', ({ question }) => {
    process.send({ answer: question.length });
    process.disconnect();
  });
} else {
  await files();
  await workers();
  await children();
  await web();
  console.log(
    (await promisify(pbkdf2)('secret', randomBytes(8), 1000, 16, 'sha256')).toString('hex'),
  );
  await delay(5);
  console.log(process.hrtime.bigint() > 0n, Date.now(), process.memoryUsage().rss > 0);
}
