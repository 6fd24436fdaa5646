/** Programs with IPC of System V and POSIX that are recorded, replayed to a bookmark, and then used for real. */
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { workspace } from './harness.js';
import { goLive, keepsIds, program, recordTo, type Started } from './live.js';

const isReady = ({ stdout }: Started): boolean => stdout.includes('rests\n');
const live = keepsIds ? test : test.skip;

/** Lines that a program has written behind `rests`, each of which must say that something is right. */
function checkLines(t: ExecutionContext, { stdout }: Started, count: number): void {
  const lines = stdout
    .slice(stdout.indexOf('rests\n') + 6)
    .trimEnd()
    .split('\n');
  t.is(lines.length, count);
  for (const line of lines) t.regex(line, /: right$/);
}

/** Records the program up to where it rests; `files` are those that it has made outside of `cwd`. */
async function recordSharedFiles(
  t: ExecutionContext,
  cwd: string,
  options: readonly string[] = [],
): Promise<{ log: string; files: readonly string[] }> {
  let files: readonly string[] = [];
  t.teardown(() => files.forEach((file) => rmSync(file, { force: true })));
  const log = await recordTo(t, cwd, [...options, program('shared-files')], (recording) => {
    if (!isReady(recording)) return false;
    files = recording.stdout.slice(0, recording.stdout.indexOf('\n')).split(' ');
    return true;
  });
  return { log, files };
}

for (const [path, options] of [
  ['traced', ['--no-agent']],
  ['by the agent', []],
] as const) {
  live(`System V IPC lives on, recorded ${path}`, async (t) => {
    const place = workspace('live-sysv');
    let ids: readonly string[] = [];
    const ready = (recording: Started): boolean => {
      if (!isReady(recording)) return false;
      ids = recording.stdout.slice(0, recording.stdout.indexOf('\n')).split(' ');
      return true;
    };
    const log = await recordTo(t, place.path, [...options, program('sysv')], ready);
    // What was recorded leaves these to the system: all but the removed segment, which went with it.
    execFileSync('ipcrm', [...ids.slice(0, 2), ...ids.slice(4)]);
    const lives = goLive(t, log, '--require-complete');
    lives.child.stdin!.end('x');
    await lives.closed;
    t.is(lives.stderr, '');
    t.is(lives.child.exitCode, 8, lives.stdout);
    checkLines(t, lives, 22);
    place.discard();
  });

  live(`POSIX message queues live on, recorded ${path}`, async (t) => {
    const place = workspace('live-mqueues');
    let id = 0;
    const log = await recordTo(t, place.path, [...options, program('mqueues')], (recording) => {
      id = Number.parseInt(recording.stdout, 10);
      return isReady(recording);
    });
    execFileSync(program('mqueues'), [`${id}`]);
    const lives = goLive(t, log, '--require-complete');
    lives.child.stdin!.end('x');
    await lives.closed;
    t.is(lives.stderr, '');
    t.is(lives.child.exitCode, 11, lives.stdout);
    checkLines(t, lives, 9);
    place.discard();
  });

  live(`stores reach shared files, recorded ${path}`, async (t) => {
    const place = workspace('live-shared-files');
    const { log, files } = await recordSharedFiles(t, place.path, options);
    // By the agent's recording they are gone by now, as they are after the system has started anew.
    if (options.length > 0) for (const file of files) rmSync(file);
    const lives = goLive(t, log, '--require-complete');
    lives.child.stdin!.end('x');
    await lives.closed;
    t.is(lives.stderr, '');
    t.is(lives.child.exitCode, 9, lives.stdout);
    checkLines(t, lives, 12);
    place.discard();
  });
}

live('memory shared with a file that has changed is a copy, and told', async (t) => {
  const place = workspace('live-changed-file');
  const { log } = await recordSharedFiles(t, place.path);
  writeFileSync(join(place.path, 'data'), 'another content');
  const lives = goLive(t, log);
  lives.child.stdin!.end('x');
  await lives.closed;
  t.regex(lives.stderr, /memory shared with .*\/data is a copy: the file has another content/);
  t.is(lives.child.exitCode, 9, lives.stdout);
  t.regex(lives.stdout, /what was in the file: right\n/);
  t.notRegex(lives.stdout, /a store reaches the file: right\n/);
  place.discard();
});
