// What the commands start from: dist/bundle holds all their modules in one file, and V8's compiled code beside it. Written by
// scripts/bundle.mjs; without it, or with a package compiled after it, the modules themselves are loaded.
'use strict';

const { readFileSync, statSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { setFlagsFromString } = require('node:v8');
const { Script } = require('node:vm');
const { isMainThread } = require('node:worker_threads');

const packages = join(__dirname, '..', '..');
const directory = join(__dirname, '..', 'dist', 'bundle');
const PACKAGES = ['cli', 'core-native', 'profiler', 'recorder', 'replayer', 'tracelog', 'view'];

const makesCache = process.env.SCRIBE_CODE_CACHE === 'write';

/** Milliseconds since 1970; undefined if there is no such file. */
function modified(...path) {
  return statSync(join(...path), { throwIfNoEntry: false })?.mtimeMs;
}

/** Whether the bundle has been made, and no package compiled since. (Installed packages have no build information.) */
function isCurrent() {
  const made = modified(directory, 'stamp');
  if (made === undefined) return false;
  return PACKAGES.every((name) => (modified(packages, name, 'dist', '.tsbuildinfo') ?? 0) <= made);
}

/**
 * Bytes of bytecode that a function runs before V8 thinks of optimizing it; 67,584 if nothing is said. Most recordings and
 * replays are over in some seconds, and with that number the compiler takes half as much CPU time as the thread that traces.
 */
const INTERRUPT_BUDGET = 500_000;

/** Runs a bundle; returns its exports. `use`: what of it is used, as each use has its own compiled code. */
function run(name, use) {
  const filename = join(directory, `${name}.cjs`);
  const cachePath = join(directory, `${use}.cache`);
  let cachedData;
  try {
    cachedData = readFileSync(cachePath);
  } catch {
    // It is compiled as it goes.
  }
  // The bundle is pure ASCII. Another version of V8, or other options, refuse the cache by themselves.
  const source = readFileSync(filename, 'latin1');
  const wrapped = `(function (exports, require, module) {${source}\n})`;
  const script = new Script(
    wrapped,
    cachedData === undefined ? { filename } : { filename, cachedData },
  );
  const module = { exports: {} };
  // Compiled code that was made with other options is refused: not before it has been loaded, nor where it is made.
  if (!isMainThread && !makesCache) setFlagsFromString(`--interrupt-budget=${INTERRUPT_BUDGET}`);
  script.runInThisContext()(module.exports, require, module);
  // Asked for by scripts/bundle.mjs: only at the end it is known which functions are needed.
  if (makesCache) {
    process.on('exit', () => writeFileSync(cachePath, script.createCachedData()));
  }
  return module.exports;
}

/** Runs a command with this process's arguments. */
async function start(command) {
  // Stacks of the modules say more than those of the bundle.
  const bundled = !process.env.SCRIBE_DEBUG && isCurrent();
  const { main } = bundled
    ? await run('commands', command).commands[command]()
    : await import(`../dist/bin/${command}.js`);
  process.exitCode = await main(process.argv.slice(2));
}

module.exports = { isCurrent, run, start };
