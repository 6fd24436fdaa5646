/** Programs that are recorded, replayed to a bookmark, and then used for real. */
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import test from 'ava';
import { BIN } from './busy.js';
import { workspace } from './harness.js';
import {
  answers,
  freePort,
  goLive,
  hasAll,
  onBothPaths,
  program,
  recordTo,
  type Started,
} from './live.js';

onBothPaths(true, 'a program finds everything that it had', async (t, options) => {
  const place = workspace('live-each');
  const isReady = ({ stdout }: Started): boolean => stdout.includes('rests\n');
  const log = await recordTo(t, place.path, [program('one-of-each')], isReady, options);
  const live = goLive(t, log, '--require-complete');
  live.child.stdin!.end('x');
  await live.closed;
  t.is(live.stderr, '');
  t.is(live.child.exitCode, 7, live.stdout);
  const [rests, ...lines] = live.stdout.trimEnd().split('\n');
  t.is(rests, 'rests');
  t.is(lines.length, 18);
  for (const line of lines) t.regex(line, /: right$/);
  place.discard();
});

onBothPaths(true, 'threads in condition waits go on', async (t, options) => {
  const place = workspace('live-threads');
  const isReady = ({ stdout }: Started): boolean => stdout.includes('rests\n');
  const log = await recordTo(t, place.path, [program('cond-wait')], isReady, options);
  const live = goLive(t, log, '--require-complete');
  live.child.stdin!.end('x');
  await live.closed;
  t.is(live.stdout, 'rests\nturn of 0\nturn of 1\nturn of 2\nturn of 3\nall ended\n', live.stderr);
  t.is(live.child.exitCode, 5);
  place.discard();
});

onBothPaths(true, 'a poll waits on for what comes', async (t, options) => {
  const place = workspace('live-poll');
  const isReady = ({ stdout }: Started): boolean => stdout.includes('rests\n');
  const log = await recordTo(t, place.path, [program('poll-again')], isReady, options);
  const live = goLive(t, log, '--require-complete');
  live.child.stdin!.end('x');
  await live.closed;
  t.is(live.child.exitCode, 7, live.stderr);
  place.discard();
});

test('what cannot come back is told, and refused where it must be complete', async (t) => {
  const place = workspace('live-lost');
  const command = ['bash', '-c', 'exec 5<>gone; rm gone; echo rests; read x; cat <&5; echo $? $x'];
  const log = await recordTo(t, place.path, command, ({ stdout }) => stdout.includes('rests\n'));
  const refused = goLive(t, log, '--require-complete');
  await refused.closed;
  t.regex(
    refused.stderr,
    /not as it was: descriptor 5 \(.*gone \(deleted\)\): what was in it is not known/,
  );
  t.regex(refused.stderr, /cannot go live: not everything can come back/);
  t.is(refused.child.exitCode, 119);
  const live = goLive(t, log);
  live.child.stdin!.end('word\n');
  await live.closed;
  t.regex(live.stderr, /reset/i);
  t.is(live.stdout, 'rests\n1 word\n');
  t.is(live.child.exitCode, 0);
  place.discard();
});

test('a file without a name has what several processes wrote to it', async (t) => {
  const place = workspace('live-written');
  const script = `exec 5> gone 6< gone; rm gone; echo one >&5; env echo two >&5; (echo three; env echo four) >&5
    env head -c 4 <&6 > /dev/null; echo rests; read x; echo five >&5; cat <&6`;
  const log = await recordTo(t, place.path, ['bash', '-c', script], ({ stdout }) =>
    stdout.includes('rests\n'),
  );
  const live = goLive(t, log);
  live.child.stdin!.end('x\n');
  await live.closed;
  t.false(live.stderr.includes('gone'), live.stderr);
  t.is(live.stdout, 'rests\ntwo\nthree\nfour\nfive\n');
  place.discard();
});

onBothPaths(
  hasAll('python3'),
  'a temporary file without a name has its content',
  async (t, options) => {
    const place = workspace('live-temporary');
    const script = `import os, tempfile
first, second = (tempfile.TemporaryFile(dir='.') for i in range(2))
path = os.path.abspath('gone')
third = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
os.unlink(path)
first.write(b'one'); first.flush(); second.write(b'two'); second.flush(); os.write(third, b'three')
print('rests', flush=True); input()
first.seek(0); second.seek(0); os.lseek(third, 0, os.SEEK_SET)
print(first.read() + second.read() + os.read(third, 9))`;
    const isReady = ({ stdout }: Started): boolean => stdout.includes('rests\n');
    const log = await recordTo(t, place.path, ['python3', '-c', script], isReady, options);
    const live = goLive(t, log);
    live.child.stdin!.end('x\n');
    await live.closed;
    t.is(live.stdout, "rests\nb'onetwothree'\n", live.stderr);
    place.discard();
  },
);

test('files that the program had made, and that are not as they were, are told', async (t) => {
  const place = workspace('live-made');
  const script = `mkdir dir; echo one > dir/one; echo two > two; echo three > three; echo four > 4; mv dir moved
    mv 4 four; rm three; echo rests; read x; cat moved/one two four 2> /dev/null; exit $?`;
  const log = await recordTo(t, place.path, ['bash', '-c', script], ({ stdout }) =>
    stdout.includes('rests\n'),
  );
  const same = goLive(t, log);
  same.child.stdin!.end('x\n');
  await same.closed;
  t.false(same.stderr.includes(place.path), same.stderr);
  t.is(same.stdout, 'rests\none\ntwo\nfour\n');
  rmSync(join(place.path, 'moved'), { recursive: true });
  writeFileSync(join(place.path, 'four'), 'FOUR\n');
  const other = goLive(t, log);
  other.child.stdin!.end('x\n');
  await other.closed;
  const told = other.stderr.split('\n').filter((line) => line.includes(place.path));
  t.is(told.sort().length, 3, other.stderr);
  for (const [i, text] of [
    'four: it has been changed since',
    'moved/one: it was there, and is gone by now',
    'moved: it was there, and is gone by now',
  ].entries())
    t.true(told[i]!.includes(`${place.path}/${text}`), other.stderr);
  t.is(other.stdout, 'rests\ntwo\nFOUR\n');
  place.discard();
});

/** Runs a command with its words where no pid namespace can be made. */
const CONFINED = ['-Ur', 'sh', '-c', 'echo 0 > /proc/sys/user/max_pid_namespaces && exec "$@"', ''];
const canConfine = spawnSync('unshare', [...CONFINED, 'true']).status === 0;

(canConfine ? test : test.skip)('other process ids need a word', async (t) => {
  const place = workspace('live-pids');
  const command = ['bash', '-c', 'echo rests; read x; [ $$ = $BASHPID ] || echo other; echo $x'];
  const log = await recordTo(t, place.path, command, ({ stdout }) => stdout.includes('rests\n'));
  const run = (...options: string[]): ReturnType<typeof spawnSync> => {
    const command = [process.execPath, join(BIN, 'replay.js'), '-g', '1', ...options, log];
    return spawnSync('unshare', [...CONFINED, ...command], { input: 'word\n', encoding: 'latin1' });
  };
  const strange = run();
  t.regex(
    `${strange.stderr}`,
    /cannot go live: process \d+ of the recording would be \d+: no pid namespace can be made here \(errno 28\)/,
  );
  t.is(strange.status, 119);
  const live = run('--allow-new-pids');
  t.is(live.stdout, 'rests\nother\nword\n', `${live.stderr}`);
  t.is(live.status, 0);
  place.discard();
});

onBothPaths(
  hasAll('redis-server', 'redis-cli'),
  'redis-server tells a new client what an old one set',
  async (t, options) => {
    const place = workspace('live-redis');
    const port = await freePort();
    const ask = (...words: string[]): string =>
      execFileSync('redis-cli', ['-p', `${port}`, ...words], { encoding: 'latin1' }).trim();
    const command = ['redis-server', '--port', `${port}`, '--bind', '127.0.0.1', '--save', ''];
    const isSet = async (): Promise<boolean> =>
      (await answers(port)) && ask('set', 'key', 'before') === 'OK';
    const log = await recordTo(t, place.path, command, isSet, options);
    const live = goLive(t, log);
    await live.until(t, () => answers(port));
    t.is(ask('get', 'key'), 'before');
    t.is(ask('incr', 'counter'), '1');
    t.is(ask('save'), 'OK');
    ask('shutdown', 'nosave');
    await live.closed;
    t.is(live.child.exitCode, 0, live.stderr);
    place.discard();
  },
);

onBothPaths(hasAll('python3'), 'an HTTP server serves a new client', async (t, options) => {
  const place = workspace('live-http');
  const port = await freePort();
  writeFileSync(join(place.path, 'page.txt'), 'a page\n');
  const page = async (): Promise<string> => {
    const request = get({ port, host: '127.0.0.1', path: '/page.txt', agent: false });
    const [response] = (await once(request, 'response')) as [AsyncIterable<Buffer>];
    let text = '';
    for await (const bytes of response) text += bytes.toString();
    return text;
  };
  const command = ['python3', '-m', 'http.server', `${port}`, '--bind', '127.0.0.1'];
  const isServed = async (): Promise<boolean> =>
    (await answers(port)) && (await page()) === 'a page\n';
  const log = await recordTo(t, place.path, command, isServed, options);
  const live = goLive(t, log);
  await live.until(t, () => answers(port));
  t.is(await page(), 'a page\n');
  live.killProgram();
  await live.closed;
  t.is(live.child.signalCode, 'SIGKILL', live.stderr);
  place.discard();
});
