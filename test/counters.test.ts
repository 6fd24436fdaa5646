import { join } from 'node:path';
import type { LogInfo } from '@scribe-ts/cli';
import { type Frame, openLog, rewriteLog } from '@scribe-ts/tracelog';
import test from 'ava';
import { compile, Pool, root, scribe, workspace } from './harness.js';

const pool = new Pool(2);
const store = join(root, 'build/store');

for (const options of [['--no-agent'], []]) {
  const how = options.length === 0 ? 'with the agent' : 'traced';
  test(`loops that are caught are counted, and one round more or less is a divergence (${how})`, async (t) => {
    await using _turn = await pool.enter();
    const binary = compile(join(root, 'test/guests/preempt_rounds.c'));
    const place = workspace('counters');
    const log = join(place.path, 'rounds.log');
    const recorded = await scribe('record', [...options, '-o', log, '--store', store, binary], {
      cwd: place.path,
    });
    t.is(recorded.code, 0, recorded.stderr);
    const info = await scribe('scribe', ['info', '--json', log]);
    const { points } = JSON.parse(info.stdout) as LogInfo;
    t.true(points !== undefined && points.counted > 0 && points.sites > 0, info.stdout);
    t.true(points!.rounds >= points!.counted && points!.countingSeconds > 0, info.stdout);

    const text = await scribe('scribe', ['info', log]);
    t.regex(text.stdout, /^stopped: +\d+ times in user code/m);

    for (const more of [1, -1]) {
      const changed = join(place.path, `changed${more}.log`);
      const at = lastCounted(log);
      let index = -1;
      rewriteLog(log, changed, (frame) =>
        ++index === at && frame.type === 'preempt'
          ? { ...frame, count: frame.count + more }
          : frame,
      );
      const replayed = await scribe('replay', [changed], { cwd: '/' });
      t.not(replayed.code, 0, `${more}`);
      t.regex(replayed.stderr, /other registers|after \d+ rounds/, replayed.stderr);
    }
    place.discard();
  });
}

/** Place of the last frame whose point was counted, and had more than a few rounds. */
function lastCounted(log: string): number {
  const reader = openLog(log);
  try {
    const frames: Frame[] = [...reader.records()].map(({ frame }) => frame);
    return frames.findLastIndex((frame) => frame.type === 'preempt' && frame.count > 2);
  } finally {
    reader.close();
  }
}
