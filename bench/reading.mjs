// How fast logs are read: frames and lines a second of `profiler`, beside the calls a second that strace itself prints.
// Part of `npm run bench`; by itself: node bench/reading.mjs
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, openSync, closeSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeLog } from './make-log.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const profiler = join(root, 'packages', 'cli', 'bin', 'profiler.js');
const place = join(root, 'build', 'bench', 'reading');

/** Runs a command on one core alone, where there is a way to say so. */
const onOneCore =
  spawnSync('taskset', ['-c', '0', 'true']).status === 0 ? ['taskset', '-c', '0'] : [];

/** Seconds of processor time and of the clock that a command took, and the most memory it had, KiB. */
function time(command, env) {
  const nowhere = openSync('/dev/null', 'w');
  const report = '%U %S %e %M';
  try {
    const done = spawnSync('/usr/bin/time', ['-f', report, ...onOneCore, ...command], {
      stdio: ['ignore', nowhere, 'pipe'],
      env: { ...process.env, ...env },
      encoding: 'utf8',
    });
    if (done.status !== 0) throw new Error(`${command.join(' ')}: ${done.stderr}`);
    const [user, system, wall, kib] = done.stderr.trim().split('\n').at(-1).split(' ').map(Number);
    return { cpu: user + system, wall, kib };
  } finally {
    closeSync(nowhere);
  }
}

function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

/** Rows of `what`, unit, how many things it works through, and the samples. Undefined where /usr/bin/time or strace is missing. */
export function measureReading({ calls = 1_000_000, rounds = 3 } = {}) {
  if (spawnSync('/usr/bin/time', ['-f', '', 'true']).status !== 0) return undefined;
  if (spawnSync('strace', ['-V']).status !== 0) return undefined;
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place, { recursive: true });
  const log = join(place, 'long.log');
  const { frames } = makeLog(log, { calls });
  const node = (...args) => [process.execPath, profiler, ...args, log];
  const lines = (...args) => {
    const text = execFileSync('sh', ['-c', `"$@" | wc -l`, 'sh', ...node(...args)]);
    return Number(String(text));
  };
  const getppid = join(place, 'getppid');
  execFileSync('gcc', ['-O2', join(root, 'bench', 'programs', 'getppid.c'), '-o', getppid]);
  const straced = Math.round(calls / 10);
  const jobs = [
    ['profiler -c', 'frames', frames, node('-c')],
    ['profiler', 'lines', lines(), node()],
    ['profiler --strace', 'lines', lines('--strace'), node('--strace')],
    ['profiler -Z -e %file', 'frames', frames, node('-Z', '-e', '%file')],
    ['profiler --export jsonl', 'frames', frames, node('--export', 'jsonl')],
    ['strace -c, tracing', 'calls', straced, ['strace', '-c', getppid, String(straced)]],
    ['strace, tracing', 'lines', straced, ['strace', '-o', '/dev/null', getppid, String(straced)]],
  ];
  const rows = jobs.map(([what, unit, count]) => ({ what, unit, count, samples: [] }));
  for (let round = 0; round < rounds; round++) {
    for (const [i, job] of jobs.entries()) {
      try {
        rows[i].samples.push(time(job[3]));
      } catch (error) {
        rows[i].failure = error.message;
      }
    }
  }
  rmSync(place, { recursive: true });
  return rows;
}

export function readingTable(rows) {
  const text = (value) => Math.round(value).toLocaleString('en');
  const head = ['what', 'of', 'a second of CPU', 'at best', 'a second', 'most memory'];
  const cells = rows.map(({ what, unit, count, samples, failure }) =>
    failure !== undefined
      ? [what, 'fails', '', '', '', '']
      : [
          what,
          `${text(count)} ${unit}`,
          text(count / median(samples.map(({ cpu }) => cpu))),
          text(count / Math.min(...samples.map(({ cpu }) => cpu))),
          text(count / median(samples.map(({ wall }) => wall))),
          `${text(median(samples.map(({ kib }) => kib)) / 1024)} MiB`,
        ],
  );
  const widths = head.map((_, i) => Math.max(...[head, ...cells].map((row) => row[i].length)));
  const line = (row) =>
    `| ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join(' | ')} |`;
  const rule = `|${widths.map((width, i) => (i === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [line(head), rule, ...cells.map(line)].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const rows = measureReading();
  console.log(rows === undefined ? 'needs /usr/bin/time and strace' : readingTable(rows));
}
