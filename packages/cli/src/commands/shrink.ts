import type { CommandSpec } from '../argv.js';
import type { Command } from '../command.js';
import { UsageError } from '../errors.js';
import { ExitCode } from '../exit-codes.js';
import { Progress } from '../progress.js';
import { replaceFile } from '../replace-file.js';
import { shrinkTo } from '../verbosity-filter.js';
import { verbosityHelp, verbosityOf } from '../verbosity.js';

const spec: CommandSpec = {
  name: 'shrink',
  summary: 'Writes a log again with a lower verbosity; what replay needs stays.',
  usage: 'LOG',
  arguments: [1, 1],
  afterFirstWord: 'ours',
  options: [
    {
      flags: '-l, --level <0..15>',
      description: 'verbosity: 0 holds only what replay needs',
      group: 'Log',
    },
    {
      flags: '-f, --flags <letters>',
      description: 'verbosity by the letters listed below',
      group: 'Log',
    },
    {
      flags: '-o, --output <file>',
      description: 'write the smaller log there (default: in the place of LOG)',
      group: 'Log',
    },
  ],
  examples: ['scribe shrink -l 0 date.log', 'scribe shrink -f sS -o small.log date.log'],
};

export const shrink: Command = {
  spec,
  more: verbosityHelp,

  async run(args, { host, deps, about }) {
    const wanted = verbosityOf(args, await deps.verbosity());
    if (wanted === undefined) throw new UsageError('say what to keep with -l or -f');
    const log = args.positionals[0]!;
    const target = args.value('output') ?? log;
    Object.assign(about, { log, target });
    const { openLog, rewriteLog, syscallTable } = await deps.tracelog();
    const reader = openLog(log);
    const { header, stats } = reader;
    reader.close();
    const kept = Array.from(header.verbosity).filter((letter) => wanted.includes(letter));
    const progress = new Progress(host, 'shrink');
    const transform = shrinkTo(kept.join(''), header.verbosity, syscallTable);
    let frames = 0;
    try {
      replaceFile(log, target, (temporary) =>
        rewriteLog(
          log,
          temporary,
          (frame, stream) => {
            progress.update(++frames / stats.frames);
            return transform(frame, stream);
          },
          { header: (header) => ({ ...header, verbosity: kept.join('') }) },
        ),
      );
    } finally {
      progress.clear();
    }
    return ExitCode.Ok;
  },
};
