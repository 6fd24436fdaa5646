/** `profiler --export`: events in a format of other programs. */
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Event, TextFormat } from '@scribe-ts/profiler';
import type { LogHeader } from '@scribe-ts/tracelog';
import type { Args, OptionSpec } from '../argv.js';
import type { Context } from '../command.js';
import type { ProfilerModule } from '../deps.js';
import { UsageError } from '../errors.js';
import { orRemove } from '../partial-file.js';

const group = 'Export';
const BLOCK_CHARS = 256 * 1024;

export const EXPORT_OPTIONS: readonly OptionSpec[] = [
  {
    flags: '--export <format>',
    description: 'jsonl (JSON Lines), chrome (Perfetto, speedscope), folded (flame graphs), ctf',
    group,
  },
  {
    flags: '--output <path>',
    description: 'write the export there: a file, for ctf a new directory; default standard output',
    group,
  },
];

export interface ExportOptions {
  readonly format: TextFormat | 'ctf';
  /** Undefined: standard output. */
  readonly path: string | undefined;
}

/** undefined if nothing is exported. `others`: options that are for lines. Throws UsageError. */
export function parseExport(
  args: Args,
  { TEXT_FORMATS }: ProfilerModule,
  others: readonly OptionSpec[],
): ExportOptions | undefined {
  const format = args.value('export');
  const path = args.value('output');
  if (format === undefined) {
    if (path !== undefined) throw new UsageError('--output says where --export writes');
    return undefined;
  }
  for (const { flags } of others) {
    const name = /--([\w-]+)/.exec(flags)![1]!;
    if (args.flag(name) || args.values(name).length > 0) {
      throw new UsageError(`--${name} does not go with --export`);
    }
  }
  const formats = [...TEXT_FORMATS, 'ctf'] as const;
  const found = formats.find((name) => name === format);
  if (found === undefined) {
    throw new UsageError(`there is no format '${format}', only ${formats.join(', ')}`);
  }
  if (found === 'ctf' && path === undefined) {
    throw new UsageError('a ctf trace is a directory: name one with --output');
  }
  return { format: found, path };
}

/**
 * Writes what is chosen. Errors of the events pass through, and leave what came before them; what cannot be written is
 * removed.
 */
export function exportEvents(
  { format, path }: ExportOptions,
  events: Iterable<Event>,
  header: LogHeader,
  library: ProfilerModule,
  { output, about }: Context,
): void {
  if (path !== undefined) about.target = path;
  if (format === 'ctf') {
    exportCtf(events, header, path!, library);
    return;
  }
  const file = path === undefined ? undefined : new TextFile(path);
  try {
    const print = (line: string): void =>
      file === undefined ? output.line(line) : file.line(line);
    const exporter = library.makeExporter(format, header);
    const lines: string[] = [];
    for (const event of events) {
      exporter.push(event, lines);
      for (let i = 0; i < lines.length; i++) print(lines[i]!);
      lines.length = 0;
    }
    exporter.end(lines);
    for (const line of lines) print(line);
    file?.flush();
  } finally {
    file?.close();
  }
}

function exportCtf(
  events: Iterable<Event>,
  header: LogHeader,
  directory: string,
  { CtfExporter }: ProfilerModule,
): void {
  // A trace that is there would be mixed with this one.
  mkdirSync(directory);
  const files = {
    metadata: openSync(join(directory, 'metadata'), 'wx'),
    stream: openSync(join(directory, 'stream'), 'wx'),
  };
  try {
    const exporter = new CtfExporter(header, (file, bytes) => {
      try {
        writeAll(files[file], bytes);
      } catch (error) {
        rmSync(directory, { recursive: true, force: true });
        throw error;
      }
    });
    for (const event of events) exporter.push(event);
    exporter.end();
  } finally {
    closeSync(files.metadata);
    closeSync(files.stream);
  }
}

/** Lines to a file, in large blocks. */
class TextFile {
  private readonly fd: number;
  private pending: string[] = [];
  private chars = 0;

  constructor(private readonly path: string) {
    this.fd = openSync(path, 'w');
  }

  line(text: string): void {
    this.pending.push(text);
    this.chars += text.length + 1;
    if (this.chars >= BLOCK_CHARS) this.flush();
  }

  flush(): void {
    if (this.pending.length === 0) return;
    const text = Buffer.from(`${this.pending.join('\n')}\n`);
    orRemove(this.path, () => writeAll(this.fd, text));
    this.pending = [];
    this.chars = 0;
  }

  close(): void {
    closeSync(this.fd);
  }
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done);
}
