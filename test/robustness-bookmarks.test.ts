import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { busy, Meddled, replayWhatThereIs } from './busy.js';
import { Chance, SEED } from './chance.js';
import { Pool, scribe, workspace } from './harness.js';

const RECORDINGS = 8;
const BOOKMARKS = 5;
const pool = new Pool(2);

/** Replays a log to each of its bookmarks, then whole. */
async function checkBookmarks(
  t: ExecutionContext,
  log: string,
  recording: Meddled,
): Promise<number> {
  const { stdout } = await scribe('scribe', ['info', '--json', log]);
  const { bookmarks } = JSON.parse(stdout) as { bookmarks: { id: number }[] };
  for (const { id } of bookmarks) {
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
    const recording = new Meddled(log, [busy, '20'], ['-v', '--state-hashes']);
    t.log(`SEED=${SEED}`);
    await recording.exists();
    for (const ms of chance.spread(BOOKMARKS, 1500)) {
      await recording.until(ms);
      if (recording.stdout.endsWith('busy ok\n')) break;
      recording.child.kill('SIGUSR2');
    }
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
