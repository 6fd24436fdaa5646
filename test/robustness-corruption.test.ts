import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { profile } from '@scribe-ts/profiler';
import { LogError, openLog } from '@scribe-ts/tracelog';
import test from 'ava';
import { mangle } from '../packages/tracelog/test/support/damage.js';
import { Random } from '../packages/tracelog/test/support/random.js';
import { STORE } from './busy.js';
import { Pool, scribe, workspace } from './harness.js';

const COMMANDS = 60;
const pool = new Pool(2);

/** A log of several processes, so of several streams. */
const recorded = (async () => {
  const place = workspace('corrupted');
  const log = join(place.path, 'whole.log');
  const script = 'echo a | cat; (echo b; date) | sort | wc -l; echo end';
  const { code, stderr } = await scribe('record', [
    '--store',
    STORE,
    '-o',
    log,
    'sh',
    '-c',
    script,
  ]);
  if (code !== 0) throw new Error(stderr);
  const reader = openLog(log);
  if (reader.streams.length < 5) throw new Error(`${reader.streams.length} streams`);
  reader.close();
  // Not a Buffer: its slices would share memory.
  return { place, bytes: Uint8Array.from(readFileSync(log)) };
})();

test('10,000 corrupted logs are printed up to an error each', async (t) => {
  t.timeout(600_000);
  const { place, bytes } = await recorded;
  const random = Random.forTest(t);
  const log = join(place.path, 'profiled.log');
  const before = process.memoryUsage.rss();
  // CPU time, ms: what it costs whatever else the machine does.
  let slowest = 0;
  let most = 0;
  let errors = 0;
  for (let i = 0; i < 10_000; i++) {
    const broken = mangle(random, bytes);
    writeFileSync(log, broken);
    const startUsage = process.cpuUsage();
    let reader;
    try {
      reader = openLog(log);
      let lines = 0;
      for await (const line of profile(reader.frames())) lines += line.length > 0 ? 1 : 0;
      if (lines === 0 && reader.stats.frames > 0 && !reader.truncated) t.fail(`round ${i}`);
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      errors++;
    } finally {
      reader?.close();
    }
    const { user, system } = process.cpuUsage(startUsage);
    slowest = Math.max(slowest, (user + system) / 1000);
    if (i % 100 === 0) most = Math.max(most, process.memoryUsage.rss() - before);
  }
  t.log(`${errors} errors, slowest ${slowest.toFixed(0)} ms, ${(most / 1e6).toFixed(0)} MB more`);
  t.true(errors > 1000);
  t.true(slowest < 5000);
  t.true(most < 400e6);
});

for (const [command, ...args] of [
  ['replay', '-c', '10'],
  ['profiler'],
  ['scribe', 'info'],
] as const) {
  test(`${[command, ...args].join(' ')} of a corrupted log ends with an error, or what there is`, async (t) => {
    t.timeout(600_000);
    const { place, bytes } = await recorded;
    const random = Random.forTest(t);
    const codes = new Map<number | null, number>();
    for (let i = 0; i < COMMANDS; i++) {
      await using _turn = await pool.enter();
      const log = join(place.path, `${command}-${i}.log`);
      writeFileSync(log, mangle(random, bytes));
      const { code, signal, stderr } = await scribe(command, [...args, log], {
        timeoutMs: 120_000,
      });
      codes.set(code, (codes.get(code) ?? 0) + 1);
      t.is(signal, null, `${command} ${args.join(' ')} ${log}`);
      t.true(code === 0 || code === 121, `${log}: ${code}: ${stderr}`);
      if (code === 121) t.regex(stderr, /^[a-z ]+: [^\n]+\n$/m, log);
      t.notRegex(stderr, /internal error/, log);
    }
    t.log([...codes].map(([code, count]) => `${count} × ${code}`).join(', '));
    t.true((codes.get(121) ?? 0) > 0);
  });
}

test.after(async () => (await recorded).place.discard());
