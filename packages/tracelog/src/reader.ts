/** Reads a log. */
import { closeSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { ChunkCache } from './chunk-cache.js';
import { codeOf } from './codec.js';
import { StreamCursor } from './cursor.js';
import { LogContentError, LogCorruptError } from './errors.js';
import { Matcher, type FrameFilter } from './filter.js';
import type { Bookmark, Content } from './framing.js';
import { LogFile } from './log-file.js';
import { mergeStreams, type LogRecord } from './merge.js';
import type { BookmarkFrame, Frame, StreamId } from './schema/frames.js';
import type { LogHeader } from './schema/header.js';

/** How a log is opened. */
export interface OpenOptions {
  /** Bytes of decompressed chunks kept in memory. Default 64 MiB. */
  readonly cacheBytes?: number;
  /** `portable` does without the native addon even where there is one. */
  readonly decompressor?: 'native' | 'portable';
}

/** How large a log is. */
export interface LogStats {
  /** Bytes of the file. */
  readonly bytes: number;
  /** Chunks that hold frames, and the frames in them. */
  readonly chunks: number;
  readonly frames: number;
}

/** How many frames an async reader gives before the event loop has a turn. */
const FRAMES_A_TURN = 1024;

const BOOKMARK = codeOf('bookmark');

/**
 * Opens a log, complete, cut off, or still being written (what has been written by now is read). Throws NotALogError,
 * UnsupportedFormatError, LogCorruptError (for the header alone: damage elsewhere shows when reading gets there) and the
 * system's errors.
 */
export function openLog(path: string, options: OpenOptions = {}): LogReader {
  return new LogReader(new LogFile(path, options.decompressor), options);
}

/** An open log. Close it, or hold it with `using`. */
export class LogReader {
  readonly path: string;
  readonly header: LogHeader;
  /** True if the log has no proper end: its last frames may be missing. */
  readonly truncated: boolean;
  /** Why, for people; '' if it isn't. */
  readonly truncatedReason: string;
  /** Streams that have frames, in ascending order. */
  readonly streams: readonly StreamId[];
  readonly stats: LogStats;

  private readonly file: LogFile;
  private readonly cache: ChunkCache;
  private foundBookmarks: readonly Bookmark[] | undefined;

  /** Use openLog. */
  constructor(file: LogFile, options: OpenOptions) {
    this.file = file;
    this.path = file.path;
    this.header = file.header;
    this.truncated = file.truncatedReason !== '';
    this.truncatedReason = file.truncatedReason;
    this.streams = [...file.runs.keys()].sort((a, b) => a - b);
    for (const runs of file.runs.values()) runs.sort((a, b) => a.sequence - b.sequence);
    let frames = 0;
    for (const runs of file.runs.values()) for (const run of runs) frames += run.frames;
    this.stats = { bytes: file.size, chunks: file.chunks, frames };
    this.cache = new ChunkCache(options.cacheBytes ?? 64 * 1024 * 1024);
    this.foundBookmarks = file.bookmarks;
  }

  /** In ascending order of id. A truncated log is read through for them, once. */
  get bookmarks(): readonly Bookmark[] {
    return (this.foundBookmarks ??= this.findBookmarks());
  }

  /** Reads one stream from its beginning; a stream without frames is empty. Cursors don't disturb each other. */
  stream(id: StreamId): StreamCursor {
    return new StreamCursor(this.file, this.cache, id, this.file.runs.get(id) ?? []);
  }

  /**
   * The frames of all streams in the order of their times, with where they stand, in constant memory. Throws while it is
   * read: LogCorruptError, UnsupportedFormatError, and LogError (LOG_UNKNOWN_SYSCALL) for a filter's unknown name.
   */
  *records(filter: FrameFilter = {}): Generator<LogRecord, void, undefined> {
    const matcher = new Matcher(filter);
    const wanted = this.streams.filter((id) => matcher.streams?.has(id) ?? true);
    const cursors = wanted.map((id) => this.stream(id));
    try {
      yield* mergeStreams(cursors, matcher);
    } finally {
      for (const cursor of cursors) cursor.close();
    }
  }

  /**
   * The time of the first frame that does not begin before `position` in the chunk at `offset`, as records tell them, and
   * where it begins; undefined if there is no such chunk. Throws LogCorruptError.
   */
  locate(
    offset: number,
    position = 0,
  ): { readonly time: number; readonly position: number } | undefined {
    for (const stream of this.streams) {
      const cursor = this.stream(stream);
      for (let run = cursor.upcoming; run !== undefined; run = cursor.upcoming) {
        if (run.offset !== offset || run.end <= position) {
          cursor.skipRun();
          continue;
        }
        cursor.enterRun();
        while (cursor.step()) {
          const { time, start } = cursor.head;
          if (start >= position) {
            cursor.close();
            return { time, position: start };
          }
          cursor.pass();
        }
      }
    }
    return undefined;
  }

  /** As records, the frames alone. */
  *frames(filter: FrameFilter = {}): Generator<Frame, void, undefined> {
    for (const { frame } of this.records(filter)) yield frame;
  }

  /** As frames, giving way to other work now and then. */
  async *events(
    filter: FrameFilter = {},
    options: { readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<Frame, void, undefined> {
    let count = 0;
    for (const { frame } of this.records(filter)) {
      if (count++ % FRAMES_A_TURN === 0) {
        await turn();
        options.signal?.throwIfAborted();
      }
      yield frame;
    }
  }

  /** Files of the store that the log holds. */
  contents(): readonly Content[] {
    return this.file.contents;
  }

  /** The bytes of a content, part by part. Throws LogContentError if the log doesn't hold it. */
  contentParts(hash: string): Iterable<Uint8Array> {
    const content = this.file.contents.find((other) => other.hash === hash);
    if (content === undefined) {
      throw new LogContentError('LOG_NO_CONTENT', hash, `${this.path} has no content ${hash}`);
    }
    return this.file.contentParts(content);
  }

  /** Writes a content to the file `target`, which must not exist, and leaves none behind if that fails. */
  extractContent(hash: string, target: string): void {
    const parts = this.contentParts(hash);
    const fd = openSync(target, 'wx', 0o644);
    try {
      for (const part of parts) {
        for (let done = 0; done < part.length;) done += writeSync(fd, part, done);
      }
    } catch (error) {
      unlinkSync(target);
      throw error;
    } finally {
      closeSync(fd);
    }
  }

  /** Closes the file: cursors can't go on. */
  close(): void {
    this.cache.clear();
    this.file.close();
  }

  /** The same as `close`. */
  [Symbol.dispose](): void {
    this.close();
  }

  private findBookmarks(): Bookmark[] {
    const found = new Map<number, { id: number; time: number; name: ''; streams: StreamId[] }>();
    for (const stream of this.streams) {
      const cursor = this.stream(stream);
      try {
        while (cursor.enterRun()) {
          while (cursor.step()) {
            if (cursor.head.code !== BOOKMARK) {
              cursor.pass();
              continue;
            }
            const { id, time } = cursor.take() as BookmarkFrame;
            const bookmark = found.get(id);
            if (bookmark === undefined) found.set(id, { id, time, name: '', streams: [stream] });
            else {
              bookmark.time = Math.min(bookmark.time, time);
              if (!bookmark.streams.includes(stream)) bookmark.streams.push(stream);
            }
          }
        }
      } catch (error) {
        // Those before the damage are good; the damage shows to whoever reads on.
        if (!(error instanceof LogCorruptError)) throw error;
      } finally {
        cursor.close();
      }
    }
    return [...found.values()].sort((a, b) => a.id - b.id);
  }
}
