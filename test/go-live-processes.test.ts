/** Programs of several processes that are recorded, replayed to a bookmark, and then used for real. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { once } from 'node:events';
import { join } from 'node:path';
import { workspace } from './harness.js';
import {
  answers,
  descendants,
  find,
  freePort,
  goLive,
  goLiveAt,
  hasAll,
  keepsIds,
  onBothPaths,
  program,
  recordThrough,
  recordTo,
  type Started,
} from './live.js';

const isReady = ({ stdout }: Started): boolean => stdout.includes('rests\n');

onBothPaths(
  keepsIds,
  'a pipeline of four processes goes on in the middle of its writes',
  async (t, options) => {
    const place = workspace('live-pipeline');
    const log = await recordTo(t, place.path, [program('pipeline')], isReady, options);
    const live = goLive(t, log, '--require-complete');
    live.child.stdin!.end('x');
    await live.closed;
    t.is(live.stdout, 'rests\nall arrived\n', live.stderr);
    t.is(live.stderr, '');
    t.is(live.child.exitCode, 6);
    place.discard();
  },
);

onBothPaths(keepsIds, 'what is held and what is pending stays so', async (t, options) => {
  const place = workspace('live-held');
  const log = await recordTo(t, place.path, [program('held')], isReady, options);
  const live = goLive(t, log, '--require-complete');
  live.child.stdin!.end('x');
  await live.closed;
  t.is(live.stderr, '');
  t.is(live.child.exitCode, 3, live.stdout);
  const [rests, ...lines] = live.stdout.trimEnd().split('\n');
  t.is(rests, 'rests');
  t.is(lines.length, 21);
  for (const line of lines) t.regex(line, /: right$/);
  place.discard();
});

onBothPaths(
  keepsIds,
  'what is under way arrives, and what has been asked for holds',
  async (t, options) => {
    const place = workspace('live-under-way');
    const log = await recordTo(t, place.path, [program('under-way')], isReady, options);
    const live = goLive(t, log, '--require-complete');
    live.child.stdin!.end('x');
    await live.closed;
    t.is(live.stderr, '');
    t.is(live.child.exitCode, 4, live.stdout);
    const [rests, ...lines] = live.stdout.trimEnd().split('\n');
    t.is(rests, 'rests');
    t.is(lines.length, 30);
    for (const line of lines) t.regex(line, /: right$/);
    place.discard();
  },
);

onBothPaths(
  keepsIds && hasAll('bash'),
  'a shell goes on counting, and knows its children',
  async (t, options) => {
    const place = workspace('live-shell');
    const script = `
    sleep 1000 & sleeper=$!
    (exit 3) & ended=$!
    n=0; for i in 1 2 3; do n=$(expr $n + 1); done
    echo rests
    while read line; do n=$(expr $n + 1); echo $n $line; done
    kill $sleeper; wait $sleeper; echo $?
    wait $ended; echo $?
    exit 9`;
    let isSent = false;
    const hasCounted = ({ stdout, child }: Started): boolean => {
      if (!isSent) child.stdin!.write('zero\n');
      isSent = true;
      return stdout.includes('4 zero\n');
    };
    const command = ['bash', '-c', script];
    const log = await recordThrough(t, place.path, command, [isReady, hasCounted], options);
    for (const counted of ['rests\n4 one\n5 two\n', 'rests\n4 zero\n5 one\n6 two\n']) {
      const live = goLiveAt(t, log, counted.includes('zero') ? 2 : 1);
      live.child.stdin!.end('one\ntwo\n');
      await live.closed;
      t.is(live.stdout, `${counted}143\n3\n`, live.stderr);
      t.is(live.child.exitCode, 9);
    }
    place.discard();
  },
);

onBothPaths(
  keepsIds && hasAll('make'),
  'make finishes a build in the middle of which two recipes run',
  async (t, options) => {
    const place = workspace('live-make');
    const file = (name: string): string => join(place.path, name);
    writeFileSync(
      file('Makefile'),
      `all: sum
one two:
\t@echo waits; read line < gate-$@; echo $@ $$line > $@
three:
\t@echo $@ > $@
sum: one two three
\tcat one two three > sum
`,
    );
    execFileSync('mkfifo', [file('gate-one'), file('gate-two')]);
    const make = ['make', '-j2'];
    const isWaiting = ({ stdout }: Started): boolean => stdout === 'waits\nwaits\n';
    const log = await recordTo(t, place.path, make, isWaiting, options);
    const live = goLive(t, log);
    // Both wait until somebody opens these.
    for (const text of ['two', 'one'])
      execFileSync('sh', ['-c', `echo ${text} > ${file(`gate-${text}`)}`], { timeout: 120_000 });
    await live.closed;
    t.is(live.stdout, 'waits\nwaits\ncat one two three > sum\n', live.stderr);
    t.is(live.child.exitCode, 0);
    t.is(readFileSync(file('sum'), 'latin1'), 'one one\ntwo two\nthree\n');
    place.discard();
  },
);

onBothPaths(
  keepsIds && hasAll('nginx'),
  'nginx serves, reads its configuration anew, and ends',
  async (t, options) => {
    const place = workspace('live-nginx');
    const port = await freePort();
    const configure = (text: string): void =>
      writeFileSync(
        join(place.path, 'nginx.conf'),
        `worker_processes 2; daemon off; pid nginx.pid; error_log stderr;
events { worker_connections 64; }
http {
  access_log off;
  client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp; uwsgi_temp_path tmp; scgi_temp_path tmp;
  server { listen 127.0.0.1:${port}; location / { return 200 '${text}'; } }
}
`,
      );
    const page = async (): Promise<string> => {
      const [response] = (await once(
        get({ port, host: '127.0.0.1', agent: false }),
        'response',
      )) as [AsyncIterable<Buffer>];
      let text = '';
      for await (const bytes of response) text += bytes.toString();
      return text;
    };
    configure('before');
    const nginx = [find('nginx')!, '-p', place.path, '-e', 'stderr', '-c', 'nginx.conf'];
    const log = await recordTo(
      t,
      place.path,
      nginx,
      async () => (await answers(port)) && (await page()) === 'before',
      options,
    );
    const live = goLive(t, log);
    await live.until(t, () => answers(port));
    t.is(await page(), 'before');
    configure('after');
    // Its id in the pid file is the recorded one, which from here is somebody else's.
    const master = descendants(live.child.pid!).find((pid) =>
      readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('master process'),
    )!;
    process.kill(master, 'SIGHUP');
    await live.until(t, async () => (await page().catch(() => '')) === 'after');
    process.kill(master, 'SIGQUIT');
    await live.closed;
    t.is(live.child.exitCode, 0, live.stderr);
    place.discard();
  },
);
