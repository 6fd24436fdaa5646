/**
 * Logs read like strace's: programs run under strace and under record, and the two traces are compared line by line.
 * What must differ is normalised (test/strace/normalise.ts, each step named); what differs besides is explained one by one
 * in test/strace/differences.json, or fails.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { compile, Pool, root, workspace } from './harness.js';
import { explain, type Explanation } from './strace/compare.js';
import { COMMANDS, GUESTS, PROGRAMS } from './strace/programs.js';
import { compareTraces } from './strace/trace.js';

const explanations = JSON.parse(
  readFileSync(join(root, 'test/strace/differences.json'), 'utf8'),
) as Explanation[];
/** Its spelling changes from version to version. */
const PEER = 'strace -- version 6.1';

function peerVersion(): string {
  try {
    return execFileSync('strace', ['-V'], { encoding: 'utf8' }).split('\n')[0]!;
  } catch {
    return 'no strace';
  }
}

const version = peerVersion();
const only = process.env.PROGRAM;
const wanted = (name: string): boolean => only === undefined || only.split(',').includes(name);
type Command = readonly [string, ...string[]];
const commands: readonly (readonly [string, () => Command])[] = [
  ...PROGRAMS.map(
    (name) =>
      [name, (): Command => [compile(join(root, `test/strace/programs/${name}.c`))]] as const,
  ),
  ...GUESTS.map(
    (name) => [name, (): Command => [compile(join(root, `test/guests/${name}.c`))]] as const,
  ),
  ...COMMANDS.map((command) => [command, (): Command => ['/bin/sh', '-c', command]] as const),
];

const pool = new Pool(1);
const seen = new Set<string>();
const used = new Set<string>();
let compared = 0;

for (const [name, command] of commands) {
  if (!wanted(name)) continue;
  if (version !== PEER) {
    test.skip(`${name} reads as strace prints it: needs ${PEER}, found ${version}`, (t) =>
      t.pass());
    continue;
  }
  test(`${name} reads as strace prints it`, async (t) => {
    await using _turn = await pool.enter();
    const place = workspace('strace');
    const { differences, same, calls, trouble } = await compareTraces(place.path, command());
    for (const call of calls) seen.add(call);
    const unexplained = differences.filter((one) => {
      const explanation = explain(name, one, explanations);
      if (explanation !== undefined) used.add(explanation.id);
      return explanation === undefined;
    });
    compared++;
    t.is(trouble, '');
    t.true(same > 10, `only ${same} lines are the same: ${place.path}`);
    t.deepEqual(unexplained, [], `strace.txt and scribe.log are in ${place.path}`);
    place.discard();
  });
}

test.after(
  'forty programs with two hundred calls were compared, and all explanations are of use',
  (t) => {
    if (version !== PEER || only !== undefined) return;
    t.log(`${compared} programs, ${seen.size} calls`);
    t.true(compared >= 40, `${compared} programs`);
    t.true(seen.size >= 200, `${seen.size} calls`);
    const stale = explanations
      .filter(({ id, sometimes }) => sometimes !== true && !used.has(id))
      .map(({ id }) => id);
    t.deepEqual(stale, []);
  },
);
