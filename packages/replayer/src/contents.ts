import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { contentPath, type LogReader } from '@scribe-ts/tracelog';
import { OwnDirectory } from './own-directory.js';

/** A file the log refers to is neither in the log nor in the store. */
export class MissingContentError extends Error {
  readonly code = 'CONTENT_MISSING';
  constructor(
    readonly hash: string,
    readonly store: string,
  ) {
    super(`the content ${hash} is neither in the log nor in the store ${store}`);
    this.name = 'MissingContentError';
  }
}

/** Finds the contents of mapped files: inside a packed log, or in the store. */
export class Contents {
  private directory: OwnDirectory | undefined;
  private readonly extracted = new Map<string, string>();
  private readonly packed: ReadonlySet<string>;

  constructor(
    private readonly log: LogReader,
    readonly store: string,
  ) {
    this.packed = new Set([...log.contents()].map((content) => content.hash));
  }

  /** Path of a file with this content. Throws MissingContentError. */
  path(hash: string): string {
    const known = this.extracted.get(hash);
    if (known !== undefined) return known;
    const kept = contentPath(this.store, hash);
    if (existsSync(kept)) {
      this.extracted.set(hash, kept);
      return kept;
    }
    if (!this.packed.has(hash)) throw new MissingContentError(hash, this.store);
    this.directory ??= OwnDirectory.make(tmpdir(), 'scribe-packed-');
    const path = join(this.directory.path, hash);
    this.log.extractContent(hash, path);
    this.extracted.set(hash, path);
    return path;
  }

  close(): void {
    this.directory?.close();
    this.directory = undefined;
  }
}
