/**
 * Replays that go live away from bookmarks: by signal, by `goLive`, and at random times. LIVE_RUNS=1000 makes so many of the
 * last; SEED=… makes the same again.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { openReplay, replay, ReplayError } from '@scribe-ts/replayer';
import { openLog } from '@scribe-ts/tracelog';
import test, { type ExecutionContext } from 'ava';
import { BIN, STORE } from './busy.js';
import { Chance, SEED } from './chance.js';
import { root, scribe, workspace } from './harness.js';
import { keepsIds, program } from './live.js';

/** Bytes of the line in which `steps` says the time. */
const TIME = 21;
const RUNS = Number(process.env.LIVE_RUNS ?? 3);
/** A program that hangs is found out by this, and by nothing else. */
const DEADLINE_MS = 120_000;

interface Recorded {
  readonly path: string;
  readonly log: string;
  readonly stdout: string;
  discard(): void;
}

/** Records a command to its end, which must be `status`. */
async function recordWhole(
  t: ExecutionContext,
  name: string,
  command: readonly string[],
  status: number,
): Promise<Recorded> {
  const place = workspace(name);
  const log = join(place.path, 'live.log');
  const recorded = await scribe('record', ['--store', STORE, '-o', log, ...command], {
    cwd: place.path,
  });
  t.is(recorded.code, status, recorded.stderr);
  const { stdout } = recorded;
  return { path: place.path, log, stdout, discard: () => place.discard() };
}

(keepsIds ? test : test.skip)('replay goes live on SIGUSR1, and shows nothing twice', async (t) => {
  const recorded = await recordWhole(t, 'live-signal', [program('steps')], 4);
  const child = spawn(process.execPath, [join(BIN, 'replay.js'), recorded.log]);
  let stderr = '';
  child.stderr.setEncoding('latin1').on('data', (text: string) => (stderr += text));
  const parts: Buffer[] = [((await once(child.stdout, 'data')) as [Buffer])[0]];
  // It cannot have come to its end: nobody has taken its output.
  child.stdout.pause();
  child.kill('SIGUSR1');
  child.stdout.on('data', (part: Buffer) => parts.push(part)).resume();
  await once(child, 'close');
  t.is(child.exitCode, 4, stderr);
  t.is(stderr, '');
  const stdout = Buffer.concat(parts).toString('latin1');
  const end = stdout.length - TIME;
  t.true(stdout.slice(0, end) === recorded.stdout.slice(0, end));
  // A replay would have said the recorded time.
  t.true(Number(stdout.slice(end)) > Number(recorded.stdout.slice(end)));
  recorded.discard();
});

test('a check finds that a replay gets on', async (t) => {
  const recorded = await recordWhole(t, 'live-check', [program('steps')], 4);
  const nap = new Int32Array(new SharedArrayBuffer(4));
  const stops = await new Promise<number>((resolve, reject) => {
    let frames = 0;
    const aborter = new AbortController();
    replay({
      log: recorded.log,
      quiet: true,
      signal: aborter.signal,
      onStart: (control) => control.check(),
      onChecked(found) {
        resolve(found);
        aborter.abort();
      },
      // The replay waits for those who are told of its frames, so it takes longer than the check.
      onFrame: () => void (++frames % 4 === 0 && Atomics.wait(nap, 0, 0, 1)),
    }).then(
      () => reject(new Error('it ended first')),
      () => {},
    );
  });
  t.true(stops > 0);
  recorded.discard();
});

test('a session that was not opened for it does not go live', async (t) => {
  const recorded = await recordWhole(t, 'live-session', ['true'], 0);
  const session = await openReplay({ log: recorded.log });
  const error = await t.throwsAsync(session.goLive(), { instanceOf: ReplayError });
  t.is(error.code, 'NOT_KEPT');
  await session.close();
  recorded.discard();
});

(keepsIds ? test : test.skip)('a crowd of processes goes live anywhere', async (t) => {
  const script = join(root, 'test/programs/crowd.sh');
  const recorded = await recordWhole(t, 'live-crowd', ['bash', script], 8);
  const log = openLog(recorded.log);
  let duration = 0;
  for (const { frame } of log.records()) duration = frame.time;
  log.close();
  const chance = new Chance(SEED);
  t.log(`SEED=${SEED}`);
  for (let run = 0; run < RUNS; run++) {
    const time = chance.below(duration);
    const args = [join(import.meta.dirname, 'live-at.mjs'), recorded.log, `${time}`, STORE];
    const live = spawnSync(process.execPath, args, {
      encoding: 'latin1',
      input: '',
      timeout: DEADLINE_MS,
    });
    const what = `at ${time} ns of ${recorded.log}: ${live.stderr}`;
    // No frame, or no process, is left behind that time.
    if (live.status === 98) {
      t.regex(live.stderr, /^(NOT_REACHED|ENDED): /, what);
      continue;
    }
    t.is(live.stdout, recorded.stdout, what);
    t.is(live.status, 8, what);
    t.regex(live.stderr, /^live \[("its process group is the one of replay")?\]\n$/, what);
  }
  recorded.discard();
});

/** Bookmarks of a log: those first at which a process has been made and has not run. */
function bookmarksOf(path: string): number[] {
  const log = openLog(path);
  const all = new Set<number>();
  const fresh = new Set<number>();
  /** By stream, the bookmark that nothing has come behind. */
  const last = new Map<number, number>();
  for (const { frame, stream } of log.records()) {
    if (frame.type === 'bookmark') {
      all.add(frame.id);
      last.set(stream, frame.id);
      continue;
    }
    if (frame.type === 'task-start' && last.has(stream)) fresh.add(last.get(stream)!);
    if (frame.type !== 'resource') last.delete(stream);
  }
  log.close();
  return [...fresh, ...[...all].filter((id) => !fresh.has(id))];
}

(keepsIds ? test : test.skip)('a crowd of processes goes live at bookmarks', async (t) => {
  const script = join(root, 'test/programs/crowd.sh');
  const command = ['--auto-bookmark', '0.02', 'bash', script];
  const recorded = await recordWhole(t, 'live-bookmarks', command, 8);
  const bookmarks = bookmarksOf(recorded.log);
  t.true(bookmarks.length > 0);
  for (const bookmark of bookmarks.slice(0, RUNS)) {
    const live = await scribe('replay', ['-g', `${bookmark}`, recorded.log], { cwd: '/' });
    const what = `at bookmark ${bookmark} of ${recorded.log}: ${live.stderr}`;
    // A fork may be in its middle.
    if (live.code === 119) {
      t.regex(live.stderr, /waits there for a child of vfork\n$/, what);
      continue;
    }
    t.is(live.stdout, recorded.stdout, what);
    t.is(live.code, 8, what);
  }
  recorded.discard();
});
