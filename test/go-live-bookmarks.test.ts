/** Programs that are recorded with several bookmarks, on both paths, go live at each of these, and are used for real. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { once } from 'node:events';
import { join } from 'node:path';
import { root, workspace } from './harness.js';
import {
  answers,
  freePort,
  goLiveAt,
  hasAll,
  keepsIds,
  onBothPaths,
  recordThrough,
  recordTo,
  type Started,
} from './live.js';

const at = (name: string): string => join(root, 'test/programs', name);

onBothPaths(
  keepsIds && hasAll('python3'),
  'a transaction of SQLite is committed',
  async (t, options) => {
    const place = workspace('live-transaction');
    const file = (name: string): string => join(place.path, name);
    const command = ['python3', at('live-transaction.py')];
    let isSent = false;
    const log = await recordThrough(
      t,
      place.path,
      command,
      [
        ({ stdout }) => stdout.includes('began\n'),
        ({ stdout, child }) => {
          if (!isSent) child.stdin!.write('second\n');
          isSent = true;
          return stdout.includes('took second\n');
        },
      ],
      options,
    );
    const names = readdirSync(place.path).filter((name) => name.startsWith('rows.db'));
    t.true(names.includes('rows.db'));
    const contents = names.map((name) => readFileSync(file(name)));
    for (const [i, taken] of ['', 'took second\n'].entries()) {
      // The file that SQLite finds must be the one that it had opened.
      for (const [k, name] of names.entries()) writeFileSync(file(name), contents[k]!);
      const live = goLiveAt(t, log, i + 1);
      live.child.stdin!.end('third\nfourth\n');
      await live.closed;
      const what = `bookmark ${i + 1}: ${live.stderr}`;
      t.is(live.stdout, `began\n${taken}took third\ntook fourth\n${4 + i}\n`, what);
      t.is(live.child.exitCode, 0, what);
      t.false(live.stderr.includes('rows.db'), what);
      const rows = `import sqlite3; print(sqlite3.connect('rows.db').execute(
      "select group_concat(name), (select * from pragma_integrity_check) from rows").fetchone())`;
      const found = execFileSync('python3', ['-c', rows], { cwd: place.path, encoding: 'latin1' });
      t.is(found, `('before,first,${i === 0 ? '' : 'second,'}third,fourth', 'ok')\n`);
    }
    place.discard();
  },
);

/** Where Debian has the newest server, which is not for anybody's PATH. */
const VERSIONS = '/usr/lib/postgresql';
const postgres = (existsSync(VERSIONS) ? readdirSync(VERSIONS) : [])
  .sort((a, b) => Number(a) - Number(b))
  .map((version) => join(VERSIONS, version, 'bin'))
  .filter((directory) => existsSync(join(directory, 'postgres')))
  .at(-1);
/** It refuses to run as root. */
const AS_ANOTHER =
  process.getuid!() === 0 ? ['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups'] : [];

onBothPaths(
  postgres !== undefined && keepsIds && hasAll('psql', 'setpriv'),
  'a transaction of a client of PostgreSQL is committed',
  async (t, options) => {
    const place = workspace('live-postgres');
    if (AS_ANOTHER.length > 0) execFileSync('chown', ['nobody:nogroup', place.path]);
    const init = [join(postgres!, 'initdb'), '-D', 'data', '-A', 'trust', '-N', '-U', 'owner'];
    const [file, ...args] = [...AS_ANOTHER, ...init] as [string, ...string[]];
    execFileSync(file, args, { cwd: place.path });
    let isSent = false;
    const hasBegun = ({ stdout, child }: Started): boolean => {
      if (!isSent) child.stdin!.write("begin; insert into rows values ('first');\n\\echo began\n");
      isSent = true;
      return stdout.includes('began\n');
    };
    // By its text: that user may not be allowed to read the file.
    const script = readFileSync(at('live-postgres.sh'), 'utf8');
    const command = [...AS_ANOTHER, 'bash', '-c', script, 'postgres', postgres!];
    const log = await recordTo(t, place.path, command, hasBegun, options);
    const live = goLiveAt(t, log, 1);
    live.child.stdin!.end(
      "insert into rows values ('second'); commit;\nselect name from rows order by name;\n",
    );
    await live.closed;
    const what = `${live.stderr}\n${readFileSync(join(place.path, 'log'), 'latin1')}`;
    t.is(live.stdout, 'began\nfirst\nsecond\nended with 0\n', what);
    t.is(live.child.exitCode, 0, what);
    place.discard();
  },
);

/** What an HTTP server answers; `agent` keeps the connection. */
async function ask(port: number, path: string, agent: Agent): Promise<number[]> {
  const [response] = (await once(get({ port, host: '127.0.0.1', path, agent }), 'response')) as [
    AsyncIterable<Buffer>,
  ];
  let text = '';
  for await (const bytes of response) text += bytes.toString();
  return text.split(' ').map(Number);
}

onBothPaths(
  keepsIds && hasAll('node'),
  'a node server goes on without its clients',
  async (t, options) => {
    const place = workspace('live-server');
    const port = await freePort();
    const client = new Agent({ keepAlive: true, maxSockets: 1 });
    const isAnswered = async (): Promise<boolean> =>
      (await answers(port)) && (await ask(port, '/', client))[0]! > 0;
    const command = ['node', at('live-server.mjs'), `${port}`];
    const log = await recordThrough(t, place.path, command, [isAnswered, isAnswered], options);
    client.destroy();
    for (const bookmark of [1, 2]) {
      const live = goLiveAt(t, log, bookmark);
      await live.until(t, () => answers(port));
      const other = new Agent({ keepAlive: true, maxSockets: 1 });
      const [requests, ticks] = (await ask(port, '/', other)) as [number, number];
      t.is(requests, bookmark + 1, live.stderr);
      let now = ticks;
      // Its timer runs.
      for (let count = requests; now <= ticks + 2;) {
        const [next, later] = (await ask(port, '/', other)) as [number, number];
        t.is(next, ++count);
        now = later;
      }
      await ask(port, '/end', other);
      other.destroy();
      await live.closed;
      t.is(live.child.exitCode, 3, live.stderr);
      t.regex(live.stderr, /\((?:connected )?socket\): its peer is gone/);
    }
    place.discard();
  },
);
