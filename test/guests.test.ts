import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { compile, Pool, root, scribe, workspace } from './harness.js';

/** Replays of each recording, one of them by the agent: a replay that is right once can still be right by luck. */
const REPLAYS = Number(process.env.REPLAYS ?? 3);
const directory = join(root, 'test/guests');
const only = process.env.GUEST;

/** Guests that this milestone cannot record, and why. */
const NOT_YET: Readonly<Record<string, string>> = {
  kernel_vsyscall: 'reads the time from the vsyscall page, which the kernel answers without a stop',
};
/** Guests that `replay --agent` cannot replay, and why. */
const NOT_BY_AGENT: Readonly<Record<string, string>> = {
  cpu_own_code: 'reads its own code, in which the agent has patched sites',
};
/** AVA starts all tests of a file at once; more than there are CPUs only makes each slower. */
const pool = new Pool(2);

for (const file of readdirSync(directory).sort()) {
  if (!file.endsWith('.c')) continue;
  const name = file.replace(/\.c$/, '');
  if (only !== undefined && !only.split(',').includes(name)) continue;
  if (NOT_YET[name] !== undefined) {
    test.skip(`guest ${name}: ${NOT_YET[name]}`, (t) => t.pass());
    continue;
  }
  test(`guest ${name} replays as it was recorded`, async (t) => {
    await using _turn = await pool.enter();
    const binary = compile(join(directory, file));
    const place = workspace(name);
    const log = join(place.path, `${name}.log`);
    const recorded = await scribe(
      'record',
      ['--no-agent', '-o', log, '--state-hashes', '--store', join(root, 'build/store'), binary],
      {
        cwd: place.path,
      },
    );
    const wellEnded =
      recorded.stdout.includes(`${name} ok\n`) || recorded.stdout.includes(`${name} skipped:`);
    t.true(
      wellEnded,
      `${recorded.stdout.slice(-500)}\n${recorded.stderr.slice(-3000)}\nexit ${recorded.code}`,
    );
    if (recorded.stdout.includes(`${name} skipped:`)) t.log(recorded.stdout.trim());
    for (let i = 0; i < REPLAYS; i++) {
      const byAgent = i === 0 && NOT_BY_AGENT[name] === undefined;
      const options = byAgent ? [] : ['--no-agent'];
      const replayed = await scribe('replay', [...options, log], { cwd: '/' });
      const again = ['scribe replay', ...options, log].join(' ');
      t.is(replayed.stderr, recorded.stderr, again);
      t.is(replayed.stdout, recorded.stdout, again);
      t.is(replayed.code, recorded.code, again);
    }
    place.discard();
  });
}
