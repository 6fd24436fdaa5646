/** Copies a log with changes. */
import { renameSync, rmSync } from 'node:fs';
import { openLog, type LogReader } from './reader.js';
import type { Frame, StreamId } from './schema/frames.js';
import type { LogHeader } from './schema/header.js';
import { LogWriter, type LogWriterOptions } from './writer.js';

/** What becomes of a frame: itself or another, several, or (undefined) nothing. */
export type Transform = (frame: Frame, stream: StreamId) => Frame | readonly Frame[] | undefined;

/** What a rewritten log is to have. */
export interface RewriteOptions extends LogWriterOptions {
  /** Fields of the header that are changed. */
  readonly header?: (header: LogHeader) => LogHeader;
  /** Which contents to keep. Default: all. */
  readonly keepContent?: (hash: string) => boolean;
}

/**
 * Writes the log `source` to `target`, every frame as `transform` has it. The copy of a truncated log is truncated.
 * `target` appears when it is complete (until then the copy is in `target`.part), so it may be `source` itself.
 */
export function rewriteLog(
  source: string,
  target: string,
  transform: Transform,
  options: RewriteOptions = {},
): void {
  const part = `${target}.part`;
  const reader = openLog(source);
  try {
    copy(reader, part, transform, options);
    renameSync(part, target);
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  } finally {
    reader.close();
  }
}

function copy(
  reader: LogReader,
  target: string,
  transform: Transform,
  options: RewriteOptions,
): void {
  const header = options.header?.(reader.header) ?? reader.header;
  const writer = LogWriter.create(target, header, { maxDelayMs: Infinity, ...options });
  try {
    for (const { frame, stream } of reader.records()) {
      const result = transform(frame, stream);
      if (result === undefined) continue;
      if (isFrames(result)) for (const one of result) writer.append(stream, one);
      else writer.append(stream, result);
    }
    for (const { hash, size } of reader.contents()) {
      if (options.keepContent?.(hash) ?? true) {
        writer.addContentParts(hash, size, reader.contentParts(hash));
      }
    }
    const bookmarks = reader.truncated ? [] : reader.bookmarks;
    writer.close({ bookmarks, truncated: reader.truncated });
  } finally {
    // Does nothing after close().
    writer.abort();
  }
}

function isFrames(result: Frame | readonly Frame[]): result is readonly Frame[] {
  return Array.isArray(result);
}
