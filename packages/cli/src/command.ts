import { createRequire } from 'node:module';
import { type Args, checkArguments, type CommandSpec, parseArgv } from './argv.js';
import { type Deps, systemDeps } from './deps.js';
import { CommandError, type ErrorContext, explain } from './errors.js';
import { ExitCode } from './exit-codes.js';
import { helpText } from './help.js';
import { ClosedPipeError, type Host } from './host.js';
import { Output } from './output.js';

/** What a command works with. */
export interface Context {
  readonly deps: Deps;
  readonly host: Host;
  readonly output: Output;
  /** Filled by the command as it learns what it works on, for the explanation of a failure. */
  readonly about: {
    -readonly [K in 'program' | 'cwd' | 'root' | 'log' | 'target']?: ErrorContext[K];
  };
}

export interface Command {
  readonly spec: CommandSpec;
  /** True if a program of its own uses our terminal meanwhile, and perhaps afterwards. */
  readonly sharesTerminal?: true;
  /** Does the work; resolves to the exit code. */
  run(args: Args, context: Context): Promise<number>;
  /** Text for `--help` below the options. */
  more?(deps: Deps): Promise<string>;
}

/**
 * Runs a command with the arguments after its name; resolves to the exit code and never rejects. Failures become one
 * line on standard error.
 */
export async function runCommand(
  command: Command,
  argv: readonly string[],
  deps: Deps = systemDeps(),
  calledAs: string = command.spec.name,
): Promise<number> {
  const { host } = deps;
  const output = new Output(host, calledAs);
  const context: Context = { deps, host, output, about: {} };
  const exitCode = await tryCommand(command, argv, context);
  if (command.sharesTerminal) host.leaveTerminal();
  return exitCode;
}

async function tryCommand(
  command: Command,
  argv: readonly string[],
  context: Context,
): Promise<number> {
  const { deps, output } = context;
  try {
    const args = parseArgv(command.spec, argv);
    if (args.flag('help')) {
      await output.useColours(1);
      output.line(helpText(command.spec, output, await command.more?.(deps)));
    } else if (args.flag('version')) {
      output.line(`scribe-ts ${version()}`);
    } else {
      checkArguments(command.spec, args);
      return await command.run(args, context);
    }
    output.flush();
    return ExitCode.Ok;
  } catch (error) {
    if (error instanceof ClosedPipeError) return ExitCode.Ok;
    return await fail(error, context);
  }
}

/** Prints the line for a failure; resolves to its exit code. */
async function fail(error: unknown, { host, output, about }: Context): Promise<number> {
  try {
    // What came before the failure is good.
    output.flush();
  } catch {
    // Nobody reads it.
  }
  const { message, advice, exitCode } = explain(error, {
    ...about,
    command: output.command,
    readText: host.readText,
  });
  await output.useColours(2);
  output.stderr(
    `${output.command}: ${output.paint('error', message)}${advice === '' ? '' : `; ${advice}`}\n`,
  );
  const details = error instanceof CommandError ? error.cause : error;
  if (host.env.SCRIBE_DEBUG && details instanceof Error) output.stderr(`${details.stack}\n`);
  return exitCode;
}

/** Version of scribe-ts. */
export function version(): string {
  const { version } = createRequire(import.meta.url)('@scribe-ts/cli/package.json') as {
    version: string;
  };
  return version;
}
