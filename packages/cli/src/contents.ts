import { statSync } from 'node:fs';
import { type Backing, contentPath, type Frame } from '@scribe-ts/tracelog';

const HASH = /^[0-9a-f]{32}$/;

/** Contents of mapped files that the frames of a log refer to: hash to a path it was mapped from. */
export class References {
  private readonly paths = new Map<string, string>();

  add(frame: Frame): void {
    if (frame.type === 'mapping') this.addBacking(frame.mapping.backing);
    else if (frame.type === 'image') {
      for (const { backing } of frame.mappings) this.addBacking(backing);
    }
  }

  /** Hashes with a path each, '' where none is known. */
  entries(): Iterable<readonly [hash: string, path: string]> {
    return this.paths;
  }

  private addBacking(backing: Backing): void {
    if (backing.kind === 'anonymous' || backing.hash === '') return;
    const known = this.paths.get(backing.hash);
    if (known === undefined || known === '') this.paths.set(backing.hash, backing.path);
  }
}

export interface StoredContent {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
}

/** The file in the store at `directory` with this content, undefined if it is not there. */
export function findInStore(directory: string, hash: string): StoredContent | undefined {
  // Hashes come from the log, which may come from anywhere: only a real one becomes part of a path.
  if (!HASH.test(hash)) return undefined;
  const path = contentPath(directory, hash);
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat?.isFile() ? { path, size: stat.size } : undefined;
}
