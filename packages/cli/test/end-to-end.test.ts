import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { rewriteLog, syscallByName } from '@scribe-ts/tracelog';
import test, { type ExecutionContext } from 'ava';
import { ExitCode } from '../src/exit-codes.js';
import { directory } from './directory.js';

const BIN = fileURLToPath(new URL('../bin', import.meta.url));
const bin = (name: string): string => join(BIN, `${name}.js`);

interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Started {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly outcome: Promise<Outcome>;
  /** Resolves once this text has come on standard output; rejects if it never does. */
  printed(text: string): Promise<void>;
}

/** Runs one of the commands with a store of its own. */
function start(cwd: string, command: string, ...args: string[]): Started {
  const child = spawn(process.execPath, [bin(command), ...args], {
    cwd,
    env: { ...process.env, SCRIBE_STORE: join(cwd, 'store'), NO_COLOR: '1' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const outcome = once(child, 'close').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
    stdout,
    stderr,
  }));
  const printed = (text: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (stdout.includes(text)) resolve();
      };
      child.stdout.on('data', look);
      child.on('close', () => reject(new Error(`'${text}' was never printed, but: ${stderr}`)));
      look();
    });
  return { child, outcome, printed };
}

async function run(cwd: string, command: string, ...args: string[]): Promise<Outcome> {
  const { child, outcome } = start(cwd, command, ...args);
  child.stdin.end();
  return await outcome;
}

/** Records, replays, and compares what both printed and how they ended. */
async function recordAndReplay(
  t: ExecutionContext,
  cwd: string,
  log: string,
  ...args: string[]
): Promise<Outcome> {
  const recorded = await run(cwd, 'record', ...args);
  const replayed = await run(cwd, 'replay', log);
  t.deepEqual(replayed, recorded);
  return recorded;
}

test('a command that does nothing', async (t) => {
  const cwd = directory(t);
  const outcome = await recordAndReplay(t, cwd, 'true.log', 'true');
  t.deepEqual(outcome, { code: 0, signal: null, stdout: '', stderr: '' });
});

test('status and output are the program’s', async (t) => {
  const cwd = directory(t);
  const outcome = await recordAndReplay(t, cwd, 'sh.log', '-s', 'echo out; echo err >&2; exit 3');
  t.deepEqual(outcome, { code: 3, signal: null, stdout: 'out\n', stderr: 'err\n' });
});

test('a program killed by a signal', async (t) => {
  const cwd = directory(t);
  const killed = await recordAndReplay(t, cwd, 'sh.log', '-s', 'kill -TERM $$');
  t.is(killed.signal, 'SIGTERM');
  // A core file of ours would overwrite the program's.
  const crashed = await recordAndReplay(t, cwd, 'sh.log', '-s', 'ulimit -c 0; kill -SEGV $$');
  t.is(crashed.code, 139);
});

test('options after the command are its own', async (t) => {
  const cwd = directory(t);
  const { stdout } = await run(cwd, 'record', 'echo', '-n', '--', '-o', '--help');
  t.is(stdout, '-- -o --help');
  t.true(existsSync(join(cwd, 'echo.log')));
});

test('standard input reaches the program', async (t) => {
  const cwd = directory(t);
  const { child, outcome } = start(cwd, 'record', 'cat');
  child.stdin.end('some\nlines\n');
  t.is((await outcome).stdout, 'some\nlines\n');
  t.is((await run(cwd, 'replay', 'cat.log')).stdout, 'some\nlines\n');
});

test('commands that cannot be started', async (t) => {
  const cwd = directory(t);
  const failure = async (code: number, line: RegExp, ...args: string[]): Promise<void> => {
    const outcome = await run(cwd, 'record', ...args);
    t.is(outcome.code, code);
    t.is(outcome.stdout, '');
    t.regex(outcome.stderr, line);
    t.is(outcome.stderr.split('\n').length, 2);
  };
  const plain = join(cwd, 'plain');
  writeFileSync(plain, 'no program');
  await failure(127, /^record: cannot find no-such-command; /, 'no-such-command');
  await failure(127, /^record: cannot find \.\/no-such; /, './no-such');
  await failure(126, /^record: cannot execute \.\/plain: permission denied/, './plain');
  chmodSync(plain, 0o755);
  await failure(126, /^record: cannot execute \.\/plain: exec format error/, './plain');
  await failure(
    123,
    /^record: cannot enter directory nowhere: no such file/,
    '-c',
    'nowhere',
    'ls',
  );
  await failure(124, /^record: cannot write no\/x\.log: no such file/, '-o', 'no/x.log', 'true');
  await failure(2, /^record: missing command/);
});

test('-c and -o', async (t) => {
  const cwd = directory(t);
  const { stdout } = await run(cwd, 'record', '-c', '/', '-o', 'my.log', 'pwd');
  t.is(stdout, '/\n');
  t.true(existsSync(join(cwd, 'my.log')));
});

test('-v tells what was recorded', async (t) => {
  const cwd = directory(t);
  const { stderr } = await run(cwd, 'record', '-v', '-l', '0', 'true');
  t.regex(stderr, /^record: wrote true\.log \(.* KiB\): \d+ system calls, 1 task, exited with 0$/m);
});

test('SIGTERM to record ends the program', async (t) => {
  const cwd = directory(t);
  const { child, outcome, printed } = start(cwd, 'record', '-s', 'echo ready; exec sleep 1000');
  await printed('ready');
  child.kill('SIGTERM');
  const { signal } = await outcome;
  t.is(signal, 'SIGTERM');
  t.is((await run(cwd, 'replay', 'sh.log')).signal, 'SIGTERM');
});

test('a second SIGTERM to record ends a program that does not', async (t) => {
  const cwd = directory(t);
  const spin = "trap 'echo not yet' TERM; sleep 1000 & echo ready; while :; do :; done";
  const { child, outcome, printed } = start(cwd, 'record', '-s', spin);
  await printed('ready');
  child.kill('SIGTERM');
  child.kill('SIGTERM');
  // Two that come at once are one.
  const again = setInterval(() => child.kill('SIGTERM'), 200);
  const { signal, stderr } = await outcome;
  clearInterval(again);
  t.is(signal, 'SIGKILL');
  t.regex(
    stderr,
    /^record: ended on request: the program was killed, sh.log is complete up to there$/m,
  );
  const replayed = await run(cwd, 'replay', 'sh.log');
  t.is(replayed.signal, 'SIGKILL');
  t.regex(replayed.stdout, /^ready/);
  t.is(replayed.stderr, '');
});

test('SIGINT to record alone does nothing', async (t) => {
  const cwd = directory(t);
  const { child, outcome, printed } = start(cwd, 'record', '-s', 'echo ready; read x; echo $x');
  await printed('ready');
  child.kill('SIGINT');
  child.stdin.end('still here\n');
  const { code, stdout } = await outcome;
  t.is(code, 0);
  t.is(stdout, 'ready\nstill here\n');
});

test('SIGUSR2 sets a bookmark at which a replay stops', async (t) => {
  const cwd = directory(t);
  const { child, outcome, printed } = start(
    cwd,
    'record',
    '-v',
    '-s',
    'echo ready; read x; echo $x; read y; echo $y',
  );
  await printed('ready');
  const said = new Promise<void>((resolve) => {
    child.stderr.on('data', (text: string) => {
      if (text.includes('bookmark 1')) resolve();
    });
  });
  child.kill('SIGUSR2');
  await said;
  child.stdin.write('one\n');
  await printed('one');
  child.stdin.end('two\n');
  t.is((await outcome).code, 0);

  const { stdout } = await run(cwd, 'scribe', 'info', '--json', 'sh.log');
  t.like(JSON.parse(stdout), { bookmarks: [{ id: 1 }], end: { kind: 'exited', status: 0 } });
  const until = await run(cwd, 'replay', '--until', '1', 'sh.log');
  t.is(until.code, 0);
  t.is(until.stdout, 'ready\n');
  t.is(until.stderr, 'replay: stopped at bookmark 1, its state is the recorded one\n');
  const none = await run(cwd, 'replay', '-q', '--until', '9', 'sh.log');
  t.is(none.code, 2);
  t.regex(none.stderr, /^replay: sh\.log has no bookmark 9; /);
});

test('SIGUSR1 detaches: the program runs on by itself', async (t) => {
  const cwd = directory(t);
  // Not its standard input, which Node closes when record is gone.
  execFileSync('mkfifo', [join(cwd, 'go')]);
  const line = 'exec 3<>go; echo ready; read x <&3; echo $x; echo $$';
  const { child, outcome, printed } = start(cwd, 'record', '-v', '-s', line);
  await printed('ready');
  const exited = once(child, 'exit');
  child.kill('SIGUSR1');
  t.deepEqual(await exited, [0, null]);
  // Only now does the program end, and with it the pipes that it shares with us.
  writeFileSync(join(cwd, 'go'), 'free\n');
  const { stdout, stderr } = await outcome;
  const [, , pid] = stdout.split('\n');
  t.is(stdout, `ready\nfree\n${pid}\n`);
  t.regex(stderr, new RegExp(`detached, process ${pid} runs on\n$`));

  t.deepEqual(await run(cwd, 'replay', 'sh.log'), {
    code: 0,
    signal: null,
    stdout: 'ready\n',
    stderr: "replay: sh.log ends here, before the program's end\n",
  });
  const info = await run(cwd, 'scribe', 'info', '--json', 'sh.log');
  t.like(JSON.parse(info.stdout), { end: { kind: 'detached' } });
});

test('quiet replay', async (t) => {
  const cwd = directory(t);
  await run(cwd, 'record', '-s', 'echo out; exit 4');
  t.deepEqual(await run(cwd, 'replay', '-q', 'sh.log'), {
    code: 4,
    signal: null,
    stdout: '',
    stderr: '',
  });
});

test('shrunk and packed logs replay', async (t) => {
  const cwd = directory(t);
  await run(cwd, 'record', '-l', '15', '-s', 'echo out; exit 4');
  const full = statSync(join(cwd, 'sh.log')).size;
  t.is((await run(cwd, 'scribe', 'shrink', '-l', '0', 'sh.log', '-o', 'small.log')).code, 0);
  t.true(statSync(join(cwd, 'small.log')).size < full);
  t.like(await run(cwd, 'replay', 'small.log'), { code: 4, stdout: 'out\n', stderr: '' });
  t.is((await run(cwd, 'scribe', 'pack', 'small.log')).code, 0);
  const packed = await run(cwd, 'replay', '--store', join(cwd, 'nowhere'), 'small.log');
  t.like(packed, { code: 4, stdout: 'out\n', stderr: '' });
  const unpacked = await run(cwd, 'replay', '--store', join(cwd, 'nowhere'), 'sh.log');
  t.is(unpacked.code, 121);
  t.regex(unpacked.stderr, /^replay: .*; say with --store .*\n$/);
});

test('a replay that goes another way than its log', async (t) => {
  const cwd = directory(t);
  await run(cwd, 'record', 'echo', 'hello');
  rewriteLog(join(cwd, 'echo.log'), join(cwd, 'other.log'), (frame) => {
    const isWrite = frame.type === 'syscall' && frame.nr === syscallByName.get('write')!.nr;
    return isWrite ? { ...frame, args: [9, ...frame.args.slice(1)] } : frame;
  });
  const { code, stderr } = await run(cwd, 'replay', '-b', '3', 'other.log');
  t.is(code, ExitCode.Divergence);
  const lines = stderr.split('\n');
  t.regex(lines[0]!, /^replay: diverged from the log \(arguments\) in task 2, pid \d+, tid \d+: /);
  t.regex(lines[1]!, /^expected: \[02\] write\(9, .*, 6\) = 6$/);
  t.regex(lines[2]!, /^actual: .*write\(1, .*, 6\), rip 0x/);
  t.regex(lines[3]!, /^last 3 events of task 2\b/);
  t.regex(stderr, /^registers:\n {2}rip +0x/m);
});

test('every reader refuses what is no log', async (t) => {
  const cwd = directory(t);
  writeFileSync(join(cwd, 'garbage.log'), 'x'.repeat(5000));
  writeFileSync(join(cwd, 'empty.log'), '');
  for (const command of [
    ['replay'],
    ['scribe', 'replay'],
    ['profiler'],
    ['scribe', 'profiler'],
    ['scribe', 'info'],
    ['scribe', 'info', '--json'],
    ['scribe', 'pack'],
    ['scribe', 'shrink', '-l', '0'],
  ]) {
    const [name, ...args] = command as [string, ...string[]];
    for (const log of ['garbage.log', 'empty.log', 'missing.log', '.']) {
      const { code, stdout, stderr } = await run(cwd, name, ...args, log);
      const what = `${command.join(' ')} ${log}: ${stderr}`;
      t.is(code, 121, what);
      t.is(stdout, '', what);
      t.is(stderr.split('\n').length, 2, what);
      t.regex(stderr, /^(replay|profiler|scribe \w+): /);
    }
  }
});

test('truncated logs are read up to their end', async (t) => {
  const cwd = directory(t);
  await run(cwd, 'record', '-s', 'for i in 1 2 3; do echo $i; done');
  const whole = readFileSync(join(cwd, 'sh.log'));
  writeFileSync(join(cwd, 'cut.log'), whole.subarray(0, whole.length - 40));
  const { code, stderr } = await run(cwd, 'replay', 'cut.log');
  t.is(code, 0);
  t.is(stderr, "replay: cut.log ends here, before the program's end\n");
  const { stdout } = await run(cwd, 'scribe', 'info', 'cut.log');
  t.regex(stdout, /^end: +truncated: /m);
  const printed = await run(cwd, 'profiler', 'cut.log');
  t.is(printed.code, 0);
  t.regex(printed.stderr, /^profiler: cut\.log ends here: /);
});

test('a reader that goes ends profiler quietly', async (t) => {
  const cwd = directory(t);
  // More than a pipe holds.
  await run(
    cwd,
    'record',
    '-o',
    'x.log',
    '-s',
    'i=0; while [ $i -lt 2000 ]; do echo $i; i=$((i + 1)); done',
  );
  const { child, outcome } = start(cwd, 'profiler', 'x.log');
  await once(child.stdout, 'data');
  child.stdout.destroy();
  const { code, stderr } = await outcome;
  t.is(code, 0);
  t.is(stderr, '');
});

test('the umbrella and the programs are the same', async (t) => {
  const cwd = directory(t);
  await run(cwd, 'record', '-o', 'x.log', '-s', 'echo out; exit 5');
  for (const [name, ...args] of [
    ['replay', 'x.log'],
    ['replay', '--nonsense'],
    ['profiler', 'x.log'],
    ['profiler', '--help'],
    ['record', '-o', 'y.log', 'echo', '-o'],
    ['record', '--help'],
    ['record', '--version'],
  ] as const) {
    const direct = await run(cwd, name, ...args);
    t.deepEqual(await run(cwd, 'scribe', name, ...args), direct, [name, ...args].join(' '));
  }
});

/** Runs a shell line on a terminal of its own; resolves to what the terminal showed. */
function onTerminal(cwd: string, line: string): string {
  return execFileSync('script', ['-qec', line, '/dev/null'], {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, SCRIBE_STORE: join(cwd, 'store'), NO_COLOR: '1', TERM: 'xterm' },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 300_000,
  }).replaceAll('\r', '');
}

const RECORD = `'${process.execPath}' '${bin('record')}'`;

test('what the program did to the terminal stays', (t) => {
  const cwd = directory(t);
  const shown = onTerminal(cwd, `${RECORD} stty -echo; stty -a | grep -o '[-]*\\<echo\\>'`);
  t.is(shown, '-echo\n');
});

test('a stop by the terminal stops record for its shell, which continues both', (t) => {
  const cwd = directory(t);
  const shown = onTerminal(
    cwd,
    `bash -c 'set -m; ${RECORD.replaceAll("'", '')} -s "echo before; kill -TSTP \\$\\$; echo after"; ` +
      `echo "status $?"; jobs; fg >/dev/null; echo "then $?"'`,
  );
  t.regex(
    shown,
    /^before\n\n?(\[1\]\+ +Stopped .*\n)?status 148\n\[1\]\+ +Stopped .*\nafter\nthen 0\n$/,
  );
});
