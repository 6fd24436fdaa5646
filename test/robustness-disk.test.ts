import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { getuid } from 'node:process';
import test, { type ExecutionContext } from 'ava';
import { busy, Meddled, replayWhatThereIs, STORE } from './busy.js';
import { Chance, SEED } from './chance.js';
import { compile, Pool, root, scribe, workspace } from './harness.js';

/** Bytes of a page: tmpfs counts in them. */
const PAGE = 4096;
/** With a fast disk and fast CPUs the log is smaller: its program has less to wait for. */
const ROUNDS = ['12'];
const pool = new Pool(2);
const chance = new Chance(SEED);

const mayMount = ((): boolean => {
  const place = workspace('mount');
  try {
    execFileSync('mount', ['-t', 'tmpfs', 'none', place.path], { stdio: 'ignore' });
    execFileSync('umount', [place.path]);
    return true;
  } catch {
    return false;
  } finally {
    place.discard();
  }
})();

/** A test that mounts a file system; where that is not allowed it is skipped, by name. */
function mountTest(title: string, body: (t: ExecutionContext) => Promise<void>): void {
  if (mayMount) test(title, body);
  else test.skip(`${title} (not here: mounting is not allowed)`, () => {});
}

/** A file system in a directory of its own for one test; it is gone at the test's end. */
function mounted(t: ExecutionContext, options: string): string {
  const place = workspace('disk');
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'none', place.path]);
  t.teardown(() => {
    execFileSync('umount', [place.path]);
    place.discard();
  });
  return place.path;
}

/** What must hold when the log has come to no good end, but the program has. */
async function checkDetached(t: ExecutionContext, recording: Meddled, log: string): Promise<void> {
  t.is(recording.child.exitCode, 124, recording.stderr);
  t.regex(recording.stdout, /\ntracer none, \d+ CPUs\nbusy ok\n$/);
  t.deepEqual(await recording.leftBehind(), [], 'processes are left behind');
  const info = await scribe('scribe', ['info', log]);
  t.is(info.code, 0, info.stderr);
  t.regex(info.stdout, /^end: +truncated/m);
  const replayed = await replayWhatThereIs(t, log, recording.stdout);
  t.is(replayed.code, 0, replayed.stderr);
}

for (const [i, part] of chance.spread(20, 1).entries()) {
  const title = `a disk that is full after part ${i + 1} of 20 of the log ends the recording, not the program`;
  mountTest(title, async (t) => {
    await using _turn = await pool.enter();
    // The whole log has about 1400 KB.
    const pages = 1 + Math.floor(part * 150);
    t.log(`SEED=${SEED}: ${pages} pages`);
    const log = join(mounted(t, `size=${pages * PAGE}`), 'full.log');
    const recording = new Meddled(log, [busy, ...ROUNDS]);
    await recording.closed;
    t.regex(
      recording.stderr,
      /^record: cannot write .*full\.log to its end: no space left on device; what was written can be replayed; process \d+ runs on unrecorded\n$/,
    );
    await checkDetached(t, recording, log);
  });
}

mountTest('a full disk ends the program if the user wants that', async (t) => {
  await using _turn = await pool.enter();
  const log = join(mounted(t, 'size=64k'), 'full.log');
  const recording = new Meddled(log, [busy, '30'], ['--on-log-failure', 'kill']);
  await recording.closed;
  t.is(recording.child.exitCode, 124);
  t.regex(recording.stderr, /what was written can be replayed; the program was ended\n$/);
  t.notRegex(recording.stdout, /busy ok/);
  t.deepEqual(await recording.leftBehind(), [], 'processes are left behind');
  await replayWhatThereIs(t, log, recording.stdout);
});

for (const options of [[], ['--no-agent']]) {
  const title = `a full disk cuts no call short ${options.length === 0 ? 'with the agent' : 'traced'}`;
  mountTest(title, async (t) => {
    await using _turn = await pool.enter();
    const program = compile(join(root, 'test/programs/large-writes.c'));
    const log = join(mounted(t, 'size=1m'), 'full.log');
    const recording = new Meddled(log, [program], options);
    await recording.closed;
    t.regex(recording.stderr, /^record: cannot write [^\n]+; process \d+ runs on unrecorded\n$/);
    t.is(recording.stdout, 'all whole\n');
    t.deepEqual(await recording.leftBehind(), [], 'processes are left behind');
    await replayWhatThereIs(t, log, recording.stdout);
  });
}

test('a log that outgrows the limit of file sizes ends the recording, not the program', async (t) => {
  await using _turn = await pool.enter();
  const place = workspace('limit');
  const log = join(place.path, 'limited.log');
  // The store must have what the program maps: the limit is for its files as well.
  await scribe('record', ['--store', STORE, '-o', join(place.path, 'first.log'), busy, '1']);
  for (let i = 0; i < 5; i++) {
    const blocks = 1 + chance.below(400);
    t.log(`SEED=${SEED}: ulimit -f ${blocks}`);
    const prefix = ['sh', '-c', `ulimit -f ${blocks}; exec "$@"`, 'sh'];
    const recording = new Meddled(log, [busy, ...ROUNDS], [], prefix);
    await recording.closed;
    t.regex(recording.stderr, /^record: cannot write .* to its end: file too large; [^\n]+\n$/);
    await checkDetached(t, recording, log);
  }
  place.discard();
});

const PHASES =
  'echo begin; head -c 9 /dev/zero | wc -c; sort </dev/null; bash -c "echo bash"; gzip </dev/null | wc -c; echo end';

for (const kilobytes of [100, 1000, 2500, 3200, 4200]) {
  const title = `a store with ${kilobytes} KB of room ends the recording, or keeps the program from starting`;
  mountTest(title, async (t) => {
    await using _turn = await pool.enter();
    const place = workspace('store');
    const log = join(place.path, 'store.log');
    const store = mounted(t, `size=${kilobytes}k`);
    const recording = new Meddled(log, ['sh', '-c', PHASES], ['--store', store]);
    await recording.closed;
    t.is(recording.child.exitCode, 124, recording.stderr);
    const [line = ''] = recording.stderr.split('\n');
    const started = /^begin\n/.test(recording.stdout);
    t.log(started ? 'ran on unrecorded' : 'was not started');
    if (started) {
      t.regex(recording.stdout, /\nbash\n20\nend\n$/);
      t.regex(
        line,
        /^record: cannot write the store .*: no space left on device; what was written/,
      );
      await replayWhatThereIs(t, log, recording.stdout);
    } else {
      t.is(recording.stdout, '');
      t.regex(
        line,
        /^record: the store .* cannot be written: no space left on device; name another/,
      );
    }
    t.deepEqual(await recording.leftBehind(), [], 'processes are left behind');
    place.discard();
  });
}

test('where no log can be, nothing is run, and one line says why', async (t) => {
  const place = workspace('nowhere');
  const { path } = place;
  execFileSync('mkfifo', [join(path, 'fifo')]);
  mkdirSync(join(path, 'directory'));
  writeFileSync(join(path, 'file'), 'text');
  const cases: [log: string, reason: RegExp][] = [
    [join(path, 'directory'), /: illegal operation on a directory; name a file$/],
    [join(path, 'fifo'), /: invalid seek; a log must be a file, not a pipe or a terminal$/],
    [join(path, 'absent/x.log'), /: no such file or directory$/],
    [join(path, 'file/x.log'), /: not a directory$/],
    ['/dev/full', /: no space left on device; make room and try again$/],
  ];
  if (mayMount) {
    const full = mounted(t, 'size=4k');
    writeFileSync(join(full, 'rest'), new Uint8Array(PAGE));
    cases.push([join(full, 'x.log'), /: no space left on device; make room and try again$/]);
    cases.push([join(mounted(t, 'ro'), 'x.log'), /: read-only file system$/]);
  }
  if (getuid!() !== 0) {
    mkdirSync(join(path, 'closed'), { mode: 0o500 });
    cases.push([join(path, 'closed/x.log'), /: permission denied$/]);
  }
  for (const [log, reason] of cases) {
    const existed = existsSync(log);
    const recording = new Meddled(log, ['touch', join(path, 'ran')]);
    await recording.closed;
    t.is(recording.child.exitCode, 124, `${log}: ${recording.stderr}`);
    t.regex(recording.stderr.replace(/\n$/, ''), reason, log);
    t.true(recording.stderr.startsWith('record: cannot write '), recording.stderr);
    t.false(existsSync(join(path, 'ran')), log);
    t.deepEqual(await recording.leftBehind(), [], 'processes are left behind');
    if (!existed && existsSync(log)) t.is(statSync(log).size, 0, log);
  }
  place.discard();
});

test('a store that cannot be written keeps the program from starting', async (t) => {
  const place = workspace('closed');
  const { path } = place;
  writeFileSync(join(path, 'file'), 'text');
  chmodSync(join(path, 'file'), 0o400);
  const stores: [store: string, reason: string][] = [[join(path, 'file'), 'file already exists']];
  if (mayMount) stores.push([mounted(t, 'ro'), 'read-only file system']);
  for (const [store, reason] of stores) {
    const recording = new Meddled(
      join(path, 'x.log'),
      ['touch', join(path, 'ran')],
      ['--store', store],
    );
    await recording.closed;
    t.is(
      recording.stderr,
      `record: the store ${store} cannot be written: ${reason}; name another store with --store or SCRIBE_STORE\n`,
    );
    t.is(recording.child.exitCode, 124);
    t.false(existsSync(join(path, 'ran')));
  }
  place.discard();
});

test('a pipe, a directory and a device are no logs, and nothing waits for them', async (t) => {
  const place = workspace('foreign');
  const fifo = join(place.path, 'fifo');
  execFileSync('mkfifo', [fifo]);
  for (const path of [fifo, place.path, '/dev/zero', '/dev/null']) {
    for (const [command, ...args] of [['scribe', 'info'], ['replay'], ['profiler']] as const) {
      const { code, stderr } = await scribe(command, [...args, path], { timeoutMs: 120_000 });
      t.is(code, 121, `${command} ${path}`);
      t.regex(stderr, /^[^\n]* is not a log: it is not a regular file; [^\n]+\n$/);
    }
  }
  place.discard();
});
