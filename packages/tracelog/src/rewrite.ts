/** Copies a log with changes. */
import { unlinkSync } from 'node:fs';
import { openLog } from './reader.js';
import type { Frame, StreamId } from './schema/frames.js';
import type { LogHeader } from './schema/header.js';
import { LogWriter, type LogWriterOptions } from './writer.js';

/** What becomes of a frame: itself or another, several, or (undefined) nothing. */
export type Transform = (frame: Frame, stream: StreamId) => Frame | readonly Frame[] | undefined;

export interface RewriteOptions extends LogWriterOptions {
  readonly header?: (header: LogHeader) => LogHeader;
  /** Which contents to keep. Default: all. */
  readonly keepContent?: (hash: string) => boolean;
}

/** Writes the log `source` to `target`, every frame as `transform` has it. The copy of a truncated log is truncated. `target` is gone if this throws. */
export function rewriteLog(
  source: string,
  target: string,
  transform: Transform,
  options: RewriteOptions = {},
): void {
  const reader = openLog(source);
  try {
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
    } catch (error) {
      writer.abort();
      unlinkSync(target);
      throw error;
    }
  } finally {
    reader.close();
  }
}

function isFrames(result: Frame | readonly Frame[]): result is readonly Frame[] {
  return Array.isArray(result);
}
