import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { LiveIsolation, ReplayOptions } from '@scribe-ts/replayer';
import type { ReplayerModule } from '../deps.js';
import { CommandError, errorCode } from '../errors.js';
import { ExitCode } from '../exit-codes.js';

export interface CopiesOptions {
  /** How each is replayed: to a bookmark, and live there. */
  readonly replay: ReplayOptions;
  readonly count: number;
  /** Command to run against each; `{}` in a word stands for the process id. */
  readonly hook: readonly string[];
  readonly isolation: LiveIsolation;
  /** Each has an overlay in a directory of its own below this one; default: files are as they are. */
  readonly overlay?: string;
  /** Copies end by themselves; else with their hooks. */
  readonly waits: boolean;
  /** Where what they print is kept; default: nowhere. */
  readonly directory?: string;
  /** What is not as it was in one of them. */
  onLost(what: string): void;
}

/** How it went with one. Wait statuses. */
export interface CopyEnd {
  /** From 1. */
  readonly copy: number;
  readonly hook: number;
  /** undefined: it lived when its hook ended, and was killed. */
  readonly program: number | undefined;
}

/** The first process of a copy's namespace, with which all others end. It may be somebody else by now. */
interface Init {
  readonly pid: number;
  readonly startTime: string;
}

/** Copies of a recorded program that go live at the same bookmark, each with a command that is run against it. */
export class Copies {
  private readonly aborter = new AbortController();
  private readonly inits = new Set<Init>();
  private readonly hooks = new Set<ChildProcess>();

  constructor(
    private readonly replayer: ReplayerModule,
    private readonly options: CopiesOptions,
  ) {}

  /** Resolves when all have ended. Rejects with the first error; no copy is left then. */
  async run(): Promise<readonly CopyEnd[]> {
    const { count, directory } = this.options;
    const place = resolve(directory ?? mkdtempSync(join(tmpdir(), 'scribe-fork-')));
    try {
      const copies = Array.from({ length: count }, (_, i) => this.live(i + 1, place));
      const outcomes = await Promise.allSettled(
        copies.map((copy) =>
          copy.catch((error: unknown) => {
            this.stop('SIGTERM');
            throw error;
          }),
        ),
      );
      // What the others end with then says nothing.
      const failed = outcomes.filter((outcome) => outcome.status === 'rejected');
      const first = failed.find(({ reason }) => (reason as Error).name !== 'AbortError');
      if (first !== undefined) throw first.reason;
      return outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    } finally {
      if (directory === undefined) rmSync(place, { recursive: true, force: true });
    }
  }

  /** Ends all copies and their hooks. */
  stop(signal: NodeJS.Signals): void {
    this.aborter.abort();
    for (const hook of this.hooks) hook.kill(signal);
    for (const init of this.inits) end(init);
  }

  private async live(copy: number, place: string): Promise<CopyEnd> {
    const { replay, isolation, overlay, waits, onLost } = this.options;
    const directory = join(place, `${copy}`);
    const stdio = openStdio(directory);
    let init: Init | undefined;
    let hook: Promise<number> | undefined;
    let ended = false;
    try {
      const result = await this.replayer.replay({
        ...replay,
        quiet: true,
        live: {
          ...replay.live,
          isolation,
          stdio,
          ...(overlay === undefined ? {} : { overlay: join(overlay, `${copy}`) }),
        },
        signal: this.aborter.signal,
        onLost,
        onLive: (pid, initPid) => {
          init = { pid: initPid, startTime: startTimeOf(initPid) };
          this.inits.add(init);
          // Aborting does not end what is live.
          if (this.aborter.signal.aborted) end(init);
          hook = this.runHook(pid === 0 ? initPid : pid, copy, directory);
          const ending = (): void => {
            if (waits) return;
            ended = true;
            end(init!);
          };
          hook.then(ending, ending);
        },
      });
      const wasKilled = ended && result.status === constants.signals.SIGKILL;
      return { copy, hook: await hook!, program: wasKilled ? undefined : result.status };
    } finally {
      await hook?.catch(() => undefined);
      if (init !== undefined) {
        end(init);
        this.inits.delete(init);
      }
      for (const fd of stdio) closeSync(fd);
    }
  }

  /** Resolves to its wait status. */
  private async runHook(pid: number, copy: number, directory: string): Promise<number> {
    const [program, ...args] = this.options.hook.map((word) => word.replaceAll('{}', `${pid}`));
    const hook = spawn(program!, args, {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: {
        ...process.env,
        SCRIBE_PID: `${pid}`,
        SCRIBE_COPY: `${copy}`,
        SCRIBE_DIRECTORY: directory,
      },
    });
    this.hooks.add(hook);
    try {
      const [status, signal] = (await once(hook, 'close')) as [
        number | null,
        NodeJS.Signals | null,
      ];
      return signal === null ? status! << 8 : constants.signals[signal];
    } catch (error) {
      const exitCode = errorCode(error) === 'ENOENT' ? ExitCode.NotFound : ExitCode.NotExecutable;
      throw new CommandError(`cannot run ${program}: ${(error as Error).message}`, exitCode, '');
    } finally {
      this.hooks.delete(hook);
    }
  }
}

function openStdio(directory: string): [number, number, number] {
  mkdirSync(directory, { recursive: true });
  const output = (name: string): number => openSync(join(directory, name), 'a');
  return [openSync('/dev/null', 'r'), output('stdout'), output('stderr')];
}

/** Ends all of a copy's processes, those as well that outlive its first one. */
function end({ pid, startTime }: Init): void {
  if (startTime !== '' && startTimeOf(pid) === startTime) process.kill(pid, 'SIGKILL');
}

/** Tells a process from others that get its id later; '' if it is gone. */
function startTimeOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')')).split(' ')[20]!;
  } catch {
    return '';
  }
}
