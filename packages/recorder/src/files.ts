import { identifyFd } from '@scribe-ts/core-native';
import { encodeResource, type EncodedResource } from '@scribe-ts/tracelog';

/** A kernel object as the log's `resource` frames name it. */
export interface Resource {
  readonly id: number;
  /** How often it has been used. */
  serial: number;
  readonly encoded: EncodedResource;
}

const TABLE = encodeResource('files_struct', '');

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
  readonly resource: Resource;
  /** Reading it waits for no task (see mayWait); undefined until somebody asks. */
  plain: boolean | undefined;
  /** Whether it was non-blocking (O_NONBLOCK) when FileRegistry.modes was `modesAt`. */
  nonBlocking: boolean;
  modesAt: number;
}

const S_IFMT = 0o170000;
export const isRegular = (info: FileInfo): boolean => (info.mode & S_IFMT) === 0o100000;
export const isBlockDevice = (info: FileInfo): boolean => (info.mode & S_IFMT) === 0o060000;
export const isCharacterDevice = (info: FileInfo): boolean => (info.mode & S_IFMT) === 0o020000;
export const isSocket = (info: FileInfo): boolean => (info.mode & S_IFMT) === 0o140000;

/** Gives numbers to files and descriptor tables as the log's resources. */
export class FileRegistry {
  private readonly byKey = new Map<string, Resource>();
  /** Counts calls that may have changed whether a file is non-blocking: all descriptors of a file share that. */
  modes = 0;
  private next = 1;

  /** `key`: the file's identity. The same file under another name is another resource. */
  file(key: string, path: string): Resource {
    const name = `${key}:${path}`;
    let entry = this.byKey.get(name);
    if (entry === undefined) {
      entry = { id: this.next++, serial: 0, encoded: encodeResource('file', path) };
      this.byKey.set(name, entry);
    }
    return entry;
  }

  newTable(): Resource {
    return { id: this.next++, serial: 0, encoded: TABLE };
  }
}

/**
 * A files_struct as far as the recorder needs to know it: a cache of what each descriptor refers to, filled at a
 * descriptor's first use. A number can come to mean another file only after the old one was closed or replaced, so
 * close, dup2, dup3, close_range and exec are where entries are dropped.
 */
export class FileTable {
  private entries = new Map<number, FileInfo | null>();
  readonly resource: Resource;

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
    const { dev, ino, rdev, mode, size, path } = stat;
    const key = `${dev}:${ino}`;
    const resource = this.registry.file(key, path);
    const info: FileInfo = {
      key,
      dev,
      ino,
      rdev,
      mode,
      size,
      path,
      resource,
      plain: undefined,
      nonBlocking: false,
      modesAt: -1,
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
