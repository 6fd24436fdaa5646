/**
 * The smallest part of an input with which a program still fails in the same way: with the same status, called by the same
 * functions. Each attempt is recorded; where it ended is looked up in its replay.
 *
 *   node examples/dist/minimise-failure.js INPUT COMMAND [ARG…]
 *
 * `{}` among the arguments stands for the input's path. The result is left beside the input, as INPUT.min.
 */
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { record } from '@scribe-ts/recorder';
import { openReplay } from '@scribe-ts/replayer';

/** The task that the recorder starts. */
const FIRST_TASK = 2;

const env = Object.entries(process.env).map(([name, value]) => `${name}=${value}`);
const directory = mkdtempSync(join(tmpdir(), 'minimise-'));
const nowhere = openSync('/dev/null', 'r+');
let attempts = 0;

/** How the command ends with this input: '' if well, else its wait status and the functions that it ended in. */
async function failureWith(lines: readonly string[], command: readonly string[]): Promise<string> {
  const input = join(directory, 'input');
  const log = join(directory, `${++attempts}.log`);
  writeFileSync(input, lines.join(''));
  const recording = await record({
    command: command.map((word) => (word === '{}' ? input : word)),
    log,
    env,
    verbosity: 's',
    stdio: [nowhere, nowhere, nowhere],
  });
  const { status } = await recording.finished;
  if (status === 0) return '';
  await using replay = await openReplay(log);
  const { task } = await replay.runTo({ event: { type: 'exit', task: FIRST_TASK } });
  const functions = (await task!.backtrace()).map(({ symbol, object }) => symbol || object);
  return `status ${status} in ${functions.join(' < ')}`;
}

/** Leaves out halves, quarters, … as long as the failure stays the same (Zeller's delta debugging). */
async function minimise(
  lines: readonly string[],
  fails: (lines: readonly string[]) => Promise<boolean>,
) {
  let kept = lines;
  for (let size = Math.ceil(kept.length / 2); kept.length > 1;) {
    let shorter: readonly string[] | undefined;
    for (let from = 0; from < kept.length && shorter === undefined; from += size) {
      const rest = [...kept.slice(0, from), ...kept.slice(from + size)];
      if (await fails(rest)) shorter = rest;
    }
    if (shorter !== undefined) kept = shorter;
    else if (size === 1) break;
    else size = Math.ceil(size / 2);
    size = Math.min(size, Math.ceil(kept.length / 2));
  }
  return kept;
}

const [path, ...command] = process.argv.slice(2);
if (path === undefined || command.length === 0) {
  console.error('usage: minimise-failure INPUT COMMAND [ARG…]');
  process.exit(2);
}
try {
  const lines = readFileSync(path, 'utf8').split(/(?<=\n)/);
  const failure = await failureWith(lines, command);
  if (failure === '') {
    console.error(`the command does not fail with ${path}`);
    process.exitCode = 1;
  } else {
    const least = await minimise(
      lines,
      async (part) => (await failureWith(part, command)) === failure,
    );
    writeFileSync(`${path}.min`, least.join(''));
    console.log(failure);
    console.log(`lines ${lines.length} → ${least.length}, attempts ${attempts}, see ${path}.min`);
  }
} finally {
  closeSync(nowhere);
  rmSync(directory, { recursive: true, force: true });
}
