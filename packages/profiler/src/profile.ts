import { LineFormatter } from './line-formatter.js';
import type { ProfileOptions, ProfileRecord } from './options.js';

/** The lines of a log, without their line ends. Errors of `records` pass through, after the lines before them. */
export async function* profile(
  records: Iterable<ProfileRecord> | AsyncIterable<ProfileRecord>,
  options: ProfileOptions = {},
): AsyncGenerator<string, void, undefined> {
  const formatter = new LineFormatter(options);
  const lines: string[] = [];
  // Awaiting every record of a plain iterable would cost more than printing it.
  if (Symbol.asyncIterator in records) {
    for await (const record of records) {
      formatter.push(record, lines);
      for (const line of lines) yield line;
      lines.length = 0;
    }
  } else {
    for (const record of records) {
      formatter.push(record, lines);
      for (const line of lines) yield line;
      lines.length = 0;
    }
  }
  yield* formatter.end();
}
