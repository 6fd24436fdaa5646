/** Programs that are recorded, replayed to a bookmark, and then used for real. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { type AddressInfo, createConnection, createServer } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { BIN, STORE } from './busy.js';
import { compile, workspace } from './harness.js';

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}

/** Its children, theirs, and so on. */
function descendants(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((tid) => {
      const text = readFileSync(`/proc/${pid}/task/${tid}/children`, 'latin1').trim();
      const children = text === '' ? [] : text.split(' ').map(Number);
      return children.flatMap((child) => [child, ...descendants(child)]);
    });
  } catch {
    return [];
  }
}

/** One of the project's commands under way, its standard input open. */
class Started {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  readonly closed: Promise<unknown>;

  constructor(t: ExecutionContext, name: string, args: readonly string[], cwd: string) {
    this.child = spawn(process.execPath, [join(BIN, `${name}.js`), ...args], { cwd });
    this.child.stdout!.setEncoding('latin1').on('data', (text: string) => (this.stdout += text));
    this.child.stderr!.setEncoding('latin1').on('data', (text: string) => (this.stderr += text));
    this.closed = once(this.child, 'close');
    t.teardown(() => {
      this.killProgram();
      this.child.kill('SIGKILL');
    });
  }

  /** Kills what the command has started: processes that are live outlive the command. */
  killProgram(): void {
    const { pid } = this.child;
    if (pid === undefined || this.ended) return;
    // The one that stands between ends as the program does.
    for (const child of descendants(pid)) if (descendants(child).length === 0) kill(child);
    for (const child of descendants(pid)) kill(child);
  }

  get ended(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** Waits until `is` says so; fails the test if the command ends before. */
  async until(t: ExecutionContext, is: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await is())) {
      if (this.ended) return t.fail(`${this.stdout}\n${this.stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

/** Records a command, sets a bookmark once it is `ready`, and kills it there. Returns the log. */
async function recordTo(
  t: ExecutionContext,
  cwd: string,
  command: readonly string[],
  ready: (recording: Started) => boolean | Promise<boolean>,
): Promise<string> {
  const log = join(cwd, 'live.log');
  const recording = new Started(t, 'record', ['-v', '--store', STORE, '-o', log, ...command], cwd);
  await recording.until(t, () => ready(recording));
  recording.child.kill('SIGUSR2');
  await recording.until(t, () => recording.stderr.includes('bookmark 1\n'));
  // It takes its program with it, and the log is whole up to the bookmark.
  recording.child.kill('SIGKILL');
  await recording.closed;
  return log;
}

const goLive = (t: ExecutionContext, log: string, ...options: string[]): Started =>
  new Started(t, 'replay', ['-g', '1', ...options, log], '/');

const program = (name: string): string =>
  compile(join(import.meta.dirname, 'programs', `${name}.c`), ['-Wno-unused-result']);

/** A port that is free at this moment. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function find(name: string): string | undefined {
  try {
    return execFileSync('which', [name], { encoding: 'latin1' }).trim();
  } catch {
    return undefined;
  }
}

/** Whether somebody takes connections there. */
async function answers(port: number): Promise<boolean> {
  const socket = createConnection(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

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

test('a pipeline of four processes goes on in the middle of its writes', async (t) => {
  const place = workspace('live-pipeline');
  const isReady = ({ stdout }: Started): boolean => stdout.includes('rests\n');
  const log = await recordTo(t, place.path, [program('pipeline')], isReady);
  const live = goLive(t, log, '--require-complete');
  live.child.stdin!.end('x');
  await live.closed;
  t.is(live.stdout, 'rests\nall arrived\n', live.stderr);
  t.is(live.stderr, '');
  t.is(live.child.exitCode, 6);
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
    /not as it was: descriptor 5 \(.*gone \(deleted\)\): the file has been deleted/,
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
