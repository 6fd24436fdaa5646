import { writeFileSync } from 'node:fs';
import { type Args, type CommandSpec, wholeNumber } from '../argv.js';
import { openBrowser } from '../browser.js';
import type { Command, Context } from '../command.js';
import { CommandError, errorCode, reason, UsageError } from '../errors.js';
import { ExitCode } from '../exit-codes.js';
import { replaceFile } from '../replace-file.js';

const MAX_PORT = 65_535;
const MIB = 1024 * 1024;
/** Browsers refuse strings much longer than this. */
const MAX_HTML_MIB = 256;

const spec: CommandSpec = {
  name: 'view',
  summary:
    'Shows a log as a picture: a page for a browser on this machine, which ends with the command.',
  usage: 'LOG',
  arguments: [1, 1],
  afterFirstWord: 'ours',
  options: [
    {
      flags: '-p, --port <number>',
      description: 'serve the page there, on 127.0.0.1 (default: any port that is free)',
      group: 'Page',
    },
    {
      flags: '--no-open',
      description: 'only print the address; else a browser is opened where there is a desktop',
      group: 'Page',
    },
    {
      flags: '--html <file>',
      description: 'write the page with its data into one file instead, and end',
      group: 'File',
    },
    {
      flags: '--html-size <mib>',
      description:
        'about how large that file may become (default: 16); what does not fit is there as sums',
      group: 'File',
    },
  ],
  examples: [
    'scribe view make.log',
    'scribe view --html make.html make.log',
    'scribe view --port 8080 --no-open server.log',
  ],
};

export const view: Command = {
  spec,

  async run(args, context) {
    const { deps, host, output, about } = context;
    const log = args.positionals[0]!;
    about.log = log;
    const target = args.value('html');
    if (target !== undefined) return await writeHtml(target, args, context);
    if (args.value('html-size') !== undefined) throw new UsageError('--html-size goes with --html');
    const portText = args.value('port');
    const port = portText === undefined ? 0 : wholeNumber('--port', portText, 1, MAX_PORT);
    const library = await deps.view();
    let page;
    try {
      page = await library.view({ log, port });
    } catch (error) {
      throw explained(error, port);
    }
    try {
      output.line(page.url);
      output.flush();
      if (!args.flag('no-open')) await openBrowser(host, page.url);
      await Promise.race([untilAsked(host), page.ready.then(() => new Promise<never>(() => {}))]);
    } finally {
      await page.close();
    }
    return ExitCode.Ok;
  },
};

async function writeHtml(
  target: string,
  args: Args,
  { deps, output, about }: Context,
): Promise<number> {
  for (const option of ['port', 'no-open']) {
    const given = option === 'port' ? args.value(option) !== undefined : args.flag(option);
    if (given) throw new UsageError(`--${option} is for the page that --html does without`);
  }
  const log = args.positionals[0]!;
  const size = wholeNumber('--html-size', args.value('html-size') ?? '16', 1, MAX_HTML_MIB);
  about.target = target;
  const library = await deps.view();
  let page;
  try {
    page = await library.htmlPage({ log, maxBytes: size * MIB });
  } catch (error) {
    throw explained(error, 0);
  }
  replaceFile(log, target, (temporary) => writeFileSync(temporary, page.html), '--html');
  const bytes = Buffer.byteLength(page.html);
  output.line(`${target}: ${(bytes / MIB).toFixed(1)} MiB, ${keptText(page)}`);
  output.flush();
  return ExitCode.Ok;
}

function keptText({ events, kept }: { readonly events: number; readonly kept: number }): string {
  const all = events.toLocaleString('en-US');
  if (kept === events) return `all ${all} events`;
  return `${kept.toLocaleString('en-US')} of ${all} events in full, the rest as sums; a larger --html-size has more`;
}

/** Resolves at the first signal that asks the command to end. */
function untilAsked(host: { onSignal(signal: NodeJS.Signals, handler: () => void): () => void }) {
  return new Promise<void>((resolve) => {
    const back = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((signal) =>
      host.onSignal(signal, () => {
        for (const takeBack of back) takeBack();
        resolve();
      }),
    );
  });
}

function explained(error: unknown, port: number): unknown {
  const code = errorCode(error);
  if ((error as { syscall?: unknown }).syscall === 'listen') {
    return new UsageError(`cannot serve on port ${port}: ${reason(code)}`, 'choose another --port');
  }
  if (code === 'ENOSPC' || code === 'EROFS') {
    return new CommandError(
      `cannot keep the index in the directory for temporary files: ${reason(code)}`,
      ExitCode.LogWriteFailed,
      'name another with TMPDIR',
    );
  }
  return error;
}
