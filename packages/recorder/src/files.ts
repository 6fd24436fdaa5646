import { identifyFd } from '@scribe-ts/core-native';

/** What a descriptor refers to. */
export interface FileInfo {
  /** dev:ino, the identity of the file. */
  readonly key: string;
  readonly dev: number;
  readonly ino: number;
  readonly rdev: number;
  /** st_mode. */
  readonly mode: number;
  /** Size in bytes when first seen. */
  readonly size: number;
  /** As /proc/PID/fd shows it. */
  readonly path: string;
  /** Number of the resource, and how often it has been used. */
  readonly resource: { readonly id: number; serial: number };
  /** Reading it waits for no task (see mayWait); undefined until somebody asks. */
  plain?: boolean;
}

const S_IFMT = 0o170000;
export const isRegular = (info: FileInfo): boolean => (info.mode & S_IFMT) === 0o100000;
export const isBlockDevice = (info: FileInfo): boolean => (info.mode & S_IFMT) === 0o060000;
export const isCharacterDevice = (info: FileInfo): boolean => (info.mode & S_IFMT) === 0o020000;

/** Gives numbers to files and descriptor tables as the log's resources. */
export class FileRegistry {
  private readonly byKey = new Map<string, { readonly id: number; serial: number }>();
  private next = 1;

  resource(key: string): { readonly id: number; serial: number } {
    let entry = this.byKey.get(key);
    if (entry === undefined) {
      entry = { id: this.next++, serial: 0 };
      this.byKey.set(key, entry);
    }
    return entry;
  }

  newTable(): { readonly id: number; serial: number } {
    return { id: this.next++, serial: 0 };
  }
}

/**
 * A files_struct as far as the recorder needs to know it: a cache of what each descriptor refers to, filled at a
 * descriptor's first use. A number can come to mean another file only after the old one was closed or replaced, so
 * close, dup2, dup3, close_range and exec are where entries are dropped.
 */
export class FileTable {
  private entries = new Map<number, FileInfo | null>();
  readonly resource: { readonly id: number; serial: number };

  constructor(private readonly registry: FileRegistry) {
    this.resource = registry.newTable();
  }

  copy(): FileTable {
    const table = new FileTable(this.registry);
    table.entries = new Map(this.entries);
    return table;
  }

  /** undefined if the descriptor is not open. */
  get(tid: number, fd: number): FileInfo | undefined {
    const known = this.entries.get(fd);
    if (known !== undefined) return known ?? undefined;
    const stat = fd >= 0 ? identifyFd(tid, fd) : null;
    if (stat === null || stat === undefined) return undefined;
    const key = `${stat.dev}:${stat.ino}`;
    const info: FileInfo = {
      key,
      ...stat,
      resource: this.registry.resource(`${key}:${stat.path}`),
    };
    this.entries.set(fd, info);
    return info;
  }

  forget(fd: number): void {
    this.entries.delete(fd);
  }

  forgetRange(first: number, last: number): void {
    for (const fd of this.entries.keys()) if (fd >= first && fd <= last) this.entries.delete(fd);
  }

  /** After exec any number of descriptors may have been closed. */
  forgetAll(): void {
    this.entries.clear();
  }
}
