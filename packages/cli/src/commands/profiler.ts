import type { CallCounts, ProfileOptions, Query } from '@scribe-ts/profiler';
import type { FrameFilter, LogHeader, LogReader, LogRecord } from '@scribe-ts/tracelog';
import { type Args, type CommandSpec, type OptionSpec, wholeNumber } from '../argv.js';
import type { Command, Context } from '../command.js';
import type { ProfilerModule } from '../deps.js';
import { UsageError } from '../errors.js';
import { ExitCode } from '../exit-codes.js';
import {
  EXPORT_OPTIONS,
  exportEvents,
  type ExportOptions,
  parseExport,
} from '../profiler/export.js';
import { LinePrinter, needsAll } from '../profiler/line-printer.js';
import {
  completeQuery,
  needsPast,
  parseQuestions,
  QUERY_OPTIONS,
  type Questions,
  readerFilter,
  timeFilter,
  warnOfGaps,
} from '../profiler/query-options.js';
import {
  parseSummary,
  printBatons,
  printSummary,
  SUMMARY_OPTIONS,
  type SummaryOptions,
} from '../profiler/summary.js';
import { parseTimes, TIME_OPTIONS } from '../profiler/time-options.js';
import {
  parseStackOptions,
  showStacks,
  STACK_OPTIONS,
  type StackOptions,
} from '../stacks/options.js';

const AROUND = 20;
const DIFF_CONTEXT = 5;

/** Which part of the log is read. */
const PLACE_OPTIONS: readonly OptionSpec[] = [
  {
    flags: '--around <offset>',
    description: 'only what came right before and after this place, as -o prints it',
    group: 'Selection',
  },
  {
    flags: '-n, --context <calls>',
    description: `how many calls before and after; default ${AROUND}, for --diff ${DIFF_CONTEXT}`,
    group: 'Selection',
  },
  {
    flags: '--diff',
    description:
      'compare two logs (--diff A B) task by task: the first difference; exits with 1 if there is one',
    group: 'Selection',
  },
  {
    flags: '--follow',
    description: 'go on while the log is being written',
    group: 'Selection',
  },
];

const FORM_OPTIONS: readonly OptionSpec[] = [
  {
    flags: '-r, --raw',
    description: 'every frame of the log with all its fields, a line each',
    group: 'Form',
  },
  {
    flags: '--strace',
    description: 'as strace -f prints it, with 32 bytes of each string',
    group: 'Form',
  },
  {
    flags: '-y, --names',
    description: 'print what descriptors refer to: 3</etc/hosts>',
    group: 'Form',
  },
  {
    flags: '-o, --offsets',
    description: 'put the offset in the file before each line',
    group: 'Form',
  },
];

const spec: CommandSpec = {
  name: 'profiler',
  summary: 'Prints what a recorded program did: its system calls, signals, and their details.',
  usage: 'LOG',
  arguments: [1, 2],
  afterFirstWord: 'ours',
  options: [
    ...QUERY_OPTIONS,
    ...PLACE_OPTIONS,
    ...FORM_OPTIONS,
    ...TIME_OPTIONS,
    ...SUMMARY_OPTIONS,
    ...EXPORT_OPTIONS,
    ...STACK_OPTIONS,
  ],
  examples: [
    'profiler date.log | grep Mon -B3',
    'profiler -e trace=%file -Z make.log',
    'profiler -P /tmp/lock -tt make.log',
    'profiler -c -S p99 server.log',
    'profiler --stacks -e write -P /etc/hosts edit.log',
  ],
};

/** What the command line asks for, as far as it can be told without the log. */
interface Job {
  readonly log: string;
  readonly args: Args;
  readonly library: ProfilerModule;
  readonly questions: Questions;
  readonly summary: SummaryOptions;
  readonly context: Context;
}

export const profiler: Command = {
  spec,

  async run(args, context) {
    const log = args.positionals[0]!;
    const other = args.positionals[1];
    if (args.flag('diff')) return await diff(args, context);
    if (other !== undefined) throw new UsageError(`unexpected argument '${other}'`);
    context.about.log = log;
    const library = await context.deps.profiler();
    const questions = parseQuestions(args, library);
    const summary = parseSummary(args, library);
    const job: Job = { log, args, library, questions, summary, context };
    const modes = ['around', 'follow'].filter((name) => isGiven(args, name));
    if (summary.batons && modes.length > 0) {
      throw new UsageError(`--batons does not go with --${modes[0]!}`);
    }
    if (modes.length > 1) throw new UsageError('--around and --follow exclude each other');
    if (args.value('context') !== undefined && !isGiven(args, 'around')) {
      throw new UsageError('-n says how much --around shows');
    }
    const forLines = [...PLACE_OPTIONS, ...FORM_OPTIONS, ...TIME_OPTIONS, ...SUMMARY_OPTIONS];
    const notForStacks = [...PLACE_OPTIONS, ...SUMMARY_OPTIONS, ...EXPORT_OPTIONS];
    const stacks = parseStackOptions(args, notForStacks, [...FORM_OPTIONS, ...TIME_OPTIONS]);
    const exporting = parseExport(args, library, forLines);
    if (stacks !== undefined) return await readStacks(job, stacks);
    if (exporting !== undefined) await writeExport(job, exporting);
    else if (args.value('around') !== undefined) await around(job, args.value('around')!);
    else if (args.flag('follow')) await follow(job);
    else await readThrough(job);
    context.output.flush();
    return ExitCode.Ok;
  },
};

function isGiven(args: Args, name: string): boolean {
  return args.flag(name) || args.value(name) !== undefined;
}

/** Throws UsageError. */
function formOf(
  args: Args,
  header: LogHeader,
  { dumpRead, dumpWrite }: Questions['expressions'],
): ProfileOptions {
  const times = parseTimes(args, header);
  const dumps = dumpRead !== undefined || dumpWrite !== undefined;
  const raw = args.flag('raw');
  if (raw && times !== undefined) throw new UsageError('-r prints the times of all frames already');
  if (raw && dumps) throw new UsageError('-r prints all bytes already');
  const strace = args.flag('strace');
  if (raw && strace) throw new UsageError('-r and --strace exclude each other');
  return {
    form: raw ? 'raw' : strace ? 'strace' : 'scribe',
    descriptors: args.flag('names') ? 'names' : 'numbers',
    cwd: header.cwd,
    offsets: args.flag('offsets'),
    ...(times === undefined ? {} : { times }),
    ...(dumps ? { dumps: { read: dumpRead, write: dumpWrite } } : {}),
  };
}

/** The whole log, as it is now. */
async function readThrough(job: Job): Promise<void> {
  const { args, library, summary, context } = job;
  const { openLog } = await context.deps.tracelog();
  using reader = openLog(job.log);
  const query = completeQuery(job.questions, args, reader, library);
  warnOfGaps(query, reader.header.verbosity, context.output);
  if (summary.batons) {
    const { tasks, from, to, ...others } = query;
    if (Object.values(others).some((condition) => condition !== undefined)) {
      throw new UsageError('--batons goes with -p, --from and --to alone');
    }
    // What tasks are called is told at their beginning.
    const records = reader.records(timeFilter(undefined, to));
    printBatons(records, from, tasks, library, context.output);
    sayTruncated(reader, job.log, context);
    return;
  }
  if (summary.wanted === 'only' && !job.questions.chosen) {
    // Nothing but calls is decoded.
    const counts = new library.CallCounts();
    for (const frame of reader.frames({ type: 'syscall' })) {
      if (frame.type === 'syscall') counts.add(frame.nr, frame);
    }
    printSummary(counts, summary, library, context.output);
    sayTruncated(reader, job.log, context);
    return;
  }
  const printing = new Printing(job, reader.header, query);
  printing.records(reader.records(printing.readerFilter));
  printing.end();
  sayTruncated(reader, job.log, context);
}

/** Whoever looks for what is not in the output is to know that there was more. */
function sayTruncated({ truncatedReason }: LogReader, log: string, { output }: Context): void {
  if (truncatedReason === '') return;
  output.flush();
  output.message(`${log} ends here: ${truncatedReason}`);
}

/** In a format of other programs. */
async function writeExport(job: Job, options: ExportOptions): Promise<void> {
  const { args, library, questions, context } = job;
  if (
    questions.expressions.dumpRead !== undefined ||
    questions.expressions.dumpWrite !== undefined
  ) {
    throw new UsageError('-e read= and write= do not go with --export');
  }
  const { openLog } = await context.deps.tracelog();
  using reader = openLog(job.log);
  const { header } = reader;
  const query = completeQuery(questions, args, reader, library);
  warnOfGaps(query, header.verbosity, context.output);
  const source = { header, records: () => reader.records(readerFilter(query, false)) };
  const events = library.selectEvents(source, query);
  exportEvents(options, events, header, library, context);
  sayTruncated(reader, job.log, context);
}

/** Compares two logs; the exit code is diff's. */
async function diff(args: Args, context: Context): Promise<number> {
  const [nameA, nameB] = args.positionals;
  if (nameB === undefined) throw new UsageError('--diff takes two logs');
  const others = [...QUERY_OPTIONS, ...PLACE_OPTIONS, ...FORM_OPTIONS, ...TIME_OPTIONS];
  for (const { flags } of [...others, ...SUMMARY_OPTIONS, ...EXPORT_OPTIONS, ...STACK_OPTIONS]) {
    const name = /--([\w-]+)/.exec(flags)![1]!;
    if (name === 'diff' || name === 'context' || !isGiven(args, name)) continue;
    throw new UsageError(`--${name} does not go with --diff`);
  }
  const { diffLogs, differenceLines } = await context.deps.profiler();
  const { openLog } = await context.deps.tracelog();
  const count = wholeNumber('-n', args.value('context') ?? String(DIFF_CONTEXT), 0);
  context.about.log = nameA!;
  using a = openLog(nameA!);
  context.about.log = nameB;
  using b = openLog(nameB);
  const difference = diffLogs(a, b, count);
  if (difference !== undefined) {
    for (const line of differenceLines(difference, nameA!, nameB)) context.output.line(line);
  }
  // What is missing is no difference of the program's.
  sayTruncated(a, nameA!, context);
  sayTruncated(b, nameB, context);
  context.output.flush();
  return difference === undefined ? ExitCode.Ok : ExitCode.No;
}

/** Who made the calls: replays the log. */
async function readStacks(job: Job, stacks: StackOptions): Promise<number> {
  const { args, library, questions, context } = job;
  const { dumpRead, dumpWrite } = questions.expressions;
  if (dumpRead !== undefined || dumpWrite !== undefined) {
    throw new UsageError('-e read= and write= do not go with --stacks and --flamegraph');
  }
  const { openLog } = await context.deps.tracelog();
  using reader = openLog(job.log);
  const query = completeQuery(questions, args, reader, library);
  const form = formOf(args, reader.header, questions.expressions);
  warnOfGaps(query, reader.header.verbosity, context.output);
  return await showStacks(stacks, job.log, query, form, context);
}

/** A log that is being written, to its end. */
async function follow(job: Job): Promise<void> {
  const { args, library, context } = job;
  const { output, host } = context;
  const { followLog } = await context.deps.tracelog();
  const stop = new AbortController();
  const untrap = host.onSignal('SIGINT', () => stop.abort());
  try {
    using follower = followLog(job.log, { signal: stop.signal });
    const { header } = follower;
    const query = completeQuery(job.questions, args, { header, bookmarks: [] }, library);
    warnOfGaps(query, header.verbosity, output);
    const printing = new Printing(job, header, query);
    for await (const batch of follower.batches(printing.readerFilter)) {
      printing.records(batch);
      output.flush();
    }
    printing.end();
    output.flush();
    if (follower.end === 'abandoned') output.message(`${job.log} ends here: nobody writes it`);
  } finally {
    untrap();
  }
}

/** What stands around a place. */
async function around(job: Job, text: string): Promise<void> {
  const { args, library, questions, context } = job;
  if (job.summary.wanted !== 'no') throw new UsageError('-c and -C do not go with --around');
  const place = library.parsePlace(text);
  const count = wholeNumber('-n', args.value('context') ?? String(AROUND), 0);
  const { openLog } = await context.deps.tracelog();
  using reader = openLog(job.log);
  const { header } = reader;
  const query = completeQuery(questions, args, reader, library);
  const form = formOf(args, header, questions.expressions);
  const { chosen } = questions;
  const lines = library.linesAround(
    reader,
    place,
    count,
    needsPast(query) || needsAll(form),
    () => {
      const printer = new LinePrinter(library, header, { query, chosen }, form);
      return (record) => {
        const due: string[] = [];
        printer.push(record, due);
        return due;
      };
    },
  );
  for (const line of lines) context.output.line(line);
}

/** Lines, or sums, or both. */
class Printing {
  /** What has to be read. */
  readonly readerFilter: FrameFilter;
  private readonly counts: CallCounts | undefined;
  private readonly printer: LinePrinter;
  private readonly lines: string[] = [];

  constructor(
    private readonly job: Job,
    header: LogHeader,
    query: Query,
  ) {
    const { args, library, summary, questions } = job;
    const { chosen, expressions } = questions;
    const form = summary.wanted === 'only' ? undefined : formOf(args, header, expressions);
    this.readerFilter = readerFilter(query, form !== undefined && needsAll(form));
    if (summary.wanted !== 'no') this.counts = new library.CallCounts();
    this.printer = new LinePrinter(library, header, { query, chosen }, form, this.counts);
  }

  records(records: Iterable<LogRecord>): void {
    const { printer, lines } = this;
    for (const record of records) {
      printer.push(record, lines);
      if (lines.length > 0) this.print();
    }
  }

  end(): void {
    const { library, summary, context } = this.job;
    this.printer.end(this.lines);
    this.print();
    if (this.counts !== undefined) printSummary(this.counts, summary, library, context.output);
  }

  private print(): void {
    const { lines } = this;
    const { output } = this.job.context;
    for (let i = 0; i < lines.length; i++) output.line(lines[i]!);
    lines.length = 0;
  }
}
