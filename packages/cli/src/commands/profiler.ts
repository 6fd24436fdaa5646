import type { LocatedFrame, ProfileOptions, Query } from '@scribe-ts/profiler';
import type { FrameFilter, LogReader } from '@scribe-ts/tracelog';
import type { Args, CommandSpec, OptionSpec } from '../argv.js';
import type { Command } from '../command.js';
import type { ProfilerModule } from '../deps.js';
import { UsageError } from '../errors.js';
import { ExitCode } from '../exit-codes.js';
import type { Output } from '../output.js';
import {
  completeQuery,
  parseQuestions,
  QUERY_OPTIONS,
  warnOfGaps,
} from '../profiler/query-options.js';
import {
  parseSummary,
  printSummary,
  SUMMARY_OPTIONS,
  type SummaryOptions,
} from '../profiler/summary.js';
import { parseTimes, TIME_OPTIONS } from '../profiler/time-options.js';
import { parseStackOptions, showStacks, STACK_OPTIONS } from '../stacks/options.js';

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
  arguments: [1, 1],
  afterFirstWord: 'ours',
  options: [
    ...QUERY_OPTIONS,
    ...FORM_OPTIONS,
    ...TIME_OPTIONS,
    ...SUMMARY_OPTIONS,
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

export const profiler: Command = {
  spec,

  async run(args, context) {
    const { deps, output, about } = context;
    const log = args.positionals[0]!;
    about.log = log;
    const library = await deps.profiler();
    const questions = parseQuestions(args, library);
    const summary = parseSummary(args, library);
    const stacks = parseStackOptions(args, [...FORM_OPTIONS, ...TIME_OPTIONS, ...SUMMARY_OPTIONS]);
    const { openLog } = await deps.tracelog();
    using reader = openLog(log);
    const query = completeQuery(questions, args, reader, library);
    warnOfGaps(query, reader.header.verbosity, output);
    if (stacks !== undefined) return await showStacks(stacks, log, query, context);
    if (summary.wanted === 'only') {
      summarise(reader, query, questions.chosen, summary, library, output);
    } else {
      const form = formOf(args, reader, questions.expressions);
      printLines(reader, query, questions.chosen, form, summary, library, output);
    }
    output.flush();
    return ExitCode.Ok;
  },
};

/** Throws UsageError. */
function formOf(
  args: Args,
  { header }: LogReader,
  { dumpRead, dumpWrite }: ReturnType<typeof parseQuestions>['expressions'],
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

/**
 * What of the log need not be read. What a task is called, and what its descriptors and directory are, is told before the
 * time asked for.
 */
function readerFilter({ from, to, tasks, paths }: Query): FrameFilter {
  const early = tasks === undefined && paths === undefined ? from : undefined;
  return {
    ...(early === undefined ? {} : { from: early }),
    ...(to === undefined ? {} : { to }),
  };
}

function printLines(
  reader: LogReader,
  query: Query,
  chosen: boolean,
  form: ProfileOptions,
  summary: SummaryOptions,
  library: ProfilerModule,
  output: Output,
): void {
  // What these print depends on what came before, wanted or not.
  const needsAll = form.form === 'strace' || form.descriptors === 'names';
  const filtered = needsAll && chosen;
  const formatter = new library.LineFormatter(filtered ? { ...form, query } : form);
  const counts = summary.wanted === 'too' && !filtered ? new library.CallCounts() : undefined;
  const lines: string[] = [];
  const print = (record: LocatedFrame): void => {
    const { frame } = record;
    if (counts !== undefined && frame.type === 'syscall') counts.add(frame.nr, frame);
    formatter.push(record, lines);
    for (let i = 0; i < lines.length; i++) output.line(lines[i]!);
    lines.length = 0;
  };
  if (!chosen || needsAll) {
    for (const record of reader.records()) print(record);
  } else {
    const selector = new library.Selector(query, { cwd: reader.header.cwd });
    const wanted: LocatedFrame[] = [];
    const printWanted = (): void => {
      for (let i = 0; i < wanted.length; i++) print(wanted[i]!);
      wanted.length = 0;
    };
    for (const record of reader.records(readerFilter(query))) {
      selector.push(record, wanted);
      if (wanted.length > 0) printWanted();
    }
    selector.end(wanted);
    printWanted();
  }
  for (const line of formatter.end()) output.line(line);
  if (counts !== undefined) printSummary(counts, summary, library, output);
  else if (summary.wanted === 'too') summarise(reader, query, chosen, summary, library, output);
}

function summarise(
  reader: LogReader,
  query: Query,
  chosen: boolean,
  summary: SummaryOptions,
  library: ProfilerModule,
  output: Output,
): void {
  const counts = new library.CallCounts();
  if (!chosen) {
    for (const frame of reader.frames({ type: 'syscall' })) {
      if (frame.type === 'syscall') counts.add(frame.nr, frame);
    }
  } else {
    const source = { header: reader.header, records: () => reader.records(readerFilter(query)) };
    for (const event of library.selectEvents(source, query)) {
      if (event.type === 'syscall') counts.add(event.nr, event.frame);
    }
  }
  printSummary(counts, summary, library, output);
}
