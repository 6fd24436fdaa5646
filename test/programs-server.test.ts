import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { find, program } from './programs/driver.js';

const run = promisify(execFile);

program('redis-server under redis-benchmark', {
  needs: ['redis-server', 'redis-benchmark', 'redis-cli'],
  command: ({ port }) => [
    'redis-server',
    '--port',
    `${port}`,
    '--save',
    '',
    '--appendonly',
    'yes',
    '--appendfsync',
    'everysec',
  ],
  async meanwhile({ port }, recording) {
    await recording.printed('Ready to accept connections');
    const local = ['-p', `${port}`];
    const tests = ['-t', 'set,get,incr,lpush,lrange_100,mset', '-n', '1000', '-c', '20', '-q'];
    await run(find('redis-benchmark')!, [...local, ...tests]);
    await run(find('redis-benchmark')!, [
      ...local,
      '-t',
      'set,get',
      '-n',
      '5000',
      '-P',
      '16',
      '-q',
    ]);
    const cli = (...args: string[]) => run(find('redis-cli')!, [...local, ...args]);
    await cli('eval', 'return redis.call("incrby", KEYS[1], 5)', '1', 'key');
    await cli('bgsave');
    await recording.printed('Background saving terminated');
    await cli('shutdown', 'save').catch(() => {});
  },
  expect: (t, { stdout }) => t.regex(stdout, /Redis is now ready to exit/),
});

/** nginx needs its directories made, and its workers need to get in. */
function nginxPrefix(path: string, port: number): void {
  chmodSync(join(path, '..'), 0o755);
  mkdirSync(join(path, 'html'));
  writeFileSync(join(path, 'html/index.html'), `<p>${'text '.repeat(2000)}</p>\n`);
  writeFileSync(
    join(path, 'nginx.conf'),
    `worker_processes 2;
daemon off;
pid nginx.pid;
error_log stderr notice;
events { worker_connections 64; }
http {
  access_log access.log;
  client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp; uwsgi_temp_path tmp; scgi_temp_path tmp;
  sendfile on;
  gzip on; gzip_types text/html;
  limit_req_zone $binary_remote_addr zone=all:1m rate=100000r/s;
  server { listen 127.0.0.1:${port} reuseport; root html; limit_req zone=all burst=1000; }
}
`,
  );
}

for (const [client, args] of [
  ['ab', (url: string) => ['-q', '-n', '500', '-c', '10', '-k', url]],
  ['wrk', (url: string) => ['-t', '1', '-c', '8', '-d', '1s', url]],
] as const) {
  program(`nginx with two workers under ${client}`, {
    needs: ['nginx', client],
    prepare: ({ path, port }) => nginxPrefix(path, port),
    command: ({ path }) => ['nginx', '-p', path, '-e', 'stderr', '-c', 'nginx.conf'],
    async meanwhile({ path, port }, recording) {
      await recording.listens(port);
      await run(find(client)!, args(`http://127.0.0.1:${port}/`));
      await run(find('nginx')!, ['-p', path, '-e', 'stderr', '-c', 'nginx.conf', '-s', 'reload']);
      await recording.printed('gracefully shutting down');
      await run(find(client)!, args(`http://127.0.0.1:${port}/missing`));
      await run(find('nginx')!, ['-p', path, '-e', 'stderr', '-c', 'nginx.conf', '-s', 'quit']);
    },
    expect: (t, { stderr }) => t.regex(stderr, /exit\n$/),
  });
}
