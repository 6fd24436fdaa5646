import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RecordOptions } from '@scribe-ts/recorder';
import * as tracelog from '@scribe-ts/tracelog';
import test from 'ava';
import { runCommand } from '../src/command.js';
import { record } from '../src/commands/record.js';
import { FakeHost, type FakeHostOptions } from './fake-host.js';
import { depsWith, FakeRecorder } from './fakes.js';

// Default logs go to the current directory; each test file has a process of its own.
const directory = mkdtempSync(join(tmpdir(), 'scribe-cli-'));
process.chdir(directory);
test.after.always(() => rmSync(directory, { recursive: true }));

interface Run {
  readonly host: FakeHost;
  readonly recorder: FakeRecorder;
  readonly exitCode: Promise<number>;
}

function start(argv: string[], options: FakeHostOptions = {}, failure?: Error): Run {
  const host = new FakeHost(options);
  const recorder = new FakeRecorder(failure);
  const deps = depsWith(host, {
    recorder: () => Promise.resolve(recorder.module),
    tracelog: () => Promise.resolve(tracelog),
  });
  return { host, recorder, exitCode: runCommand(record, argv, deps) };
}

async function optionsOf(argv: string[], host: FakeHostOptions = {}): Promise<RecordOptions> {
  const { recorder, exitCode } = start(argv, host);
  await recorder.started;
  recorder.end();
  await exitCode;
  return recorder.options!;
}

test('the command and its options reach the recorder untouched', async (t) => {
  const options = await optionsOf(['ls', '-la', '--output=x', '--', '-h'], {
    env: { PATH: '/bin', EMPTY: '', TEXT: 'a=b' },
  });
  t.deepEqual(options, {
    command: ['ls', '-la', '--output=x', '--', '-h'],
    log: 'ls.log',
    env: ['PATH=/bin', 'EMPTY=', 'TEXT=a=b'],
    verbosity: 'ac',
    newNetwork: false,
    pack: false,
    stateHashes: false,
    agent: true,
    onLogFailure: 'detach',
  });
});

test('every option reaches the recorder', async (t) => {
  const { command, log, ...rest } = await optionsOf(
    // prettier-ignore
    ['-o', 'out/x.log', '-f', 'br', '-a', '2.5', '-n', '-c', 'sub', '--pack', '--store', 'st',
     '--state-hashes', '--agent', '--on-log-failure', 'kill', '--', '-odd'],
    { env: {} },
  );
  t.deepEqual(command, ['-odd']);
  t.is(log, 'out/x.log');
  t.deepEqual(rest, {
    env: [],
    verbosity: 'br',
    autoBookmarkSeconds: 2.5,
    newNetwork: true,
    cwd: 'sub',
    pack: true,
    store: 'st',
    stateHashes: true,
    agent: true,
    onLogFailure: 'kill',
  });
  const chrooted = await optionsOf(['-r', 'root', '-c', '/srv', 'x']);
  t.is(chrooted.root, 'root');
  t.is(chrooted.cwd, '/srv');
});

test('chaos has the seed that was given, or any', async (t) => {
  const chosen = await optionsOf(['--chaos=42', 'x']);
  t.is(chosen.chaos, 42);
  t.false(chosen.agent);
  const { chaos } = await optionsOf(['--chaos', 'x']);
  t.true(Number.isInteger(chaos) && chaos! >= 0 && chaos! < 2 ** 32);
  const { host, recorder, exitCode } = start(['-v', '--chaos=7', '-o', '/dev/null', 'x']);
  await recorder.started;
  recorder.end();
  await exitCode;
  t.regex(host.stderr, /^record: chaos with seed 7$/m);
});

test('the agent is used unless it is not wanted, or cannot tell what is', async (t) => {
  const uses = async (...argv: string[]): Promise<boolean | undefined> =>
    (await optionsOf([...argv, 'x'])).agent;
  t.true(await uses());
  t.true(await uses('-f', 'ab'));
  t.false(await uses('--no-agent'));
  t.false(await uses('-f', 'ar'));
  t.true(await uses('--agent', '-f', 'ar'));
});

test('-s gives one line to the shell', async (t) => {
  const options = await optionsOf(['-s', 'date | tee x', '-y']);
  t.deepEqual(options.command, ['/bin/sh', '-c', 'date | tee x -y']);
  t.is(options.log, 'sh.log');
});

test('the log is named after the command', async (t) => {
  t.is((await optionsOf(['./build/prog'])).log, 'prog.log');
  t.is((await optionsOf(['/bin/sh', '-c', 'x'])).log, 'sh.log');
});

test('a level is the first so many letters', async (t) => {
  const verbosity = async (...argv: string[]): Promise<string> =>
    (await optionsOf([...argv, 'x'])).verbosity;
  t.is(await verbosity('-l', '0'), '');
  t.is(await verbosity('-l3'), 'abc');
  t.is(await verbosity('--level=15'), 'abcr');
  t.is(await verbosity('-f', ''), '');
});

test('wrong command lines start nothing and exit with 2', async (t) => {
  const cases: [string[], RegExp][] = [
    [[], /^record: missing command/],
    [['-s'], /^record: missing command/],
    [['-x', 'ls'], /^record: unknown option -x/],
    [['-l', '16', 'ls'], /^record: -l takes a whole number from 0 to 15/],
    [['-l', '1', '-f', 'a', 'ls'], /^record: -l and -f both/],
    [['-f', 'z', 'ls'], /^record: -f knows no letter 'z', only abcr/],
    [['-a', '0', 'ls'], /^record: -a takes a number of seconds/],
    [['--on-log-failure', 'panic', 'ls'], /^record: --on-log-failure takes detach or kill/],
    [['-o', '', 'ls'], /^record: -o needs the name of a file/],
    [['-o'], /^record: -o needs a value/],
    [['--chaos=x', 'ls'], /^record: --chaos takes a whole number from 0 to 4294967295, not 'x'/],
    [['--chaos', '42', 'ls'], /^record: the seed goes behind an equals sign: --chaos=42/],
    [['--chaos', '--agent', 'ls'], /^record: --chaos and --agent exclude each other/],
  ];
  for (const [argv, line] of cases) {
    const { host, recorder, exitCode } = start(argv);
    t.is(await exitCode, 2, argv.join(' '));
    t.regex(host.stderr, line);
    t.regex(host.stderr, /; see 'record --help'\n$/);
    t.is(host.stderr.split('\n').length, 2);
    t.is(recorder.options, undefined);
    t.deepEqual(
      host.handled.filter((name) => !name.startsWith('SIGUSR')),
      [],
    );
  }
});

test('a log replaces a log or an empty file, another file only if asked', async (t) => {
  const other = 'npm.log';
  writeFileSync(other, 'verbose cli npm');
  const { host, recorder, exitCode } = start(['npm']);
  t.is(await exitCode, 2);
  t.regex(host.stderr, /^record: npm\.log exists and is not a log of scribe-ts; name another file/);
  t.is(recorder.options, undefined);

  t.is((await optionsOf(['-o', 'npm.log', 'npm'])).log, other);
  writeFileSync(other, '');
  t.is((await optionsOf(['npm'])).log, other);
  writeFileSync(other, 'SCR');
  t.is(await start(['npm']).exitCode, 2);
});

test('record ends like the program', async (t) => {
  const endWith = async (status: number): Promise<[number, FakeHost]> => {
    const { host, recorder, exitCode } = start(['x']);
    await recorder.started;
    recorder.end({ status });
    return [await exitCode, host];
  };
  let [code, host] = await endWith(0);
  t.is(code, 0);
  t.is(host.stdout + host.stderr, '');
  [code] = await endWith(3 << 8);
  t.is(code, 3);
  [code, host] = await endWith(15);
  t.is(code, 128 + 15);
  t.deepEqual(host.raised, [15]);
  t.is(host.leftTerminal, 1);
  // SIGSEGV with its core flag: ours must not overwrite the program's core.
  [code, host] = await endWith(11 | 0x80);
  t.is(code, 128 + 11);
  t.deepEqual(host.raised, []);
});

test('signals become bookmarks, a detach, or the program’s', async (t) => {
  const { host, recorder, exitCode } = start(['-v', '-o', '/dev/null', 'x']);
  await recorder.started;
  host.send('SIGUSR2');
  host.send('SIGTERM');
  host.send('SIGHUP');
  host.send('SIGINT');
  host.send('SIGQUIT');
  host.send('SIGTSTP');
  host.send('SIGUSR1');
  t.deepEqual(recorder.calls, ['bookmark', 'kill 15', 'kill 1', 'detach']);
  t.false(host.handled.includes('SIGTTOU'));
  recorder.end({ detached: true });
  t.is(await exitCode, 0);
  t.regex(host.stderr, /^record: bookmark 5$/m);
  t.regex(host.stderr, /detached, process 77 runs on$/m);
  // Those two must not end us in the place of the program's status, however late they come.
  t.deepEqual(host.handled, ['SIGUSR1', 'SIGUSR2']);
  host.send('SIGUSR2');
  t.is(recorder.calls.length, 4);
});

test('SIGTERM twice ends everything, SIGINT twice only a program that is stuck', async (t) => {
  const { host, recorder, exitCode } = start(['-o', '/dev/null', 'x']);
  await recorder.started;
  host.time = 1000;
  host.send('SIGTERM');
  host.time = 9000;
  host.send('SIGTERM');
  host.send('SIGINT');
  host.time = 9400;
  host.send('SIGINT');
  host.send('SIGTERM');
  t.deepEqual(recorder.calls, ['kill 15', 'kill 15', 'end 400', 'end 0']);
  recorder.end({ status: 9, ended: true });
  t.is(await exitCode, 128 + 9);
  t.regex(
    host.stderr,
    /^record: ended on request: the program was killed, \/dev\/null is complete/,
  );
});

test('signals that come before the program wait for it', async (t) => {
  const { host, recorder, exitCode } = start(['x']);
  host.send('SIGUSR2');
  host.send('SIGINT');
  host.send('SIGTERM');
  await recorder.started;
  t.deepEqual(recorder.calls, ['bookmark', 'kill 2', 'kill 15']);
  recorder.end();
  await exitCode;
});

test('a bookmark that fails is told', async (t) => {
  const { host, recorder, exitCode } = start(['x']);
  await recorder.started;
  recorder.bookmarkFailure = new Error('the recording has ended');
  host.send('SIGUSR2');
  await Promise.resolve();
  recorder.end();
  await exitCode;
  t.is(host.stderr, 'record: cannot set a bookmark: the recording has ended\n');
});

test('record stops with the terminal’s stops, not with SIGSTOP', async (t) => {
  const { host, recorder, exitCode } = start(['x']);
  await recorder.started;
  for (const signal of [19, 20, 21, 22]) recorder.recording!.onStopped!(signal);
  t.deepEqual(host.raised, ['SIGTSTP', 'SIGTTIN', 'SIGTTOU']);
  // Caught again once we go on.
  t.true(host.handled.includes('SIGTSTP') && host.handled.includes('SIGTTIN'));
  t.false(host.handled.includes('SIGTTOU'));
  recorder.end();
  await exitCode;
});

test('notes: a line each if asked, one line on a terminal, else none', async (t) => {
  const notes = ['io_uring_setup was refused', 'another was'];
  const messages = async (argv: string[], options: FakeHostOptions = {}): Promise<string> => {
    const { host, recorder, exitCode } = start([...argv, '-o', '/dev/null', 'x'], options);
    await recorder.started;
    recorder.end({ notes, missing: ['personality'] });
    await exitCode;
    t.is(host.stdout, '');
    return host.stderr;
  };
  t.is(await messages([]), '');
  t.is(await messages([], { terminals: [1] }), '');
  t.is(await messages([], { terminals: [2] }), `record: ${notes.join('; ')}\n`);
  t.regex(
    await messages(['-v']),
    /^record: not available here: personality\nrecord: io_uring_setup was refused\nrecord: another was\nrecord: wrote \/dev\/null \(0 bytes\): 42 system calls, 1 task, exited with 0\n$/,
  );
});

test('a log that could not be written is an error of its own', async (t) => {
  const run = async (...argv: string[]): Promise<string> => {
    const { host, recorder, exitCode } = start([...argv, 'x']);
    await recorder.started;
    recorder.end({
      detached: true,
      logFailure: { code: 'LOG_DISK_FULL', message: 'no space is left (ENOSPC)', path: 'x.log' },
    });
    t.is(await exitCode, 124);
    return host.stderr;
  };
  t.is(
    await run(),
    'record: cannot write x.log to its end: no space left on device; ' +
      'what was written can be replayed; process 77 runs on unrecorded\n',
  );
  t.regex(await run('--on-log-failure', 'kill'), /the program was ended\n$/);
});

function failure(code: string, operation: string, message = `${operation}: ${code}`): Error {
  return Object.assign(new Error(message), { code, operation });
}

test('what keeps a program from starting is said in one line', async (t) => {
  const allowed = {
    '/proc/sys/kernel/yama/ptrace_scope': '1\n',
    '/proc/self/status': 'Seccomp:\t0\n',
  };
  const run = async (
    error: Error,
    exitCode: number,
    line: RegExp,
    argv = ['-c', 'dir', '-r', 'root', 'prog'],
    files: Readonly<Record<string, string>> = allowed,
  ): Promise<void> => {
    const run = start(argv, { files }, error);
    t.is(await run.exitCode, exitCode, error.message);
    t.regex(run.host.stderr, line);
    t.is(run.host.stderr.split('\n').length, 2, 'one line');
    t.is(run.host.stdout, '');
  };
  await run(failure('NOT_FOUND', 'stat'), 127, /^record: cannot find prog; check the spelling/);
  await run(failure('NOT_FOUND', 'stat'), 127, /cannot find \.\/x; check the path/, ['./x']);
  await run(failure('NOT_EXECUTABLE', 'access'), 126, /cannot execute prog: permission denied/);
  const startFailed = (operation: string, errno: string): Error =>
    failure('START_FAILED', operation, `${operation}: ${errno}`);
  await run(startFailed('execve', 'ENOENT'), 127, /cannot find prog/);
  await run(startFailed('execve', 'ENOEXEC'), 126, /prog: exec format error; .*'sh prog'/);
  await run(startFailed('execve', 'E2BIG'), 126, /cannot execute prog: argument list too long\n/);
  await run(startFailed('chdir', 'ENOENT'), 123, /cannot enter directory dir: no such file/);
  await run(startFailed('chroot', 'EPERM'), 123, /root the root: .*CAP_SYS_CHROOT/);
  await run(startFailed('unshare', 'EPERM'), 123, /cannot make a network namespace: /);
  await run(startFailed('fork', 'EAGAIN'), 123, /cannot make a process: resource temporarily/);
  await run(
    startFailed('wait', 'EINVAL'),
    125,
    /^record: internal error: wait: EINVAL; SCRIBE_DEBUG/,
  );
  await run(new Error('two\n  lines'), 125, /^record: internal error: two; lines; SCRIBE_DEBUG/);
  await run(
    failure('LOG_WRITE', '', 'x.log cannot be written: EACCES'),
    124,
    /^record: cannot write prog\.log: permission denied\n$/,
  );
  const refused = failure('PTRACE_REFUSED', 'ptrace', 'ptrace: EPERM');
  const ptrace = /^record: cannot trace prog: ptrace: operation not permitted; /;
  const argv = ['prog'];
  const status = (text: string): Record<string, string> => ({ '/proc/self/status': text });
  await run(refused, 122, ptrace);
  await run(failure('EPERM', 'ptrace'), 122, ptrace);
  await run(refused, 122, /ptrace_scope, security modules/, argv);
  await run(refused, 122, /a seccomp filter refuses it: /, argv, status('Seccomp:\t2\n'));
  await run(
    refused,
    122,
    /process 12 traces record/,
    argv,
    status('TracerPid:\t12\nSeccomp:\t2\n'),
  );
  await run(refused, 122, /this kernel forbids all tracing/, argv, {
    '/proc/sys/kernel/yama/ptrace_scope': '3\n',
  });
});

test('a recording that breaks down is an internal error; SCRIBE_DEBUG shows where', async (t) => {
  const { host, recorder, exitCode } = start(['x'], { env: { SCRIBE_DEBUG: '1' } });
  await recorder.started;
  recorder.breakDown(new Error('no frame for task 3'));
  t.is(await exitCode, 125);
  t.regex(
    host.stderr,
    /^record: internal error: no frame for task 3; .*\nError: no frame .*\n +at /,
  );
});

test('--help lists options by group and the verbosity letters', async (t) => {
  const { host, exitCode } = start(['--help']);
  t.is(await exitCode, 0);
  t.is(host.stderr, '');
  t.regex(host.stdout, /^Usage: record \[options\] command \[args…\]$/m);
  for (const option of record.spec.options) t.true(host.stdout.includes(option.flags));
  t.regex(host.stdout, /^Log:\n {2}-o, --output <file> +write this log/m);
  t.regex(host.stdout, /^ {2}b {2}second$/m);
});

test('--version', async (t) => {
  const { host, exitCode } = start(['--version']);
  t.is(await exitCode, 0);
  t.regex(host.stdout, /^scribe-ts \d+\.\d+\.\d+\n$/);
});
