/**
 * How long each system call took: a histogram for every call of a log, the slowest in sum first.
 *
 *   node examples/dist/latency-histogram.js LOG [CALL…]
 *
 * The log must have the times of calls (verbosity letter T, which is in the default).
 */
import { decodeEvents } from '@scribe-ts/profiler';
import { openLog } from '@scribe-ts/tracelog';

const BAR = 40;

/** Calls by how many times a microsecond doubled they took: element 0 is below 1 µs, element n below 2^n µs. */
interface Latencies {
  readonly buckets: number[];
  total: number;
  count: number;
}

const [path, ...calls] = process.argv.slice(2);
if (path === undefined) {
  console.error('usage: latency-histogram LOG [CALL…]');
  process.exit(2);
}
using log = openLog(path);
const byName = new Map<string, Latencies>();
for (const event of decodeEvents(log, { descriptors: 'unknown' })) {
  if (event.type !== 'syscall' || event.duration === undefined) continue;
  if (calls.length > 0 && !calls.includes(event.name)) continue;
  let latencies = byName.get(event.name);
  if (latencies === undefined)
    byName.set(event.name, (latencies = { buckets: [], total: 0, count: 0 }));
  const bucket = Math.max(0, Math.ceil(Math.log2((event.duration + 1) / 1000)));
  latencies.buckets[bucket] = (latencies.buckets[bucket] ?? 0) + 1;
  latencies.total += event.duration;
  latencies.count++;
}
for (const [name, latencies] of [...byName].sort(([, a], [, b]) => b.total - a.total)) {
  const { buckets, total, count } = latencies;
  console.log(`${name}: calls ${count}, together ${(total / 1e6).toFixed(3)} ms`);
  const most = Math.max(...buckets.filter(Boolean));
  for (const [bucket, number = 0] of Array.from(buckets).entries()) {
    const bar = '#'.repeat(Math.ceil((number / most) * BAR));
    console.log(`  < ${String(2 ** bucket).padStart(8)} µs ${String(number).padStart(7)} ${bar}`);
  }
}
