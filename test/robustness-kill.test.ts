import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { busy, Meddled, replayWhatThereIs } from './busy.js';
import { Chance, SEED } from './chance.js';
import { Pool, scribe, workspace } from './harness.js';

const KILLS = 100;
const COMMAND = [busy, '20'];
const pool = new Pool(2);

/** Of the kills, those that come while the recorder starts. */
const EARLY = KILLS / 10;
/** When the log has begun, and how long it goes on from there, ms: first the longest of two, as the kills go in pairs. */
let startMs: number;
let lengthMs: number;

/** When the log has begun, ms after the start. */
async function begun(recording: Meddled): Promise<number> {
  await recording.exists();
  return performance.now() - recording.startedAt;
}

const measured = (async () => {
  const place = workspace('unkilled');
  const measure = async (name: string): Promise<[number, number]> => {
    const recording = new Meddled(join(place.path, name), COMMAND);
    const beginMs = await begun(recording);
    await recording.closed;
    return [beginMs, performance.now() - recording.startedAt - beginMs];
  };
  const [one, other] = await Promise.all([measure('one.log'), measure('other.log')]);
  place.discard();
  startMs = Math.max(one[0], other[0]);
  lengthMs = Math.max(one[1], other[1]);
})();

const chance = new Chance(SEED);
const moments = [...chance.spread(EARLY, 1), ...chance.spread(KILLS - EARLY, 1)];
/** How the kills went, for the last test. */
const seen = { before: 0, truncated: 0, whole: 0 };

for (const [i, moment] of moments.entries()) {
  test(`a recorder killed in part ${i + 1} of ${KILLS} of its time leaves a log that replays`, async (t) => {
    await measured;
    await using _turn = await pool.enter();
    const place = workspace('killed');
    const log = join(place.path, 'killed.log');
    const recording = new Meddled(log, COMMAND);
    // Counted from the log's beginning: how long it takes until there depends on what else the machine does.
    const beginMs = i < EARLY ? 0 : await begun(recording);
    const ms = beginMs + moment * (i < EARLY ? startMs : lengthMs);
    await recording.until(ms);
    recording.child.kill('SIGKILL');
    await recording.closed;
    const endedMs = performance.now() - recording.startedAt;
    t.log(`SEED=${SEED}: killed after ${Math.round(ms)} ms`);
    t.deepEqual(await recording.leftBehind(), [], 'processes are left behind');
    if (!existsSync(log) || statSync(log).size === 0) {
      // The header is written at once, and before the program runs.
      t.is(recording.stdout, '', 'the program ran without a log');
      seen.before++;
      place.discard();
      return;
    }
    const whole = recording.child.signalCode === null;
    const info = await scribe('scribe', ['info', log]);
    t.is(info.code, 0, info.stderr);
    if (whole) {
      t.is(recording.child.exitCode, 0, recording.stderr);
      // The machine has less to do than before: later kills would all be too late.
      if (i >= EARLY) lengthMs = Math.min(lengthMs, endedMs - beginMs);
    } else t.regex(info.stdout, /^end: +(truncated: |exited with 0$)/m);
    const replayed = await replayWhatThereIs(t, log, recording.stdout);
    t.is(replayed.code, 0, replayed.stderr);
    const truncated = /^end: +truncated/m.test(info.stdout);
    t.is(/ends here/.test(replayed.stderr), truncated);
    seen[truncated ? 'truncated' : 'whole']++;
    place.discard();
  });
}

test.after('the moments were spread over the whole run', (t) => {
  t.log(
    `SEED=${SEED}: ${seen.before} kills before the log began, ${seen.truncated} truncated logs, ` +
      `${seen.whole} after the end`,
  );
  t.true(seen.truncated >= KILLS / 4);
});
