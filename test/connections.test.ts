/** Who is connected with whom, as the log has it, on both paths, against what the program says. */
import { once } from 'node:events';
import { fstatSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { unixPeer } from '@scribe-ts/core-native';
import { openLog } from '@scribe-ts/tracelog';
import test, { type ExecutionContext } from 'ava';
import { PATHS, Pool, root, scribe, workspace } from './harness.js';
import { program } from './live.js';

const WAYS: Readonly<Record<string, string>> = {
  a: 'several processes and threads accept unix connections',
  b: 'several processes and threads accept packet connections',
  c: 'several processes and threads accept TCP connections',
  d: 'unix connections are accepted when they have ended',
  e: 'TCP connections are accepted when they have ended',
  f: 'TCP connections are made without waiting',
};
const pool = new Pool(2);

/** An end of a connection: `TID:N`, the N-th of a task. */
type Ends = Map<string, string[]>;

/** Ends by connection, as frames tell. */
function told(log: string): Ends {
  const tids = new Map<number, number>();
  const counts = new Map<number, number>();
  const ends: Ends = new Map();
  for (const frame of openLog(log).frames()) {
    if (frame.type === 'task-start') tids.set(frame.task, frame.tid);
    if (frame.type !== 'connection') continue;
    const count = (counts.get(frame.task) ?? 0) + 1;
    counts.set(frame.task, count);
    add(ends, `${frame.id}`, `${tids.get(frame.task)}:${count}`);
  }
  return ends;
}

/** Ends by token, as the program says. */
function said(stdout: string): Ends {
  const counts = new Map<string, number>();
  const ends: Ends = new Map();
  for (const line of stdout.trimEnd().split('\n')) {
    const [tid, token] = line.split(' ') as [string, string];
    const count = (counts.get(tid) ?? 0) + 1;
    counts.set(tid, count);
    add(ends, token, `${tid}:${count}`);
  }
  return ends;
}

function add(ends: Ends, key: string, end: string): void {
  const found = ends.get(key);
  if (found === undefined) ends.set(key, [end]);
  else found.push(end);
}

const sorted = (ends: Ends): string[] =>
  [...ends.values()].map((all) => all.sort().join(' ')).sort();

/** Whether the kernel tells which unix sockets are connected with each other. */
async function knowsPeers(): Promise<boolean> {
  const server = createServer().listen(`\0connections-test-${process.pid}`);
  await once(server, 'listening');
  const client = connect(server.address() as string);
  const [accepted] = (await once(server, 'connection')) as [Socket];
  const { fd } = (accepted as unknown as { _handle: { fd: number } })._handle;
  const peer = unixPeer(fstatSync(fd).ino);
  accepted.destroy();
  client.destroy();
  server.close();
  return peer !== 0;
}

async function compare(
  t: ExecutionContext,
  way: string,
  options: readonly string[],
): Promise<void> {
  await using _turn = await pool.enter();
  const place = workspace(`connecting-${way}`);
  const log = join(place.path, 'connecting.log');
  const record = [...options, '-o', log, '--store', join(root, 'build/store')];
  const recorded = await scribe('record', [...record, program('connecting'), way], {
    cwd: place.path,
  });
  t.is(recorded.code, 0, recorded.stderr);
  const ends = said(recorded.stdout);
  // Those by which workers are told to end all have one token.
  const shared = ends.get('0');
  ends.delete('0');
  const connections = told(log);
  // Without sock_diag nobody knows which connection it was that one of several has accepted.
  if ('ab'.includes(way) && !(await knowsPeers())) {
    for (const all of connections.values()) t.is(all.length, 1);
    t.log('sock_diag(7) is not to be had here');
    return;
  }
  const others: string[] = [];
  for (const [id, all] of connections) {
    if (shared?.includes(all[0]!) !== true) continue;
    connections.delete(id);
    others.push(...all);
    t.is(all.length, 2);
  }
  t.deepEqual(others.sort(), shared?.sort() ?? []);
  t.deepEqual(sorted(connections), sorted(ends));
  const replayed = await scribe('replay', [log], { cwd: '/' });
  t.is(replayed.stdout, recorded.stdout, replayed.stderr);
  place.discard();
}

for (const [way, what] of Object.entries(WAYS))
  for (const options of PATHS)
    test(`${what}${options.length === 0 ? '' : ', with the agent'}`, (t) =>
      compare(t, way, options));
