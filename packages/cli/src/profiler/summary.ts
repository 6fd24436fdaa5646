/** `profiler -c` and `-C`. */
import type { CallCounts, Event } from '@scribe-ts/profiler';
import type { LogRecord, TaskUid } from '@scribe-ts/tracelog';
import type { Args, OptionSpec } from '../argv.js';
import type { ProfilerModule } from '../deps.js';
import { UsageError } from '../errors.js';
import type { Output } from '../output.js';

const group = 'Summary';

export const SUMMARY_OPTIONS: readonly OptionSpec[] = [
  {
    flags: '-c, --summary-only',
    description: 'a table of calls, errors and times (microseconds) instead of the lines',
    group,
  },
  { flags: '-C, --summary', description: 'the same after the lines', group },
  {
    flags: '-S, --summary-sort-by <column>',
    description:
      'time (default), calls, errors, name, avg-time, min-time, max-time, p50, p99, none',
    group,
  },
  {
    flags: '--batons',
    description: 'a table of who held the baton: of threads of a process, one at a time runs',
    group,
  },
];

export interface SummaryOptions {
  readonly wanted: 'no' | 'only' | 'too';
  readonly order: string;
  readonly batons: boolean;
}

/** Throws UsageError, QueryError. */
export function parseSummary(args: Args, { SORT_NAMES }: ProfilerModule): SummaryOptions {
  const only = args.flag('summary-only');
  const too = args.flag('summary');
  if (only && too) throw new UsageError('-c and -C exclude each other');
  const order = args.value('summary-sort-by');
  if (order !== undefined && !only && !too) throw new UsageError('-S sorts the table of -c or -C');
  if (order !== undefined && !SORT_NAMES.includes(order)) {
    throw new UsageError(`-S knows no order '${order}', only ${SORT_NAMES.join(', ')}`);
  }
  const batons = args.flag('batons');
  if (batons && (only || too)) throw new UsageError('--batons is a table of its own');
  return { wanted: only ? 'only' : too ? 'too' : 'no', order: order ?? 'time', batons };
}

/** Prints the table. */
export function printSummary(
  counts: CallCounts,
  { order }: SummaryOptions,
  { countTable, sortCounts, syscallName }: ProfilerModule,
  output: Output,
): void {
  const rows = [...counts.rows].map(([nr, count]) => ({ name: syscallName(nr), count }));
  if (counts.all.calls > 0 && counts.all.timed === 0) {
    output.message('the log has no times of calls: record with T in the letters of -f');
  }
  for (const line of countTable(sortCounts(rows, order), counts.all)) output.line(line);
}

/** Prints who held the baton. */
export function printBatons(
  records: Iterable<LogRecord>,
  from = 0,
  tasks: readonly number[] | undefined,
  { Batons, batonTable, EventDecoder, taskTitle }: ProfilerModule,
  output: Output,
): void {
  const batons = new Batons();
  const decoder = new EventDecoder({ descriptors: 'unknown' });
  const events: Event[] = [];
  for (const record of records) {
    if (record.frame.time >= from) batons.push(record.frame, record.stream);
    // Only for what the tasks are called.
    decoder.push(record, events);
    events.length = 0;
  }
  const infoOf = (task: TaskUid) => decoder.states.of(task);
  const wanted = [...batons.shares.values()].filter(({ task }) => {
    const { tid, pid } = infoOf(task);
    return tasks === undefined || [task, tid, pid].some((id) => tasks.includes(id));
  });
  for (const line of batonTable(wanted, (task) => taskTitle(infoOf(task)))) output.line(line);
}
