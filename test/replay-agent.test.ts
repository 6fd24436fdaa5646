import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { record } from '@scribe-ts/recorder';
import {
  type Divergence,
  DivergenceError,
  replay,
  type ReplayOptions,
  type ReplayResult,
} from '@scribe-ts/replayer';
import { type Frame, openLog, rewriteLog } from '@scribe-ts/tracelog';
import test, { type ExecutionContext } from 'ava';
import { Chance, SEED } from './chance.js';
import { compile, ended, Pool, root, workspace } from './harness.js';

// `replay --agent`: the traced replay is the oracle. guests.test.ts replays the traced path's log of every guest with it.

const store = join(root, 'build/store');
const busy = join(root, 'test/programs/agent-busy.c');
const mappings = join(root, 'test/programs/agent-mappings.c');
const forks = join(root, 'test/programs/bare-forks.c');
const twoNames = join(root, 'test/programs/two-names.c');
const noDispatch = join(root, 'test/programs/no-dispatch.c');
const pool = new Pool(2);
/** Since Linux 6.4 a tracer can turn dispatch on. */
const [major = 0, minor = 0] = release().split('.').map(Number);
const canDispatch = major > 6 || (major === 6 && minor >= 4);
const SIGTERM = 15;
const GETPPID = 110;
/** Guests whose logs of the agent's path are replayed with it; REPLAY_AGENT=all takes all of them. */
const CHOSEN = [
  'cpu_cpuid',
  'cpu_syscall_sites',
  'cpu_trap_sites',
  'cpu_tsc',
  'io_page_end',
  'mem_dlopen',
  'preempt_signals',
  'proc_vfork_memory',
  'signal_nested',
  'signal_trap',
  'thread_sync',
];

/** Guests that cannot be, and why. */
const NOT_YET: Readonly<Record<string, string>> = {
  cpu_own_code: 'reads its own code, in which the agent has patched sites',
  io_sendfile: 'sends to its output, which is opened to be appended to here: EINVAL',
  kernel_vsyscall: 'cannot be recorded',
};

interface Recorded {
  readonly log: string;
  readonly output: string;
  readonly status: number | undefined;
}

interface Recording {
  readonly agent: boolean;
  /** Called once the program has been started. */
  readonly meanwhile?: (recording: Awaited<ReturnType<typeof record>>) => Promise<void>;
}

async function recordProgram(
  t: ExecutionContext,
  command: readonly string[],
  { agent, meanwhile }: Recording,
): Promise<Recorded> {
  const place = workspace('replay-agent');
  t.teardown(() => (t.passed ? place.discard() : t.log(`kept: ${place.path}`)));
  const log = join(place.path, 'run.log');
  const output = join(place.path, 'output');
  const [input, fd] = [openSync('/dev/null', 'r'), openSync(output, 'a+')];
  const recording = await record({
    command,
    log,
    env: ['PATH=/usr/bin:/bin', 'LANG=C'],
    cwd: place.path,
    store,
    verbosity: 'sSrmdgp',
    agent,
    stateHashes: true,
    stdio: [input, fd, fd],
  });
  await meanwhile?.(recording);
  const { status } = await ended(recording);
  closeSync(input);
  closeSync(fd);
  return { log, output: readFileSync(output, 'latin1'), status };
}

interface Replayed {
  readonly result?: ReplayResult;
  readonly divergence?: Divergence;
  readonly output: string;
}

async function replayed(log: string, options: Partial<ReplayOptions>): Promise<Replayed> {
  let output = '';
  const onOutput = (_target: number, bytes: Uint8Array): void => {
    output += Buffer.from(bytes).toString('latin1');
  };
  try {
    return { result: await replay({ log, onOutput, ...options }), output };
  } catch (error) {
    if (error instanceof DivergenceError) return { divergence: error.divergence, output };
    throw error;
  }
}

for (const agent of [false, true]) {
  test(`the agent maps what a log of ${agent ? 'the agent' : 'the traced path'} has, without stopping for it`, async (t) => {
    await using _turn = await pool.enter();
    const recorded = await recordProgram(t, [compile(mappings), '100'], { agent });
    const traced = await replayed(recorded.log, {});
    const answered = await replayed(recorded.log, { agent: true });
    t.is(traced.result?.status, 7 << 8, JSON.stringify(traced.divergence));
    t.is(answered.output, recorded.output);
    const { answered: none, stops: all, ...expected } = traced.result!;
    const { answered: count, stops, ...actual } = answered.result!;
    t.deepEqual(actual, expected);
    t.is(none, 0);
    if (!canDispatch) return;
    t.true(stops < all / 20, `${stops} stops instead of ${all}`);
    t.true(count > 0.95 * actual.syscalls, `${count} of ${actual.syscalls} calls`);
  });
}

test('where a tracer cannot turn dispatch on, what is mapped is left to it', async (t) => {
  await using _turn = await pool.enter();
  const { log, output } = await recordProgram(t, [compile(mappings), '20'], { agent: true });
  const LD_PRELOAD = compile(noDispatch, ['-shared', '-fPIC']);
  const REFUSED = `${log}.refused`;
  const { status, stdout, stderr } = spawnSync(join(root, 'packages/cli/bin/replay.js'), [log], {
    encoding: 'latin1',
    env: { ...process.env, LD_PRELOAD, REFUSED },
  });
  t.is(status, 7, stderr);
  t.is(stdout, output);
  t.true(existsSync(REFUSED), 'it was asked');
});

test('a program whose first site that comes often makes children', async (t) => {
  await using _turn = await pool.enter();
  const program = compile(forks, ['-static', '-nostdlib']);
  for (const agent of [false, true]) {
    const { log } = await recordProgram(t, [program], { agent });
    const { result, divergence } = await replayed(log, { agent: true });
    t.is(result?.status, 7 << 8, JSON.stringify(divergence));
  }
});

test('a content that was mapped under two names is named as it was mapped last', async (t) => {
  await using _turn = await pool.enter();
  const place = workspace('two-names');
  t.teardown(() => place.discard());
  const names = ['first', 'second'].map((name) => join(place.path, name));
  for (const name of names) writeFileSync(name, 'the same\n');
  const { log } = await recordProgram(t, [compile(twoNames), ...names], { agent: true });
  let at = -1;
  const reader = openLog(log);
  const frames = [...reader.records()].map(({ frame }) => frame);
  reader.close();
  const last = frames.findLastIndex((frame) => frame.type === 'syscall' && frame.nr === GETPPID);
  rewriteLog(log, `${log}.spoilt`, (frame) =>
    ++at === last && frame.type === 'syscall' ? { ...frame, nr: GETPPID + 1 } : frame,
  );
  for (const agent of [false, true]) {
    const corePath = `${log}.core`;
    const { divergence } = await replayed(`${log}.spoilt`, { agent, corePath });
    t.is(divergence?.kind, 'syscall');
    // In NT_FILE, beside the arguments.
    const count = (name: string): number => readFileSync(corePath, 'latin1').split(name).length - 1;
    t.deepEqual([count('/first\0'), count('/second\0')], [1, 2]);
  }
});

for (const agent of [false, true]) {
  const path = agent ? 'the agent' : 'the traced path';

  test(`a log of ${path} is replayed by the agent as on the traced path`, async (t) => {
    await using _turn = await pool.enter();
    const recorded = await recordProgram(t, [compile(busy), '300'], { agent });
    const traced = await replayed(recorded.log, {});
    const answered = await replayed(recorded.log, { agent: true });
    t.is(traced.result?.status, 7 << 8, JSON.stringify(traced.divergence));
    t.is(answered.output, recorded.output);
    t.is(traced.output, recorded.output);
    const { answered: none, stops: all, ...expected } = traced.result!;
    const { answered: count, stops, ...actual } = answered.result!;
    t.deepEqual(actual, expected);
    t.true(stops < all / 2, `${stops} stops instead of ${all}`);
    t.not(actual.endState, '');
    t.is(none, 0);
    t.true(count > 0.9 * actual.syscalls, `${count} of ${actual.syscalls} calls`);
  });

  test(`bookmarks of ${path} are reached and verified by the agent`, async (t) => {
    await using _turn = await pool.enter();
    const { log } = await recordProgram(t, [compile(busy), '100000000'], {
      agent,
      meanwhile: async (recording) => {
        for (let id = 1; id <= 3; id++) t.is(await recording.bookmark(), id);
        recording.kill(SIGTERM);
      },
    });
    for (const until of [1, 2, 3]) {
      const { result, divergence } = await replayed(log, { until, agent: true });
      t.is(result?.bookmark, until, JSON.stringify(divergence));
    }
  });
}

test('cpuid and rdtsc of patched sites stop nobody', async (t) => {
  await using _turn = await pool.enter();
  const binary = compile(join(root, 'test/guests/cpu_trap_sites.c'));
  const { log, output } = await recordProgram(t, [binary], { agent: true });
  const reader = openLog(log);
  const traps = [...reader.records()].filter(({ frame }) => frame.type === 'trap').length;
  reader.close();
  const { result, divergence, output: again } = await replayed(log, { agent: true });
  t.is(again, output, JSON.stringify(divergence));
  t.true(traps > 1000, `${traps} traps`);
  t.true(result!.stops < traps / 2, `${result!.stops} stops for ${traps} traps`);
});

function allGuests(): string[] {
  const names = readdirSync(join(root, 'test/guests')).filter((name) => name.endsWith('.c'));
  return names.map((name) => name.slice(0, -2)).filter((name) => NOT_YET[name] === undefined);
}

for (const name of process.env.REPLAY_AGENT === 'all' ? allGuests() : CHOSEN) {
  test(`guest ${name} recorded with the agent is replayed by the agent`, async (t) => {
    await using _turn = await pool.enter();
    const binary = compile(join(root, 'test/guests', `${name}.c`));
    const { log, output, status } = await recordProgram(t, [binary], { agent: true });
    t.regex(output, new RegExp(`${name} (ok|skipped)`));
    const { result, divergence, output: again } = await replayed(log, { agent: true });
    t.is(result?.status, status, JSON.stringify(divergence));
    t.is(again, output);
  });
}

/** Changes a frame so that the program cannot do what it says; undefined if it is not one for that. */
function spoil(frame: Frame, chance: Chance): Frame | undefined {
  if (frame.type === 'data' && frame.bytes.length > 0) {
    const bytes = frame.bytes.slice();
    bytes[chance.below(bytes.length)]! ^= 1 + chance.below(255);
    return { ...frame, bytes };
  }
  if (frame.type !== 'syscall') return undefined;
  if (chance.below(2) === 0) return { ...frame, nr: frame.nr ^ (1 + chance.below(63)) };
  if (frame.args.length === 0) return undefined;
  const spoilt = chance.below(frame.args.length);
  return {
    ...frame,
    args: frame.args.map((arg, i) => (i === spoilt ? BigInt(arg) ^ 0x10001n : arg)).map(toWord),
  };
}

/** As logs have it: a number where it is a safe integer. */
function toWord(value: number | bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

const DIVERGENCES = 6;

test(`a divergence is found at the same call, and reported in the same words (SEED=${SEED})`, async (t) => {
  await using _turn = await pool.enter();
  const chance = new Chance(SEED);
  const recorded = await recordProgram(t, [compile(busy), '100'], { agent: true });
  const reader = openLog(recorded.log);
  const frames = [...reader.records()].map(({ frame }) => frame);
  reader.close();
  let found = 0;
  // The first hundred calls start the program.
  for (const place of chance.spread(DIVERGENCES, frames.length - 100)) {
    let index = Math.floor(place) + 100;
    let spoilt: Frame | undefined;
    while (index < frames.length && (spoilt = spoil(frames[index]!, chance)) === undefined) index++;
    if (spoilt === undefined) continue;
    const log = `${recorded.log}.${index}`;
    let at = -1;
    rewriteLog(recorded.log, log, (frame) => (++at === index ? spoilt : frame));
    const corePath = `${log}.core`;
    const [traced, answered] = [
      await replayed(log, { corePath }),
      await replayed(log, { corePath, agent: true }),
    ];
    if (traced.divergence !== undefined) found++;
    t.deepEqual(answered.divergence, traced.divergence, `frame ${index}`);
    t.is(answered.output, traced.output);
  }
  // Not every byte that a call was given is looked at.
  t.true(found > DIVERGENCES / 2, `${found} divergences`);
});
