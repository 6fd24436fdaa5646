/**
 * How a test asserts that a program can be recorded and replayed: output, status and memory at the end must be the same.
 *
 *   node examples/dist/assert-replay.js COMMAND [ARG…]
 */
import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { record } from '@scribe-ts/recorder';
import { replay } from '@scribe-ts/replayer';

/** Records `command` once and replays it `times` times; throws DivergenceError or AssertionError. */
export async function assertReplays(command: readonly string[], times = 3) {
  const directory = mkdtempSync(join(tmpdir(), 'assert-replay-'));
  const outputPath = join(directory, 'output');
  const log = join(directory, 'program.log');
  const output = openSync(outputPath, 'w');
  try {
    const recording = await record({
      command,
      log,
      env: Object.entries(process.env).map(([name, value]) => `${name}=${value}`),
      verbosity: 'sd',
      stateHashes: true,
      stdio: [0, output, 2],
    });
    const recorded = await recording.finished;
    const printed = readFileSync(outputPath);
    const endStates = new Set<string>();
    for (let i = 0; i < times; i++) {
      const parts: Uint8Array[] = [];
      const replayed = await replay({
        log,
        stateHashes: true,
        onOutput: (target, bytes) => {
          if (target === 1) parts.push(bytes);
        },
      });
      assert.equal(replayed.status, recorded.status);
      assert.deepEqual(Buffer.concat(parts), printed);
      endStates.add(replayed.endState);
    }
    assert.equal(endStates.size, 1);
    return recorded;
  } finally {
    closeSync(output);
    rmSync(directory, { recursive: true, force: true });
  }
}

const command = process.argv.slice(2);
if (command.length === 0) {
  console.error('usage: assert-replay COMMAND [ARG…]');
  process.exit(2);
}
const { syscalls, tasks } = await assertReplays(command);
console.log(`${command.join(' ')}: system calls ${syscalls}, tasks ${tasks}, replayed 3 times`);
