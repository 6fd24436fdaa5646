import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { Pool, root, run, scribe, workspace } from './harness.js';

const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const store = join(root, 'build/store');
const busy =
  'i=0; while [ $i -lt 400 ]; do echo $i | cat | wc -c; i=$((i+1)); done; date & wait; echo end';
const pool = new Pool(2);

/** Numbers in [0, 1) that are the same for the same seed. */
function random(from: number): () => number {
  let state = from >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

for (let kill = 0; kill < 12; kill++) {
  test(`a recorder that is killed leaves a log that replays to its end (${kill})`, async (t) => {
    await using _turn = await pool.enter();
    const place = workspace('killed');
    const log = join(place.path, 'killed.log');
    const bin = join(root, 'packages/cli/bin/record.js');
    const recorder = spawn(process.execPath, [bin, '-o', log, '--store', store, 'sh', '-c', busy], {
      stdio: 'ignore',
    });
    const ended = new Promise((resolve) => recorder.on('close', resolve));
    const moment = 250 + random(Math.imul(seed + kill, 2654435761))() * 2000;
    t.log(`SEED=${seed}: killed after ${Math.round(moment)} ms`);
    await Promise.race([delay(moment), ended]);
    recorder.kill('SIGKILL');
    await ended;
    const info = await scribe('scribe', ['info', log]);
    t.true(info.code === 0 || /cannot/.test(info.stderr), info.stderr);
    if (info.code !== 0) return;
    const replayed = await scribe('replay', [log]);
    t.notRegex(replayed.stderr, /diverged|internal/, `scribe replay ${log}`);
    place.discard();
  });
}

test('a full disk ends the recording, not the program', async (t) => {
  await using _turn = await pool.enter();
  const place = workspace('full');
  const small = join(place.path, 'small');
  mkdirSync(small);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', small], { stdio: 'ignore' });
  } catch {
    t.log('skipped: mounting a small file system is not allowed here');
    t.pass();
    return;
  }
  try {
    const log = join(small, 'full.log');
    const command =
      'for i in 1 2 3 4 5 6 7 8; do head -c 100000 /dev/urandom | md5sum >/dev/null; done; echo end';
    const recorded = await scribe('record', ['-o', log, '--store', store, 'bash', '-c', command]);
    t.is(recorded.stdout, 'end\n');
    t.regex(recorded.stderr, /no space|full/i);
    const info = await scribe('scribe', ['info', log]);
    t.is(info.code, 0, info.stderr);
    const replayed = await scribe('replay', [log]);
    t.notRegex(replayed.stderr, /diverged|internal/);
  } finally {
    await run('umount', [small]);
    place.discard();
  }
});
