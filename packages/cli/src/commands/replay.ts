import type { Frame } from '@scribe-ts/tracelog';
import type {
  DivergenceError,
  ReplayControl,
  ReplayOptions,
  ReplayResult,
} from '@scribe-ts/replayer';
import { type Args, type CommandSpec, seconds, wholeNumber } from '../argv.js';
import type { Command, Context } from '../command.js';
import { errorCode, UsageError } from '../errors.js';
import { divergenceReport, type Formatter } from '../divergence-report.js';
import { ExitCode, shellStatus, signalToRaise } from '../exit-codes.js';
import { FILES_OPTION, overlayDirectory } from '../live-files.js';
import { Progress } from '../progress.js';

const DEFAULT_BACKTRACE = 20;
const SIGINT = 2;

const spec: CommandSpec = {
  name: 'replay',
  summary: 'Runs a recorded program again from its log, exactly as it was.',
  usage: 'LOG',
  arguments: [1, 1],
  afterFirstWord: 'ours',
  options: [
    {
      flags: '--until <bookmark>',
      description: 'stop at this bookmark and verify the state there',
      group: 'Replay',
    },
    {
      flags: '-g, --go-live <bookmark>',
      description:
        'let the program go there: it runs on by itself, untraced (SIGUSR1: where it is now)',
      group: 'Going live',
    },
    {
      flags: '--allow-new-pids',
      description:
        'its processes may have other ids than in the recording, where those cannot be had',
      group: 'Going live',
    },
    {
      flags: '--require-complete',
      description: 'do not go live if something cannot come back',
      group: 'Going live',
    },
    {
      ...FILES_OPTION,
      description:
        'its files are those that are there now (default), or as they were, in an overlay that keeps in DIR what it writes',
      group: 'Going live',
    },
    { flags: '-q, --quiet', description: "do not show the program's output", group: 'Replay' },
    { flags: '--store <dir>', description: 'take mapped files from there', group: 'Replay' },
    {
      flags: '--state-hashes',
      description: 'print a hash of all memory at the end',
      group: 'Replay',
    },
    {
      flags: '--agent',
      description:
        'answer common calls inside the program, without stopping it (default, but with -l and -g)',
      group: 'Replay',
    },
    {
      flags: '--no-agent',
      description: 'stop the program at every system call',
      group: 'Replay',
    },
    {
      flags: '-c, --deadlock <seconds>',
      description: 'give up when nothing happens for so long (SIGUSR2: look now)',
      group: 'Diagnosis',
    },
    {
      flags: '-b, --backtrace <len>',
      description: `last events of each task shown at a divergence (default ${DEFAULT_BACKTRACE})`,
      group: 'Diagnosis',
    },
    {
      flags: '-l, --level <n>',
      description: 'above 0: print events to standard error as they are replayed',
      group: 'Diagnosis',
    },
    {
      flags: '-p, --progress',
      description: 'show how far the replay is (on a terminal)',
      group: 'Diagnosis',
    },
  ],
  examples: ['replay date.log', 'replay --until 3 -q slow.log', 'replay -g 3 server.log'],
};

export const replay: Command = {
  spec,

  async run(args, context) {
    const { host, deps, output, about } = context;
    const log = args.positionals[0]!;
    about.log = log;
    const request = parseRequest(args, log);
    // Node's threads do not start in a directory that is gone, and a replay needs none.
    if (!host.hasDirectory()) host.enterDirectory('/');
    const showsFrames = level(args) > 0;
    const progress = new Progress(host, 'replay');
    const aborter = new AbortController();
    let control: ReplayControl | undefined;
    let isLive = false;
    const handlers = [
      // A program that is live hears of it from the terminal as well, and says itself what comes of it.
      host.onSignal('SIGINT', () => void (isLive || aborter.abort())),
      host.onSignal('SIGUSR1', () => control?.goLive()),
      host.onSignal('SIGUSR2', () => isLive || control?.check()),
    ];
    const removeHandlers = (): void => handlers.forEach((remove) => remove());
    try {
      const { replay } = await deps.replayer();
      const result = await replay({
        ...request,
        ...(args.flag('progress') && progress.isActive
          ? showProgress(progress, args.flag('quiet'), context)
          : {}),
        ...(showsFrames ? await showFrames(progress, context) : {}),
        onStart: (started) => (control = started),
        onLost: (what) => output.message(`not as it was: ${what}`),
        onLive: () => (isLive = true),
        onChecked: (stops) =>
          output.message(
            stops === 0 ? 'no deadlock: the program computes' : `no deadlock: ${stops} stops`,
          ),
        signal: aborter.signal,
      });
      progress.clear();
      // The end of the recording is not where it went live.
      if (isLive) return end(result, context);
      return finish(result, request, context);
    } catch (error) {
      progress.clear();
      if (LIVE_ERRORS.has(errorCode(error))) {
        output.message(`cannot go live: ${(error as Error).message}${advice(errorCode(error))}`);
        return ExitCode.CannotGoLive;
      }
      if (aborter.signal.aborted) {
        removeHandlers();
        host.raise(SIGINT);
        return shellStatus(SIGINT);
      }
      if (errorCode(error) !== 'DIVERGENCE') throw error;
      const { divergence } = error as DivergenceError;
      await output.useColours(2);
      output.stderr(divergenceReport(divergence, output, await formatter(context)));
      return ExitCode.Divergence;
    } finally {
      removeHandlers();
    }
  },
};

const LIVE_ERRORS: ReadonlySet<string> = new Set([
  'NOT_REACHED',
  'NOT_SUPPORTED',
  'NEW_PIDS',
  'INCOMPLETE',
]);

function advice(code: string): string {
  if (code === 'NEW_PIDS') return '; --allow-new-pids lets it';
  return code === 'INCOMPLETE' ? '; without --require-complete it does all the same' : '';
}

/** Above 0, events are printed as they are replayed. */
function level(args: Args): number {
  return wholeNumber('-l', args.value('level') ?? '0', 0);
}

function parseRequest(args: Args, log: string): ReplayOptions {
  const goLive = args.value('go-live');
  if (goLive === undefined) {
    for (const option of ['allow-new-pids', 'require-complete'])
      if (args.flag(option)) throw new UsageError(`--${option} needs -g`, `see 'replay --help'`);
    if (args.value('files') !== undefined)
      throw new UsageError('--files needs -g', `see 'replay --help'`);
  } else {
    for (const other of ['--until', '--agent'])
      if (other === '--agent' ? args.count('agent') > 0 : args.value('until') !== undefined)
        throw new UsageError(`-g and ${other} exclude each other`, `see 'replay --help'`);
  }
  const until = goLive ?? args.value('until');
  const overlay = overlayDirectory(args);
  const store = args.value('store');
  const deadlock = args.value('deadlock');
  return {
    log,
    quiet: args.flag('quiet'),
    stateHashes: args.flag('state-hashes'),
    agent: goLive === undefined && !args.flag('no-agent'),
    backtraceLength: wholeNumber('-b', args.value('backtrace') ?? `${DEFAULT_BACKTRACE}`, 0),
    ...(until === undefined
      ? {}
      : { until: wholeNumber(goLive === undefined ? '--until' : '-g', until, 0) }),
    ...(goLive === undefined
      ? {}
      : {
          live: {
            allowNewPids: args.flag('allow-new-pids'),
            requireComplete: args.flag('require-complete'),
            ...(overlay === undefined ? {} : { overlay }),
          },
        }),
    ...(store === undefined ? {} : { store }),
    ...(deadlock === undefined ? {} : { deadlockSeconds: seconds('-c', deadlock) }),
  };
}

/** On a terminal, the program's output and the line of progress must take turns: the output goes through us. */
function showProgress(
  progress: Progress,
  quiet: boolean,
  { host }: Context,
): Pick<ReplayOptions, 'onProgress' | 'onOutput'> {
  return {
    onProgress: (part) => progress.update(part),
    onOutput: (target, bytes) => {
      if (quiet) return;
      progress.clear();
      try {
        host.write(target === 2 ? 2 : 1, bytes);
      } catch {
        // As without progress: a reader that has gone is no reason to end.
      }
    },
  };
}

/** Prints frames as they are replayed. */
async function showFrames(
  progress: Progress,
  { deps, output }: Context,
): Promise<Pick<ReplayOptions, 'onFrame'>> {
  const { LineFormatter } = await deps.profiler();
  const lines = new LineFormatter();
  return {
    onFrame: (frame) => {
      progress.clear();
      for (const line of lines.push(frame)) output.stderr(`${line}\n`);
    },
  };
}

async function formatter({ deps }: Context): Promise<Formatter> {
  const { LineFormatter } = await deps.profiler();
  const format = (list: readonly Frame[]): readonly string[] => {
    const formatter = new LineFormatter();
    const lines: string[] = [];
    for (const frame of list) formatter.push(frame, lines);
    return formatter.end(lines);
  };
  return {
    frames: format,
    call(nr, args) {
      const call = { type: 'syscall', task: 0, time: 0, nr, args, result: 0, writes: [] } as const;
      // The call has no result yet.
      return (format([call])[0] ?? '').replace(/^\[\d+\] /, '').replace(/\) = .*$/, ')');
    },
  };
}

function finish(result: ReplayResult, request: ReplayOptions, context: Context): number {
  const { output } = context;
  if (request.until !== undefined && request.live === undefined) {
    if (result.bookmark !== request.until) {
      throw new UsageError(
        `${request.log} has no bookmark ${request.until}`,
        `'scribe info' lists them`,
      );
    }
    output.message(`stopped at bookmark ${request.until}, its state is the recorded one`);
    return ExitCode.Ok;
  }
  if (request.stateHashes) output.message(`end state ${result.endState}`);
  if (request.live === undefined && (result.truncated || result.status === undefined)) {
    output.message(`${request.log} ends here, before the program's end`);
  }
  return end(result, context);
}

/** Ends as the program did. */
function end({ status }: ReplayResult, { host }: Context): number {
  if (status === undefined) return ExitCode.Ok;
  const signal = signalToRaise(status);
  if (signal !== 0) host.raise(signal);
  return shellStatus(status);
}
