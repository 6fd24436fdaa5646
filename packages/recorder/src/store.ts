import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { store as native } from '@scribe-ts/core-native';
import { contentPath } from '@scribe-ts/tracelog';

/** Where contents of mapped files are kept unless asked otherwise: $SCRIBE_STORE, or the user's data directory. */
export function defaultStore(
  env: Readonly<Record<string, string | undefined>> = process.env,
): string {
  if (env.SCRIBE_STORE) return env.SCRIBE_STORE;
  return join(
    env.XDG_DATA_HOME ?? join(env.HOME ?? homedir(), '.local', 'share'),
    'scribe-ts',
    'store',
  );
}

const HASH_DIGITS = 32;
const HASH = /^[0-9a-f]{32}$/;

/** A content could not be kept. */
export class StoreError extends Error {
  readonly code = 'STORE_WRITE';
  /** Name of the errno, e.g. 'ENOSPC'. */
  readonly errno: string;

  constructor(
    readonly directory: string,
    cause: unknown,
  ) {
    const errno = (cause as NodeJS.ErrnoException | undefined)?.code ?? 'EIO';
    super(`the store ${directory} cannot be written: ${errno}`, { cause });
    this.name = 'StoreError';
    this.errno = errno;
  }
}

/**
 * Content-addressed copies of the files that programs map. A file already known by device, inode, size and times is
 * not read again.
 */
export class ContentStore {
  private readonly known = new Map<string, string>();
  /** Lines of a hash and what it is known by: others' recordings. They may be thousands, of which this one needs a few. */
  private readonly index: string;
  /** Contents that this recording refers to. */
  readonly used = new Set<string>();
  private readonly indexPath: string;

  /** Throws StoreError. */
  constructor(readonly directory: string) {
    this.write(() => mkdirSync(directory, { recursive: true, mode: 0o700 }));
    this.indexPath = join(directory, 'index');
    let index = '';
    try {
      index = readFileSync(this.indexPath, 'latin1');
    } catch {
      // No index yet: everything is hashed once more.
    }
    this.index = index;
  }

  /**
   * Keeps the content of the file at `path`; returns its hash. `changing`: the file may change without its times
   * telling (it is mapped shared), so read it whatever is known of it. Throws StoreError, or what reading the file gives.
   */
  add(path: string, changing = false): string {
    const hash = this.keep(path, changing);
    this.used.add(hash);
    return hash;
  }

  private keep(path: string, changing: boolean): string {
    const stat = statSync(path, { bigint: true });
    const key = `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}`;
    const known = this.known.get(key) ?? this.lookUp(key);
    if (!changing && known !== undefined && (this.used.has(known) || this.has(known))) return known;
    // Copy first and hash the copy: the file may change under us, the copy does not.
    const temporary = join(
      this.directory,
      `tmp-${process.pid}-${this.known.size}-${process.hrtime.bigint()}`,
    );
    // A copy's error does not tell which of the two files it is about.
    closeSync(openSync(path, 'r'));
    try {
      const hash = this.write(() => {
        native.addFile(path, temporary);
        const copied = native.hashFile(temporary).hash;
        if (!this.has(copied)) {
          mkdirSync(join(this.directory, copied.slice(0, 2)), { recursive: true });
          renameSync(temporary, contentPath(this.directory, copied));
        }
        return copied;
      });
      // A file changed within the clock's tick of the copy could change again unseen: do not remember it.
      if (BigInt(Date.now()) * 1_000_000n - stat.ctimeNs > 2_000_000_000n) {
        this.known.set(key, hash);
        this.remember(`${hash} ${key}\n`);
      }
      return hash;
    } finally {
      rmSync(temporary, { force: true });
    }
  }

  /** What was known last: a file that is mapped shared gets other contents under the same key. */
  private lookUp(key: string): string | undefined {
    const at = this.index.lastIndexOf(` ${key}\n`);
    const hash = this.index.slice(Math.max(0, at - HASH_DIGITS), Math.max(0, at));
    if (!HASH.test(hash)) return undefined;
    this.known.set(key, hash);
    return hash;
  }

  private has(hash: string): boolean {
    return existsSync(contentPath(this.directory, hash));
  }

  /** For later recordings, which do without if the line finds no room. */
  private remember(line: string): void {
    try {
      appendFileSync(this.indexPath, line);
    } catch {
      // The content itself is there.
    }
  }

  private write<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw new StoreError(this.directory, error);
    }
  }
}
