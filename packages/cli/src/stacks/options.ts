import { writeFileSync } from 'node:fs';
import type { Event, LocatedFrame, ProfileOptions, Query } from '@scribe-ts/profiler';
import type { Args, OptionSpec } from '../argv.js';
import type { Context } from '../command.js';
import { CommandError, errorCode, UsageError } from '../errors.js';
import { ExitCode } from '../exit-codes.js';
import { orRemove } from '../partial-file.js';
import { callStacks, type StackRequest } from './call-stacks.js';
import { flamegraph, parseWeight, type Weight, WEIGHTS } from './flamegraph.js';
import { stackLines } from './lines.js';

/** Options of the profiler that replay the log. */
export const STACK_OPTIONS: readonly OptionSpec[] = [
  {
    flags: '--stacks',
    description: 'replay the log, and print below each call who made it',
    group: 'Stacks',
  },
  {
    flags: '--flamegraph <file>',
    description: 'the same as a picture: an SVG of the calls by who made them',
    group: 'Stacks',
  },
  {
    flags: '--weight <what>',
    description: `what the picture's widths are: ${WEIGHTS.join(', ')} (default calls)`,
    group: 'Stacks',
  },
  {
    flags: '--store <dir>',
    description: 'for a replay: take mapped files from there',
    group: 'Stacks',
  },
];

export interface StackOptions {
  readonly lines: boolean;
  /** Where to write the picture; undefined if none is wanted. */
  readonly picture: string | undefined;
  readonly weight: Weight;
  readonly store: string | undefined;
}

/**
 * undefined if no stacks are wanted. `others`: options that do not go with them, `forLines`: that do not go with a
 * picture. Throws UsageError.
 */
export function parseStackOptions(
  args: Args,
  others: readonly OptionSpec[],
  forLines: readonly OptionSpec[],
): StackOptions | undefined {
  const lines = args.flag('stacks');
  const picture = args.value('flamegraph');
  const weight = args.value('weight');
  const store = args.value('store');
  if (weight !== undefined && picture === undefined)
    throw new UsageError('--weight is for --flamegraph');
  if (!lines && picture === undefined) {
    if (store !== undefined) throw new UsageError('--store is for --stacks and --flamegraph');
    return undefined;
  }
  if (lines && picture !== undefined)
    throw new UsageError('--stacks and --flamegraph are two ways to show the same');
  const refuse = (options: readonly OptionSpec[], by: string): void => {
    for (const { flags } of options) {
      const name = /--([\w-]+)/.exec(flags)![1]!;
      if (args.flag(name) || args.values(name).length > 0)
        throw new UsageError(`--${name} does not go with ${by}`);
    }
  };
  refuse(others, '--stacks and --flamegraph');
  if (picture !== undefined) refuse(forLines, '--flamegraph');
  if (args.flag('raw')) throw new UsageError('--raw does not go with --stacks');
  return { lines, picture, weight: parseWeight(weight ?? 'calls'), store };
}

/** Prints stacks, or writes the picture; resolves to the exit code. */
export async function showStacks(
  { lines, picture, weight, store }: StackOptions,
  log: string,
  query: Query,
  form: ProfileOptions,
  { deps, output, about }: Context,
): Promise<number> {
  const { EventFilter, LineFormatter, demangle } = await deps.profiler();
  const filter = (): ((event: Event) => boolean) => {
    const events = new EventFilter(query);
    const wanted: Event[] = [];
    return (event) => {
      wanted.length = 0;
      events.push(event, wanted);
      return wanted.includes(event);
    };
  };
  const printer = (): ((record: LocatedFrame) => string) => {
    const formatter = new LineFormatter({ ...form, query });
    const printed: string[] = [];
    return (record) => {
      printed.length = 0;
      formatter.push(record, printed);
      // What scribe's form nests below a call would stand between it and its stack.
      return printed[0] ?? '';
    };
  };
  const request: StackRequest = { log, store, filter, ...(lines ? { print: printer() } : {}) };
  try {
    if (lines) {
      for await (const call of callStacks(deps, request))
        for (const line of stackLines(call, demangle, form.form)) output.line(line);
      output.flush();
    }
    if (picture !== undefined) {
      const svg = await flamegraph(deps, request, weight);
      about.target = picture;
      orRemove(picture, () => writeFileSync(picture, svg));
    }
  } catch (error) {
    if (errorCode(error) !== 'DIVERGENCE') throw error;
    const advice = `'replay ${log}' shows all of it`;
    throw new CommandError((error as Error).message, ExitCode.Divergence, advice);
  }
  return ExitCode.Ok;
}
