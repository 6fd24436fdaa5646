import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
const bin = (name: string): string => join(root, 'packages/cli/bin', `${name}.js`);

export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string;
  readonly timeoutMs?: number;
}

/** What takes longer hangs, also on a machine that is busy with much else. */
const HANG_MS = 300_000;

/** Runs a program to its end; killed with SIGKILL after timeoutMs (default 300 s). */
export function run(
  file: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout!.on('data', (data: Buffer) => stdout.push(data));
    child.stderr!.on('data', (data: Buffer) => stderr.push(data));
    const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? HANG_MS);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({
        code,
        signal,
        stdout: Buffer.concat(stdout).toString('latin1'),
        stderr: Buffer.concat(stderr).toString('latin1'),
      });
    });
    if (options.input !== undefined) child.stdin!.end(options.input);
  });
}

/** What a recording started by the library ends with; SIGKILL ends its program if that hangs. */
export async function ended<T>(recording: {
  readonly finished: Promise<T>;
  kill(signal: number): void;
}): Promise<T> {
  const timer = setTimeout(() => recording.kill(constants.signals.SIGKILL), HANG_MS);
  try {
    return await recording.finished;
  } finally {
    clearTimeout(timer);
  }
}

/** AGENT=0 has the tests record without the agent what they record with it. */
export const recordOptions: readonly string[] = process.env.AGENT === '0' ? ['--no-agent'] : [];

/** Options of record, or of replay, for each of the two paths: traced, and with the agent. */
export const PATHS: readonly (readonly string[])[] = [['--no-agent'], []];

/** Runs one of the project's commands as a shell does, by its first line. */
export function scribe(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Outcome> {
  const extra = command === 'record' ? recordOptions : [];
  return run(bin(command), [...extra, ...args], options);
}

/** A directory for one test, kept if the test fails. */
export function workspace(name: string): { readonly path: string; discard(): void } {
  const path = mkdtempSync(join(tmpdir(), `scribe-test-${name}-`));
  return { path, discard: () => rmSync(path, { recursive: true, force: true }) };
}

/** A C file's text, and that of the files it includes from beside it. */
function textOf(source: string): string {
  const text = readFileSync(source, 'utf8');
  const included = [...text.matchAll(/^#include "([^"]+)"/gm)];
  return text + included.map(([, name]) => textOf(join(dirname(source), name!))).join('');
}

/** Compiles a C program once per content; returns the binary's path. */
export function compile(source: string, flags: readonly string[] = []): string {
  const key = createHash('sha256').update(textOf(source)).update(flags.join(' '));
  const directory = join(root, 'build/guests');
  mkdirSync(directory, { recursive: true });
  const name = source.slice(source.lastIndexOf('/') + 1).replace(/\.c$/, '');
  const binary = join(directory, `${name}-${key.digest('hex').slice(0, 12)}`);
  if (!existsSync(binary)) {
    const temporary = `${binary}.${process.pid}`;
    const all = [
      '-std=gnu11',
      '-O1',
      '-g',
      '-pthread',
      ...flags,
      source,
      '-o',
      temporary,
      '-lrt',
      '-lm',
    ];
    execFileSync('gcc', all, { stdio: ['ignore', 'ignore', 'inherit'] });
    execFileSync('mv', [temporary, binary]);
  }
  return binary;
}

/** Lets so many run at the same time; the rest wait their turn. */
export class Pool {
  private readonly waiting: (() => void)[] = [];
  constructor(private free: number) {}

  /** Waits for a turn; it ends when the returned object is disposed of. */
  async enter(): Promise<AsyncDisposable> {
    if (this.free > 0) this.free--;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    return {
      [Symbol.asyncDispose]: async () => {
        const next = this.waiting.shift();
        if (next === undefined) this.free++;
        else next();
      },
    };
  }
}
