// Makes packages/cli/dist/bundle, which the commands start from: each command and each worker thread would else load a
// hundred modules one by one. It holds
//   commands.cjs, recorder-worker.cjs, replayer-worker.cjs   all modules in one file
//   NAME.cache   V8's compiled code of what a use of them needs
//   stamp        written last: when the bundle was made
// Does nothing if nothing was compiled since. Option: --force.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, sep } from 'node:path';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const script = fileURLToPath(import.meta.url);
const root = dirname(dirname(script));
const cli = join(root, 'packages', 'cli');
const bundle = join(cli, 'dist', 'bundle');
/**
 * What most programs do: it traps, prints, reads, forks, waits, and makes enough calls for their sites to be patched. Code
 * that it has no use for is compiled when it is needed; code that it has makes each start a little longer.
 */
const USUAL = 'date; (ls -l / /usr/bin; date) | cat; ls -l /usr/lib; date & wait';
const COMMANDS = ['record', 'replay', 'profiler', 'scribe'];

/** At the top of each bundle, which is a function of its own. `require` and `module` are those of bin/bundle.js. */
const BANNER = `(function (exports, require, module) {
const __path = require('node:path'), __url = require('node:url');
const __moduleUrl = (name, file) => __url.pathToFileURL(__path.join(module.directoryOf(name), file)).href;
const __workerUrl = (name) => new URL('../../bin/' + name + '-worker.js', __moduleUrl('@scribe-ts/cli', 'dist/bundle/'));
const __newWorker = module.newWorker;`;

/** Modules look for things beside them: they have to be told where they came from. */
const origins = {
  name: 'origins',
  setup({ onLoad }) {
    onLoad({ filter: /\/packages\/[^/]+\/dist\/.*\.js$/ }, ({ path }) => {
      const [name, ...file] = relative(join(root, 'packages'), path).split(sep);
      const url = `__moduleUrl('@scribe-ts/${name}', '${file.join('/')}')`;
      const contents = readFileSync(path, 'utf8')
        .replace("new URL('./worker.js', import.meta.url)", `__workerUrl('${name}')`)
        .replace('new Worker(url', '__newWorker(url')
        .replaceAll('import.meta.url', url);
      return { contents };
    });
  },
};

async function makeBundle(name, input) {
  const { warnings } = await build({
    ...input,
    outfile: join(bundle, `${name}.cjs`),
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    charset: 'ascii',
    legalComments: 'inline',
    banner: { js: BANNER },
    footer: { js: '})' },
    plugins: [origins],
    logLevel: 'warning',
  });
  if (warnings.length > 0) process.exit(1);
}

/**
 * Runs the commands as their users do, so that V8 knows which functions are used. Where ptrace is refused, the code is
 * compiled at each start instead.
 */
function warmUp() {
  const scratch = mkdtempSync(join(tmpdir(), 'scribe-bundle-'));
  const log = join(scratch, 'log');
  const run = (command, ...args) => {
    const { status } = spawnSync(process.execPath, [join(cli, 'bin', `${command}.js`), ...args], {
      cwd: scratch,
      stdio: 'ignore',
      env: { ...process.env, SCRIBE_DEBUG: '', SCRIBE_CODE_CACHE: 'write' },
    });
    if (status !== 0)
      console.error(`bundle: '${command} ${args.join(' ')}' fails: it will start a little slower`);
    return status === 0;
  };
  if (run('record', '-o', log, '--store', join(scratch, 'store'), 'sh', '-c', USUAL)) {
    run('replay', log);
    run('profiler', log);
    run('scribe', 'info', log);
  }
  rmSync(scratch, { recursive: true, force: true });
}

function isCurrent() {
  const { isCurrent } = createRequire(import.meta.url)('../packages/cli/bin/bundle.js');
  if (!isCurrent()) return false;
  const { mtimeMs } = statSync(join(bundle, 'stamp'));
  const addon = 'packages/core-native/build/Release/core_native.node';
  const others = [
    script,
    join(cli, 'bin', 'bundle.js'),
    join(root, 'package-lock.json'),
    join(root, addon),
  ];
  return others.every(
    (path) => (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) <= mtimeMs,
  );
}

if (process.argv.includes('--force') || !isCurrent()) {
  rmSync(bundle, { recursive: true, force: true });
  mkdirSync(bundle);
  const entries = COMMANDS.map((name) => `${name}: () => import('./dist/bin/${name}.js')`);
  const contents = `export const commands = { ${entries.join(', ')} };`;
  await Promise.all([
    makeBundle('commands', { stdin: { contents, resolveDir: cli } }),
    makeBundle('recorder-worker', { entryPoints: ['packages/recorder/dist/worker.js'] }),
    makeBundle('replayer-worker', { entryPoints: ['packages/replayer/dist/worker.js'] }),
  ]);
  const stamp = join(bundle, 'stamp');
  writeFileSync(stamp, '');
  warmUp();
  writeFileSync(stamp, '');
}
