import { statSync } from 'node:fs';
import { basename } from 'node:path';
import type { Recording, RecordOptions, RecordResult } from '@scribe-ts/recorder';
import { type Args, type CommandSpec, seconds } from '../argv.js';
import type { Command, Context } from '../command.js';
import type { VerbosityModule } from '../deps.js';
import { environment } from '../environment.js';
import { CommandError, errnoOf, reason, UsageError } from '../errors.js';
import { describeStatus, ExitCode, shellStatus, signalToRaise } from '../exit-codes.js';
import { refuseToReplace } from '../files.js';
import { count, formatBytes } from '../output.js';
import { anySeed, parseSeed } from '../seed.js';
import { SignalRelay } from '../signal-relay.js';
import { verbosityHelp, verbosityOf } from '../verbosity.js';

/** The verbosity letter of resources. */
const RESOURCES = 'r';
/** Characters with which a message for a terminal is cut. */
const NOTE_CHARS = 200;

const spec: CommandSpec = {
  name: 'record',
  summary:
    'Runs a command and records it, its children and its threads, so that replay can repeat it exactly.',
  usage: 'command [args…]',
  arguments: [1, Infinity],
  afterFirstWord: 'program',
  options: [
    {
      flags: '-o, --output <file>',
      description: 'write this log (default: <command>.log here; sh.log with -s)',
      group: 'Log',
    },
    {
      flags: '-l, --level <0..15>',
      description: 'verbosity: 0 holds only what replay needs, 12 and above everything',
      group: 'Log',
    },
    {
      flags: '-f, --flags <letters>',
      description: 'verbosity by the letters listed below',
      group: 'Log',
    },
    {
      flags: '--pack',
      description: 'put the mapped files into the log, for another machine',
      group: 'Log',
    },
    { flags: '--store <dir>', description: 'keep the mapped files there', group: 'Log' },
    {
      flags: '--state-hashes',
      description: 'save a hash of all memory at each end, verified by every replay',
      group: 'Log',
    },
    {
      flags: '-a, --auto-bookmark <seconds>',
      description: 'set a bookmark every so many seconds (SIGUSR2 sets one now)',
      group: 'Log',
    },
    {
      flags: '-s, --shell',
      description: 'the command is one line for /bin/sh -c',
      group: 'Program',
    },
    { flags: '-c, --cwd <dir>', description: 'run it in this directory', group: 'Program' },
    { flags: '-r, --root <dir>', description: 'run it with this root directory', group: 'Program' },
    {
      flags: '-n, --new-network',
      description: 'run it in a network of its own, with loopback only',
      group: 'Program',
    },
    {
      flags: '--agent',
      description:
        'record common system calls inside the program, without stopping it (default, unless -l or -f ask for more than that can tell)',
      group: 'Program',
    },
    {
      flags: '--no-agent',
      description: 'stop the program at every system call',
      group: 'Program',
    },
    {
      flags: '--chaos[=<seed>]',
      description: 'leave who runs, and for how long, to chance, which shakes out races',
      group: 'Program',
    },
    {
      flags: '--on-log-failure <what>',
      description: 'if the log cannot be written: detach (it runs on; default) or kill',
      group: 'Program',
    },
    {
      flags: '-v, --verbose',
      description: 'say what was recorded, and what could not be',
      group: 'Messages',
    },
  ],
  examples: [
    'record ls -la                    the log is ls.log',
    "record -s 'date | tee today'     the log is sh.log",
    'record -o slow.log -a 10 make -j4',
  ],
};

/** A command line of `record` in the library's terms. */
interface Request {
  readonly options: RecordOptions;
  /** The user named the log: it may replace any file. */
  readonly logNamed: boolean;
  readonly verbose: boolean;
}

export const record: Command = {
  spec,
  sharesTerminal: true,
  more: verbosityHelp,

  async run(args, context) {
    const { host, deps, output, about } = context;
    // Before the library is loaded: from now on no signal gets lost.
    const relay = new SignalRelay(host);
    try {
      if (!host.hasDirectory()) {
        const advice = 'go to one that is there';
        throw new CommandError('the current directory is gone', ExitCode.CannotStart, advice);
      }
      const { options, logNamed, verbose } = parseRequest(args, await deps.verbosity(), context);
      Object.assign(about, {
        program: options.command[0],
        cwd: options.cwd,
        root: options.root,
        target: options.log,
      });
      if (verbose && options.chaos !== undefined)
        output.message(`chaos with seed ${options.chaos}`);
      if (!logNamed) await refuseToReplace(options.log, deps);
      const recorder = await deps.recorder();
      const recording = await recorder.record(options);
      supervise(recording, relay, context, verbose);
      return await finish(recording, options, context, verbose, relay);
    } finally {
      relay.settle();
    }
  },
};

/** The default is not asked for. */
const isAsked = (args: Args): boolean => args.count('agent') > 0;

/** `asked`: the verbosity that the user asked for. Of calls that the agent makes nobody knows the resources. */
function usesAgent(args: Args, chaos: number | undefined, asked = ''): boolean {
  if (isAsked(args)) return true;
  return !args.flag('no-agent') && chaos === undefined && !asked.includes(RESOURCES);
}

function parseRequest(args: Args, letters: VerbosityModule, { host }: Context): Request {
  const shell = args.flag('shell');
  const command = shell ? ['/bin/sh', '-c', args.positionals.join(' ')] : [...args.positionals];
  const output = args.value('output');
  if (output === '') throw new UsageError('-o needs the name of a file');
  const onLogFailure = args.value('on-log-failure') ?? 'detach';
  if (onLogFailure !== 'detach' && onLogFailure !== 'kill') {
    throw new UsageError(`--on-log-failure takes detach or kill, not '${onLogFailure}'`);
  }
  const chaos = chaosSeed(args);
  if (chaos !== undefined && isAsked(args))
    throw new UsageError('--chaos and --agent exclude each other');
  const asked = verbosityOf(args, letters);
  const interval = args.value('auto-bookmark');
  const cwd = args.value('cwd');
  const root = args.value('root');
  const store = args.value('store');
  return {
    options: {
      command,
      log: output ?? defaultLog(shell, command),
      env: environment(host.env),
      verbosity: asked ?? letters.DEFAULT_VERBOSITY,
      newNetwork: args.flag('new-network'),
      pack: args.flag('pack'),
      stateHashes: args.flag('state-hashes'),
      agent: usesAgent(args, chaos, asked),
      onLogFailure,
      ...(chaos === undefined ? {} : { chaos }),
      ...(cwd === undefined ? {} : { cwd }),
      ...(root === undefined ? {} : { root }),
      ...(store === undefined ? {} : { store }),
      ...(interval === undefined ? {} : { autoBookmarkSeconds: seconds('-a', interval) }),
    },
    logNamed: output !== undefined,
    verbose: args.flag('verbose'),
  };
}

/** Undefined without --chaos. */
function chaosSeed(args: Args): number | undefined {
  const text = args.value('chaos');
  if (text === undefined) return undefined;
  if (text !== '') return parseSeed('--chaos', text);
  const [first = ''] = args.positionals;
  if (/^\d+$/.test(first))
    throw new UsageError(`the seed goes behind an equals sign: --chaos=${first}`);
  return anySeed();
}

function defaultLog(shell: boolean, command: readonly string[]): string {
  return `${shell ? 'sh' : basename(command[0] ?? '')}.log`;
}

/** Joins the recording with the signals that we get and the terminal we sit on. */
function supervise(
  recording: Recording,
  relay: SignalRelay,
  { output }: Context,
  verbose: boolean,
): void {
  const report = (what: string) => (error: unknown) =>
    output.message(`cannot ${what}: ${error instanceof Error ? error.message : String(error)}`);
  relay.connect({
    kill: (signal) => recording.kill(signal),
    end: (stuckMs) => recording.end(stuckMs),
    bookmark: () => {
      recording.bookmark().then((id) => {
        if (verbose) output.message(`bookmark ${id}`);
      }, report('set a bookmark'));
    },
    detach: () => {
      recording.detach().catch(report('detach'));
    },
  });
  recording.onStopped = (signal) => relay.stopLikeProgram(signal);
}

async function finish(
  recording: Recording,
  options: RecordOptions,
  { host, output }: Context,
  verbose: boolean,
  relay: SignalRelay,
): Promise<number> {
  const result = await recording.finished;
  sayNotes(
    result,
    verbose,
    () => host.isTerminal(2),
    (text) => output.message(text),
  );
  if (result.ended)
    output.message(
      `ended on request: the program was killed, ${options.log} is complete up to there`,
    );
  if (result.logFailure !== undefined) {
    throw logFailure(result.logFailure, options, recording.pid);
  }
  if (verbose) {
    const size = formatBytes(statSync(options.log).size);
    const end = result.detached
      ? `detached, process ${recording.pid} runs on`
      : describeStatus(result.status);
    output.message(
      `wrote ${options.log} (${size}): ${count(result.syscalls, 'system call')}, ` +
        `${count(result.tasks, 'task')}, ${end}`,
    );
  }
  if (result.detached) return ExitCode.Ok;
  const signal = signalToRaise(result.status);
  if (signal !== 0) {
    relay.close();
    host.raise(signal);
  }
  return shellStatus(result.status);
}

/** All notes in a line each if asked; else, on a terminal, one line for what was refused to the program. */
function sayNotes(
  { notes, missing }: RecordResult,
  verbose: boolean,
  isTerminal: () => boolean,
  say: (text: string) => void,
): void {
  if (verbose) {
    for (const text of missing) say(`not available here: ${text}`);
    for (const note of notes) say(note);
  } else if (notes.length > 0 && isTerminal()) {
    const text = notes.join('; ');
    say(text.length <= NOTE_CHARS ? text : `${text.slice(0, NOTE_CHARS)}… (-v shows all)`);
  }
}

function logFailure(
  failure: NonNullable<RecordResult['logFailure']>,
  options: RecordOptions,
  pid: number,
): CommandError {
  const errno = errnoOf(failure);
  const why = errno === '' ? failure.message : reason(errno);
  return new CommandError(
    failure.path === options.log
      ? `cannot write ${options.log} to its end: ${why}`
      : `cannot write the store ${failure.path}: ${why}`,
    ExitCode.LogWriteFailed,
    `what was written can be replayed; ` +
      (options.onLogFailure === 'kill'
        ? 'the program was ended'
        : `process ${pid} runs on unrecorded`),
  );
}
