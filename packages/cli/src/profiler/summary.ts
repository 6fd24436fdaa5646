/** `profiler -c` and `-C`. */
import type { CallCounts } from '@scribe-ts/profiler';
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
];

export interface SummaryOptions {
  readonly wanted: 'no' | 'only' | 'too';
  readonly order: string;
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
  return { wanted: only ? 'only' : too ? 'too' : 'no', order: order ?? 'time' };
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
