/** Programs that are recorded, replayed to a bookmark, and then used for real. */
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import test from 'ava';
import { BIN } from './busy.js';
import { workspace } from './harness.js';
import { answers, find, freePort, goLive, program, recordTo, type Started } from './live.js';

test('a program finds everything that it had', async (t) => {
  const place = workspace('live-each');
  const isReady = ({ stdout }: Started): boolean => stdout.includes('rests\n');
  const log = await recordTo(t, place.path, [program('one-of-each')], isReady);
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

test('threads in condition waits go on', async (t) => {
  const place = workspace('live-threads');
  const isReady = ({ stdout }: Started): boolean => stdout.includes('rests\n');
  const log = await recordTo(t, place.path, [program('cond-wait')], isReady);
  const live = goLive(t, log, '--require-complete');
  live.child.stdin!.end('x');
  await live.closed;
  t.is(live.stdout, 'rests\nturn of 0\nturn of 1\nturn of 2\nturn of 3\nall ended\n', live.stderr);
  t.is(live.child.exitCode, 5);
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

const redis = find('redis-server');
const cli = find('redis-cli');
(redis === undefined || cli === undefined ? test.skip : test)(
  'redis-server tells a new client what an old one set',
  async (t) => {
    const place = workspace('live-redis');
    const port = await freePort();
    const ask = (...words: string[]): string =>
      execFileSync(cli!, ['-p', `${port}`, ...words], { encoding: 'latin1' }).trim();
    const command = [redis!, '--port', `${port}`, '--bind', '127.0.0.1', '--save', ''];
    const log = await recordTo(t, place.path, command, async () => {
      if (!(await answers(port))) return false;
      return ask('set', 'key', 'before') === 'OK';
    });
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

const python = find('python3');
(python === undefined ? test.skip : test)('an HTTP server serves a new client', async (t) => {
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
  const command = [python!, '-m', 'http.server', `${port}`, '--bind', '127.0.0.1'];
  const log = await recordTo(t, place.path, command, async () => {
    if (!(await answers(port))) return false;
    return (await page()) === 'a page\n';
  });
  const live = goLive(t, log);
  await live.until(t, () => answers(port));
  t.is(await page(), 'a page\n');
  live.killProgram();
  await live.closed;
  t.is(live.child.signalCode, 'SIGKILL', live.stderr);
  place.discard();
});
