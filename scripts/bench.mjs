// Measures native, strace, record and replay, with the agent and without, and prints a table of paired ratios. Run after `npm run build`.
//   node scripts/bench.mjs [--quick] [--only NAME,…] [--rounds N] [--list]
// A full run keeps its results in bench/results.json and puts the table into docs/BENCHMARKS.md; --only replaces those
// rows. --quick is a try-out: a tenth of the work, one round, nothing kept. The log of a replay that failed is left in
// build/bench.
import { spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { cpus, loadavg, release } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { measureReading, readingTable } from '../bench/reading.mjs';
import { workloads } from '../bench/workloads.mjs';
import { measureLog } from '../bench/log-size.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const resultsPath = join(root, 'bench', 'results.json');
const documentPath = join(root, 'docs', 'BENCHMARKS.md');
const place = join(root, 'build', 'bench');
const store = join(place, 'store');

/** How a workload is run, in the order of a round. */
const MODES = ['native', 'strace', 'record', 'replay', 'traced', 'again'];
/** Modes that replay what another one has recorded. */
const REPLAYS = { replay: 'record', again: 'traced' };
const ROUNDS = 5;
const TIMEOUT_MS = 10 * 60_000;
/** Below this, what is left of a run without the tracer's start is noise. */
const SMALLEST_NET_MS = 20;

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    rounds: { type: 'string' },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (options.help) {
  console.log(
    'usage: npm run bench -- [--quick] [--only NAME,…] [--rounds N] | --list\n' +
      '--quick: a tenth of the work, one round, nothing kept; --only: these workloads, of which --list has the names',
  );
  process.exit(0);
}

function bin(name) {
  return join(root, 'packages', 'cli', 'bin', `${name}.js`);
}

function commandFor(mode, argv, log) {
  switch (mode) {
    case 'native':
      return argv;
    case 'strace':
      return ['strace', '-f', '-o', '/dev/null', ...argv];
    case 'record':
      return [bin('record'), '-o', log, '--store', store, ...argv];
    case 'replay':
      return [bin('replay'), log];
    case 'traced':
      return [bin('record'), '--no-agent', '-o', log, '--store', store, ...argv];
    case 'again':
      return [bin('replay'), '--no-agent', log];
  }
}

/** Runs a command to its end; milliseconds, or what `drive` has measured. Throws if it doesn't exit with 0. */
async function time(command, cwd, env, drive) {
  const output = openSync(join(cwd, 'output'), 'w');
  const errors = openSync(join(cwd, 'errors'), 'w');
  const [file, ...args] = command;
  const start = performance.now();
  const child = spawn(file, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', output, errors],
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });
  const ended = new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve({ end: performance.now(), status: code ?? signal }));
  });
  try {
    const measured = await drive?.(child);
    const { end, status } = await ended;
    if (status !== 0) {
      const said = readFileSync(join(cwd, 'errors'), 'utf8').trim().split('\n')[0];
      throw new Error(`exit ${status}${said ? `: ${said}` : ''}`);
    }
    return measured ?? end - start;
  } finally {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    closeSync(output);
    closeSync(errors);
  }
}

/**
 * Runs a workload `rounds` times in every mode, the modes taking turns; a first round that isn't counted fills caches. A
 * mode that fails once is not run again. Beside each run the same mode does nothing, which tells what its start takes then.
 */
async function measure(workload, rounds) {
  const { name, what } = workload;
  const directory = join(place, name);
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  // What else the machine has to do: ratios are good only where that is little.
  const load = Math.round(loadavg()[0] * 10) / 10;
  const job = workload.setup({ directory, quick: options.quick });
  if (typeof job === 'string') return { name, what, skipped: job };
  const logOf = (mode) => join(directory, `${REPLAYS[mode] ?? mode}.log`);
  const ms = Object.fromEntries(MODES.map((mode) => [mode, []]));
  const starts = Object.fromEntries(MODES.map((mode) => [mode, []]));
  const failures = {};
  for (let round = -1; round < rounds; round++) {
    for (const mode of workload.modes ?? MODES) {
      const recorded = REPLAYS[mode];
      if (failures[mode] !== undefined || failures[recorded] !== undefined) continue;
      if (recorded === undefined) job.before?.();
      const drive = recorded === undefined ? job.drive : undefined;
      const command = commandFor(mode, job.argv, logOf(mode));
      try {
        const took = await time(command, directory, job.env, drive);
        const nothing = commandFor(mode, ['/bin/true'], `${logOf(mode)}.start`);
        const start = await time(nothing, directory);
        if (round < 0) continue;
        ms[mode].push(Math.round(took * 100) / 100);
        starts[mode].push(Math.round(start * 100) / 100);
      } catch (error) {
        failures[mode] = error.message;
        ms[mode] = [];
        if (recorded !== undefined) copyFileSync(logOf(mode), `${directory}.log`);
      }
    }
  }
  const measuredAt = new Date().toISOString().slice(0, 10);
  const row = {
    name,
    what,
    measuredAt,
    load,
    ...(job.isRate === true ? { isRate: true } : {}),
    ms,
    starts,
    failures,
    syscalls: 0,
    logBytes: 0,
    bareBytes: 0,
  };
  if (failures.record === undefined) {
    Object.assign(row, measureLog(logOf('record'), join(directory, 'stripped.log')));
  }
  rmSync(directory, { recursive: true, force: true });
  return row;
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * Median over the rounds of one mode's time over another's in the same round. With `starts`, the time each takes to do
 * nothing is taken off first; undefined if little is left then, or a mode failed.
 */
function pairedRatio(row, over, under, starts) {
  // Results that were kept may be older than a mode.
  if (row.ms[over] === undefined || row.ms[under] === undefined) return undefined;
  const rounds = Math.min(row.ms[over].length, row.ms[under].length);
  const lessStart = row.isRate === true ? undefined : starts;
  const ratios = [];
  for (let round = 0; round < rounds; round++) {
    const above = row.ms[over][round] - (lessStart?.[over] ?? 0);
    const below = row.ms[under][round] - (lessStart?.[under] ?? 0);
    if (starts !== undefined && Math.min(above, below) < SMALLEST_NET_MS) return undefined;
    ratios.push(above / below);
  }
  return ratios.length === 0 ? undefined : median(ratios);
}

/** What each mode takes to do nothing, more than the program itself, beside the runs of a row. Older rows have not measured it. */
function startTimes({ starts }) {
  if (starts === undefined) return undefined;
  const native = median(starts.native);
  return Object.fromEntries(
    MODES.filter((mode) => starts[mode]?.length > 0).map((mode) => [
      mode,
      Math.max(0, median(starts[mode]) - native),
    ]),
  );
}

const HEAD = [
  'workload',
  'native',
  'strace',
  'record',
  'net',
  'replay',
  'net',
  'record / strace',
  'traced',
  'net / strace',
  'again',
  'net / traced',
  'calls',
  'log',
  'bytes / call',
  'without data',
];

function cells(row) {
  if (row.skipped !== undefined) return [row.name, ...HEAD.slice(1).map(() => '–')];
  const ratio = (over, under, less) => {
    const value = pairedRatio(row, over, under, less);
    return value === undefined ? '–' : `${value.toFixed(value < 10 ? 2 : 1)}×`;
  };
  const starts = startTimes(row);
  const mode = (name) => (row.failures[name] === undefined ? ratio(name, 'native') : 'fails');
  // A rate has no start in it.
  const hasNet = starts !== undefined || row.isRate === true;
  const net = (over, under) => (hasNet ? ratio(over, under, starts ?? {}) : '–');
  const native = row.ms.native.length === 0 ? NaN : median(row.ms.native);
  const kib = row.logBytes / 1024;
  return [
    row.name,
    `${native.toFixed(native < 100 ? 1 : 0)} ms`,
    mode('strace'),
    mode('record'),
    net('record', 'native'),
    mode('replay'),
    net('replay', 'native'),
    ratio('record', 'strace'),
    mode('traced'),
    net('traced', 'strace'),
    mode('again'),
    net('again', 'traced'),
    row.syscalls.toLocaleString('en'),
    `${kib.toFixed(kib < 100 ? 1 : 0)} KiB`,
    (row.logBytes / row.syscalls).toFixed(1),
    row.bareBytes === undefined ? '–' : (row.bareBytes / row.syscalls).toFixed(1),
  ];
}

function table(rows) {
  const lines = [HEAD, ...rows.map((row) => cells(row))];
  const widths = HEAD.map((_, i) => Math.max(...lines.map((line) => line[i].length)));
  const rule = widths.map((width, i) =>
    i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  const text = lines.map((line) =>
    line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))),
  );
  text.splice(1, 0, rule);
  const remarks = rows.flatMap(({ name, skipped, failures }) => [
    ...(skipped === undefined ? [] : [`${name} was skipped: ${skipped}`]),
    ...Object.entries(failures ?? {}).map(
      ([mode, message]) => `${name}, ${mode} failed: ${message}`,
    ),
  ]);
  return [...text.map((cellsOfLine) => `| ${cellsOfLine.join(' | ')} |`), ...remarks].join('\n');
}

/** The load that the rows were measured under, of this machine and this program's own runs before. */
function loads(rows) {
  const known = rows.flatMap(({ load }) => load ?? []);
  if (known.length === 0) return '';
  return `, load average ${Math.min(...known)} to ${Math.max(...known)} when a row began`;
}

/** Results of the last full run, with the new rows in their places. */
function keep(rows) {
  let kept = [];
  try {
    kept = JSON.parse(readFileSync(resultsPath, 'utf8')).rows;
  } catch {
    // The first run.
  }
  const byName = new Map([...kept, ...rows].map((row) => [row.name, row]));
  const all = workloads.flatMap(({ name }) => byName.get(name) ?? []);
  const strace = spawnSync('strace', ['--version'], { encoding: 'utf8' });
  const machine = {
    kernel: release(),
    cpu: cpus()[0]?.model ?? '',
    cpus: cpus().length,
    node: process.version,
    strace: /version (\S+)/.exec(strace.stdout ?? '')?.[1] ?? '',
  };
  const json = JSON.stringify({ machine, rows: all }, null, 2);
  // The samples of a mode on one line.
  writeFileSync(
    resultsPath,
    `${json.replace(/\[[\d.,\s]*\]/g, (list) => list.replace(/\s+/g, ' '))}\n`,
  );
  const document = readFileSync(documentPath, 'utf8');
  const [before] = document.split('<!-- begin table -->');
  const [, after] = document.split('<!-- end table -->');
  const where = `${machine.cpus} × ${machine.cpu}, Linux ${machine.kernel}, Node ${machine.node}, strace ${machine.strace}${loads(all)}`;
  writeFileSync(
    documentPath,
    `${before}<!-- begin table -->\n${where}:\n\n${table(all)}\n<!-- end table -->${after}`,
  );
  return all;
}

/** Puts the table of how fast logs are read into the document. */
function keepReading(text) {
  const document = readFileSync(documentPath, 'utf8');
  const [before] = document.split('<!-- begin reading -->');
  const [, after] = document.split('<!-- end reading -->');
  const marked = `<!-- begin reading -->\n${text}\n<!-- end reading -->`;
  writeFileSync(documentPath, `${before}${marked}${after}`);
}

const names = options.only?.split(',');
for (const name of names ?? []) {
  if (!workloads.some((workload) => workload.name === name)) {
    console.error(`bench: no workload '${name}' (--list shows them)`);
    process.exit(2);
  }
}
if (options.list) {
  for (const { name, what } of workloads) console.log(`${name.padEnd(12)} ${what}`);
} else {
  mkdirSync(place, { recursive: true });
  const rounds = Number(options.rounds ?? (options.quick ? 1 : ROUNDS));
  const rows = [];
  for (const workload of workloads) {
    // Small workloads can only be read next to what a start costs.
    if (names !== undefined && workload.name !== 'true' && !names.includes(workload.name)) continue;
    if (process.stderr.isTTY) process.stderr.write(`\r${workload.name}\x1b[K`);
    rows.push(await measure(workload, rounds));
  }
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  if (!options.quick) keep(rows);
  console.log(table(rows));
  if (names === undefined) {
    const reading = measureReading(options.quick ? { calls: 100_000, rounds: 1 } : { rounds });
    if (reading === undefined) console.log('reading: needs /usr/bin/time and strace');
    else {
      if (!options.quick) keepReading(readingTable(reading));
      console.log(readingTable(reading));
    }
  }
  const failed = rows.some(({ failures }) => Object.keys(failures ?? {}).length > 0);
  process.exitCode = failed ? 1 : 0;
}
