import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import test, { type ExecutionContext } from 'ava';
import { EventKind, interrupt, Resume, Tracer, waitThrough } from '../lib/index.js';
import { end, guest, runToEntry, start } from './support/guest.js';
import { Word, type WaiterData } from './support/waiter.js';

const SYS_pause = 34;
/** Longer than anything takes on a machine that is busy with much else. */
const HANG_MS = 120_000;
const support = (name: string) => fileURLToPath(new URL(`./support/${name}`, import.meta.url));

/** A small generator with a printed seed: a failing run can be repeated. */
function random(seed: number): () => number {
  let state = seed;
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 0x1_0000_0000;
}

/** Interrupts a waiting worker `times` times, each time at another moment; every one must end exactly one wait. */
async function race(
  t: ExecutionContext,
  times: number,
  program: WaiterData['program'],
): Promise<number> {
  const seed = Date.now() >>> 0;
  t.log(`seed ${seed}`);
  const next = random(seed);
  const words = new Int32Array(new SharedArrayBuffer(16));
  const worker = new Worker(support('worker.mjs'), {
    workerData: { module: support('waiter.ts'), words, program } satisfies WaiterData & {
      module: string;
    },
  });
  const [{ token }] = (await once(worker, 'message')) as [{ token: number }];
  for (let i = 0; i < times; i++) {
    for (let spins = Math.floor(next() * 2000); spins > 0; spins--) Atomics.load(words, Word.Stop);
    if (!interrupt(token)) return (t.fail('the token is unknown'), 0);
    while (Atomics.load(words, Word.Interrupted) <= i) {
      if (Atomics.wait(words, Word.Interrupted, i, HANG_MS) === 'timed-out')
        return (t.fail(`interrupt ${i} was lost`), 0);
    }
    if (Atomics.load(words, Word.Interrupted) !== i + 1)
      return (t.fail(`interrupt ${i} ended two waits`), 0);
  }
  t.is(Atomics.load(words, Word.Interrupted), times);
  Atomics.store(words, Word.Stop, 1);
  interrupt(token);
  await once(worker, 'exit');
  // The tracer went with its thread.
  t.false(interrupt(token));
  return Atomics.load(words, Word.Events);
}

test.serial('10,000 interrupts of a wait in which nothing happens', async (t) => {
  const events = await race(t, 10_000, [guest('stops'), 'pause']);
  t.true(events < 1000);
});

test.serial('10,000 interrupts of waits that also see events', async (t) => {
  const events = await race(t, 10_000, [guest('getppid')]);
  t.true(events > 1000);
});

test.serial('an interrupt before the wait ends it at once, and only once', (t) => {
  const tracer = new Tracer();
  const tid = start(tracer, guest('stops'), 'pause');
  runToEntry(tracer, tid, SYS_pause, Resume.Syscall);
  tracer.resume(tid, Resume.Cont, 0);
  t.true(interrupt(tracer.interruptToken));
  t.true(interrupt(tracer.interruptToken));
  t.is(tracer.wait(-1), EventKind.None);
  t.is(tracer.event[1], EventKind.None);
  const startedAt = performance.now();
  t.is(tracer.wait(30), EventKind.None);
  t.true(performance.now() - startedAt >= 30);
  end(tracer, tid);
});

test.serial('a wait with a timeout ends in time, or with the event', (t) => {
  const tracer = new Tracer();
  const tid = start(tracer, guest('getppid'));
  const startedAt = performance.now();
  // The task is stopped already: nothing comes.
  for (let i = 0; i < 50; i++) t.is(tracer.wait(1), EventKind.None);
  const elapsedMs = performance.now() - startedAt;
  t.true(elapsedMs >= 50 && elapsedMs < HANG_MS, `${elapsedMs} ms`);
  t.is(tracer.wait(0), EventKind.None);
  for (let i = 0; i < 1000; i++) {
    tracer.resume(tid, Resume.Syscall, 0);
    if (tracer.wait(HANG_MS) !== EventKind.Syscall) t.fail();
  }
  end(tracer, tid);
  t.is(tracer.wait(HANG_MS), EventKind.NoTracees);
});

for (const how of ['exit', 'throw']) {
  test.serial(`the process ends although a worker waits: ${how}`, (t) => {
    const run = spawnSync(
      process.execPath,
      ['--import=tsx', support('exit-while-waiting.ts'), how],
      {
        encoding: 'utf8',
        timeout: HANG_MS,
      },
    );
    t.is(run.status, how === 'throw' ? 1 : 7, run.stderr);
    // Nobody would ever let the tracee go on.
    t.regex(run.stdout, /^\d+$/);
    t.false(existsSync(`/proc/${run.stdout}`));
  });
}

test.serial('a tracer that nobody has any more takes its tracees along', async (t) => {
  const forget = (): number => start(new Tracer(), guest('stops'), 'pause');
  const tid = forget();
  t.true(existsSync(`/proc/${tid}`));
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  // Finalizers run between turns of the event loop.
  for (let i = 0; i < 100 && existsSync(`/proc/${tid}`); i++) {
    collect();
    await nextTurn();
  }
  t.false(existsSync(`/proc/${tid}`));
});

test.serial('a wait goes on through an interrupt where that is asked for', (t) => {
  const tracer = new Tracer();
  const tid = start(tracer, guest('stops'), 'pause');
  runToEntry(tracer, tid, SYS_pause, Resume.Syscall);
  tracer.resume(tid, Resume.Cont, 0);
  t.true(interrupt(tracer.interruptToken));
  const startedAt = performance.now();
  t.is(waitThrough(tracer, 50), EventKind.None);
  t.true(performance.now() - startedAt >= 49);
  // A stop that is there is found behind an interrupt.
  tracer.interruptTask(tid);
  while (!/\) t /.test(readFileSync(`/proc/${tid}/stat`, 'latin1'))) continue;
  t.true(interrupt(tracer.interruptToken));
  t.is(waitThrough(tracer, 0), EventKind.InterruptStop);
  t.is(waitThrough(tracer, 0), EventKind.None);
  end(tracer, tid);
});
