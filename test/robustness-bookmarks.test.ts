import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { busy, Meddled, replayWhatThereIs } from './busy.js';
import { Chance, SEED } from './chance.js';
import { Pool, scribe, workspace } from './harness.js';

const RECORDINGS = 8;
const BOOKMARKS = 5;
const pool = new Pool(2);

/**
 * Replays a log to bookmarks of it, then whole. A machine with much else to do comes to many more by the clock, and takes longer
 * for each: so no more than BOOKMARKS are looked at.
 */
async function checkBookmarks(
  t: ExecutionContext,
  log: string,
  recording: Meddled,
): Promise<number> {
  const { stdout } = await scribe('scribe', ['info', '--json', log]);
  const { bookmarks } = JSON.parse(stdout) as { bookmarks: { id: number }[] };
  const every = Math.ceil(bookmarks.length / BOOKMARKS);
  for (const { id } of bookmarks.filter((_, i) => i % every === 0)) {
    const replayed = await scribe('replay', ['-c', '60', '--until', `${id}`, log]);
    const again = `once more: scribe replay --until ${id} ${log}`;
    t.is(
      replayed.stderr,
      `replay: stopped at bookmark ${id}, its state is the recorded one\n`,
      again,
    );
    t.is(replayed.code, 0, again);
    t.true(recording.stdout.startsWith(replayed.stdout), again);
  }
  const whole = await replayWhatThereIs(t, log, recording.stdout);
  t.is(whole.stdout, recording.stdout, log);
  t.is(whole.code, 0, log);
  return bookmarks.length;
}

for (let i = 0; i < RECORDINGS; i++) {
  test(`bookmarks set at any moment are reached, and their state is verified (${i + 1} of ${RECORDINGS})`, async (t) => {
    await using _turn = await pool.enter();
    const place = workspace('bookmarks');
    const log = join(place.path, 'bookmarks.log');
    const chance = new Chance(SEED + i);
    const over = join(place.path, 'over');
    const recording = new Meddled(log, [busy, '20', over], ['-v', '--state-hashes']);
    t.log(`SEED=${SEED}`);
    await recording.exists();
    for (const ms of chance.spread(BOOKMARKS, 1500)) {
      await recording.until(ms);
      recording.child.kill('SIGUSR2');
    }
    // Only now may the program end: every bookmark is to be set while it runs.
    writeFileSync(over, '');
    await recording.closed;
    t.is(recording.child.exitCode, 0, recording.stderr);
    t.regex(recording.stdout, /\nbusy ok\n$/);
    const count = await checkBookmarks(t, log, recording);
    const told = recording.stderr.match(/^record: bookmark \d+$/gm) ?? [];
    t.log(`${count} bookmarks`);
    t.is(count, told.length, recording.stderr);
    place.discard();
  });
}

test('bookmarks set by the clock are reached', async (t) => {
  await using _turn = await pool.enter();
  const place = workspace('bookmarks');
  const log = join(place.path, 'clock.log');
  const recording = new Meddled(log, [busy, '20'], ['-a', '0.15']);
  await recording.closed;
  t.is(recording.child.exitCode, 0, recording.stderr);
  t.true((await checkBookmarks(t, log, recording)) > 1);
  place.discard();
});

test('who asks for bookmarks until the end does not take the place of its status', async (t) => {
  await using _turn = await pool.enter();
  const place = workspace('bookmarks');
  for (let i = 0; i < 3; i++) {
    const recording = new Meddled(join(place.path, `${i}.log`), ['sh', '-c', 'echo said; exit 3']);
    await recording.printed('said');
    while (!recording.ended) {
      recording.child.kill('SIGUSR2');
      await delay(5);
    }
    await recording.closed;
    t.is(recording.child.signalCode, null);
    t.is(recording.child.exitCode, 3, recording.stderr);
  }
  place.discard();
});
