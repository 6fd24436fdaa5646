import { type CommandSpec, wholeNumber } from '../argv.js';
import { openBrowser } from '../browser.js';
import type { Command } from '../command.js';
import { CommandError, errorCode, reason, UsageError } from '../errors.js';
import { ExitCode } from '../exit-codes.js';

const MAX_PORT = 65_535;

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
  ],
  examples: ['scribe view make.log', 'scribe view --port 8080 --no-open server.log'],
};

export const view: Command = {
  spec,

  async run(args, { deps, host, output, about }) {
    const log = args.positionals[0]!;
    about.log = log;
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
