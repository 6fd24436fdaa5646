/** Runs a program under strace and under record, and gives what differs. */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join as joinPath } from 'node:path';
import { root, run, scribe } from '../harness.js';
import { difference, type Difference } from './compare.js';
import { byTask, join, normalise, parseScribe, parseStrace, withoutStart } from './normalise.js';

export interface Compared {
  readonly differences: readonly Difference[];
  /** Lines that are the same, and names of all calls seen. */
  readonly same: number;
  readonly calls: ReadonlySet<string>;
  /** What went wrong on the way; '' if nothing. */
  readonly trouble: string;
}

/** The same for both runs, and short, so that stacks look alike. */
const ENVIRONMENT: NodeJS.ProcessEnv = {
  PATH: '/usr/bin:/bin',
  LC_ALL: 'C',
  HOME: '/nonexistent',
  TZ: 'UTC',
};
const PROFILER_ENVIRONMENT = { ...process.env, TZ: 'UTC' };

export async function compareTraces(
  directory: string,
  command: readonly [string, ...string[]],
): Promise<Compared> {
  const strace = joinPath(directory, 'strace.txt');
  const log = joinPath(directory, 'scribe.log');
  // Each run in an empty directory of the same name.
  const cwd = joinPath(directory, 'work');
  const emptied = (): string => {
    rmSync(cwd, { recursive: true, force: true });
    mkdirSync(cwd);
    return cwd;
  };
  const [file, ...args] = command;
  const straced = await run('strace', ['-f', '-o', strace, file, ...args], {
    cwd: emptied(),
    env: ENVIRONMENT,
  });
  const recorded = await scribe(
    'record',
    ['-o', log, '-l', '15', '--store', joinPath(root, 'build/store'), file, ...args],
    { cwd: emptied(), env: ENVIRONMENT },
  );
  const printed = await scribe('profiler', ['--strace', log], { env: PROFILER_ENVIRONMENT });
  let trouble = '';
  if (straced.code !== recorded.code) {
    trouble = `exit ${straced.code} under strace, ${recorded.code} under record: ${straced.stderr}${recorded.stderr}`;
  }
  if (printed.code !== 0) trouble += printed.stderr;
  const first = await scribe('profiler', ['-r', log], { env: PROFILER_ENVIRONMENT });
  const rootPid = Number(/task-start .*? tid=(\d+)/.exec(first.stdout)?.[1] ?? 0);
  const left = tasks(byTask(join(parseStrace(readFileSync(strace, 'latin1')))));
  const right = tasks(byTask(join(parseScribe(printed.stdout, rootPid))));
  const differences: Difference[] = [];
  const calls = new Set<string>();
  let same = 0;
  for (const key of new Set([...left.keys(), ...right.keys()])) {
    const a = left.get(key) ?? [];
    const b = right.get(key) ?? [];
    const found = difference(key, a, b);
    differences.push(...found);
    same += b.length - found.filter((one) => one.scribe !== undefined).length;
    for (const line of b) {
      const name = /^\w+(?=\()/.exec(line)?.[0];
      if (name !== undefined) calls.add(name);
    }
  }
  return { differences, same, calls, trouble };
}

function tasks(traces: ReturnType<typeof byTask>): Map<string, string[]> {
  return new Map(
    traces.map(({ key, lines }) => [key, childrenLast(withoutStart(lines).map(normalise))]),
  );
}

/**
 * A child's end comes between any two calls of its parent: before a wait or in it. Where it came, and where its handler
 * went back to, is not compared.
 */
function childrenLast(lines: readonly string[]): string[] {
  const isEnd = (line: string): boolean => /^(?:--- SIGCHLD |rt_sigreturn\()/.test(line);
  return [...lines.filter((line) => !isEnd(line)), ...lines.filter(isEnd)];
}
