import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { LogInfo } from '@scribe-ts/cli';
import { Reg } from '@scribe-ts/core-native';
import { type Frame, openLog, rewriteLog } from '@scribe-ts/tracelog';
import test, { type ExecutionContext } from 'ava';
import { Meddled, replayWhatThereIs } from './busy.js';
import { Chance, SEED } from './chance.js';
import { compile, Pool, root, scribe, workspace } from './harness.js';

const pool = new Pool(2);
const store = join(root, 'build/store');

/** Records a guest in a directory of its own. */
async function recordGuest(t: ExecutionContext, name: string, options: readonly string[]) {
  const place = workspace('counters');
  const log = join(place.path, `${name}.log`);
  const binary = compile(join(root, `test/guests/${name}.c`));
  const recorded = await scribe('record', [...options, '-o', log, '--store', store, binary], {
    cwd: place.path,
  });
  t.is(recorded.code, 0, recorded.stderr);
  return { place, log, recorded };
}

for (const options of [['--no-agent'], []]) {
  const how = options.length === 0 ? 'with the agent' : 'traced';
  test(`loops that are caught are counted, and one round more or less is a divergence (${how})`, async (t) => {
    await using _turn = await pool.enter();
    const { place, log } = await recordGuest(t, 'preempt_rounds', options);
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

for (const options of [['--no-agent'], []]) {
  const how = options.length === 0 ? 'with the agent' : 'traced';
  test(`a signal is given in the midst of a round that is counted, and found there again (${how})`, async (t) => {
    await using _turn = await pool.enter();
    const { place, log, recorded } = await recordGuest(t, 'preempt_returns', options);
    const inMidst = countedInMidst(log);
    t.true(inMidst.length > 3, `${inMidst.length}`);
    const replayed = await scribe('replay', [log], { cwd: '/' });
    t.is(replayed.code, 0, replayed.stderr);
    t.is(replayed.stdout, recorded.stdout);

    const changed = join(place.path, 'changed.log');
    let index = -1;
    rewriteLog(log, changed, (frame) =>
      ++index === inMidst.at(-1) && frame.type === 'preempt'
        ? { ...frame, count: frame.count + 1 }
        : frame,
    );
    const other = await scribe('replay', [changed], { cwd: '/' });
    t.not(other.code, 0);
    t.regex(other.stderr, /other registers|after \d+ rounds/, other.stderr);
    place.discard();
  });
}

/** The process of a recording that runs `binary`. */
function programOf(recording: Meddled, binary: string): number | undefined {
  return recording
    .processes()
    .find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'latin1').startsWith(`${binary}\0`));
}

const chance = new Chance(SEED);
const rows = join(root, 'test/guests/preempt_rows.c');
/** What it prints if all its loops have computed what they do alone. */
const ALL_THE_SAME = /^(shape \d: same, [^\n]+\n){7}preempt_rows ok\n$/;
/** It takes about a second, and as long again to be loaded and recorded. */
const moments = chance.spread(8, 1000);

for (const [i, ms] of moments.entries()) {
  const options = i % 2 === 0 ? [] : ['--no-agent'];
  test(`loops that are being counted are let go as they were (${i + 1} of ${moments.length})`, async (t) => {
    await using _turn = await pool.enter();
    const place = workspace('counters');
    const log = join(place.path, 'detach.log');
    const recording = new Meddled(log, [compile(rows)], options);
    t.log(`SEED=${SEED}: let go after ${Math.round(ms)} ms`);
    await recording.exists();
    await delay(ms);
    recording.child.kill('SIGUSR1');
    await recording.closed;
    t.is(recording.child.exitCode, 0, recording.stderr);
    t.regex(recording.stdout, ALL_THE_SAME);
    t.deepEqual(await recording.leftBehind(), [], 'processes are left behind');
    await replayWhatThereIs(t, log, recording.stdout);
    place.discard();
  });
}

for (const options of [['--no-agent'], []]) {
  const how = options.length === 0 ? 'with the agent' : 'traced';
  test(`loops that are being counted can be stopped and continued (${how})`, async (t) => {
    await using _turn = await pool.enter();
    const place = workspace('counters');
    const log = join(place.path, 'stops.log');
    const binary = compile(rows);
    const recording = new Meddled(log, [binary], options);
    await recording.printed('shape 0');
    const program = programOf(recording, binary);
    t.not(program, undefined);
    let stops = 0;
    while (!recording.ended) {
      try {
        process.kill(program!, 'SIGSTOP');
        await delay(1 + chance.below(5));
        process.kill(program!, 'SIGCONT');
        stops++;
      } catch {
        break;
      }
      await delay(5 + chance.below(20));
    }
    await recording.closed;
    const recordMs = performance.now() - recording.startedAt;
    t.true(stops > 3);
    t.is(recording.child.exitCode, 0, recording.stderr);
    t.regex(recording.stdout, ALL_THE_SAME);
    const replayed = await scribe('replay', [log]);
    const replayMs = performance.now() - recording.startedAt - recordMs;
    const took = `record ${recordMs.toFixed()} ms, replay ${replayMs.toFixed()} ms`;
    t.log(`SEED=${SEED}: stopped ${stops} times, ${took}`);
    t.is(replayed.code, 0, replayed.stderr);
    t.is(replayed.stdout, recording.stdout);
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

/** Places of the frames whose points lie behind the instruction that was counted. */
function countedInMidst(log: string): number[] {
  const reader = openLog(log);
  try {
    return [...reader.records()].flatMap(({ frame }, index) => {
      if (frame.type !== 'preempt' || frame.counter !== 'rounds') return [];
      const { buffer, byteOffset } = frame.regs;
      const rip = new DataView(buffer, byteOffset).getBigUint64(Reg.rip * 8, true);
      return Number(rip) === frame.rip ? [] : [index];
    });
  } finally {
    reader.close();
  }
}

for (const options of [['--no-agent'], []]) {
  const how = options.length === 0 ? 'with the agent' : 'traced';
  test(`whoever is killed while rounds are counted has its end in the log (${how})`, async (t) => {
    await using _turn = await pool.enter();
    const place = workspace('counters');
    const binary = compile(join(root, 'bench/programs/alarms.c'));
    for (const [i, ms] of chance.spread(10, 400).entries()) {
      const log = join(place.path, `kill${i}.log`);
      const recording = new Meddled(log, [binary, '9000000000'], [...options, '--state-hashes']);
      let program: number | undefined;
      while (!recording.ended && (program = programOf(recording, binary)) === undefined)
        await delay(1);
      // Signals come by then, and the loop is counted.
      await delay(100 + ms);
      try {
        process.kill(program!, 'SIGKILL');
      } catch {
        t.log(`no ${program} any more: exit code ${recording.child.exitCode}, ${recording.stderr}`);
      }
      await recording.closed;
      t.is(recording.child.signalCode, 'SIGKILL', recording.stderr);
      const replayed = await scribe('replay', ['-c', '60', log]);
      t.is(replayed.stderr, recording.stderr, log);
      t.is(replayed.signal, 'SIGKILL', log);
    }
    place.discard();
  });
}

for (const options of [['--no-agent'], []]) {
  const how = options.length === 0 ? 'with the agent' : 'traced';
  test(`whoever is killed at a stop before it is looked at has its end in the log (${how})`, async (t) => {
    await using _turn = await pool.enter();
    const place = workspace('counters');
    const counted = [compile(join(root, 'bench/programs/alarms.c')), '9000000000'];
    const threads = [compile(join(root, 'test/guests/thread_sync.c'))];
    const LD_PRELOAD = compile(join(root, 'test/programs/kill-at-stop.c'), ['-shared', '-fPIC']);
    // From the program's start on until its loop is counted, or its threads take turns.
    const kills = [
      ...chance.spread(30, 400).map((at) => ({ at, KILL_REGISTERS: '1' })),
      ...chance.spread(16, 1200).map((at) => ({ at })),
    ];
    for (const [i, { at, ...what }] of kills.entries()) {
      const KILL_AT = `${1 + Math.floor(at)}`;
      const log = join(place.path, `kill${i}-${KILL_AT}.log`);
      const command = [...options, '--state-hashes', '-o', log, '--store', store];
      const recorded = await scribe('record', [...command, ...(i % 2 === 0 ? counted : threads)], {
        env: { ...process.env, ...what, LD_PRELOAD, KILL_AT },
      });
      t.is(recorded.signal, 'SIGKILL', recorded.stderr);
      const replayed = await scribe('replay', ['-c', '60', log]);
      t.is(replayed.stderr, recorded.stderr, log);
      t.is(replayed.signal, 'SIGKILL', log);
    }
    place.discard();
  });
}
