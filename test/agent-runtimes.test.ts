import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { LogInfo } from '@scribe-ts/cli';
import { PATHS, Pool, root, run, scribe, workspace } from './harness.js';

// The agent has to do with system call sites of every kind: of C libraries, shared and static, and of a language that
// has none. Each program makes the same calls over and over; hardly any may stop for the tracer.

const store = join(root, 'build/store');
const directory = join(root, 'build/programs');
const pool = new Pool(2);

interface Runtime {
  readonly name: string;
  readonly compiler: string;
  readonly args: readonly string[];
  readonly source: string;
  /** Calls that the loop makes, and how many of them each time round. */
  readonly calls: readonly string[];
  readonly round: number;
  /** How many of a hundred of them may stop: where there are other threads, whose turn it is at times, some have to. */
  readonly percent: number;
}

const FILES = ['read', 'write', 'poll', 'lseek', 'fstat', 'newfstatat'];
const C = {
  source: 'agent-loop.c',
  calls: [...FILES, 'select', 'pselect6', 'clock_gettime', 'getppid'],
  round: 9,
  percent: 1,
};
const RUNTIMES: readonly Runtime[] = [
  { name: 'the C library', compiler: 'gcc', args: ['-O1'], ...C },
  { name: 'the C library, static', compiler: 'gcc', args: ['-O1', '-static'], ...C },
  { name: 'musl', compiler: 'musl-gcc', args: ['-O1'], ...C },
  { name: 'musl, static', compiler: 'musl-gcc', args: ['-O1', '-static'], ...C },
  {
    name: 'Go',
    compiler: 'go',
    args: ['build'],
    source: 'agent-loop.go',
    calls: ['read', 'getppid', 'clock_gettime'],
    round: 3,
    percent: 10,
  },
];
const COUNT = 2000;
const SHORT = 100;

for (const [index, runtime] of RUNTIMES.entries()) {
  const { name, compiler, calls, round, percent } = runtime;
  const probe = spawnSync(compiler, [compiler === 'go' ? 'version' : '--version']);
  if (probe.status !== 0) {
    test.skip(`calls of ${name}: there is no ${compiler} here`, (t) => t.pass());
    continue;
  }
  test(`calls of ${name} are made by the agent`, async (t) => {
    await using _turn = await pool.enter();
    mkdirSync(directory, { recursive: true });
    const binary = join(directory, `agent-loop-${index}`);
    const built = await run(compiler, [
      ...runtime.args,
      '-o',
      binary,
      join(root, 'test/programs', runtime.source),
    ]);
    t.is(built.code, 0, built.stderr);
    const place = workspace('agent-runtimes');
    const logs = { agent: join(place.path, 'agent.log'), traced: join(place.path, 'traced.log') };
    const options = ['--state-hashes', '--store', store];
    const recorded = {
      agent: await scribe('record', [...options, ...['-o', logs.agent, binary, `${COUNT}`]]),
      traced: await scribe('record', [
        ...options,
        '--no-agent',
        '-o',
        logs.traced,
        binary,
        `${SHORT}`,
      ]),
    };
    for (const path of ['agent', 'traced'] as const) {
      t.is(recorded[path].code, 7, recorded[path].stderr);
      for (const how of PATHS) {
        const replayed = await scribe('replay', [...how, logs[path]]);
        t.is(replayed.stdout, recorded[path].stdout);
        t.is(replayed.code, 7, replayed.stderr);
      }
    }
    const info = await scribe('scribe', ['info', '--json', logs.agent]);
    const { paths } = JSON.parse(info.stdout) as LogInfo;
    t.true(paths!.agent > COUNT * round * (1 - percent / 100), info.stdout);
    const stops = calls.map((call) => paths!.stops[call] ?? 0);
    const all = stops.reduce((sum, count) => sum + count, 0);
    t.true(all < (COUNT * round * percent) / 100, info.stdout);
    place.discard();
  });
}
