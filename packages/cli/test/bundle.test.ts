import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';

interface Loader {
  isCurrent(): boolean;
}

const cli = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);
const { isCurrent } = require('../bin/bundle.js') as Loader;

/** Runs a command that tells on stderr which modules it loads. */
function run(command: string, args: readonly string[], env: Record<string, string>, cwd: string) {
  return spawnSync(process.execPath, [join(cli, 'bin', `${command}.js`), ...args], {
    cwd,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, NODE_DEBUG: 'esm', ...env },
  });
}

test('the commands do the same from the bundle and from the modules', (t) => {
  if (!isCurrent()) {
    t.log('skipped: the bundle is older than the packages (npm run build makes it)');
    t.pass();
    return;
  }
  const scratch = mkdtempSync(join(tmpdir(), 'bundle-test-'));
  t.teardown(() => rmSync(scratch, { recursive: true, force: true }));
  for (const SCRIBE_DEBUG of ['', '1']) {
    const log = join(scratch, `log${SCRIBE_DEBUG}`);
    const recorded = run(
      'record',
      ['-o', log, '--store', join(scratch, 'store'), 'date'],
      { SCRIBE_DEBUG },
      scratch,
    );
    t.is(recorded.status, 0, recorded.stderr);
    t.is(/dist\/commands\/record\.js/.test(recorded.stderr), SCRIBE_DEBUG === '1');
    const replayed = run('replay', [log], { SCRIBE_DEBUG }, scratch);
    t.is(replayed.status, 0, replayed.stderr);
    t.is(replayed.stdout, recorded.stdout);
    const profiled = run('profiler', [log], { SCRIBE_DEBUG }, scratch);
    t.regex(profiled.stdout, /--- exit status 0/);
    t.regex(run('scribe', ['info', log], { SCRIBE_DEBUG }, scratch).stdout, /date/);
  }
});

test('what is recorded gets the environment that the command got', (t) => {
  const scratch = mkdtempSync(join(tmpdir(), 'bundle-test-'));
  t.teardown(() => rmSync(scratch, { recursive: true, force: true }));
  const PATH = process.env.PATH!;
  const environments: Record<string, string>[] = [
    { PATH, LAST: '1' },
    { PATH, NODE_EXTRA_CA_CERTS: '', LAST: '1' },
    { PATH, NODE_EXTRA_CA_CERTS: '' },
    { PATH, NODE_EXTRA_CA_CERTS: "/a 'file' of $HOME/certs", LAST: '1' },
  ];
  const args = ['-o', join(scratch, 'log'), '--store', join(scratch, 'store'), 'env'];
  for (const env of environments) {
    const recorded = spawnSync(join(cli, 'bin/record.js'), args, { encoding: 'utf8', env });
    const lines = Object.entries(env).map(([name, value]) => `${name}=${value}\n`);
    t.is(recorded.stdout, lines.join(''), recorded.stderr);
  }
});

test('a bundle older than a package is not used', (t) => {
  const packages = mkdtempSync(join(tmpdir(), 'bundle-test-'));
  t.teardown(() => rmSync(packages, { recursive: true, force: true }));
  cpSync(join(cli, 'bin'), join(packages, 'cli', 'bin'), { recursive: true });
  const at = (...path: string[]): string => join(packages, ...path);
  const copied = require(at('cli', 'bin', 'bundle.js')) as Loader;
  t.false(copied.isCurrent(), 'there is none');
  mkdirSync(at('cli', 'dist', 'bundle'), { recursive: true });
  writeFileSync(at('cli', 'dist', 'bundle', 'stamp'), '');
  t.true(copied.isCurrent(), 'installed without build information');
  mkdirSync(at('tracelog', 'dist'), { recursive: true });
  writeFileSync(at('tracelog', 'dist', '.tsbuildinfo'), '');
  utimesSync(at('tracelog', 'dist', '.tsbuildinfo'), 1000, 1000);
  t.true(copied.isCurrent(), 'compiled before');
  utimesSync(at('tracelog', 'dist', '.tsbuildinfo'), 1e10, 1e10);
  t.false(copied.isCurrent(), 'compiled since');
});

/** Modules of Node that take milliseconds to load, in each thread. */
const SLOW = ['crypto', 'net', 'perf_hooks', 'tty', 'http', 'child_process', 'inspector', 'zlib'];

test('a recording and a replay load no modules of Node that they do not need', (t) => {
  if (!isCurrent()) {
    t.log('skipped: the bundle is older than the packages (npm run build makes it)');
    t.pass();
    return;
  }
  const scratch = mkdtempSync(join(tmpdir(), 'bundle-test-'));
  t.teardown(() => rmSync(scratch, { recursive: true, force: true }));
  const hook = join(scratch, 'hook.cjs');
  writeFileSync(
    hook,
    `const { isMainThread } = require('node:worker_threads');
     process.on('exit', () => {
       const name = process.env.LISTED + (isMainThread ? '.main' : '.thread');
       require('node:fs').writeFileSync(name, process.moduleLoadList.join('\\n'));
     });`,
  );
  const bare = join(scratch, 'bare.cjs');
  writeFileSync(
    bare,
    `const { isMainThread, Worker } = require('node:worker_threads');
     if (isMainThread) new Worker(__filename, { stdout: true, stderr: true });`,
  );
  const store = join(scratch, 'store');
  const log = join(scratch, 'log');
  const command = (name: string): string => join(cli, 'bin', `${name}.js`);
  // The first one fills the store, for which it takes hashes.
  for (const [listed, ...args] of [
    ['bare', bare],
    ['first', command('record'), '-o', log, '--store', store, 'true'],
    ['record', command('record'), '-o', log, '--store', store, 'true'],
    ['replay', command('replay'), log],
  ] as const) {
    const { status, stderr } = spawnSync(process.execPath, ['--require', hook, ...args], {
      cwd: scratch,
      stdio: ['ignore', 'ignore', 'pipe'],
      encoding: 'utf8',
      env: { PATH: process.env.PATH, LISTED: join(scratch, listed) },
    });
    t.is(status, 0, stderr);
  }
  const slowOf = (name: string): string[] => {
    const loaded = readFileSync(join(scratch, name), 'utf8').split('\n');
    t.true(loaded.includes('NativeModule fs'), name);
    return SLOW.filter((module) => loaded.includes(`NativeModule ${module}`));
  };
  for (const thread of ['main', 'thread'])
    for (const run of ['record', 'replay'])
      t.deepEqual(slowOf(`${run}.${thread}`), slowOf(`bare.${thread}`), `${run}.${thread}`);
});
