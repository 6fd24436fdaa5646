// Processes that others end, or that a signal ends, have a memory to verify as well.
import { join } from 'node:path';
import test from 'ava';
import { openLog } from '@scribe-ts/tracelog';
import { compile, root, scribe, workspace } from './harness.js';

/** The process that is killed from outside while one of its threads computes: how far that came is in no log. */
const KILLED_AT_RANDOM = 7;
const PROCESSES = 11;

test('the memory of processes that do not end themselves is verified', async (t) => {
  const binary = compile(join(root, 'test/programs/killed-states.c'));
  const place = workspace('end-states');
  const log = join(place.path, 'killed.log');
  const store = join(root, 'build/store');
  const recorded = await scribe('record', ['-o', log, '--state-hashes', '--store', store, binary]);
  t.is(recorded.code, 0, recorded.stderr);
  const pids: number[] = [];
  const processOf = new Map<number, number>();
  const verified = new Set<number>();
  for await (const frame of openLog(log).events({})) {
    // The last of a process may be a thread that has never started.
    if (frame.type === 'spawn') processOf.set(frame.child, frame.pid);
    if (frame.type === 'task-start') {
      processOf.set(frame.task, frame.pid);
      if (!pids.includes(frame.pid)) pids.push(frame.pid);
    }
    if (frame.type === 'state' && frame.memory !== '') verified.add(processOf.get(frame.task)!);
  }
  t.is(pids.length, PROCESSES);
  // The first is the parent of them all.
  const [parent, ...children] = pids;
  t.true(verified.has(parent!));
  children.forEach((pid, index) => {
    if (index !== KILLED_AT_RANDOM) t.true(verified.has(pid), `process ${index} has no end state`);
  });
  for (let i = 0; i < 3; i++) {
    const replayed = await scribe('replay', [log]);
    t.is(replayed.stderr, '');
    t.is(replayed.stdout, recorded.stdout);
  }
  place.discard();
});
