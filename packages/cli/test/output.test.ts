import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'ava';
import {
  describeStatus,
  ExitCode,
  shellStatus,
  signalName,
  signalToRaise,
} from '../src/exit-codes.js';
import { ClosedPipeError } from '../src/host.js';
import { count, formatBytes, Output } from '../src/output.js';
import { Progress } from '../src/progress.js';
import { printable, shellQuote } from '../src/text.js';
import { runUmbrella } from '../src/umbrella.js';
import { FakeHost, type FakeHostOptions } from './fake-host.js';
import { depsWith } from './fakes.js';

const RED = '\x1b[31mtext\x1b[39m';

test('colours: on a terminal, unless NO_COLOR; FORCE_COLOR says otherwise', async (t) => {
  const painted = async (options: FakeHostOptions): Promise<string> => {
    const output = new Output(new FakeHost(options), 'x');
    await output.useColours(2);
    return output.paint('error', 'text');
  };
  const terminals = [2];
  t.is(await painted({}), 'text');
  t.is(await painted({ terminals: [1] }), 'text');
  t.is(await painted({ terminals }), RED);
  t.is(await painted({ terminals, env: { NO_COLOR: '1' } }), 'text');
  t.is(await painted({ terminals, env: { NO_COLOR: '1', FORCE_COLOR: '1' } }), 'text');
  t.is(await painted({ terminals, env: { NO_COLOR: '' } }), RED);
  t.is(await painted({ terminals, env: { TERM: 'dumb' } }), 'text');
  t.is(await painted({ env: { FORCE_COLOR: '1' } }), RED);
  t.is(await painted({ terminals, env: { FORCE_COLOR: '0' } }), 'text');
});

test('errors are coloured on a terminal only', async (t) => {
  const stderr = async (options: FakeHostOptions): Promise<string> => {
    const host = new FakeHost(options);
    const { runCommand } = await import('../src/command.js');
    const { record } = await import('../src/commands/record.js');
    await runCommand(record, [], depsWith(host, {}));
    return host.stderr;
  };
  t.false((await stderr({})).includes('\x1b'));
  t.true((await stderr({ terminals: [2] })).includes('\x1b[31mmissing command'));
});

test('progress: on a terminal, after a while, not too often', (t) => {
  const host = new FakeHost({ terminals: [2] });
  const progress = new Progress(host, 'pack');
  progress.update(0.1);
  t.is(host.stderr, '');
  host.time = 600;
  progress.update(0.2);
  progress.update(0.3);
  host.time = 700;
  progress.update(1.5);
  progress.clear();
  progress.clear();
  t.is(host.stderr, '\r\x1b[Kpack  20 %\r\x1b[Kpack 100 %\r\x1b[K');

  const other = new FakeHost();
  const silent = new Progress(other, 'pack');
  other.time = 10_000;
  silent.update(0.5);
  silent.clear();
  t.is(other.stderr, '');
});

test('wait statuses', (t) => {
  t.is(shellStatus(0), 0);
  t.is(shellStatus(255 << 8), 255);
  t.is(shellStatus(9), 137);
  t.is(shellStatus(6 | 0x80), 134);
  t.is(signalToRaise(0), 0);
  t.is(signalToRaise(9), 9);
  t.is(signalToRaise(6 | 0x80), 0);
  t.is(describeStatus(3 << 8), 'exited with 3');
  t.is(describeStatus(15), 'killed by SIGTERM');
  t.is(signalName(6), 'SIGABRT');
  t.is(signalName(29), 'SIGIO');
  t.is(signalName(40), 'signal 40');
});

test('exit codes differ, and leave 128 and above to signals', (t) => {
  const codes = Object.values(ExitCode);
  t.is(new Set(codes).size, codes.length);
  t.true(codes.every((code) => code < 128));
});

test('sizes and counts', (t) => {
  t.is(formatBytes(0), '0 bytes');
  t.is(formatBytes(1023), '1023 bytes');
  t.is(formatBytes(1536), '1.5 KiB');
  t.is(formatBytes(5 * 2 ** 30), '5.0 GiB');
  t.is(formatBytes(2 ** 60), '1048576.0 TiB');
  t.is(count(1, 'task'), '1 task');
  t.is(count(0, 'task'), '0 tasks');
  t.is(count(2, 'process', 'processes'), '2 processes');
});

test('text for a terminal', (t) => {
  t.is(printable('aé\t\x1b[0m\u202eb'), 'aé\\x09\\x1b[0m\\u202eb');
  t.is(
    shellQuote(['a', '', 'b c', "it's", '--x=y', '$HOME']),
    `a '' 'b c' 'it'\\''s' --x=y '$HOME'`,
  );
});

/** Runs code with our Host in a Node process of its own. */
function hostProcess(code: string) {
  const url = new URL('../src/host.ts', import.meta.url).href;
  return spawn(
    process.execPath,
    [
      '--import=tsx',
      '--input-type=module',
      '-e',
      `import { processHost, ClosedPipeError } from '${url}'; const host = processHost(); ${code}`,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
}

test('writing waits for a slow reader and tells when there is none', async (t) => {
  t.is(new ClosedPipeError().code, 'EPIPE');
  const child = hostProcess(`
    try {
      host.write(1, 'first\\n');
      for (let i = 0; i < 100; i++) host.write(1, 'x'.repeat(100_000));
      process.exitCode = 3;
    } catch (error) {
      process.exitCode = error instanceof ClosedPipeError ? 4 : 5;
    }`);
  await once(child.stdout, 'readable');
  child.stdout.destroy();
  const [code] = (await once(child, 'exit')) as [number];
  t.is(code, 4);
});

test('all that is written arrives', async (t) => {
  const child = hostProcess(`for (let i = 0; i < 50; i++) host.write(1, 'y'.repeat(100_000));`);
  let length = 0;
  child.stdout.on('data', (data: Buffer) => (length += data.length));
  await once(child, 'close');
  t.is(length, 5_000_000);
});

test('raising a signal ends us by it, also by one that Node ignores or handles', async (t) => {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGPIPE', 'SIGUSR1', 'SIGKILL'] as const) {
    const child = hostProcess(`
      const { constants } = await import('node:os');
      const remove = '${signal}' === 'SIGKILL' ? () => {} : host.onSignal('${signal}', () => {});
      remove();
      host.raise(constants.signals.${signal});
      await new Promise((resolve) => setTimeout(resolve, 10_000));`);
    const [, endedBy] = (await once(child, 'exit')) as [number, string];
    t.is(endedBy, signal);
  }
});

test('the umbrella: help, version, and what it does not know', async (t) => {
  const run = async (...argv: string[]): Promise<[number, string, string]> => {
    const host = new FakeHost();
    const code = await runUmbrella(argv, depsWith(host, {}));
    return [code, host.stdout, host.stderr];
  };
  const [code, help, nothing] = await run('--help');
  t.is(code, 0);
  t.is(nothing, '');
  for (const name of ['record', 'replay', 'profiler', 'info', 'pack', 'shrink']) {
    t.regex(help, new RegExp(`^ {2}${name} +\\w`, 'm'));
    const [code, text, error] = await run(name, '--help');
    t.is(code, 0);
    t.is(error, '');
    t.regex(text, new RegExp(`^Usage: (scribe )?${name} \\[options\\]`, 'm'));
    t.deepEqual(await run('help', name), [code, text, error]);
  }
  t.deepEqual(await run('help'), [0, help, '']);
  t.regex((await run('--version'))[1], /^scribe-ts \d/);
  t.deepEqual(await run(), [2, '', "scribe: missing command; see 'scribe --help'\n"]);
  t.deepEqual(await run('x'), [2, '', "scribe: unknown command 'x'; see 'scribe --help'\n"]);
  t.deepEqual(await run('-x'), [2, '', "scribe: unknown option '-x'; see 'scribe --help'\n"]);
  t.is((await run('toString'))[0], 2);
  t.is((await run('help', 'x'))[0], 2);
  t.regex((await run('info'))[2], /^scribe info: missing LOG; see 'scribe info --help'\n$/);
});
