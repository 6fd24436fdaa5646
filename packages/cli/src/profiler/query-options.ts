/** The options of `profiler` that choose events. */
import type { Expressions, Query, Status } from '@scribe-ts/profiler';
import type { Bookmark, FrameFilter, LogHeader } from '@scribe-ts/tracelog';
import { resolve } from 'node:path';
import { type Args, type OptionSpec, wholeNumber } from '../argv.js';
import { UsageError } from '../errors.js';
import type { ProfilerModule } from '../deps.js';
import type { Output } from '../output.js';

const group = 'Selection';

export const QUERY_OPTIONS: readonly OptionSpec[] = [
  {
    flags: '-p, --pid <pid>',
    description: 'only this task: its number in the log, thread id or process id; may be repeated',
    group,
  },
  {
    flags: '-e, --expression <expr>',
    description: "strace's: trace=, signal=, status=, fd=, read=, write=; trace= may be left out",
    group,
  },
  {
    flags: '-P, --trace-path <path>',
    description: 'only calls on this file, by name or by descriptor; may be repeated',
    group,
  },
  { flags: '-z, --successful-only', description: 'only calls that succeeded', group },
  { flags: '-Z, --failed-only', description: 'only calls that failed', group },
  {
    flags: '--text <text>',
    description: 'only calls with this text, or /pattern/, in their bytes; may be repeated',
    group,
  },
  {
    flags: '--slower-than <time>',
    description: 'only calls that took at least so long: 0.5, 300ms, 20us',
    group,
  },
  {
    flags: '--from <time>',
    description: 'from this time on: seconds since the beginning, @2 (bookmark), 08:15:00',
    group,
  },
  { flags: '--to <time>', description: 'to this time', group },
];

/** What the options ask for. */
export interface Questions {
  readonly query: Query;
  /** Whether anything is left out. */
  readonly chosen: boolean;
  readonly expressions: Expressions;
}

/** Reads the options that can be read without the log. Throws UsageError, QueryError. */
export function parseQuestions(
  args: Args,
  { parseExpressions, parseTextPattern, parseSpan }: ProfilerModule,
): Questions {
  const pids = args.values('pid').map((pid) => wholeNumber('-p', pid, 0));
  const expressions = parseExpressions(args.values('expression'));
  const paths = args.values('trace-path');
  const texts = args.values('text').map(parseTextPattern);
  const slower = args.value('slower-than');
  const slowerThan = slower === undefined ? undefined : parseSpan(slower);
  if (slower !== undefined && slowerThan === undefined) {
    throw new UsageError(`--slower-than takes a time such as 0.5, 300ms or 20us, not '${slower}'`);
  }
  const query: Query = {
    ...expressions.query,
    statuses: statuses(args, expressions),
    tasks: pids.length === 0 ? undefined : pids,
    paths: paths.length === 0 ? undefined : paths,
    texts: texts.length === 0 ? undefined : texts,
    slowerThan,
  };
  const times = args.value('from') !== undefined || args.value('to') !== undefined;
  const chosen = times || Object.values(query).some((condition) => condition !== undefined);
  return { query, chosen, expressions };
}

function statuses(args: Args, { query }: Expressions): ReadonlySet<Status> | undefined {
  const asked: ReadonlySet<Status>[] = [];
  if (args.flag('successful-only')) asked.push(new Set(['successful']));
  if (args.flag('failed-only')) asked.push(new Set(['failed']));
  if (query.statuses !== undefined) asked.push(query.statuses);
  if (asked.length > 1) throw new UsageError('-z, -Z and -e status= exclude each other');
  return asked[0];
}

/** What of a log questions are understood by. */
export interface LogFacts {
  readonly header: LogHeader;
  readonly bookmarks: readonly Bookmark[];
}

/** Completes a query by what only the log tells. Throws QueryError for times that it does not have. */
export function completeQuery(
  { query }: Questions,
  args: Args,
  reader: LogFacts,
  { parseTime }: ProfilerModule,
): Query {
  const base = {
    startedAt: reader.header.startedAt,
    // Looked for only if they are asked for: a truncated log has to be read for them.
    get bookmarks() {
      return reader.bookmarks;
    },
  };
  const time = (name: string): number | undefined => {
    const text = args.value(name);
    return text === undefined ? undefined : parseTime(text, base);
  };
  const { cwd } = reader.header;
  const paths = query.paths?.flatMap((path) => [path, resolve(cwd, path)]);
  return { ...query, paths, from: time('from'), to: time('to') };
}

/**
 * What of the log need not be read. What a task is called, and what its descriptors and directory are, is told before the
 * time asked for; `wholePast` where lines need all of that as well.
 */
export function readerFilter(query: Query, wholePast: boolean): FrameFilter {
  const { from, to } = query;
  return timeFilter(wholePast || needsPast(query) ? undefined : from, to);
}

export function timeFilter(from: number | undefined, to: number | undefined): FrameFilter {
  return { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
}

/** Whether what is wanted depends on what was long before. */
export function needsPast({ tasks, paths }: Query): boolean {
  return tasks !== undefined || paths !== undefined;
}

/** Says what a question cannot find, as the log was recorded without it. */
export function warnOfGaps(query: Query, verbosity: string, output: Output): void {
  const lacks = (letters: string): boolean => !letters.split('').some((l) => verbosity.includes(l));
  const warn = (what: string, letters: string): void => {
    output.message(`the log has no ${what}: record with -f ${letters} in the letters`);
  };
  if (query.slowerThan !== undefined && lacks('T')) warn('times of calls', 'T');
  if ((query.fds ?? query.paths) !== undefined && lacks('s')) warn('arguments', 's');
  if (query.paths !== undefined && lacks('S')) warn('names of files', 'S');
  if (query.texts !== undefined && lacks('dD')) warn('bytes that the program sent', 'd or D');
}
