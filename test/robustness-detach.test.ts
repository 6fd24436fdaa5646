import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { busy, Meddled, replayWhatThereIs } from './busy.js';
import { Chance, SEED } from './chance.js';
import { compile, Pool, root, scribe, workspace } from './harness.js';

const DETACHES = 20;
/** While it is being loaded a program traps every few microseconds. */
const EARLY = 10;
const pool = new Pool(2);

/** How many CPUs a program has here. */
const cpus = availableParallelism();

const chance = new Chance(SEED);
const moments = [...chance.spread(DETACHES, 1200), ...chance.spread(EARLY, 40)];

for (const [i, ms] of moments.entries()) {
  test(`a program let go at any moment runs on to its right end (${i + 1} of ${moments.length})`, async (t) => {
    await using _turn = await pool.enter();
    const place = workspace('detach');
    const log = join(place.path, 'detach.log');
    const over = join(place.path, 'over');
    const recording = new Meddled(log, [busy, '25', over]);
    t.log(`SEED=${SEED}: let go after ${Math.round(ms)} ms`);
    // Before record is there to hear it, the signal would end it.
    await recording.exists();
    await delay(ms);
    recording.child.kill('SIGUSR1');
    await recording.left;
    const traced = recording.traced();
    // Only now may the program end: else it could before it is let go.
    writeFileSync(over, '');
    t.deepEqual(traced, []);
    await recording.closed;
    t.is(recording.child.signalCode, null);
    t.is(recording.child.exitCode, 0, recording.stderr);
    t.is(recording.stderr, '');
    t.regex(
      recording.stdout,
      new RegExp(`\\nround \\d+\\ntracer none, ${cpus} CPUs\\nbusy ok\\n$`),
    );
    t.deepEqual(await recording.leftBehind(), [], 'processes are left behind');
    const info = await scribe('scribe', ['info', log]);
    t.is(info.code, 0, info.stderr);
    t.regex(info.stdout, /^end: +detached/m);
    const replayed = await replayWhatThereIs(t, log, recording.stdout);
    t.is(replayed.code, 0, replayed.stderr);
    t.regex(replayed.stderr, /ends here/);
    place.discard();
  });
}

const forks = compile(join(root, 'test/programs/forks.c'));

for (const [i, ms] of chance.spread(12, 800).entries()) {
  test(`processes let go while they make others run on (${i + 1} of 12)`, async (t) => {
    await using _turn = await pool.enter();
    const place = workspace('detach-forks');
    const log = join(place.path, 'forks.log');
    const over = join(place.path, 'over');
    const recording = new Meddled(log, [forks, over]);
    t.log(`SEED=${SEED}: let go after ${Math.round(ms)} ms`);
    t.true(await recording.printed('forks begin\n'), recording.stderr);
    await delay(ms);
    recording.child.kill('SIGUSR1');
    await recording.left;
    writeFileSync(over, '');
    await recording.closed;
    t.is(recording.stderr, '');
    t.is(recording.stdout, 'forks begin\nforks ok\n');
    t.is(recording.child.exitCode, 0);
    t.deepEqual(await recording.leftBehind(), [], 'processes are left behind');
    const replayed = await replayWhatThereIs(t, log, recording.stdout);
    t.is(replayed.code, 0, replayed.stderr);
    place.discard();
  });
}
