import type { LogReader, LogWriter } from '@scribe-ts/tracelog';
import type { CommandSpec } from '../argv.js';
import type { Command } from '../command.js';
import { findInStore, References } from '../contents.js';
import { CommandError } from '../errors.js';
import { ExitCode } from '../exit-codes.js';
import { Progress } from '../progress.js';
import { replaceFile } from '../replace-file.js';

const spec: CommandSpec = {
  name: 'pack',
  summary: 'Puts the mapped files into a log, so that another machine can replay it.',
  usage: 'LOG',
  arguments: [1, 1],
  afterFirstWord: 'ours',
  options: [
    {
      flags: '-o, --output <file>',
      description: 'write the packed log there (default: in the place of LOG)',
      group: 'Files',
    },
    {
      flags: '--store <dir>',
      description: 'take the files from there (default: where LOG says)',
      group: 'Files',
    },
  ],
  examples: ['scribe pack date.log', 'scribe pack -o packed.log date.log'],
};

export const pack: Command = {
  spec,

  async run(args, { host, deps, about }) {
    const log = args.positionals[0]!;
    const target = args.value('output') ?? log;
    Object.assign(about, { log, target });
    const { openLog, LogWriter } = await deps.tracelog();
    using reader = openLog(log);
    const store = args.value('store') ?? reader.header.store;
    const progress = new Progress(host, 'pack');
    try {
      replaceFile(log, target, (temporary) => {
        const writer = LogWriter.create(temporary, reader.header, { maxDelayMs: Infinity });
        try {
          const wanted = copyFrames(reader, writer, progress);
          copyContents(reader, writer, wanted, store);
          const bookmarks = reader.truncated ? [] : reader.bookmarks;
          writer.close({ bookmarks, truncated: reader.truncated });
        } finally {
          writer.abort();
        }
      });
    } finally {
      progress.clear();
    }
    return ExitCode.Ok;
  },
};

function copyFrames(reader: LogReader, writer: LogWriter, progress: Progress): References {
  const references = new References();
  let frames = 0;
  for (const { frame, stream } of reader.records()) {
    references.add(frame);
    writer.append(stream, frame);
    progress.update(++frames / reader.stats.frames);
  }
  return references;
}

/** Writes what the log has already, and the rest from the store. */
function copyContents(
  reader: LogReader,
  writer: LogWriter,
  references: References,
  store: string,
): void {
  const inside = new Set<string>();
  for (const { hash, size } of reader.contents()) {
    if (inside.has(hash)) continue;
    inside.add(hash);
    writer.addContentParts(hash, size, reader.contentParts(hash));
  }
  for (const [hash, path] of references.entries()) {
    if (inside.has(hash)) continue;
    const stored = findInStore(store, hash);
    if (stored === undefined) {
      throw new CommandError(
        `${reader.path} needs ${path || 'a file'} as it was then (${hash}), which ${store} does not have`,
        ExitCode.LogUnreadable,
        'say with --store where it is, or run pack on the machine where the log was recorded',
      );
    }
    writer.addContent(hash, stored.path);
  }
}
