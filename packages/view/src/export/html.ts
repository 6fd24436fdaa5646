/** A log as one file that a browser opens by itself. */
import { createHash } from 'node:crypto';
import { LogSource, type LogSourceOptions } from '../log/log-source.js';
import { EMBEDDED_ID, type EmbeddedLog } from '../model/embedded.js';
import { asset } from '../server/assets.js';
import { embed } from './embed.js';

/** What is written, and how large it may become. */
export interface HtmlOptions extends LogSourceOptions {
  readonly log: string;
  /** About how large the page may become, bytes. Default 16 MiB. What does not fit is there as sums. */
  readonly maxBytes?: number;
}

/** What was written. */
export interface HtmlPage {
  readonly html: string;
  /** Events in the log, and those of them that the page has in full. */
  readonly events: number;
  readonly kept: number;
  /** What is left out, for people; '' if nothing is. */
  readonly leftOut: string;
}

const DEFAULT_BYTES = 16 * 1024 * 1024;

/** Throws as openLog does, and the system's errors for the index's file. */
export async function htmlPage({ log, maxBytes, ...options }: HtmlOptions): Promise<HtmlPage> {
  const source = new LogSource(log, options);
  try {
    const index = await source.index;
    const events = source.eventReader(index);
    const script = asset('app.js')!.body.toString().replaceAll('</script', '<\\/script');
    const style = asset('app.css')!.body.toString();
    const frame = asset('index.html')!.body.toString();
    const room = (maxBytes ?? DEFAULT_BYTES) - script.length - style.length - frame.length;
    const embedded = embed(index, events, Math.max(0, room));
    const kept = embedded.tasks.reduce((sum, task) => sum + task.events, 0);
    return {
      html: assemble(frame, style, script, embedded),
      events: index.facts.events,
      kept,
      leftOut: embedded.leftOut,
    };
  } finally {
    source.close();
  }
}

function assemble(frame: string, style: string, script: string, embedded: EmbeddedLog): string {
  // Nothing but this very script and style: the page cannot send what it shows anywhere.
  const policy = [
    "default-src 'none'",
    `script-src '${hash(script)}'`,
    `style-src '${hash(style)}'`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  const data = JSON.stringify(embedded).replaceAll('<', '\\u003c');
  const parts: readonly (readonly [string, string])[] = [
    [
      '<meta charset="utf-8" />',
      `<meta charset="utf-8" />\n    <meta http-equiv="Content-Security-Policy" content="${policy}" />`,
    ],
    ['<link rel="stylesheet" href="app.css" />', `<style>${style}</style>`],
    [
      '<script type="module" src="app.js"></script>',
      `<script type="application/json" id="${EMBEDDED_ID}">${data}</script>\n` +
        `    <script type="module">${script}</script>`,
    ],
  ];
  let html = frame;
  for (const [old, replacement] of parts) {
    if (!html.includes(old)) throw new Error(`the page's frame has no ${old}`);
    html = html.replace(old, () => replacement);
  }
  return html;
}

function hash(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
