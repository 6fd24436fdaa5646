/** What tests of going live have in common. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { type AddressInfo, createConnection, createServer } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { BIN, STORE } from './busy.js';
import { compile, PATHS, recordOptions } from './harness.js';

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}

/** Its children, theirs, and so on. */
export function descendants(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((tid) => {
      const text = readFileSync(`/proc/${pid}/task/${tid}/children`, 'latin1').trim();
      const children = text === '' ? [] : text.split(' ').map(Number);
      return children.flatMap((child) => [child, ...descendants(child)]);
    });
  } catch {
    return [];
  }
}

/** One of the project's commands under way, its standard input open. */
export class Started {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  readonly closed: Promise<unknown>;

  constructor(t: ExecutionContext, name: string, args: readonly string[], cwd: string) {
    this.child = spawn(process.execPath, [join(BIN, `${name}.js`), ...args], { cwd });
    this.child.stdout!.setEncoding('latin1').on('data', (text: string) => (this.stdout += text));
    this.child.stderr!.setEncoding('latin1').on('data', (text: string) => (this.stderr += text));
    this.closed = once(this.child, 'close');
    t.teardown(() => {
      this.killProgram();
      this.child.kill('SIGKILL');
    });
  }

  /** Kills what the command has started: processes that are live outlive the command. */
  killProgram(): void {
    const { pid } = this.child;
    if (pid === undefined || this.ended) return;
    // The one that stands between ends as the program does.
    for (const child of descendants(pid)) if (descendants(child).length === 0) kill(child);
    for (const child of descendants(pid)) kill(child);
  }

  get ended(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** Waits until `is` says so; fails the test if the command ends before. */
  async until(t: ExecutionContext, is: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await is())) {
      if (this.ended) return t.fail(`${this.stdout}\n${this.stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

type Ready = (recording: Started) => boolean | Promise<boolean>;

/**
 * Records a command, sets a bookmark whenever the next of `ready` says so, and kills it at the last one. `options`: further
 * ones of record. Returns the log.
 */
export async function recordThrough(
  t: ExecutionContext,
  cwd: string,
  command: readonly string[],
  ready: readonly Ready[],
  options: readonly string[] = [],
): Promise<string> {
  const log = join(cwd, 'live.log');
  const recording = new Started(
    t,
    'record',
    [...recordOptions, ...options, '-v', '--store', STORE, '-o', log, ...command],
    cwd,
  );
  for (const [i, is] of ready.entries()) {
    await recording.until(t, () => is(recording));
    recording.child.kill('SIGUSR2');
    await recording.until(t, () => recording.stderr.includes(`bookmark ${i + 1}\n`));
  }
  // It takes its program with it, and the log is whole up to the bookmark.
  recording.child.kill('SIGKILL');
  await recording.closed;
  return log;
}

/** As recordThrough, with one bookmark. */
export const recordTo = (
  t: ExecutionContext,
  cwd: string,
  command: readonly string[],
  ready: Ready,
  options: readonly string[] = [],
): Promise<string> => recordThrough(t, cwd, command, [ready], options);

/** Whether programs can have the process ids of their recordings here: where not, tests of those that need them skip. */
export const keepsIds = [['-pf'], ['-Upf']].some(
  (options) => spawnSync('unshare', [...options, 'true']).status === 0,
);

/** Whether all these commands are there. */
export const hasAll = (...names: readonly string[]): boolean =>
  names.every((name) => find(name) !== undefined);

/** A test of a program recorded on each path: `options` are those of record. Both skip where `can` is false. */
export function onBothPaths(
  can: boolean,
  title: string,
  run: (t: ExecutionContext, options: readonly string[]) => Promise<void>,
): void {
  for (const options of PATHS)
    (can ? test : test.skip)([title, ...options].join(' '), (t) => run(t, options));
}

export const goLive = (t: ExecutionContext, log: string, ...options: string[]): Started =>
  goLiveAt(t, log, 1, ...options);

export const goLiveAt = (
  t: ExecutionContext,
  log: string,
  bookmark: number,
  ...options: string[]
): Started =>
  new Started(
    t,
    'replay',
    ['-g', `${bookmark}`, ...(keepsIds ? [] : ['--allow-new-pids']), ...options, log],
    '/',
  );

export const program = (name: string): string =>
  compile(join(import.meta.dirname, 'programs', `${name}.c`), ['-Wno-unused-result']);

/** A port that is free at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

export function find(name: string): string | undefined {
  try {
    return execFileSync('which', [name], { encoding: 'latin1' }).trim();
  } catch {
    return undefined;
  }
}

/** Whether somebody takes connections there. */
export async function answers(port: number): Promise<boolean> {
  const socket = createConnection(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
