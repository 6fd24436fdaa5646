// Many threads, many processes, much memory; and a program that does nothing, which must cost its recorder nothing.
import { readFileSync } from 'node:fs';
import { freemem } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { Meddled } from './busy.js';
import { compile, root, scribe, workspace } from './harness.js';

const program = join(root, 'test/programs/scale.c');
const STORE = join(root, 'build/store');
const GIB = 2 ** 30;
/** A tick of /proc's CPU times, ms. */
const TICK_MS = 10;
const IDLE_MS = 3000;

for (const [what, count, bytes] of [
  ['threads', 500, 0],
  ['processes', 2000, 0],
  ['heap', 1024, 3 * GIB],
] as const) {
  const title = `${count} ${what === 'heap' ? 'MiB of heap' : what} replay with their end states`;
  if (freemem() < bytes) {
    test.serial.skip(`${title}: too little memory is free here`, () => {});
    continue;
  }
  test.serial(title, async (t) => {
    const place = workspace('scale');
    const log = join(place.path, 'scale.log');
    const command = [compile(program), what, String(count)];
    const recorded = await scribe('record', [
      '-o',
      log,
      '--state-hashes',
      '--store',
      STORE,
      ...command,
    ]);
    t.is(recorded.stderr, '');
    t.regex(recorded.stdout, /scale ok/);
    t.is(recorded.code, 0);
    const replayed = await scribe('replay', ['-c', '120', log]);
    t.is(replayed.stderr, '');
    t.is(replayed.stdout, recorded.stdout);
    t.is(replayed.code, 0);
    place.discard();
  });
}

/** CPU time that a process has used, in user and system mode, ms. */
function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

test.serial('a program that waits costs its recorder next to nothing', async (t) => {
  const place = workspace('idle');
  const log = join(place.path, 'idle.log');
  const recording = new Meddled(log, ['sh', '-c', 'echo waits; exec sleep 1000']);
  t.true(await recording.printed('waits'));
  // The shell's end, the start of sleep, and the first chunk of the log.
  let before: number;
  do {
    before = cpuMs(recording.child.pid!);
    await delay(1000);
  } while (cpuMs(recording.child.pid!) - before > 100);
  before = cpuMs(recording.child.pid!);
  await delay(IDLE_MS);
  const used = cpuMs(recording.child.pid!) - before;
  t.log(`${used} ms of ${IDLE_MS}`);
  t.true(used < IDLE_MS / 20, `${used} ms of ${IDLE_MS}`);
  recording.child.kill('SIGTERM');
  await recording.closed;
  t.deepEqual(await recording.leftBehind(), [], 'processes are left behind');
  place.discard();
});
