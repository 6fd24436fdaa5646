// Runs node-gyp with the headers of the node that runs this script, so that nothing is downloaded.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const require = createRequire(import.meta.url);

/** The running node's own headers; undefined leaves it to node-gyp, which downloads them. */
export function findNodeDir() {
  const prefix = dirname(dirname(process.execPath));
  return existsSync(join(prefix, 'include', 'node', 'node_api.h')) ? prefix : undefined;
}

export function nodeGyp(packageDir, command) {
  const cli = join(dirname(require.resolve('node-gyp/package.json')), 'bin', 'node-gyp.js');
  const nodeDir = findNodeDir();
  const args = [cli, command, '--loglevel=warn', ...(nodeDir ? [`--nodedir=${nodeDir}`] : [])];
  if (command !== 'configure') args.push('--jobs=max');
  run(packageDir, process.execPath, args);
}

/** Compiler output goes straight to the terminal, with $CI set only if it failed; a failure ends the build with the tool's exit code. */
export function run(directory, command, args) {
  const stdio = ['inherit', process.env.CI ? 'pipe' : 'inherit', 'inherit'];
  const { status, error, stdout } = spawnSync(command, args, {
    cwd: directory,
    stdio,
    encoding: 'utf8',
  });
  if (status === 0) return;
  if (stdout) console.error(stdout);
  console.error(`build: ${error ? error.message : `${command} failed`}: ${args.join(' ')}`);
  process.exit(status || 1);
}
