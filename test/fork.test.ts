/** Several copies of a recorded program that live at the same time, each used for real. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { BIN } from './busy.js';
import { scribe, workspace } from './harness.js';
import { keepsIds, program, recordTo, type Started } from './live.js';

const needsIds = keepsIds ? test : test.skip;
const COPIES = 3;

/** What the hook of a copy does: says a line through its socket, as seen by itself, and prints what comes back. */
const HOOK = `
import { connect } from 'node:net';
const [, , pid, path, ...lines] = process.argv;
for (const line of lines) {
  const text = line.replace('COPY', process.env.SCRIBE_COPY);
  const socket = connect('/proc/' + pid + '/root' + path);
  let answer = '';
  await new Promise((resolve, reject) => {
    socket.on('data', (part) => (answer += part)).on('close', resolve).on('error', reject);
    socket.write(text + '\\n');
  });
  console.log(JSON.stringify(answer));
}
`;

/** Sends a line; resolves to the answer. */
async function say(path: string, line: string): Promise<string> {
  const socket = connect(path);
  let answer = '';
  await new Promise((resolve, reject) => {
    socket.on('data', (part) => (answer += part.toString()));
    socket.on('close', resolve).on('error', reject);
    socket.write(`${line}\n`);
  });
  return answer;
}

interface Served {
  readonly place: ReturnType<typeof workspace>;
  readonly own: string;
  readonly log: string;
  readonly hook: string;
}

/** Records `greeter` until it has been talked to once. */
async function recordGreeter(t: ExecutionContext, name: string): Promise<Served> {
  const place = workspace(name);
  const own = join(place.path, 'own');
  mkdirSync(own);
  let isSaid = false;
  const ready = async ({ stdout }: Started): Promise<boolean> => {
    if (isSaid) return stdout.includes('recorded\n');
    if (stdout.includes('serves')) {
      isSaid = true;
      t.is(await say(join(own, 'socket'), 'recorded'), '1 recorded\n');
    }
    return false;
  };
  const log = await recordTo(t, own, [program('greeter')], ready);
  const hook = join(place.path, 'hook.mjs');
  writeFileSync(hook, HOOK);
  return { place, own, log, hook };
}

needsIds('copies live at the same time, each with its socket and its files', async (t) => {
  const { place, own, log, hook } = await recordGreeter(t, 'fork-private');
  const kept = join(place.path, 'kept');
  const socket = join(own, 'socket');
  const command = [process.execPath, hook, '{}', socket, 'from COPY', 'end'];
  const options = ['-g', '1', '-n', `${COPIES}`, '-P', own, '-d', kept, '--wait'];
  const forked = await scribe('scribe', ['fork', ...options, log, '--', ...command], { cwd: '/' });
  t.is(forked.code, 0, forked.stderr);
  t.is(forked.stderr, '');
  const lines = forked.stdout.trimEnd().split('\n');
  const ends = lines.splice(-COPIES);
  t.deepEqual(
    ends,
    [1, 2, 3].map((n) => `copy ${n}: the command exited with 0, the program had exited with 6`),
  );
  // What one has written is no other's.
  const answers = [1, 2, 3].flatMap((n) => [
    `2 recorded\nfrom ${n}\n`,
    `3 recorded\nfrom ${n}\nend\n`,
  ]);
  t.deepEqual(lines.map((line) => JSON.parse(line) as string).sort(), answers.sort());
  for (const n of [1, 2, 3])
    t.is(readFileSync(join(kept, `${n}`, 'stdout'), 'latin1'), `from ${n}\nend\n`);
  t.is(readFileSync(join(own, 'notes'), 'latin1'), 'recorded\n');
  place.discard();
});

needsIds('a copy is killed when its command has ended, whose failure counts', async (t) => {
  const { place, own, log } = await recordGreeter(t, 'fork-killed');
  const command = ['sh', '-c', 'test -d /proc/$1 && exit $SCRIBE_COPY', 'sh', '{}'];
  const forked = await scribe(
    'scribe',
    ['fork', '-g', '1', '-n', '2', '-P', own, log, '--', ...command],
    { cwd: '/' },
  );
  t.is(forked.code, 1, forked.stderr);
  t.is(
    forked.stdout,
    `copy 1: the command exited with 1, the program was killed then
copy 2: the command exited with 2, the program was killed then
`,
  );
  place.discard();
});

needsIds('what a fork cannot do is told', async (t) => {
  const { place, log } = await recordGreeter(t, 'fork-refused');
  const fork = (...args: string[]): ReturnType<typeof scribe> =>
    scribe('scribe', ['fork', ...args], { cwd: '/' });
  const noBookmark = await fork('-g', '2', log, '--', 'true');
  t.is(noBookmark.code, 119);
  t.regex(noBookmark.stderr, /^scribe fork: cannot go live: .* has no bookmark 2\n$/);
  const shared = await fork('-g', '1', '-P', '/', log, '--', 'true');
  t.is(shared.code, 119);
  t.regex(shared.stderr, /cannot go live: \/ has \/dev\/shm in it, which copies share/);
  const noCommand = await fork('-g', '1', log, '--', join(place.path, 'none'));
  t.is(noCommand.code, 127);
  t.regex(noCommand.stderr, /cannot run .*\/none/);
  const noLog = await fork('-g', '1', '-n', '3', join(place.path, 'none.log'), '--', 'true');
  t.is(noLog.code, 121);
  t.regex(noLog.stderr, /none\.log/);
  const noHook = await fork('-g', '1', log);
  t.is(noHook.code, 2);
  place.discard();
});

/** Runs a command with its words where no namespace can be made. */
const CONFINED = ['-Ur', 'sh', '-c', 'echo 0 > /proc/sys/user/max_pid_namespaces && exec "$@"', ''];
const canConfine = spawnSync('unshare', [...CONFINED, 'true']).status === 0;

(canConfine ? test : test.skip)('without namespaces there are no copies', async (t) => {
  const { place, log } = await recordGreeter(t, 'fork-confined');
  const words = [process.execPath, join(BIN, 'scribe.js'), 'fork', '-g', '1', log, '--', 'true'];
  const refused = spawnSync('unshare', [...CONFINED, ...words], { encoding: 'latin1' });
  t.is(refused.status, 119);
  t.regex(
    refused.stderr,
    /cannot go live: namespaces of its own cannot be made here \(errno \d+\)/,
  );
  place.discard();
});
