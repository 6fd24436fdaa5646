import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { getuid } from 'node:process';
import test, { type ExecutionContext } from 'ava';
import { getAffinity } from '@scribe-ts/core-native';
import { BIN, busy } from './busy.js';
import { compile, type Outcome, Pool, root, run, workspace } from './harness.js';
import { find } from './programs/driver.js';

const pool = new Pool(2);
const confine = compile(join(root, 'test/programs/confine.c'));
/** A user with no rights at all. */
const NOBODY = 65534;

/** A command that runs another one in other surroundings. */
type Wrapper = readonly string[];

/** undefined if the command works here, else why not. */
function refusal(wrapper: Wrapper): string | undefined {
  const [file, ...args] = [...wrapper, process.execPath, '-e', 'process.exit(0)'];
  try {
    execFileSync(file!, args, { stdio: 'ignore', cwd: '/' });
    // The user must be able to read this very checkout.
    execFileSync(file!, [...args.slice(0, -2), join(BIN, 'record.js'), '--version'], {
      stdio: 'ignore',
      cwd: '/',
    });
    return undefined;
  } catch {
    return `not here: ${wrapper.join(' ')}`;
  }
}

const nobody: Wrapper = [
  ...['setpriv', '--reuid', `${NOBODY}`, '--regid', `${NOBODY}`, '--clear-groups'],
  '--inh-caps=-all',
];
const SURROUNDINGS: Readonly<Record<string, Wrapper>> = {
  'an unprivileged user': nobody,
  'a user namespace under the profile of a container': ['unshare', '-Ur', confine, 'container'],
  'an unprivileged user in a user namespace under the profile of a container': [
    ...[...nobody, 'unshare', '-Ur', confine, 'container'],
  ],
  'a container that refuses to read other memory': [
    ...[confine, 'container,process_vm_readv,process_vm_writev'],
  ],
  'a new session without a terminal': ['setsid', '-w'],
};

/** Each depends on something that these surroundings take away, or that the layout of the address space changes. */
const GUESTS = [
  'cpu_cpuid',
  'cpu_generated_cpuid',
  'cpu_tsc',
  'exec_from_thread',
  'ipc_sysv_shm',
  'job_shell',
  'kernel_stack_depth',
  'mem_shared_file',
  'mem_stack_growth',
  'proc_self_files',
  'proc_tree',
  'proc_vfork_exec',
  'signal_altstack',
  'sys_auxv',
  'sys_identity',
  'sys_refused',
  'thread_sync',
  'time_vdso',
  'tty_pty',
];
const PROGRAMS: readonly (readonly string[])[] = [
  [busy, '5'],
  ...GUESTS.map((name) => [compile(join(root, `test/guests/${name}.c`))]),
];

/** A directory that everybody can write to, with copies of programs that everybody can run. */
function openPlace(name: string): ReturnType<typeof workspace> {
  const place = workspace(name);
  chmodSync(place.path, 0o777);
  if (getuid!() === 0) chownSync(place.path, NOBODY, NOBODY);
  return place;
}

const environmentOf = (place: string): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH,
  HOME: place,
  TMPDIR: place,
  TERM: 'dumb',
});

function start(wrapper: Wrapper, place: string, command: readonly string[]): Promise<Outcome> {
  const [file, ...args] = [...wrapper, ...command];
  return run(file!, args, { cwd: place, env: environmentOf(place) });
}

const scribe = (name: string): string[] => [process.execPath, join(BIN, `${name}.js`)];

/** Records where `wrapper` says, and compares with what the same does there by itself. */
async function recordIn(
  t: ExecutionContext,
  wrapper: Wrapper,
  place: string,
  command: readonly string[],
  options: readonly string[] = [],
): Promise<{ log: string; recorded: Outcome }> {
  const native = await start(wrapper, place, command);
  const log = join(place, `${basename(command[0]!)}.log`);
  const record = [...scribe('record'), '--state-hashes', ...options, '-o', log];
  const recorded = await start(wrapper, place, [...record, ...command]);
  t.is(recorded.code, native.code, `${command.join(' ')}: ${recorded.stderr}`);
  t.is(recorded.signal, native.signal);
  t.is(recorded.stderr, native.stderr);
  return { log, recorded };
}

async function replayIn(
  t: ExecutionContext,
  wrapper: Wrapper,
  place: string,
  log: string,
  recorded: Outcome,
): Promise<void> {
  const command = [...scribe('replay'), log];
  const replayed = await start(wrapper, place, command);
  t.deepEqual(replayed, recorded, `once more: ${[...wrapper, ...command].join(' ')}`);
}

for (const [what, wrapper] of Object.entries(SURROUNDINGS)) {
  const title = `programs are recorded and replayed by ${what}`;
  const why = refusal(wrapper);
  if (why !== undefined) {
    test.skip(`${title} (${why})`, () => {});
    continue;
  }
  test(title, async (t) => {
    await using _turn = await pool.enter();
    const place = openPlace('anywhere');
    for (const command of PROGRAMS) {
      const { log, recorded } = await recordIn(t, wrapper, place.path, command);
      t.is(recorded.code, 0, recorded.stderr);
      await replayIn(t, wrapper, place.path, log, recorded);
      rmSync(log);
    }
    place.discard();
  });
}

/** How the kernel lays out memory, from the recording to the replay. */
const withStack = (size: string): string => `ulimit -S -s ${size}; exec "$@"`;
const SMALL_STACK = withStack('100');
const LAYOUTS: readonly Wrapper[] = [
  ...[withStack('unlimited'), withStack('8192'), SMALL_STACK].map((script) => [
    'sh',
    '-c',
    script,
    'sh',
  ]),
  ...(find('setarch') === undefined ? [] : [['setarch', '-R']]),
  ['env', '-i', `LONG=${'x'.repeat(100_000)}`],
];

for (const [i, from] of LAYOUTS.entries()) {
  test(`a log made under '${from.slice(0, 3).join(' ').slice(0, 40)}' replays under all others`, async (t) => {
    await using _turn = await pool.enter();
    const place = openPlace('layout');
    for (const [n, command] of PROGRAMS.entries()) {
      // It needs more than the smallest of these stacks, recorded or not.
      if (from.includes(SMALL_STACK) && command[0]!.includes('stack_growth')) continue;
      const { log, recorded } = await recordIn(t, from, place.path, command);
      t.is(recorded.code, 0, recorded.stderr);
      // Every pair of layouts comes up several times over the programs.
      await replayIn(t, LAYOUTS[(i + n) % LAYOUTS.length]!, '/', log, recorded);
      rmSync(log);
    }
    place.discard();
  });
}

const CPUS = [...new Set([getAffinity(0).at(0)!, getAffinity(0).at(-1)!])];
const onOther = 'a log made on one CPU replays where replay was told to run on another';
if (CPUS.length < 2 || find('taskset') === undefined)
  test.skip(`${onOther} (needs two CPUs and taskset)`, () => {});
else {
  test(onOther, async (t) => {
    await using _turn = await pool.enter();
    const place = openPlace('cpu');
    for (const [n, command] of PROGRAMS.entries()) {
      const on = (i: number): Wrapper => ['taskset', '-c', `${CPUS[(n + i) % CPUS.length]}`];
      const { log, recorded } = await recordIn(t, on(0), place.path, command);
      t.is(recorded.code, 0, recorded.stderr);
      await replayIn(t, on(1), place.path, log, recorded);
      rmSync(log);
    }
    place.discard();
  });
}

const others = 'a packed log replays for another user, from a directory that is gone';
if (refusal(nobody) !== undefined) test.skip(`${others} (${refusal(nobody)})`, () => {});
else {
  test(others, async (t) => {
    await using _turn = await pool.enter();
    const mine = workspace('mine');
    const theirs = openPlace('theirs');
    const store = ['--pack', '--store', join(mine.path, 'store')];
    const { log, recorded } = await recordIn(t, [], mine.path, [busy, '5'], store);
    const copy = join(theirs.path, 'copy.log');
    copyFileSync(log, copy);
    chmodSync(copy, 0o444);
    mine.discard();
    await replayIn(t, nobody, theirs.path, copy, recorded);
    const gone = join(theirs.path, 'gone');
    mkdirSync(gone, { mode: 0o777 });
    const inGone = [...nobody, 'sh', '-c', 'cd "$0" && rmdir "$0" && exec "$@"', gone];
    await replayIn(t, inGone, theirs.path, copy, recorded);
    mkdirSync(gone, { mode: 0o777 });
    const again = await start(inGone, theirs.path, [...scribe('record'), '-o', '/tmp/x.log', 'ls']);
    t.is(again.stderr, 'record: the current directory is gone; go to one that is there\n');
    t.is(again.code, 123);
    theirs.discard();
  });
}

test('a program that its user may execute but not read is refused in one line', async (t) => {
  const why = refusal(nobody);
  if (why !== undefined) {
    t.log(`skipped: ${why}`);
    t.pass();
    return;
  }
  const place = openPlace('unreadable');
  const secret = join(place.path, 'secret');
  copyFileSync(busy, secret);
  chmodSync(secret, 0o711);
  const command = [...scribe('record'), '-o', join(place.path, 'x.log'), secret, '1'];
  const { code, stdout, stderr } = await start(nobody, place.path, command);
  t.is(stdout, '');
  t.regex(stderr, /^record: cannot read .*secret: permission denied; [^\n]+\n$/);
  t.is(code, 126);
  // The same in the middle of a recording is an execve that fails.
  const log = join(place.path, 'sh.log');
  const shell = ['sh', '-c', `${secret} 1; echo $?`];
  const record = [...scribe('record'), '-v', '-o', log, ...shell];
  const recorded = await start(nobody, place.path, record);
  t.regex(
    recorded.stderr,
    /^record: .*secret may be executed, but not read, and cannot be traced/m,
  );
  t.is(recorded.stdout, '126\n');
  const replayed = await start(nobody, place.path, [...scribe('replay'), log]);
  t.is(replayed.stdout, '126\n');
  t.is(replayed.code, 0);
  place.discard();
});

test('where ptrace is refused, one line says so and what to do', async (t) => {
  const place = workspace('refused');
  const log = join(place.path, 'x.log');
  const recorded = await start([confine, 'ptrace'], place.path, [
    ...[...scribe('record'), '--store', join(place.path, 'store'), '-o', log],
    ...['touch', join(place.path, 'ran')],
  ]);
  t.is(recorded.code, 122);
  t.is(
    recorded.stderr,
    'record: cannot trace touch: ptrace: operation not permitted; a seccomp filter refuses it: ' +
      'start the container with --cap-add=SYS_PTRACE, or with a seccomp profile that allows ptrace\n',
  );
  t.false(existsSync(join(place.path, 'ran')));
  t.false(existsSync(log));

  const whole = await recordIn(t, [], place.path, [busy, '1']);
  const replayed = await start([confine, 'ptrace'], place.path, [...scribe('replay'), whole.log]);
  t.is(replayed.code, 122);
  t.regex(replayed.stderr, /^replay: cannot trace .*: operation not permitted; a seccomp filter/);
  // Reading a log needs no tracing.
  const shown = await start([confine, 'ptrace'], place.path, [...scribe('profiler'), whole.log]);
  t.is(shown.code, 0);
  place.discard();
});

test('record under another tracer says who traces it', async (t) => {
  const place = workspace('traced');
  const inner = [...scribe('record'), '-o', join(place.path, 'inner.log'), 'true'];
  const outer = [...scribe('record'), '-o', join(place.path, 'outer.log'), ...inner];
  const line =
    /^record: cannot trace true: ptrace: .*; process \d+ traces record itself, children included; run it without\n$/;
  const nested = await start([], place.path, outer);
  t.regex(nested.stderr, /^record: cannot trace true: ptrace: .* that is recorded itself: .*\n$/);
  t.is(nested.code, 122);
  const replayed = await start([], place.path, [
    ...scribe('replay'),
    join(place.path, 'outer.log'),
  ]);
  t.deepEqual(replayed, nested);
  if (find('strace') === undefined) t.log('without strace: it is not here');
  else {
    const traced = await start(['strace', '-f', '-o', '/dev/null'], place.path, inner);
    t.regex(traced.stderr, line);
    t.is(traced.code, 122);
    // Whoever traces record alone is no trouble.
    const alone = await start(['strace', '-o', '/dev/null'], place.path, inner);
    t.is(alone.code, 0, alone.stderr);
  }
  place.discard();
});
