import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { compile, root, run, scribe, workspace } from './harness.js';

const store = join(root, 'build/store');
const races = join(root, 'examples/races');
/** Each run finds one of these races once in a hundred times or oftener. */
const RUNS = 5000;
const REPLAYS = 3;

for (const [name, status, says] of [
  ['log-rotation', 1, /^\d+ rows were written, \d+ are in the log$/m],
  ['log-buffer', 1, /^\d+ bytes in the log, \d and \d whole lines$/m],
  ['reference-count', 134, /^object \d is freed twice$/m],
] as const) {
  test.serial(`the race in ${name}.c is found, and its log fails every time`, async (t) => {
    const binary = compile(join(races, `${name}.c`));
    const place = workspace(`hunt-${name}`);
    const log = join(place.path, 'race.log');
    const hunted = await scribe(
      'scribe',
      ['hunt', '-n', String(RUNS), '--store', store, '-o', log, binary],
      {
        cwd: place.path,
        timeoutMs: 600_000,
      },
    );
    t.is(hunted.code, 0, `${hunted.stdout}${hunted.stderr}`);
    t.regex(hunted.stdout, /^run \d+ .* \(seed \d+\), found in \d+ runs? and [\d.]+ s$/m);
    t.deepEqual(readdirSync(place.path), ['race.log'], 'no other log is kept');
    for (let i = 0; i < REPLAYS; i++) {
      const replayed = await scribe('replay', [log]);
      t.is(replayed.code, status, replayed.stderr);
      t.regex(replayed.stderr, says);
    }
    place.discard();
  });
}

test('a hunt that finds nothing keeps nothing', async (t) => {
  const place = workspace('hunt-nothing');
  const hunted = await scribe('scribe', ['hunt', '-n', '3', '--store', store, 'true'], {
    cwd: place.path,
  });
  t.is(hunted.code, 1, hunted.stderr);
  t.regex(hunted.stdout, /^no failure in 3 runs/);
  t.is(hunted.stderr, '');
  t.deepEqual(readdirSync(place.path), []);
  place.discard();
});

test('what a failure is can be chosen', async (t) => {
  const place = workspace('hunt-until');
  const hunt = (...args: string[]) =>
    scribe('scribe', ['hunt', '-n', '2', '--seed', '7', '--store', store, '-o', 'x.log', ...args], {
      cwd: place.path,
    });
  const status = ['sh', '-c', 'echo said; exit 3'];
  t.is((await hunt('-u', 'exit=4,signal,hang', ...status)).code, 1);
  t.regex(
    (await hunt('-j', '1', '-u', 'hang', '-u', 'exit=3', ...status)).stdout,
    /^run 1 exited with 3 \(seed 7\)/,
  );
  const replayed = await scribe('replay', ['x.log'], { cwd: place.path });
  t.is(replayed.code, 3);
  t.is(replayed.stdout, 'said\n');
  t.regex(
    (await scribe('scribe', ['info', 'x.log'], { cwd: place.path })).stdout,
    /^chaos: +seed 7$/m,
  );
  t.regex(
    (await hunt('-u', 'signal=SEGV', 'sh', '-c', 'kill -SEGV $$')).stdout,
    / killed by SIGSEGV /,
  );
  const hung = await hunt('-t', '0.2', '-j', '1', 'sleep', '1000');
  t.regex(hung.stdout, /^run 1 took longer than 0\.2 s and was ended \(seed 7\)/);
  t.is((await hunt('-t', '0.2', '-u', 'exit', 'sleep', '1000')).code, 1);
  place.discard();
});

test('SIGINT ends a hunt with everything it has begun', async (t) => {
  const place = workspace('hunt-end');
  // Ends its hunt by itself once it runs, so nothing has to be waited for.
  writeFileSync(join(place.path, 'end.sh'), 'kill -INT "$HUNT"; exec sleep 1000\n');
  const script = `HUNT=$$ exec ${process.execPath} ${join(root, 'packages/cli/bin/scribe.js')} hunt -j 2 --store ${store} sh end.sh`;
  const { signal, stderr, stdout } = await run('bash', ['-c', script], { cwd: place.path });
  t.is(signal, 'SIGINT');
  t.regex(stderr, /^scribe hunt: ended by SIGINT after 0 runs, none of which failed$/m);
  t.is(stdout, '');
  t.deepEqual(readdirSync(place.path), ['end.sh']);
  place.discard();
});

test('wrong command lines of a hunt', async (t) => {
  for (const [args, says] of [
    [[], /missing command/],
    [['-n', '0', 'true'], /--runs takes a whole number from 1 up/],
    [['-j', 'x', 'true'], /--jobs takes a whole number from 1 to/],
    [['-u', 'crash', 'true'], /--until takes exit, exit=STATUS, .* not 'crash'/],
    [['-u', 'signal=SIGNOTHING', 'true'], /knows no signal 'SIGNOTHING'/],
    [['-t', '0', 'true'], /--timeout takes a number of seconds/],
    [['--seed', '4294967296', 'true'], /--seed takes a whole number from 0 to 4294967295/],
  ] as const) {
    const { code, stderr } = await scribe('scribe', ['hunt', ...args]);
    t.is(code, 2, stderr);
    t.regex(stderr, says);
  }
  const missing = await scribe('scribe', ['hunt', './not-there']);
  t.is(missing.code, 127, missing.stderr);
});

test('the examples of races are told of', (t) => {
  const readme = readFileSync(join(root, 'examples/README.md'), 'utf8');
  for (const file of readdirSync(races)) t.true(readme.includes(`races/${file}`), file);
});
