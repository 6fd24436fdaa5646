import { closeSync, mkdtempSync, openSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { Recording, RecordOptions, RecordResult } from '@scribe-ts/recorder';
import type { RecorderModule } from '../deps.js';
import { isFound, type Quarry, type RunEnd } from './until.js';

const SEEDS = 2 ** 32;

export interface HuntOptions {
  /** How each run is recorded; its log, seed and descriptors are the hunt's. */
  readonly recording: Omit<RecordOptions, 'log' | 'chaos' | 'stdio'>;
  /** Where the log of the failure goes. */
  readonly log: string;
  readonly runs: number;
  /** Recordings at the same time. */
  readonly jobs: number;
  /** A run that takes longer hangs, ms. */
  readonly timeoutMs: number;
  /** Seed of the first run; each further one has the next. */
  readonly seed: number;
  readonly quarries: readonly Quarry[];
  /** Called after each run. */
  onRun(done: number): void;
}

/** A run that ended as wanted. */
export interface Catch extends RunEnd {
  /** Which run it was, from 1. */
  readonly run: number;
  readonly seed: number;
  readonly result: RecordResult;
}

/** Records a command again and again, several at a time, until a run ends as wanted; keeps that run's log only. */
export class Hunt {
  caught: Catch | undefined;
  /** Runs that have ended by themselves, or were ended for taking too long. */
  done = 0;
  private started = 0;
  private stopping = false;
  private readonly active = new Set<Recording>();

  constructor(
    private readonly recorder: RecorderModule,
    private readonly options: HuntOptions,
  ) {}

  /** Resolves when the last recording has ended. Rejects with the first error of a recording that is no run's end. */
  async run(): Promise<void> {
    const { log, jobs } = this.options;
    // Beside the log, so that the one that is kept only gets another name.
    const place = mkdtempSync(join(dirname(log), `.${basename(log)}-`));
    try {
      const hunters = Array.from({ length: jobs }, () => this.hunter(place));
      const outcomes = await Promise.allSettled(hunters);
      for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
    } finally {
      rmSync(place, { recursive: true, force: true });
    }
  }

  /** Ends all recordings. `run` resolves then. */
  stop(): void {
    this.stopping = true;
    for (const recording of this.active) recording.end();
  }

  private async hunter(place: string): Promise<void> {
    try {
      while (!this.stopping && this.started < this.options.runs)
        await this.oneRun(place, this.started++);
    } catch (error) {
      this.stop();
      throw error;
    }
  }

  private async oneRun(place: string, index: number): Promise<void> {
    const { options } = this;
    const seed = (options.seed + index) % SEEDS;
    const log = join(place, `${index}.log`);
    const descriptors = openDescriptors();
    let recording: Recording | undefined;
    let timer: NodeJS.Timeout | undefined;
    try {
      const { input, output } = descriptors;
      const stdio = [input, output, output] as const;
      recording = await this.recorder.record({ ...options.recording, log, chaos: seed, stdio });
      this.active.add(recording);
      if (this.stopping) recording.end();
      let hung = false;
      timer = setTimeout(() => {
        hung = true;
        recording!.end();
      }, options.timeoutMs);
      const result = await recording.finished;
      // A program that Ctrl-C has ended may be known before our own signal.
      if (result.status !== 0) await new Promise((resolve) => setTimeout(resolve, 10));
      if (this.stopping) return;
      options.onRun(++this.done);
      const end = { status: result.status, hung: hung && result.ended };
      const failed = result.logFailure !== undefined;
      if (!failed && !isFound(options.quarries, end)) return;
      this.caught = { run: index + 1, seed, result, ...end };
      this.stop();
      renameSync(log, options.log);
    } finally {
      clearTimeout(timer);
      if (recording !== undefined) this.active.delete(recording);
      closeSync(descriptors.input);
      closeSync(descriptors.output);
      rmSync(log, { force: true });
    }
  }
}

/** Nothing to read, and a file without a name for what the program prints: only then the log has it. */
function openDescriptors(): { readonly input: number; readonly output: number } {
  const directory = mkdtempSync(join(tmpdir(), 'scribe-hunt-'));
  try {
    const output = openSync(join(directory, 'output'), 'w+');
    return { input: openSync('/dev/null', 'r'), output };
  } finally {
    rmSync(directory, { recursive: true });
  }
}
