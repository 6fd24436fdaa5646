import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { Chance, SEED } from './chance.js';
import { compile, type Outcome, PATHS, Pool, root, run, scribe, workspace } from './harness.js';

/** Random programs, FUZZ of them (default 4): seconds each. */
const PROGRAMS = Number(process.env.FUZZ ?? 4);
const STEPS = 1500;
/** Bound at its start: what XSAVEC stores when a function is first called is one of README's limits. */
const env = { ...process.env, LD_BIND_NOW: '1' };
const chance = new Chance(SEED);
const pool = new Pool(2);

for (let i = 0; i < PROGRAMS; i++) {
  const seed = chance.below(2 ** 31);
  test(`random system calls do the same on both paths and in replays (fuzz ${seed} ${STEPS})`, async (t) => {
    await using _turn = await pool.enter();
    const place = workspace('fuzz');
    const command = [compile(join(root, 'test/programs/fuzz.c')), String(seed), String(STEPS)];
    // Each in a directory of its own, as it makes files there.
    const directory = (name: string): string => {
      const path = join(place.path, name);
      mkdirSync(path);
      return path;
    };
    const same = (actual: Outcome, expected: Outcome, what: string): void => {
      t.is(actual.stdout, expected.stdout, `${what}\n${actual.stderr.slice(0, 3000)}`);
      t.is(actual.code, expected.code, what);
    };
    const native = await run(command[0]!, command.slice(1), { cwd: directory('native'), env });
    t.regex(native.stdout, /\nfuzz ok [0-9a-f]+\n$/, native.stderr);
    for (const path of ['traced', 'agent']) {
      const log = join(place.path, `${path}.log`);
      const options = ['-o', log, '--state-hashes', ...(path === 'agent' ? [] : ['--no-agent'])];
      const recorded = await scribe('record', [...options, ...command], {
        cwd: directory(path),
        env,
      });
      same(recorded, native, `record ${options.join(' ')} ${command.join(' ')}`);
      for (const by of PATHS) {
        const replayed = await scribe('replay', [...by, log], { cwd: '/' });
        same(replayed, recorded, ['replay', ...by, log].join(' '));
      }
    }
    place.discard();
  });
}
