// What the commands start from: dist/bundle holds all their modules in one file, and V8's compiled code beside it. Written by
// scripts/bundle.mjs; without it, or with a package compiled after it, the modules themselves are loaded.
'use strict';

const { existsSync, readFileSync, statSync, writeFileSync } = require('node:fs');
const { dirname, join } = require('node:path');
const { pathToFileURL } = require('node:url');
const { Script } = require('node:vm');

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
 * replays are over in some seconds, and the compiler has threads of its own, beside the CPU on which all stops are handled.
 */
const INTERRUPT_BUDGET = 20_000;
/**
 * When that is said, ms: what is over sooner gains nothing by it. Compiled code that was made with other options is refused,
 * Node's own as well, so not before all of that has been loaded.
 */
const SAID_AFTER = 250;

/** Where one of our packages is: beside this one, both in the repository and as npm installs it. */
function directoryOf(name) {
  const beside = join(packages, name.slice(name.indexOf('/') + 1));
  return existsSync(join(beside, 'package.json'))
    ? beside
    : dirname(require.resolve(`${name}/package.json`));
}

/** Sets the compiler's options, which are those of all threads, some time after the start. */
function setOptionsLater() {
  const set = () => require('node:v8').setFlagsFromString(`--interrupt-budget=${INTERRUPT_BUDGET}`);
  if (!makesCache) setTimeout(set, SAID_AFTER).unref();
}

/** Whether a thread should be started early: there is something to work on, and a directory to start in. */
function isWorth(argv) {
  try {
    process.cwd();
  } catch {
    return false;
  }
  return argv.some((word) => !word.startsWith('-'));
}

/**
 * Starts a thread before it is known what it is to do: it loads its bundle while the main thread loads the command. Returns
 * a function that tells it that, and gives it to whoever would start it.
 */
function startEarly(name) {
  const { Worker } = require('node:worker_threads');
  const filename = join(__dirname, `${name}.js`);
  const told = new Int32Array(new SharedArrayBuffer(4));
  let worker = new Worker(filename, { workerData: { told }, stdout: true, stderr: true });
  // A command that has no work for it ends without it.
  worker.unref();
  worker.once('error', () => (worker = undefined));
  return (url, { workerData, transferList }) => {
    if (worker === undefined || url.pathname !== pathToFileURL(filename).pathname) return undefined;
    const early = worker;
    worker = undefined;
    early.ref();
    early.postMessage(workerData, transferList);
    Atomics.store(told, 0, 1);
    Atomics.notify(told, 0);
    return early;
  };
}

/** Runs the bundle of a thread. If the thread has been started early, its work is waited for where it is asked for. */
function runThread(name) {
  const threads = require('node:worker_threads');
  const told = threads.workerData?.told;
  if (told !== undefined) {
    let workerData;
    const get = () => {
      if (workerData === undefined) {
        Atomics.wait(told, 0, 0);
        workerData = threads.receiveMessageOnPort(threads.parentPort).message;
      }
      return workerData;
    };
    Object.defineProperty(threads, 'workerData', { get });
  }
  return run(name, name);
}

/**
 * Runs a bundle; returns its exports. `use`: what of it is used, as each use has its own compiled code. `takeEarly`: gives the
 * thread that has been started for a URL, see startEarly.
 */
function run(name, use, takeEarly) {
  const filename = join(directory, `${name}.cjs`);
  const cachePath = join(directory, `${use}.cache`);
  let cachedData;
  try {
    cachedData = readFileSync(cachePath);
  } catch {
    // It is compiled as it goes.
  }
  // The bundle is pure ASCII. Another version of V8, or other options, refuse the cache by themselves.
  const script = new Script(
    readFileSync(filename, 'latin1'),
    cachedData === undefined ? { filename } : { filename, cachedData },
  );
  const newWorker = (url, options) => {
    setOptionsLater();
    const { Worker } = require('node:worker_threads');
    return takeEarly?.(url, options) ?? new Worker(url, options);
  };
  const module = { exports: {}, directoryOf, newWorker };
  script.runInThisContext()(module.exports, require, module);
  // Asked for by scripts/bundle.mjs: only at the end it is known which functions are needed.
  if (makesCache) {
    process.on('exit', () => writeFileSync(cachePath, script.createCachedData()));
  }
  return module.exports;
}

/**
 * With NODE_EXTRA_CA_CERTS, Node 20 reads all certificates that it knows at each start, which takes longer than all the rest of
 * it. The first line of a command keeps the variable from Node under another name, as no command needs them; here the
 * environment becomes what it was, for the programs that are run.
 */
function giveBackCertificates({ env }) {
  const kept = env.SCRIBE_EXTRA_CA_CERTS;
  if (kept === undefined) return;
  // That line sets both, in this order: one that was not there before is behind the other.
  const names = Object.keys(env);
  const wasThere = names.indexOf('NODE_EXTRA_CA_CERTS') < names.indexOf('SCRIBE_EXTRA_CA_CERTS');
  delete env.SCRIBE_EXTRA_CA_CERTS;
  if (wasThere) env.NODE_EXTRA_CA_CERTS = kept;
  else delete env.NODE_EXTRA_CA_CERTS;
}

/** Runs a command with this process's arguments. `thread`: name of the thread that it will need. */
async function start(command, thread) {
  giveBackCertificates(process);
  const argv = process.argv.slice(2);
  let main;
  // Stacks of the modules say more than those of the bundle.
  if (process.env.SCRIBE_DEBUG || !isCurrent()) {
    ({ main } = await import(`../dist/bin/${command}.js`));
  } else {
    const takeEarly = thread !== undefined && isWorth(argv) ? startEarly(thread) : undefined;
    ({ main } = await run('commands', command, takeEarly).commands[command]());
  }
  process.exitCode = await main(argv);
}

module.exports = { isCurrent, runThread, start };
