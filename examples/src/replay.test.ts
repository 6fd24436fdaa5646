/**
 * Assertions on a recording and its replay, in a test of Node's own runner: that a program replays, and what it did while
 * nobody was looking.
 *
 *   node --test examples/dist/replay.test.js
 */
import assert from 'node:assert/strict';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { record } from '@scribe-ts/recorder';
import { openReplay, replay } from '@scribe-ts/replayer';

const directory = mkdtempSync(join(tmpdir(), 'replay-test-'));
const log = join(directory, 'sort.log');
const outputPath = join(directory, 'output');

before(async () => {
  const input = join(directory, 'input');
  writeFileSync(input, 'pear\napple\nquince\n');
  const recording = await record({
    command: ['sort', input],
    log,
    env: ['LC_ALL=C', `PATH=${process.env.PATH}`],
    verbosity: 'sdm',
    stateHashes: true,
    stdio: [openSync('/dev/null', 'r'), openSync(outputPath, 'w'), 2],
  });
  assert.equal((await recording.finished).status, 0);
});

after(() => rmSync(directory, { recursive: true }));

test('the program replays: the same output, status and memory, three times', async () => {
  const endStates = new Set<string>();
  for (let i = 0; i < 3; i++) {
    const parts: Uint8Array[] = [];
    const replayed = await replay({
      log,
      stateHashes: true,
      onOutput: (_target, bytes) => parts.push(bytes),
    });
    assert.equal(replayed.status, 0);
    assert.deepEqual(Buffer.concat(parts), readFileSync(outputPath));
    endStates.add(replayed.endState);
  }
  assert.equal(endStates.size, 1);
});

test('it has read all of its input before it prints anything', async () => {
  await using session = await openReplay(log);
  const { task } = await session.runTo({ syscall: { name: 'write', fd: 1 } });
  const { rsi, rdx } = await task!.registers();
  const text = Buffer.from(await task!.memory(rsi, Number(rdx))).toString();
  assert.equal(text, 'apple\npear\nquince\n');
  const reads = [];
  for await (const { event } of session.syscalls({ name: 'read', fd: 0 })) reads.push(event);
  assert.deepEqual(reads, []);
});

test('nobody but the C library writes to a descriptor', async () => {
  await using session = await openReplay(log);
  const writers = new Set<string>();
  for await (const { backtrace } of session.trace({ name: 'write' }, { backtrace: true }))
    writers.add(backtrace[0]!.object);
  assert.equal(writers.size, 1);
  assert.match([...writers][0]!, /libc/);
});
