/** Each format is opened by a program that people open it with. */
import { execFile, execFileSync } from 'node:child_process';
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import * as profilerLibrary from '@scribe-ts/profiler';
import * as tracelog from '@scribe-ts/tracelog';
import type { Frame } from '@scribe-ts/tracelog';
import test, { type ExecutionContext } from 'ava';
import { runCommand } from '../src/command.js';
import { profiler } from '../src/commands/profiler.js';
import { directory } from './directory.js';
import { FakeHost } from './fake-host.js';
import { depsWith } from './fakes.js';
import { header, writeLog } from './log-fixture.js';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

function image(task: number, time: number, path: string): Frame {
  const empty = { envp: [], mappings: [], writes: [], regs: new Uint8Array(0), brk: 0 };
  return {
    type: 'image',
    task,
    time,
    tid: 70 + task,
    pid: 70 + task,
    path,
    argv: [path],
    ...empty,
  };
}

const call = (
  task: number,
  time: number,
  nr: number,
  args: number[],
  result: number,
  us: number,
): Frame => ({
  type: 'syscall',
  task,
  time: time * 1000,
  nr,
  args,
  result,
  writes: nr === 0 ? [{ addr: 0x1000, bytes: Uint8Array.of(0xff, 0x00) }] : [],
  duration: us * 1000,
});

/** Two programs: one opens, reads and fails to close; the other sleeps and is killed. */
const frames: readonly Frame[] = [
  image(2, 0, '/bin/first'),
  image(3, 0, '/bin/second'),
  { type: 'data', task: 2, time: 300_000, arg: 1, size: 4, bytes: text('/x/y') },
  call(2, 300, 257, [-100, 0x2000, 0, 0], 3, 200),
  call(2, 400, 0, [3, 0x1000, 2], 2, 50),
  call(2, 500, 3, [9], -9, 10),
  call(3, 5000, 35, [1, 2], 0, 4000),
  {
    type: 'signal',
    task: 3,
    time: 5_100_000,
    signo: 9,
    point: 'anywhere',
    action: 'terminate',
    siginfo: new Uint8Array(0),
    rip: 0,
    regs: new Uint8Array(0),
    writes: [],
  },
  { type: 'exit', task: 3, time: 5_200_000, status: 9, last: true },
  { type: 'bookmark', task: 2, time: 5_300_000, id: 1 },
];

async function run(argv: readonly string[], log: string) {
  const host = new FakeHost();
  const deps = depsWith(host, {
    profiler: () => Promise.resolve(profilerLibrary),
    tracelog: () => Promise.resolve(tracelog),
  });
  return { exitCode: await runCommand(profiler, [...argv, log], deps), host };
}

/** Exports the log; gives the path of the export. */
async function exported(t: ExecutionContext, format: string, ...argv: string[]): Promise<string> {
  const place = directory(t);
  const log = join(place, 'x.log');
  writeLog(log, frames, header());
  const path = join(place, `x.${format}`);
  const { exitCode, host } = await run(['--export', format, '--output', path, ...argv], log);
  t.is(host.stderr, '');
  t.is(exitCode, 0);
  t.is(host.stdout, '');
  return path;
}

/** True if the program is there. */
function has(program: string, ...argv: string[]): boolean {
  try {
    execFileSync(program, argv, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

test('JSON Lines: an object for each event, the log first', async (t) => {
  const path = await exported(t, 'jsonl');
  const objects = readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  t.deepEqual(
    objects.map(({ type, name }) => name ?? type),
    ['log', 'exec', 'exec', 'openat', 'read', 'close', 'nanosleep', 'SIGKILL', 'exit', 'bookmark'],
  );
  t.like(objects[3], { task: 2, pid: 72, tid: 72, time: 300_000, duration: 200_000, result: 3 });
  t.like(objects[3], { args: { path: '"/x/y"' }, words: [-100, 0x2000, 0, 0] });
  t.like(objects[4], { fds: [{ fd: 3, name: '/x/y' }] });
  t.like((objects[4]!['data'] as object[])[0], {
    direction: 'out',
    arg: 1,
    size: 2,
    base64: '/wA=',
  });
  t.like(objects[5], { result: -9, error: 'EBADF' });
});

const JQ = 'jq reads JSON Lines';
if (!has('jq', '--version')) test.skip(`${JQ} (not here: jq)`, () => {});
else {
  test(JQ, async (t) => {
    const path = await exported(t, 'jsonl', '-e', 'read,close');
    const slow = execFileSync('jq', [
      '-r',
      'select(.type=="syscall") | "\\(.name) \\(.duration)"',
      path,
    ]);
    t.is(String(slow), 'read 50000\nclose 10000\n');
  });
}

const BABELTRACE = 'babeltrace2 reads the CTF trace';
if (!has('babeltrace2', '--version')) test.skip(`${BABELTRACE} (not here: babeltrace2)`, () => {});
else {
  test(BABELTRACE, async (t) => {
    const path = await exported(t, 'ctf');
    t.deepEqual(readdirSync(path).sort(), ['metadata', 'stream']);
    const options = ['--clock-seconds', '--clock-gmt', path];
    const lines = String(execFileSync('babeltrace2', options)).trimEnd().split('\n');
    t.deepEqual(
      lines.map((line) => /(\w+): \{/.exec(line)![1]),
      ['exec', 'exec', 'openat', 'read', 'close', 'nanosleep', 'signal', 'exit', 'bookmark'],
    );
    t.true(lines[4]!.startsWith('[1700000000.000500000] (+0.000100000) host close: '), lines[4]);
    t.regex(
      lines[4]!,
      /task = 2, pid = 72, tid = 72, result = -9, duration = 10000, text = "close\(9\)/,
    );
  });
  test('a CTF trace of many packets, with a text longer than one', async (t) => {
    const place = directory(t);
    const log = join(place, 'x.log');
    const long: Frame = {
      type: 'data',
      task: 2,
      time: 0,
      arg: 1,
      size: 100_000,
      bytes: new Uint8Array(100_000).fill(65),
    };
    const write = call(2, 5, 1, [1, 2, 100_000], 100_000, 1);
    const many = Array.from({ length: 3000 }, (_, i) => call(2, 6 + i, 39, [], 72, 1));
    writeLog(log, [long, write, ...many], header());
    const { exitCode } = await run(['--export', 'ctf', '--output', join(place, 'ctf')], log);
    t.is(exitCode, 0);
    const lines = String(
      execFileSync('babeltrace2', [join(place, 'ctf')], { maxBuffer: 1e9 }),
    ).split('\n');
    t.is(lines.length, 3002);
    t.true(lines[0]!.length > 100_000);
  });
}

/** What speedscope shows of a file, in a browser. */
const BROWSER = ['/usr/bin/chromium', '/usr/bin/google-chrome'].find((path) =>
  has(path, '--version'),
);

async function speedscope(t: ExecutionContext, path: string): Promise<string> {
  const require = createRequire(import.meta.url);
  const page = join(dirname(require.resolve('speedscope/package.json')), 'dist', 'release');
  const place = directory(t);
  for (const name of readdirSync(page)) {
    if (/\.(?:html|js|css|wasm)$/.test(name)) copyFileSync(join(page, name), join(place, name));
  }
  const content = readFileSync(path).toString('base64');
  const profile = join(place, 'profile.js');
  writeFileSync(profile, `speedscope.loadFileFromBase64("profile", "${content}")`);
  const { stdout } = await promisify(execFile)(
    BROWSER!,
    [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--allow-file-access-from-files',
      `--user-data-dir=${join(place, 'user')}`,
      '--virtual-time-budget=20000',
      '--dump-dom',
      `file://${join(place, 'index.html')}#localProfilePath=${profile}`,
    ],
    { maxBuffer: 1e8, timeout: 300_000 },
  );
  return stdout.replaceAll(/<style.*?<\/style>/gs, '').replaceAll(/<[^>]*>/g, ' ');
}

for (const format of ['chrome', 'folded']) {
  const title = `speedscope opens ${format}`;
  if (BROWSER === undefined) test.skip(`${title} (not here: chromium)`, () => {});
  else {
    test.serial(title, async (t) => {
      t.timeout(600_000);
      const shown = await speedscope(t, await exported(t, format));
      t.regex(shown, /profile - speedscope/);
      if (format === 'folded') return;
      // Its list of threads, with the time in calls of each.
      t.regex(shown, /first \(pid 72\), \[2\] first \(tid 72\) +260\.00µs/);
      t.regex(shown, /second \(pid 73\), \[3\] second \(tid 73\) +4\.00ms/);
    });
  }
}

test('Chrome’s format: names, calls, instants', async (t) => {
  const trace = JSON.parse(readFileSync(await exported(t, 'chrome'), 'utf8')) as {
    readonly traceEvents: readonly Record<string, unknown>[];
  };
  const of = (ph: string) => trace.traceEvents.filter((event) => event['ph'] === ph);
  t.deepEqual(
    of('X').map(({ name, ts, dur, tid }) => [name, ts, dur, tid]),
    [
      ['openat', 100, 200, 72],
      ['read', 350, 50, 72],
      ['close', 490, 10, 72],
      ['nanosleep', 1000, 4000, 73],
    ],
  );
  t.deepEqual(
    of('i').map(({ name }) => name),
    ['exec', 'exec', 'SIGKILL', 'exit', 'bookmark 1'],
  );
  t.is(of('M').length, 4);
  const empty = JSON.parse(
    readFileSync(await exported(t, 'chrome', '-e', 'fd=77'), 'utf8'),
  ) as typeof trace;
  t.deepEqual(empty.traceEvents, []);
});

test('folded stacks: microseconds by program, thread and call', async (t) => {
  t.deepEqual(
    readFileSync(await exported(t, 'folded'), 'utf8')
      .trimEnd()
      .split('\n'),
    [
      'first;[2];[between calls] 5040',
      'first;[2];close 10',
      'first;[2];openat 200',
      'first;[2];read 50',
      'second;[3];[between calls] 1200',
      'second;[3];nanosleep 4000',
    ],
  );
});

test('exports to standard output, and wrong ones', async (t) => {
  const place = directory(t);
  const log = join(place, 'x.log');
  writeLog(log, frames, header());
  const { host } = await run(['--export', 'jsonl', '-e', 'close'], log);
  t.is(host.stdout.split('\n').length, 5);
  const failure = async (argv: string[], line: RegExp): Promise<void> => {
    const { exitCode, host: failed } = await run(argv, log);
    t.is(exitCode, 2);
    t.regex(failed.stderr, line);
  };
  await failure(['--export', 'xml'], /no format 'xml', only jsonl, chrome, folded, ctf/);
  await failure(['--export', 'ctf'], /name one with --output/);
  await failure(['--output', 'x'], /--output says where/);
  await failure(['--export', 'jsonl', '-r'], /--raw does not go with --export/);
  await failure(['--export', 'jsonl', '-c'], /--summary-only does not go with --export/);
  await failure(['--export', 'jsonl', '-e', 'read=1'], /do not go with --export/);
  const there = await run(['--export', 'ctf', '--output', place], log);
  t.is(there.exitCode, 124);
  t.regex(there.host.stderr, /cannot write .*: file already exists/);
});
