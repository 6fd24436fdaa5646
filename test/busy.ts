/** The program that tests meddle with while it is recorded, and what holds for it whatever was done. */
import { randomUUID } from 'node:crypto';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { compile, type Outcome, recordOptions, root, scribe } from './harness.js';

export const STORE = join(root, 'build/store');
export const BIN = join(root, 'packages/cli/bin');
export const busy = compile(join(root, 'test/programs/busy.c'));
const MARK = 'SCRIBE_TEST_MARK';
/** How long a killed process may take to be gone. */
const GONE_MS = 60_000;

/** A recording under way, and whatever processes come of it. */
export class Meddled {
  readonly child: ChildProcess;
  readonly mark = randomUUID();
  readonly startedAt = performance.now();
  stdout = '';
  stderr = '';
  /** The recorder has ended; the program may run on. */
  readonly left: Promise<void>;
  /** So has everybody that could write to its standard output. */
  readonly closed: Promise<void>;

  /** `command` after record's options; the recorder's standard output and error are collected. */
  constructor(
    readonly log: string,
    command: readonly string[],
    options: readonly string[] = [],
    prefix: readonly string[] = [],
  ) {
    const record = [
      join(BIN, 'record.js'),
      ...recordOptions,
      '--store',
      STORE,
      '-o',
      log,
      ...options,
      ...command,
    ];
    const [file, ...args] = [...prefix, process.execPath, ...record];
    this.child = spawn(file!, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, [MARK]: this.mark },
    });
    this.child.stdout!.setEncoding('latin1').on('data', (text: string) => (this.stdout += text));
    this.child.stderr!.setEncoding('latin1').on('data', (text: string) => (this.stderr += text));
    this.left = new Promise((resolve) => this.child.on('exit', () => resolve()));
    this.closed = new Promise((resolve) => this.child.on('close', () => resolve()));
  }

  get ended(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** Resolves so many ms after the start, or at the end, if that is earlier. */
  async until(ms: number): Promise<void> {
    await Promise.race([delay(ms - (performance.now() - this.startedAt)), this.closed]);
  }

  /** Resolves once the log has been begun, just before the program runs, or at the end. */
  async exists(): Promise<void> {
    while (!existsSync(this.log) && !this.ended) await delay(1);
  }

  /** Resolves once `text` has come on standard output; false if the recording ended before. */
  async printed(text: string): Promise<boolean> {
    while (!this.stdout.includes(text) && !this.ended) await delay(5);
    return this.stdout.includes(text);
  }

  /** As printed, for standard error. */
  async told(text: string): Promise<boolean> {
    while (!this.stderr.includes(text) && !this.ended) await delay(5);
    return this.stderr.includes(text);
  }

  /** Pids that carry this recording's environment: the recorder, and all that comes of it. */
  processes(): number[] {
    return readdirSync('/proc')
      .map(Number)
      .filter((pid) => {
        try {
          return pid > 0 && readFileSync(`/proc/${pid}/environ`, 'latin1').includes(this.mark);
        } catch {
          return false;
        }
      });
  }

  /** Those of the processes that somebody traces, which they are not told themselves. */
  traced(): number[] {
    return this.processes().filter((pid) => {
      try {
        return !/^TracerPid:\t0$/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'));
      } catch {
        return false;
      }
    });
  }

  /** Resolves with those that are still there after a while. */
  async leftBehind(): Promise<number[]> {
    for (const deadline = performance.now() + GONE_MS; ; await delay(20)) {
      const left = this.processes();
      if (left.length === 0 || performance.now() > deadline) return left;
    }
  }
}

/** Replays a log that may have any end; it must not diverge, and must say what its end is. Returns how it went. */
export async function replayWhatThereIs(
  t: ExecutionContext,
  log: string,
  recorded: string,
): Promise<Outcome> {
  const replayed = await scribe('replay', ['-c', '60', log]);
  const again = `once more: scribe replay ${log}`;
  t.true(recorded.startsWith(replayed.stdout), `${again}\n${replayed.stdout}`);
  t.regex(replayed.stderr, /^(replay: .* ends here, before the program's end\n)?$/, again);
  t.is(replayed.signal, null, again);
  return replayed;
}
