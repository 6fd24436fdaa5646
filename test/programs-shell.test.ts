import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { join } from 'node:path';
import { program } from './programs/driver.js';

program('date', {
  command: ['date'],
  expect: (t, { stdout }) => t.regex(stdout, /^\w{3} \w{3} .*\d{4}\n$/),
});

// What the C compiler needs, so it is there wherever the tests are; not all of /usr, which has a million files on some.
program('ls -laR', {
  command: ['ls', '-laR', '/usr/include'],
  expect: (t, { stdout }) => t.true(stdout.length > 100_000),
});

program('bash with everything a shell is made of', {
  files: ['pipelines.sh'],
  command: ['bash', 'pipelines.sh'],
  expect(t, { stdout }) {
    t.regex(stdout, /^3 kinds\n a: 2|^3 kinds\na: 2\n/);
    t.regex(stdout, /caught USR1 in \d+\nchild ends\nchild 5\nall done\nwaited for 7\n/);
    t.regex(stdout, /SHOUT\n[^]*at exit\n$/);
  },
});

program('find | sort | uniq -c', {
  command: [
    'sh',
    '-c',
    'find /usr/bin /usr/sbin /usr/include -name "*.*" | sed "s/.*\\.//" | sort | uniq -c',
  ],
  expect: (t, { stdout }) => t.regex(stdout, /^ +\d+ h$/m),
});

program('perl', {
  needs: ['perl'],
  files: ['text.pl'],
  command: ['perl', 'text.pl'],
  expect: (t, { stdout }) => t.regex(stdout, /child ended with 4\nended by alarm\n\d+ matches\n$/),
});

program('sqlite3 with 100,000 inserts', {
  needs: ['sqlite3'],
  prepare({ path }) {
    const insert = (i: number): string => `insert into t values (${i}, random());\n`;
    const inserts = Array.from({ length: 100_000 }, (_, i) => insert(i)).join('');
    writeFileSync(
      join(path, 'commands.sql'),
      `create table t (a integer primary key, b integer);\nbegin;\n${inserts}commit;\n` +
        'select count(*), total(b) from t;\ncreate index i on t (b);\nselect a, b from t order by b limit 5;\n',
    );
  },
  command: ['sqlite3', 'data.db', '.read commands.sql'],
  expect: (t, { stdout }) => t.regex(stdout, /^100000\|/),
});

program('tar with gzip and a threaded xz', {
  needs: ['xz'],
  prepare: ({ path }) => {
    execFileSync('cp', ['-r', '/usr/include/linux', join(path, 'tree')]);
  },
  command: [
    'bash',
    '-c',
    'set -e; tar czf tree.tgz tree; tar cf - tree | xz -T2 -0 --block-size=1MiB >tree.txz; ' +
      'mkdir one two; tar xzf tree.tgz -C one; tar xJf tree.txz -C two; diff -r one two; ' +
      'gzip -dc tree.tgz | tar tvf - | tail -3; stat -c %s tree.txz; xz -l tree.txz',
  ],
  expect: (t, { stdout }) => t.regex(stdout, /tree\.txz\n$/),
});

program('openssl, which chooses its code by cpuid', {
  needs: ['openssl'],
  prepare: ({ path }) => writeFileSync(join(path, 'plain'), Buffer.alloc(3_000_000, 'some text ')),
  command: [
    'bash',
    '-c',
    'set -e; for d in sha256 sha512 sha3-256 md5 blake2b512; do openssl dgst -$d plain; done; ' +
      'for c in aes-256-cbc aes-128-ctr chacha20 camellia-256-cbc; do ' +
      'openssl enc -$c -pbkdf2 -k secret -in plain -out secret.$c; ' +
      'openssl enc -d -$c -pbkdf2 -k secret -in secret.$c | cmp - plain; md5sum secret.$c; done; ' +
      'openssl rand -hex 20; openssl genpkey -algorithm ed25519 -out key; ' +
      'openssl pkeyutl -sign -rawin -inkey key -in <(head -c 100 plain) | sha256sum; ' +
      'openssl ecparam -genkey -name prime256v1 -noout | sha256sum; openssl version',
  ],
  expect: (t, { stdout }) =>
    t.regex(
      stdout,
      /^(.*\(plain\)= [0-9a-f]+\n){5}([0-9a-f]{32} .*\n){4}[0-9a-f]{40}\n(.* -\n){2}Open/,
    ),
});

const web = createServer((request, response) => {
  response.setHeader('Set-Cookie', `request=${Date.now()}`);
  request.pipe(response);
  response.write(`${request.method} ${request.url}\n`);
}).unref();

program('curl against a local server', {
  needs: ['curl'],
  prepare: async ({ port, path }) => {
    writeFileSync(join(path, 'body'), 'x'.repeat(300_000));
    await once(web.listen(port, '127.0.0.1'), 'listening');
  },
  command: ({ port }) => [
    'sh',
    '-c',
    `curl -sSi --compressed http://localhost:${port}/one http://127.0.0.1:${port}/two; ` +
      `curl -sS -T body http://127.0.0.1:${port}/three | wc -c; curl -sS http://127.0.0.1:1/; echo $?`,
  ],
  expect: (t, { stdout }) => t.regex(stdout, /GET \/one[^]*GET \/two[^]*\n300011\n7\n$/),
  cleanUp: () => void web.close(),
});
