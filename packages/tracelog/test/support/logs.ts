/** Logs for tests: made in memory's terms, kept in a directory that goes away with the test. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect, isDeepStrictEqual } from 'node:util';
import type { ExecutionContext } from 'ava';
import { LogError } from '../../src/errors.js';
import { openLog, type OpenOptions } from '../../src/reader.js';
import type { Frame, StreamId } from '../../src/schema/frames.js';

/** Frames by stream. */
export type Streams = Map<StreamId, Frame[]>;

export function temporaryDirectory(t: ExecutionContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'tracelog-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** As t.deepEqual, which takes seconds for large byte arrays. */
export function same(t: ExecutionContext, actual: unknown, expected: unknown, what = ''): void {
  if (isDeepStrictEqual(actual, expected)) {
    t.pass();
    return;
  }
  t.fail(`${what}\nexpected ${inspect(expected)}\nbut got ${inspect(actual)}`);
}

/** All frames of all streams. */
export function readStreams(path: string, options: OpenOptions = {}): Streams {
  const reader = openLog(path, options);
  try {
    const streams: Streams = new Map();
    for (const id of reader.streams) {
      const frames: Frame[] = [];
      const cursor = reader.stream(id);
      for (let frame = cursor.next(); frame !== undefined; frame = cursor.next()) {
        frames.push(frame);
      }
      streams.set(id, frames);
    }
    return streams;
  } finally {
    reader.close();
  }
}

/** What a damaged log still gave. */
export interface Outcome {
  /** Undefined if the log did not even open. */
  readonly truncated: boolean | undefined;
  readonly streams: Streams;
  readonly errors: readonly LogError[];
}

/** Reads as far as it goes. Errors that are not LogErrors are thrown on: they are defects. */
export function readAll(path: string, options: OpenOptions = {}): Outcome {
  const streams: Streams = new Map();
  const errors: LogError[] = [];
  const attempt = (work: () => void) => {
    try {
      work();
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      errors.push(error);
    }
  };
  let truncated: boolean | undefined;
  attempt(() => {
    const reader = openLog(path, options);
    truncated = reader.truncated;
    try {
      for (const id of reader.streams) {
        const frames: Frame[] = [];
        streams.set(id, frames);
        attempt(() => {
          const cursor = reader.stream(id);
          for (let frame = cursor.next(); frame !== undefined; frame = cursor.next()) {
            frames.push(frame);
          }
        });
      }
      attempt(() => void reader.bookmarks);
      for (const { hash } of reader.contents()) {
        attempt(() => {
          for (const part of reader.contentParts(hash)) if (part.length === 0) throw new Error();
        });
      }
    } finally {
      reader.close();
    }
  });
  return { truncated, streams, errors };
}
