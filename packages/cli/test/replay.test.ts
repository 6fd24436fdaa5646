import type { Frame } from '@scribe-ts/tracelog';
import * as profiler from '@scribe-ts/profiler';
import { type Divergence, DivergenceError } from '@scribe-ts/replayer';
import type { ReplayOptions, ReplayResult } from '@scribe-ts/replayer';
import test from 'ava';
import { runCommand } from '../src/command.js';
import { replay } from '../src/commands/replay.js';
import { FakeHost, type FakeHostOptions } from './fake-host.js';
import { depsWith } from './fakes.js';
import { frames } from './log-fixture.js';

const ENDED: ReplayResult = {
  status: 0,
  syscalls: 4,
  answered: 0,
  stops: 0,
  tasks: 1,
  truncated: false,
  endState: 'abc123',
};

type FakeReplay = (options: ReplayOptions, host: FakeHost) => Promise<Partial<ReplayResult>>;

async function run(
  argv: string[],
  fake: FakeReplay = () => Promise.resolve({}),
  hostOptions: FakeHostOptions = {},
): Promise<{ exitCode: number; host: FakeHost; options: ReplayOptions | undefined }> {
  const host = new FakeHost(hostOptions);
  let options: ReplayOptions | undefined;
  const deps = depsWith(host, {
    profiler: () => Promise.resolve(profiler),
    replayer: () =>
      Promise.resolve({
        replay: async (given: ReplayOptions) => {
          options = given;
          return { ...ENDED, ...(await fake(given, host)) };
        },
      }),
  });
  const exitCode = await runCommand(replay, argv, deps);
  return { exitCode, host, options };
}

test('signals go to the replay, until the program is live', async (t) => {
  const asked: string[] = [];
  const { exitCode, host } = await run(['x.log'], (options, host) => {
    const raise = (name: NodeJS.Signals): void => void host.send(name);
    options.onStart!({ goLive: () => asked.push('live'), check: () => asked.push('check') });
    raise('SIGUSR2');
    options.onChecked!(0);
    options.onChecked!(5);
    raise('SIGUSR1');
    options.onLost!('a pipe');
    options.onLive!(77, 0);
    raise('SIGUSR2');
    raise('SIGINT');
    t.false(options.signal!.aborted);
    return Promise.resolve({ status: 0x300, truncated: true });
  });
  t.deepEqual(asked, ['check', 'live']);
  t.is(exitCode, 3);
  t.is(
    host.stderr,
    'replay: no deadlock: the program computes\nreplay: no deadlock: 5 stops\nreplay: not as it was: a pipe\n',
  );
});

test('every option reaches the replayer', async (t) => {
  const { options } = await run(['x.log']);
  const { signal, onStart, onLive, onLost, onChecked, ...plain } = options!;
  t.true(signal instanceof AbortSignal);
  for (const told of [onStart, onLive, onLost, onChecked]) t.is(typeof told, 'function');
  t.deepEqual(plain, {
    log: 'x.log',
    quiet: false,
    stateHashes: false,
    agent: true,
    backtraceLength: 20,
  });
  const all = await run(
    // prettier-ignore
    ['-q', '-b', '5', '-c', '2.5', '--until', '3', '--store', 'st', '--state-hashes', '--agent', 'x.log'],
    () => Promise.resolve({ bookmark: 3 }),
  );
  t.like(all.options, {
    log: 'x.log',
    quiet: true,
    backtraceLength: 5,
    deadlockSeconds: 2.5,
    until: 3,
    store: 'st',
    stateHashes: true,
    agent: true,
  });
  t.false((await run(['--no-agent', 'x.log'])).options!.agent);
});

test('replay ends as the program did and says nothing', async (t) => {
  const end = (status: number | undefined) => run(['x.log'], () => Promise.resolve({ status }));
  const exited = await end(3 << 8);
  t.is(exited.exitCode, 3);
  t.is(exited.host.stdout + exited.host.stderr, '');
  const killed = await end(15);
  t.is(killed.exitCode, 143);
  t.deepEqual(killed.host.raised, [15]);
  const crashed = await end(11 | 0x80);
  t.is(crashed.exitCode, 139);
  t.deepEqual(crashed.host.raised, []);
});

test('a log without its end is told', async (t) => {
  const { exitCode, host } = await run(['x.log'], () =>
    Promise.resolve({ status: undefined, truncated: true }),
  );
  t.is(exitCode, 0);
  t.is(host.stderr, "replay: x.log ends here, before the program's end\n");
});

test('--until and --state-hashes tell what was verified', async (t) => {
  const reached = await run(['--until', '3', 'x.log'], () => Promise.resolve({ bookmark: 3 }));
  t.is(reached.exitCode, 0);
  t.is(reached.host.stderr, 'replay: stopped at bookmark 3, its state is the recorded one\n');
  const passed = await run(['--until', '4', 'x.log']);
  t.is(passed.exitCode, 2);
  t.is(passed.host.stderr, "replay: x.log has no bookmark 4; 'scribe info' lists them\n");
  const hashed = await run(['--state-hashes', 'x.log']);
  t.is(hashed.host.stderr, 'replay: end state abc123\n');
});

test('wrong command lines', async (t) => {
  const cases: [string[], RegExp][] = [
    [[], /^replay: missing LOG/],
    [['a', 'b'], /^replay: unexpected argument 'b'/],
    [['-b', 'x', 'a'], /^replay: -b takes a whole number/],
    [['-l', '-1', 'a'], /^replay: -l takes a whole number/],
    [['-c', '0', 'a'], /^replay: -c takes a number of seconds/],
    [['--until', '1.5', 'a'], /^replay: --until takes a whole number/],
    [['--nonsense', 'a'], /^replay: unknown option --nonsense/],
  ];
  for (const [argv, line] of cases) {
    const { exitCode, host, options } = await run(argv);
    t.is(exitCode, 2, argv.join(' '));
    t.regex(host.stderr, line);
    t.is(options, undefined);
  }
});

test('-l prints events as they are replayed', async (t) => {
  const { host } = await run(['-l', '1', 'x.log'], ({ onFrame }) => {
    for (const frame of frames()) onFrame!(frame);
    return Promise.resolve({});
  });
  t.regex(host.stderr, /^\[02\] write\(1, .*, 300\) = 300$/m);
  t.is((await run(['-l', '0', 'x.log'])).options!.onFrame, undefined);
});

test('-p shows progress on a terminal, and lets the output through', async (t) => {
  const off = await run(['-p', 'x.log']);
  t.is(off.options!.onProgress, undefined);
  t.is(off.options!.onOutput, undefined);
  const long: FakeReplay = ({ onProgress, onOutput }, host) => {
    onProgress!(0.01);
    host.time = 600;
    onProgress!(0.5);
    onOutput!(1, Buffer.from('out\n'));
    onOutput!(2, Buffer.from('err\n'));
    onOutput!(0, Buffer.from('tty\n'));
    return Promise.resolve({});
  };
  const { host } = await run(['-p', 'x.log'], long, { terminals: [2] });
  t.is(host.stdout, 'out\ntty\n');
  t.is(host.stderr, '\r\x1b[Kreplay  50 %\r\x1b[Kerr\n');
  const quiet = await run(['-p', '-q', 'x.log'], long, { terminals: [2] });
  t.is(quiet.host.stdout, '');
});

test('Ctrl-C ends a replay as it ends any program', async (t) => {
  const host = new FakeHost();
  const deps = depsWith(host, {
    replayer: () =>
      Promise.resolve({
        replay: ({ signal }: ReplayOptions) =>
          new Promise<ReplayResult>((_, reject) => {
            signal!.addEventListener('abort', () => reject(signal!.reason as Error));
            host.send('SIGINT');
          }),
      }),
  });
  t.is(await runCommand(replay, ['x.log'], deps), 130);
  t.deepEqual(host.raised, [2]);
  t.is(host.stderr, '');
});

const divergence: Divergence = {
  kind: 'arguments',
  message: 'task 2 diverged: it did something else',
  task: 2,
  pid: 10,
  tid: 11,
  expected: {
    type: 'syscall',
    task: 2,
    time: 9,
    nr: 1,
    args: [1, 0x1000, 4],
    result: 4,
    writes: [],
  },
  actual: { event: 'write with argument 2 = 0x5', nr: 1, args: [1, 0x1000, 5], rip: '0x401000' },
  registers: { rip: '0x401000', rax: '0x1', rdi: '0x1', r15: '0x7fffffffe000' },
  backtrace: [
    { address: '0x401000', object: '/bin/prog', symbol: 'main+0x10' },
    { address: '0x402000', object: '', symbol: '' },
  ],
  history: [
    {
      task: 2,
      pid: 10,
      tid: 11,
      state: 'about to call write',
      frames: [
        { type: 'syscall', task: 2, time: 1, nr: 39, args: [], result: 10, writes: [] },
        { type: 'syscall', task: 2, time: 2, nr: 3, args: [7], result: 0, writes: [] },
      ] satisfies Frame[],
    },
  ],
  core: 'x.log.core',
  notes: [],
};

test('a divergence is reported with all that is known, and has its own status', async (t) => {
  const diverge =
    (changes: Partial<Divergence> = {}): FakeReplay =>
    () =>
      Promise.reject(new DivergenceError({ ...divergence, ...changes }));
  const { exitCode, host } = await run(['x.log'], diverge());
  t.is(exitCode, 120);
  t.is(host.stdout, '');
  const lines = host.stderr.split('\n');
  t.is(
    lines[0],
    'replay: diverged from the log (arguments) in task 2, pid 10, tid 11: ' +
      'task 2 diverged: it did something else',
  );
  t.regex(lines[1]!, /^expected: \[02\] write\(1, .*4\) = 4$/);
  t.regex(lines[2]!, /^actual: {3}write with argument 2 = 0x5, write\(1, .*5\), rip 0x401000$/);
  t.deepEqual(lines.slice(3), [
    'last 2 events of task 2 (about to call write):',
    '  [02] getpid() = 10',
    '  [02] close(7) = 0',
    'registers:',
    '  rip 0x401000        rax 0x1             rdi 0x1',
    '  r15 0x7fffffffe000',
    'backtrace:',
    '  #0 0x401000 main+0x10 in /bin/prog',
    '  #1 0x402000 ?',
    'core: x.log.core',
    'the program was stopped there; docs/ERRORS.md says what may be the cause',
    '',
  ]);

  const bare = await run(
    ['x.log'],
    diverge({
      expected: undefined,
      actual: { event: 'signal 11', signo: 11, rip: '' },
      registers: {},
      backtrace: [],
      history: [],
      core: '',
      notes: ['no core file: the disk is full'],
    }),
  );
  t.deepEqual(bare.host.stderr.split('\n').slice(1), [
    'expected: nothing more',
    'actual:   signal 11, signal 11',
    'core: none could be written',
    'note: no core file: the disk is full',
    'the program was stopped there; docs/ERRORS.md says what may be the cause',
    '',
  ]);
});

test('what keeps a log from being replayed is said in one line', async (t) => {
  const failure = async (error: object, exitCode: number, line: RegExp): Promise<void> => {
    const failed = await run(['x.log'], () =>
      Promise.reject(Object.assign(new Error(), { operation: '', ...error })),
    );
    t.is(failed.exitCode, exitCode);
    t.regex(failed.host.stderr, line);
    t.is(failed.host.stderr.split('\n').length, 2);
  };
  await failure(
    { code: 'CONTENT_MISSING', message: 'the content 12 is neither here nor there' },
    121,
    /^replay: the content 12 is neither here nor there; say with --store /,
  );
  await failure(
    { code: 'LOG_CORRUPT', message: 'x.log is damaged at byte 9: no' },
    121,
    /^replay: x\.log is damaged at byte 9: no; copy it again/,
  );
  await failure(
    { code: 'ENOENT', message: "ENOENT: no such file or directory, open 'x.log'" },
    121,
    /^replay: cannot read x\.log: no such file or directory\n$/,
  );
  await failure(
    { code: 'PTRACE_REFUSED', operation: 'ptrace', message: 'ptrace: EPERM' },
    122,
    /^replay: cannot trace the program: ptrace: operation not permitted; /,
  );
  await failure({ code: 'INTERNAL', message: 'oops' }, 125, /^replay: internal error: oops; /);
});
