/** Runs a program under strace and under record, and gives what differs. */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join as joinPath } from 'node:path';
import { LineFormatter } from '@scribe-ts/profiler';
import { openLog } from '@scribe-ts/tracelog';
import { root, run, scribe } from '../harness.js';
import { difference, type Difference } from './compare.js';
import {
  byTask,
  join,
  type Line,
  parseStrace,
  type TaskTrace,
  withoutStart,
  withWholeReads,
} from './normalise.js';

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

/** The two traces of one program, and what went wrong when they were made; '' if nothing. */
interface Traces {
  readonly strace: readonly TaskTrace[];
  readonly scribe: readonly TaskTrace[];
  readonly trouble: string;
}

async function trace(
  directory: string,
  [file, ...args]: readonly [string, ...string[]],
): Promise<Traces> {
  const strace = joinPath(directory, 'strace.txt');
  const log = joinPath(directory, 'scribe.log');
  // Each run in an empty directory of the same name.
  const cwd = joinPath(directory, 'work');
  const emptied = (): string => {
    rmSync(cwd, { recursive: true, force: true });
    mkdirSync(cwd);
    return cwd;
  };
  const straced = await run('strace', ['-f', '-o', strace, file, ...args], {
    cwd: emptied(),
    env: ENVIRONMENT,
  });
  const recorded = await scribe(
    'record',
    ['-o', log, '-l', '15', '--store', joinPath(root, 'build/store'), file, ...args],
    { cwd: emptied(), env: ENVIRONMENT },
  );
  return {
    strace: byTask(join(parseStrace(readFileSync(strace, 'latin1')))),
    scribe: byTask(scribeLines(log)),
    trouble:
      straced.code === recorded.code
        ? ''
        : `exit ${straced.code} under strace, ${recorded.code} under record: ${straced.stderr}${recorded.stderr}`,
  };
}

/** What `profiler --strace` prints, each line with its task: ids stand before lines only while several tasks live. */
function scribeLines(log: string): Line[] {
  using reader = openLog(log);
  const formatter = new LineFormatter({ form: 'strace', cwd: reader.header.cwd });
  const pids = new Map<number, number>();
  const lines: Line[] = [];
  for (const record of reader.records()) {
    const { frame } = record;
    if (frame.type === 'task-start') pids.set(frame.task, frame.tid);
    for (const line of formatter.push(record)) {
      const text = line.replace(/^\[pid +\d+\] /, '');
      lines.push({ pid: pids.get(frame.task) ?? 0, text });
    }
  }
  return lines;
}

/** Whether texts with ids of tasks in them can be as long in both. */
function haveIdsOfSameLength({ strace, scribe }: Traces): boolean {
  const digits = new Map(strace.map(({ key, pid }) => [key, String(pid).length]));
  return scribe.every(({ key, pid }) => {
    const { length } = String(pid);
    return length === (digits.get(key) ?? length);
  });
}

export async function compareTraces(
  directory: string,
  command: readonly [string, ...string[]],
): Promise<Compared> {
  let traces = await trace(directory, command);
  // The kernel's counter has come from 9999 to 10000 in between, or to its end, and from there to 300.
  for (let i = 0; i < 3 && !haveIdsOfSameLength(traces); i++) {
    traces = await trace(directory, command);
  }
  const left = tasks(traces.strace);
  const right = tasks(traces.scribe);
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
  return { differences, same, calls, trouble: traces.trouble };
}

function tasks(traces: readonly TaskTrace[]): Map<string, string[]> {
  return new Map(
    traces.map(({ key, lines }) => [key, childrenLast(withWholeReads(withoutStart(lines)))]),
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
