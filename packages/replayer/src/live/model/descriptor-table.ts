import type { OpenFile } from './open-file.js';

export interface Descriptor {
  readonly file: OpenFile;
  closeOnExec: boolean;
}

/** A files_struct. Threads share one, and a fork child begins with a copy. */
export class DescriptorTable {
  private readonly entries = new Map<number, Descriptor>();

  /** `closed` is told of each open file that the last descriptor of has gone. */
  constructor(private readonly closed: (file: OpenFile) => void) {}

  /** By number. */
  get all(): ReadonlyMap<number, Descriptor> {
    return this.entries;
  }

  get(fd: number): Descriptor | undefined {
    return this.entries.get(fd);
  }

  /** Lowest number at or above `from` that is free. */
  lowestFree(from = 0): number {
    let fd = from;
    while (this.entries.has(fd)) fd++;
    return fd;
  }

  /** Puts a file at a number; what was there is closed. */
  install(fd: number, file: OpenFile, closeOnExec: boolean): void {
    file.uses++;
    this.close(fd);
    this.entries.set(fd, { file, closeOnExec });
  }

  close(fd: number): void {
    const entry = this.entries.get(fd);
    if (entry === undefined) return;
    this.entries.delete(fd);
    if (--entry.file.uses === 0) this.closed(entry.file);
  }

  closeWhere(doomed: (fd: number, entry: Descriptor) => boolean): void {
    for (const [fd, entry] of this.entries) if (doomed(fd, entry)) this.close(fd);
  }

  copy(): DescriptorTable {
    const table = new DescriptorTable(this.closed);
    for (const [fd, { file, closeOnExec }] of this.entries) table.install(fd, file, closeOnExec);
    return table;
  }
}
