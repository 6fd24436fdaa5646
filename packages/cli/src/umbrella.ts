import { type Command, runCommand, version } from './command.js';
import { type Deps, systemDeps } from './deps.js';
import { ExitCode } from './exit-codes.js';
import { ClosedPipeError } from './host.js';
import { Output } from './output.js';

interface Entry {
  readonly summary: string;
  /** Loaded when it is called: each command only pays for itself. */
  load(): Promise<Command>;
}

const COMMANDS: Readonly<Record<string, Entry>> = {
  record: {
    summary: 'run a command and record it',
    load: async () => (await import('./commands/record.js')).record,
  },
  replay: {
    summary: 'run a recorded program again from its log',
    load: async () => (await import('./commands/replay.js')).replay,
  },
  profiler: {
    summary: 'print what a recorded program did',
    load: async () => (await import('./commands/profiler.js')).profiler,
  },
  hunt: {
    summary: 'record a program until it fails',
    load: async () => (await import('./commands/hunt.js')).hunt,
  },
  fork: {
    summary: 'let copies of a recorded program go live, and run a command against each',
    load: async () => (await import('./commands/fork.js')).fork,
  },
  view: {
    summary: 'show a log as a picture, in a browser',
    load: async () => (await import('./commands/view.js')).view,
  },
  info: {
    summary: 'describe a log',
    load: async () => (await import('./commands/info.js')).info,
  },
  pack: {
    summary: 'put the mapped files into a log, for another machine',
    load: async () => (await import('./commands/pack.js')).pack,
  },
  shrink: {
    summary: 'write a log again with a lower verbosity',
    load: async () => (await import('./commands/shrink.js')).shrink,
  },
};

/** Commands that are also programs of their own, and speak under that name. */
const PROGRAMS: ReadonlySet<string> = new Set(['record', 'replay', 'profiler']);

/** Runs `scribe` with the arguments after its name; resolves to the exit code and never rejects. */
export async function runUmbrella(
  argv: readonly string[],
  deps: Deps = systemDeps(),
): Promise<number> {
  const [first, ...rest] = argv;
  const output = new Output(deps.host, 'scribe');
  switch (first) {
    case 'help': {
      // `scribe help record` is `scribe record --help`.
      const [topic] = rest;
      if (topic === undefined) return await printText(output, usage);
      return await dispatch(topic, ['--help'], output, deps);
    }
    case '-h':
    case '--help':
      return await printText(output, usage);
    case '-V':
    case '--version':
      return await printText(output, () => `scribe-ts ${version()}`);
    case undefined:
      output.message("missing command; see 'scribe --help'");
      return ExitCode.Usage;
    default:
      return await dispatch(first, rest, output, deps);
  }
}

async function dispatch(
  name: string,
  argv: readonly string[],
  output: Output,
  deps: Deps,
): Promise<number> {
  if (!Object.hasOwn(COMMANDS, name)) {
    const what = name.startsWith('-') ? 'option' : 'command';
    output.message(`unknown ${what} '${name}'; see 'scribe --help'`);
    return ExitCode.Usage;
  }
  const command = await COMMANDS[name]!.load();
  return await runCommand(command, argv, deps, PROGRAMS.has(name) ? name : `scribe ${name}`);
}

async function printText(output: Output, text: (output: Output) => string): Promise<number> {
  try {
    await output.useColours(1);
    output.line(text(output));
    output.flush();
  } catch (error) {
    if (!(error instanceof ClosedPipeError)) throw error;
  }
  return ExitCode.Ok;
}

function usage(output: Output): string {
  const names = Object.keys(COMMANDS);
  const width = Math.max(...names.map((name) => name.length));
  return [
    'Records Linux programs, replays them exactly, and shows what they did.',
    '',
    `${output.paint('heading', 'Usage:')} scribe <command> [options] …`,
    '',
    output.paint('heading', 'Commands:'),
    ...names.map((name) => `  ${name.padEnd(width)}  ${COMMANDS[name]!.summary}`),
    '',
    "'scribe <command> --help' tells more about each.",
  ].join('\n');
}
