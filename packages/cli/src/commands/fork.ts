import { constants } from 'node:os';
import { resolve } from 'node:path';
import { type Args, type CommandSpec, wholeNumber } from '../argv.js';
import type { Command, Context } from '../command.js';
import { errorCode, UsageError } from '../errors.js';
import { describeStatus, ExitCode } from '../exit-codes.js';
import { FILES_OPTION, overlayDirectory } from '../live-files.js';
import { Copies, type CopiesOptions, type CopyEnd } from '../fork/copies.js';

const MAX_COPIES = 1024;
/** Signals that end all copies. */
const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const spec: CommandSpec = {
  name: 'fork',
  summary:
    'Lets several copies of a recorded program go live at a bookmark, at the same time, and runs a command against each.',
  usage: 'LOG -- command [args…]',
  arguments: [2, Infinity],
  afterFirstWord: 'ours',
  options: [
    {
      flags: '-g, --go-live <bookmark>',
      description: 'where they go live',
      group: 'Copies',
    },
    { flags: '-n, --copies <number>', description: 'how many (default: 1)', group: 'Copies' },
    {
      flags: '-P, --private <dir>',
      description: 'each has this directory for itself: what it writes there is gone with it',
      group: 'Copies',
    },
    {
      flags: '--share-network',
      description: 'they have the network; else each has one of its own, with nothing in it',
      group: 'Copies',
    },
    {
      flags: '--require-complete',
      description: 'do not go live if something cannot come back',
      group: 'Copies',
    },
    {
      ...FILES_OPTION,
      description:
        'their files are those that are there now (default), or as they were, each in an overlay of its own in DIR/N',
      group: 'Copies',
    },
    { flags: '--store <dir>', description: 'take mapped files from there', group: 'Copies' },
    {
      flags: '-w, --wait',
      description: 'wait for the end of each; else it is killed when its command has ended',
      group: 'End',
    },
    {
      flags: '-d, --directory <dir>',
      description: 'keep what copy N prints, as N/stdout and N/stderr in this directory',
      group: 'End',
    },
  ],
  examples: [
    'scribe fork server.log -g 1 -n 8 -- ./check.sh {}',
    'scribe fork server.log -g 1 -n 2 -P /var/lib/server -- nsenter -t {} -U -n --preserve-credentials curl localhost',
  ],
};

export const fork: Command = {
  spec,

  async run(args, context) {
    const { host, deps, output, about } = context;
    const log = args.positionals[0]!;
    about.log = log;
    const told = new Set<string>();
    const options = parseOptions(args, log, (what) => {
      if (!told.has(what)) output.message(`not as it was: ${what}`);
      told.add(what);
    });
    const copies = new Copies(await deps.replayer(), options);
    let endedBy: (typeof ENDING)[number] | undefined;
    const removals = ENDING.map((name) =>
      host.onSignal(name, () => {
        endedBy ??= name;
        copies.stop(name);
      }),
    );
    let ends: readonly CopyEnd[];
    try {
      ends = await copies.run();
    } catch (error) {
      if (!LIVE_ERRORS.has(errorCode(error))) throw error;
      output.message(`cannot go live: ${(error as Error).message}`);
      return ExitCode.CannotGoLive;
    } finally {
      for (const remove of removals) remove();
    }
    if (endedBy !== undefined) {
      host.raise(endedBy);
      return 128 + constants.signals[endedBy];
    }
    return tell(ends, context);
  },
};

const LIVE_ERRORS: ReadonlySet<string> = new Set([
  'NOT_REACHED',
  'NOT_SUPPORTED',
  'NEW_PIDS',
  'INCOMPLETE',
]);

function parseOptions(args: Args, log: string, onLost: (what: string) => void): CopiesOptions {
  const bookmark = args.value('go-live');
  if (bookmark === undefined)
    throw new UsageError('missing -g BOOKMARK', `'scribe info' lists them`);
  const store = args.value('store');
  const directory = args.value('directory');
  if (directory === '') throw new UsageError('-d needs the name of a directory');
  const overlay = overlayDirectory(args);
  if (overlay !== undefined && args.values('private').length > 0)
    throw new UsageError('-P and --files=overlay exclude each other', `see 'scribe fork --help'`);
  return {
    replay: {
      log,
      until: wholeNumber('-g', bookmark, 0),
      live: { requireComplete: args.flag('require-complete') },
      ...(store === undefined ? {} : { store }),
    },
    count: wholeNumber('-n', args.value('copies') ?? '1', 1, MAX_COPIES),
    hook: args.positionals.slice(1),
    isolation: {
      network: !args.flag('share-network'),
      directories: args.values('private').map((path) => resolve(path)),
    },
    waits: args.flag('wait'),
    ...(overlay === undefined ? {} : { overlay }),
    ...(directory === undefined ? {} : { directory }),
    onLost,
  };
}

/** Says how each has ended; returns the exit code. */
function tell(ends: readonly CopyEnd[], { output }: Context): number {
  for (const { copy, hook, program } of ends) {
    const lived =
      program === undefined
        ? 'was killed then'
        : `had ${describeStatus(program)}`.replace('had killed', 'was killed');
    output.line(
      `copy ${copy}: the command ${describeStatus(hook).replace(/^killed/, 'was killed')}, the program ${lived}`,
    );
  }
  output.flush();
  return ends.every(({ hook }) => hook === 0) ? ExitCode.Ok : ExitCode.No;
}
