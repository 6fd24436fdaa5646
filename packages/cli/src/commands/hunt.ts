import { statSync } from 'node:fs';
import { availableParallelism, constants } from 'node:os';
import { basename } from 'node:path';
import { type Args, type CommandSpec, seconds, wholeNumber } from '../argv.js';
import type { Command, Context } from '../command.js';
import type { VerbosityModule } from '../deps.js';
import { environment } from '../environment.js';
import { CommandError, UsageError } from '../errors.js';
import { describeStatus, ExitCode } from '../exit-codes.js';
import { refuseToReplace } from '../files.js';
import { Hunt, type HuntOptions } from '../hunt/hunt.js';
import { parseUntil } from '../hunt/until.js';
import { count, formatBytes } from '../output.js';
import { Progress } from '../progress.js';
import { anySeed, parseSeed } from '../seed.js';
import { shellQuote } from '../text.js';
import { verbosityOf } from '../verbosity.js';

const DEFAULT_RUNS = 1000;
const DEFAULT_SECONDS = 60;
const MAX_JOBS = 1024;
/** Signals that end a hunt. */
const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const spec: CommandSpec = {
  name: 'hunt',
  summary:
    'Records a command with chaos, again and again, until a run fails, and keeps the log of that run.',
  usage: 'command [args…]',
  arguments: [1, Infinity],
  afterFirstWord: 'program',
  options: [
    {
      flags: '-n, --runs <number>',
      description: `give up after so many runs (default: ${DEFAULT_RUNS})`,
      group: 'Hunt',
    },
    {
      flags: '-j, --jobs <number>',
      description: 'record so many at the same time (default: as many as there are CPUs)',
      group: 'Hunt',
    },
    {
      flags: '-u, --until <ends>',
      description:
        'what a failure is: exit, exit=STATUS, signal, signal=NAME, hang; a list, or repeated (default: exit,signal,hang)',
      group: 'Hunt',
    },
    {
      flags: '-t, --timeout <seconds>',
      description: `a run that takes longer hangs, and is ended (default: ${DEFAULT_SECONDS})`,
      group: 'Hunt',
    },
    {
      flags: '--seed <number>',
      description: 'seed of the first run, each further one has the next (default: any)',
      group: 'Hunt',
    },
    {
      flags: '-o, --output <file>',
      description: 'the log of the failure (default: <command>.log here)',
      group: 'Log',
    },
    {
      flags: '-l, --level <0..15>',
      description: 'verbosity of the log, as for record',
      group: 'Log',
    },
    { flags: '-f, --flags <letters>', description: 'verbosity by letters', group: 'Log' },
    { flags: '--store <dir>', description: 'keep the mapped files there', group: 'Log' },
    { flags: '-c, --cwd <dir>', description: 'run it in this directory', group: 'Program' },
  ],
  examples: [
    'scribe hunt ./test',
    'scribe hunt -n 10000 -u signal=SEGV -o crash.log ./test --quick',
  ],
};

export const hunt: Command = {
  spec,

  async run(args, context) {
    const { host, deps, output, about } = context;
    const progress = new Progress(host, 'hunt');
    const options = parseOptions(args, await deps.verbosity(), context, progress);
    Object.assign(about, {
      program: options.recording.command[0],
      cwd: options.recording.cwd,
      target: options.log,
    });
    if (args.value('output') === undefined) await refuseToReplace(options.log, deps);
    const hunt = new Hunt(await deps.recorder(), options);
    let endedBy: (typeof ENDING)[number] | undefined;
    const removals = ENDING.map((name) =>
      host.onSignal(name, () => {
        endedBy ??= name;
        hunt.stop();
      }),
    );
    const began = host.now();
    try {
      await hunt.run();
    } finally {
      progress.clear();
      for (const remove of removals) remove();
    }
    const took = `${((host.now() - began) / 1000).toFixed(1)} s`;
    if (hunt.caught === undefined && endedBy !== undefined) {
      output.message(`ended by ${endedBy} after ${count(hunt.done, 'run')}, none of which failed`);
      host.raise(endedBy);
      return 128 + constants.signals[endedBy];
    }
    return tell(hunt, options, took, context);
  },
};

function parseOptions(
  args: Args,
  letters: VerbosityModule,
  { host }: Context,
  progress: Progress,
): HuntOptions {
  const command = [...args.positionals];
  const number = (name: string, fallback: number, min: number, max: number): number => {
    const text = args.value(name);
    return text === undefined ? fallback : wholeNumber(`--${name}`, text, min, max);
  };
  const output = args.value('output');
  if (output === '') throw new UsageError('-o needs the name of a file');
  const timeout = args.value('timeout');
  const until = args.values('until');
  const runs = number('runs', DEFAULT_RUNS, 1, Number.MAX_SAFE_INTEGER);
  const seed = args.value('seed');
  const cwd = args.value('cwd');
  const store = args.value('store');
  return {
    recording: {
      command,
      env: environment(host.env),
      verbosity: verbosityOf(args, letters) ?? letters.DEFAULT_VERBOSITY,
      onLogFailure: 'kill',
      ...(cwd === undefined ? {} : { cwd }),
      ...(store === undefined ? {} : { store }),
    },
    log: output ?? `${basename(command[0] ?? '')}.log`,
    runs,
    jobs: Math.min(runs, number('jobs', availableParallelism(), 1, MAX_JOBS)),
    timeoutMs: 1000 * (timeout === undefined ? DEFAULT_SECONDS : seconds('--timeout', timeout)),
    seed: seed === undefined ? anySeed() : parseSeed('--seed', seed),
    quarries: parseUntil(until.length === 0 ? ['exit,signal,hang'] : until),
    onRun: (done) => progress.update(done / runs),
  };
}

/** Says what came of it; returns the exit code. */
function tell(
  { caught, done }: Hunt,
  options: HuntOptions,
  took: string,
  { output }: Context,
): number {
  if (caught === undefined) {
    output.line(`no failure in ${count(done, 'run')} (${took})`);
    output.flush();
    return ExitCode.No;
  }
  const { log } = options;
  const { logFailure } = caught.result;
  if (logFailure !== undefined) {
    throw new CommandError(
      `cannot write the log of run ${caught.run}: ${logFailure.message}`,
      ExitCode.LogWriteFailed,
      'make room and try again',
    );
  }
  const end = caught.hung
    ? `took longer than ${options.timeoutMs / 1000} s and was ended`
    : describeStatus(caught.status);
  output.line(
    `run ${caught.run} ${end} (seed ${caught.seed}), found in ${count(done, 'run')} and ${took}`,
  );
  output.line(
    `its log is ${log} (${formatBytes(statSync(log).size)}): replay ${shellQuote([log])}`,
  );
  output.flush();
  return ExitCode.Ok;
}
