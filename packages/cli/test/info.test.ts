import { mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tracelog from '@scribe-ts/tracelog';
import test from 'ava';
import { runCommand } from '../src/command.js';
import { info, type LogInfo } from '../src/commands/info.js';
import { directory } from './directory.js';
import { FakeHost } from './fake-host.js';
import { depsWith } from './fakes.js';
import { frames, header, MAPPED, SHARED, writeLog } from './log-fixture.js';

async function run(argv: string[]): Promise<{ exitCode: number; host: FakeHost }> {
  const host = new FakeHost();
  const deps = depsWith(host, { tracelog: () => Promise.resolve(tracelog) });
  const exitCode = await runCommand(info, argv, deps, 'scribe info');
  return { exitCode, host };
}

test('a complete log is described', async (t) => {
  const log = join(directory(t), 'echo.log');
  writeLog(log);
  const { exitCode, host } = await run([log]);
  t.is(exitCode, 0);
  t.is(host.stderr, '');
  t.is(
    host.stdout.replace(/, [\d.]+ (bytes|KiB)\n/, ', SIZE\n'),
    `echo.log: recorded by scribe-ts 0.1.0, format 1.4, SIZE
command:      echo 'it'\\''s' 'a b'
directory:    /home/u
recorded:     2023-11-14 22:13:20 UTC
machine:      host, Linux 6.1.0, x86_64, 2 × A CPU, user 1000
duration:     0.000 s
end:          exited with 3
verbosity:    sSrdgp
without:      personality: EPERM
tasks:        1 in 1 process, 1 stream
system calls: 4, 1 failed
              openat 1, mmap 1, write 1, exit_group 1
frames:       18 in 1 chunk
              syscall 4, state 3, data 2, image 1, resource 1, mapping 1, output 1, registers 1, signal 1, bookmark 1, counters 1, exit 1
bookmarks:    1 at 0.000 s
mapped files: 2 (0 bytes): none found
              missing: /bin/echo (${MAPPED})
              missing: /tmp/x (${SHARED})
`,
  );
});

test('--json has the same, for programs', async (t) => {
  const path = directory(t);
  const log = join(path, 'echo.log');
  writeLog(log);
  mkdirSync(join(path, 'store', '01'), { recursive: true });
  writeFileSync(join(path, 'store', '01', MAPPED), 'content');
  const { exitCode, host } = await run(['--json', log, '--store', join(path, 'store')]);
  t.is(exitCode, 0);
  const result = JSON.parse(host.stdout) as LogInfo;
  t.like(result, {
    file: log,
    format: '1.4',
    command: ['echo', "it's", 'a b'],
    startedAt: '2023-11-14T22:13:20.000Z',
    durationSeconds: 8000 / 1e9,
    verbosity: 'sSrdgp',
    end: { kind: 'exited', status: 3 },
    streams: 1,
    processes: 1,
    tasks: 1,
    frames: { total: 18 },
    syscalls: { total: 4, failed: 1, byName: { openat: 1 } },
    bookmarks: [{ id: 1, timeSeconds: 6000 / 1e9, name: '' }],
    contents: {
      needed: 2,
      bytes: 7,
      inLog: 0,
      inStore: 1,
      missing: [{ hash: SHARED, path: '/tmp/x' }],
    },
  });
  t.is(result.bytes, statSync(log).size);
  t.false('damage' in result);
});

test('how a recording ended', async (t) => {
  const log = join(directory(t), 'x.log');
  const end = async (...last: tracelog.Frame[]): Promise<unknown> => {
    writeLog(log, [...frames().slice(0, -1), ...last]);
    return (JSON.parse((await run(['--json', log])).host.stdout) as LogInfo).end;
  };
  const exit = { type: 'exit', task: 2, time: 8000, last: true } as const;
  t.deepEqual(await end({ ...exit, status: 0 }), { kind: 'exited', status: 0 });
  t.deepEqual(await end({ ...exit, status: 139 }), { kind: 'killed', signal: 'SIGSEGV' });
  t.deepEqual(await end({ type: 'detach', task: 2, time: 8000 }), { kind: 'detached' });
  t.deepEqual(await end({ ...exit, task: 7, status: 0 }), { kind: 'unknown' });
  writeLog(log, frames(), header(), { truncated: true });
  t.like((JSON.parse((await run(['--json', log])).host.stdout) as LogInfo).end, {
    kind: 'truncated',
  });
});

test('text from the log cannot command the terminal', async (t) => {
  const log = join(directory(t), 'x.log');
  const evil = '\x1b]0;evil\x07\n\u202e';
  writeLog(
    log,
    frames(),
    header({ command: [evil], cwd: evil, verbosity: evil, missing: [evil], writer: evil }),
  );
  const { host } = await run([log]);
  // eslint-disable-next-line no-control-regex
  t.notRegex(host.stdout, /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
  t.regex(host.stdout, /^command: +'\\x1b\]0;evil\\x07\\x0a\\u202e'$/m);
});

test('a damaged log is described up to the damage, and fails', async (t) => {
  const log = join(directory(t), 'x.log');
  const writer = tracelog.LogWriter.create(log, header());
  const offsets: number[] = [];
  for (const frame of frames()) {
    writer.append(1, frame);
    writer.flush();
    offsets.push(writer.bytesWritten);
  }
  writer.close();
  // In the middle of the seventh chunk.
  const bytes = readFileSync(log);
  bytes[offsets[6]! - 10]! ^= 0x40;
  writeFileSync(log, bytes);
  const { exitCode, host } = await run([log]);
  t.is(exitCode, 121);
  t.regex(host.stdout, /^system calls: 2, 1 failed$/m);
  t.regex(host.stdout, /^damage: .*damaged at byte \d+/m);
  t.regex(host.stderr, /^scribe info: .*x\.log is damaged at byte \d+: .*\n$/);
  t.regex((await run([log, '--json'])).host.stdout, /"damage": /);
});

test('what is no log is an error', async (t) => {
  const path = directory(t);
  const log = join(path, 'x.log');
  const failure = async (line: RegExp, file = log): Promise<void> => {
    const { exitCode, host } = await run([file]);
    t.is(exitCode, 121);
    t.is(host.stdout, '');
    t.regex(host.stderr, line);
    t.is(host.stderr.split('\n').length, 2);
  };
  await failure(/^scribe info: cannot read .*x\.log: no such file or directory\n$/);
  await failure(/^scribe info: .* not a regular file/, path);
  writeFileSync(log, '');
  await failure(/^scribe info: .*x\.log is not a log: it is too short; /);
  writeFileSync(log, 'hello, world, this is not a log at all');
  await failure(/^scribe info: .*x\.log is not a log: /);
  writeLog(log);
  const size = statSync(log).size;
  truncateSync(log, 20);
  await failure(/^scribe info: .*x\.log is damaged at byte 0: the header is cut off; /);
  writeLog(log);
  truncateSync(log, size - 40);
  t.is((await run([log])).exitCode, 0);
});
