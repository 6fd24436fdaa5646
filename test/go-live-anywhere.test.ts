/**
 * Replays that go live away from bookmarks: by signal, by `goLive`, and at random sync points. LIVE_RUNS=1000 makes so many of
 * the last, of more programs; SEED=… makes the same again.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openReplay, replay, ReplayError } from '@scribe-ts/replayer';
import { openLog } from '@scribe-ts/tracelog';
import test, { type ExecutionContext } from 'ava';
import { BIN, STORE } from './busy.js';
import { Chance, SEED } from './chance.js';
import { PATHS, Pool, root, run, scribe, workspace } from './harness.js';
import { find, keepsIds, program } from './live.js';
import { type LiveProgram, livePrograms } from './live-programs.js';

/** Bytes of the line in which `steps` says the time. */
const TIME = 21;
const ASKED = process.env.LIVE_RUNS;
const RUNS = Number(ASKED ?? 8);
/** So many bookmarks of the crowd are gone live at. */
const BOOKMARKS = ASKED === undefined ? 2 : Infinity;
/** A program that hangs is found out by this, and by nothing else. */
const DEADLINE_MS = 120_000;
/** So many programs go live at the same time. */
const pool = new Pool(2);

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

/** Says nothing about what the program sees of itself. */
const GROUP = /process group.* is the one of replay$/;

/** Goes live at so many random sync points. Each ends with the right result, or the report said before why it could not. */
async function liveAnywhere(
  t: ExecutionContext,
  { name, command, status }: LiveProgram,
  options: readonly string[],
  runs: number,
): Promise<void> {
  await using _turn = await pool.enter();
  const recorded = await recordWhole(t, `live-${name}`, [...options, ...command], status);
  const log = openLog(recorded.log);
  const times: number[] = [];
  for (const { frame } of log.records()) times.push(frame.time);
  log.close();
  const chance = new Chance(SEED);
  const count = { right: 0, told: 0, 'no process is left there': 0 };
  for (let i = 0; i < runs; i++) {
    const time = chance.pick(times);
    const report = join(recorded.path, `report-${i}.json`);
    const args = [join(import.meta.dirname, 'live-at.mjs'), recorded.log, `${time}`, STORE, report];
    const live = await run(process.execPath, args, {
      cwd: recorded.path,
      input: '',
      timeoutMs: DEADLINE_MS,
    });
    const what = `SEED=${SEED}: at ${time} ns of ${recorded.log}: ${live.stderr}`;
    if (!existsSync(report)) {
      t.is(live.code, 98, what);
      t.regex(live.stderr, /^(NOT_REACHED|ENDED): /, what);
      count['no process is left there']++;
      continue;
    }
    const lost = JSON.parse(readFileSync(report, 'utf8')) as string[];
    const told = lost.filter((text) => !GROUP.test(text));
    if (live.code === status && live.stdout === recorded.stdout) count.right++;
    else if (told.length > 0) count.told++;
    else {
      t.is(live.stdout, recorded.stdout, what);
      t.is(live.code, status, what);
    }
  }
  t.log(`SEED=${SEED}: ${JSON.stringify(count)}`);
  recorded.discard();
}

const chosen = livePrograms.filter(({ always }) => always === true || ASKED !== undefined);
for (const program of chosen)
  for (const options of PATHS)
    (keepsIds && find(program.needs) !== undefined ? test : test.skip)(
      `goes live anywhere: ${[...options, program.name].join(' ')}`,
      (t) => liveAnywhere(t, program, options, Math.ceil(RUNS / chosen.length / PATHS.length)),
    );

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
  for (const bookmark of bookmarks.slice(0, BOOKMARKS)) {
    const live = await scribe('replay', ['-g', `${bookmark}`, recorded.log], { cwd: '/' });
    const what = `at bookmark ${bookmark} of ${recorded.log}: ${live.stderr}`;
    t.is(live.stdout, recorded.stdout, what);
    t.is(live.code, 8, what);
  }
  recorded.discard();
});
