import type { LogHeader } from '@scribe-ts/tracelog';
import type { Event } from '../events/event.js';
import { ChromeExporter } from './chrome.js';
import { FoldedExporter } from './folded.js';
import { JsonLinesExporter } from './json-lines.js';

/** Turns events into the text of a file, piece by piece. */
export interface Exporter {
  /** Appends the lines that are due after this event. */
  push(event: Event, lines: string[]): void;
  /** Appends what is left. */
  end(lines: string[]): void;
}

const EXPORTERS = {
  /** One JSON object a line for each event, the log's header first. */
  jsonl: (header: LogHeader): Exporter => new JsonLinesExporter(header),
  /** Chrome's Trace Event Format: Perfetto, chrome://tracing, speedscope. */
  chrome: (header: LogHeader): Exporter => new ChromeExporter(header),
  /** Folded stacks with microseconds, for flame graphs: program, thread, call. */
  folded: (): Exporter => new FoldedExporter(),
} as const;

/** Formats of text that a log can be exported in. */
export type TextFormat = keyof typeof EXPORTERS;

/** All of them. */
export const TEXT_FORMATS = Object.keys(EXPORTERS) as readonly TextFormat[];

/** An exporter for one of the formats; `header` is that of the log. */
export function makeExporter(format: TextFormat, header: LogHeader): Exporter {
  return EXPORTERS[format](header);
}
