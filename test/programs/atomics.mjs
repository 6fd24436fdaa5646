// Workers and a main thread that wait for each other: in loops over Atomics.load, and by Atomics.wait and notify.
import { isMainThread, Worker, workerData } from 'node:worker_threads';

const WORKERS = 2;
const ROUNDS = 100;
const [THERE, GO, LOCK, TURN, SUM, SPINS] = [0, 1, 2, 3, 4, 5];
const UNLOCKED = 0;
const LOCKED = 1;
const CONTENDED = 2;

function lock(words) {
  if (Atomics.compareExchange(words, LOCK, UNLOCKED, LOCKED) === UNLOCKED) return;
  while (Atomics.exchange(words, LOCK, CONTENDED) !== UNLOCKED)
    Atomics.wait(words, LOCK, CONTENDED);
}

function unlock(words) {
  if (Atomics.exchange(words, LOCK, UNLOCKED) === CONTENDED) Atomics.notify(words, LOCK, 1);
}

function takeTurns(words, self, all) {
  for (let round = 0; round < ROUNDS; round++) {
    for (;;) {
      const turn = Atomics.load(words, TURN);
      if (turn % all === self) break;
      Atomics.wait(words, TURN, turn);
    }
    words[SUM] = (words[SUM] * 3 + self + round) % 1000003;
    Atomics.add(words, TURN, 1);
    Atomics.notify(words, TURN);
  }
}

if (isMainThread) {
  const words = new Int32Array(new SharedArrayBuffer(64));
  const workers = Array.from(
    { length: WORKERS },
    (_, self) => new Worker(new URL(import.meta.url), { workerData: { words, self } }),
  );
  const ended = workers.map((worker) => new Promise((resolve) => worker.on('exit', resolve)));
  await Promise.all(
    workers.map((worker) => new Promise((resolve) => worker.once('message', resolve))),
  );
  Atomics.store(words, GO, 1);
  Atomics.notify(words, GO);
  let spins = 0;
  while (Atomics.load(words, THERE) < WORKERS) spins++;
  Atomics.store(words, GO, 2);
  takeTurns(words, WORKERS, WORKERS + 1);
  await Promise.all(ended);
  console.log(spins, [...words.subarray(0, SPINS + 1)]);
} else {
  const { words, self } = workerData;
  const { parentPort } = await import('node:worker_threads');
  parentPort.postMessage('here');
  Atomics.wait(words, GO, 0);
  Atomics.add(words, THERE, 1);
  let spins = 0;
  while (Atomics.load(words, GO) < 2) spins++;
  for (let round = 0; round < ROUNDS; round++) {
    lock(words);
    words[SPINS] = (words[SPINS] * 5 + spins + self) % 1000003;
    unlock(words);
  }
  takeTurns(words, self, WORKERS + 1);
}
