// Recordings of programs that race, each replayed: as they come, and with chaos. STRESS=1000 makes so many of each.
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { record } from '@scribe-ts/recorder';
import { replay } from '@scribe-ts/replayer';
import test from 'ava';
import { Chance, SEED } from './chance.js';
import { compile, ended, Pool, root, workspace } from './harness.js';

/** Of each kind. */
const RECORDINGS = Number(process.env.STRESS ?? 6);
const PROGRAMS = [
  'test/guests/thread_races.c',
  'examples/races/log-rotation.c',
  'examples/races/log-buffer.c',
  'examples/races/reference-count.c',
];
const store = join(root, 'build/store');
const pool = new Pool(2);

/** Records, if `traces` with each call stopped for and its data in the log, and replays; the replay verifies each call, the output, and all memory at the end. */
async function roundTrip(
  binary: string,
  log: string,
  traces: boolean,
  chaos: number | undefined,
): Promise<boolean> {
  const input = openSync('/dev/null', 'r');
  const output = openSync(`${log}.output`, 'w+');
  try {
    const recording = await record({
      command: [binary],
      log,
      env: ['PATH=/usr/bin:/bin'],
      verbosity: traces ? 'sSdD' : 'sSd',
      agent: !traces,
      store,
      stateHashes: true,
      stdio: [input, output, output],
      ...(chaos === undefined ? {} : { chaos }),
    });
    const { status } = await ended(recording);
    const replayed = await replay({ log, quiet: true });
    return replayed.status === status && replayed.endState !== '';
  } finally {
    closeSync(input);
    closeSync(output);
  }
}

for (const kind of ['as they come', 'with chaos'] as const) {
  test(`${RECORDINGS} recordings of races ${kind} replay`, async (t) => {
    t.timeout(60_000 + RECORDINGS * 10_000);
    const chance = new Chance(SEED);
    const place = workspace('stress');
    const binaries = PROGRAMS.map((source) => compile(join(root, source)));
    const failures: string[] = [];
    const one = async (index: number, seed: number): Promise<void> => {
      await using _turn = await pool.enter();
      const log = join(place.path, `${index}.log`);
      const binary = binaries[index % binaries.length]!;
      const chaos = kind === 'with chaos' ? seed : undefined;
      const traces = chaos !== undefined || index % 8 < PROGRAMS.length;
      try {
        if (!(await roundTrip(binary, log, traces, chaos))) failures.push(`${log}: ends otherwise`);
      } catch (error) {
        failures.push(`${log} (seed ${seed}): ${(error as Error).message}`);
      }
    };
    const seeds = Array.from({ length: RECORDINGS }, () => chance.below(2 ** 32));
    await Promise.all(seeds.map((seed, index) => one(index, seed)));
    t.deepEqual(failures, [], `SEED=${SEED}`);
    place.discard();
  });
}
