/** The options of `profiler` that add columns of times. */
import type { StampOptions } from '@scribe-ts/profiler';
import type { LogHeader } from '@scribe-ts/tracelog';
import { type Args, type OptionSpec } from '../argv.js';
import { UsageError } from '../errors.js';

const group = 'Times';

export const TIME_OPTIONS: readonly OptionSpec[] = [
  {
    flags: '-t, --absolute-timestamps',
    description: 'time of day when a call began; -tt with microseconds, -ttt as seconds since 1970',
    group,
  },
  {
    flags: '--relative-timestamps',
    description: "seconds since the start of the same task's call before",
    group,
  },
  { flags: '-T, --syscall-times', description: 'seconds spent in each call', group },
];

const FORMS = [undefined, 'seconds', 'microseconds', 'unix'] as const;

/** Undefined if no column is wanted. Throws UsageError. */
export function parseTimes(args: Args, header: LogHeader): StampOptions | undefined {
  const level = args.count('absolute-timestamps');
  if (level >= FORMS.length) throw new UsageError('-t can be given three times at most');
  const relative = args.flag('relative-timestamps');
  const durations = args.flag('syscall-times');
  if (level === 0 && !relative && !durations) return undefined;
  return { absolute: FORMS[level], startedAt: header.startedAt, relative, durations };
}
