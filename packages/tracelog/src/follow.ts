/** Reads a log while it is being written. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { ChunkCache } from './chunk-cache.js';
import { StreamCursor } from './cursor.js';
import { Matcher, type FrameFilter } from './filter.js';
import { LogFile } from './log-file.js';
import { mergeStreams, type LogRecord } from './merge.js';
import type { StreamId } from './schema/frames.js';
import type { LogHeader } from './schema/header.js';

/** How a log that is being written is followed. */
export interface FollowOptions {
  /** Ends the following. */
  readonly signal?: AbortSignal;
  /** How often to look for more, milliseconds. Default 100. */
  readonly pollMs?: number;
}

const CACHE_BYTES = 64 * 1024 * 1024;

/** How it ended. */
export type FollowEnd =
  /** The log has its end. */
  | 'complete'
  /** It has none, and nobody writes it any more. */
  | 'abandoned'
  /** By the signal. */
  | 'aborted';

/** A log that grows while it is read. Made by followLog. */
export class LogFollower {
  readonly header: LogHeader;
  /** Undefined while it goes on. */
  end: FollowEnd | undefined;

  private readonly file: LogFile;
  private readonly cache = new ChunkCache(CACHE_BYTES);
  private readonly cursors = new Map<StreamId, StreamCursor>();

  constructor(
    path: string,
    private readonly options: FollowOptions,
  ) {
    this.file = new LogFile(path, undefined, 'growing');
    this.header = this.file.header;
  }

  /**
   * The frames that have been written since the last time, in the order of their times: an empty batch now and then while
   * there are none. Throws LogCorruptError and UnsupportedFormatError.
   */
  async *batches(filter: FrameFilter = {}): AsyncGenerator<Iterable<LogRecord>, void, undefined> {
    const { signal, pollMs = 100 } = this.options;
    const matcher = new Matcher(filter);
    try {
      for (;;) {
        // Before the look at the file: what was written before the writer ended is seen then.
        const written = isBeingWritten(this.file.path, this.header);
        const complete = this.file.grow();
        yield this.batch(matcher);
        if (complete) this.end = 'complete';
        else if (signal?.aborted === true) this.end = 'aborted';
        else if (!written) this.end = 'abandoned';
        if (this.end !== undefined) return;
        await sleep(pollMs, undefined, signal === undefined ? {} : { signal }).catch(() => {});
      }
    } finally {
      this.close();
    }
  }

  /** Lets the file go. */
  close(): void {
    this.cache.clear();
    this.file.close();
  }

  /** The same as `close`. */
  [Symbol.dispose](): void {
    this.close();
  }

  private batch(matcher: Matcher): Iterable<LogRecord> {
    for (const [stream, runs] of this.file.runs) {
      if (this.cursors.has(stream) || matcher.streams?.has(stream) === false) continue;
      this.cursors.set(stream, new StreamCursor(this.file, this.cache, stream, runs));
    }
    const waiting = [...this.cursors.values()].filter(({ upcoming }) => upcoming !== undefined);
    waiting.sort((a, b) => a.stream - b.stream);
    return mergeStreams(waiting, matcher);
  }
}

/** Opens a log to be read while it is written. Throws as openLog. */
export function followLog(path: string, options: FollowOptions = {}): LogFollower {
  return new LogFollower(path, options);
}

/** Whether the recorder that the header names lives, and has the file open. Recorders elsewhere are taken to live. */
function isBeingWritten(path: string, { recorder, machine }: LogHeader): boolean {
  if (recorder === undefined) return false;
  if (machine.hostname !== hostname()) return true;
  try {
    process.kill(recorder, 0);
  } catch (error) {
    // EPERM: it lives, and is another user's.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  return hasOpen(recorder, path) ?? true;
}

/** Whether a process has a file open for writing; undefined where that cannot be seen. */
function hasOpen(pid: number, path: string): boolean | undefined {
  try {
    const { dev, ino } = statSync(path);
    return readdirSync(`/proc/${pid}/fd`).some((fd) => {
      try {
        const stat = statSync(`/proc/${pid}/fd/${fd}`);
        if (stat.dev !== dev || stat.ino !== ino) return false;
        const [, flags = '0'] = /^flags:\s*([0-7]+)/m.exec(info(pid, fd)) ?? [];
        return (parseInt(flags, 8) & ACCESS_MODE) !== 0;
      } catch {
        // Closed meanwhile.
        return false;
      }
    });
  } catch {
    return undefined;
  }
}

/** O_ACCMODE; reading alone is 0. */
const ACCESS_MODE = 3;

function info(pid: number, fd: string): string {
  return readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8');
}
