import { writeSync } from 'node:fs';
import type { OutputFrame } from '@scribe-ts/tracelog';

/** Shows the program's output in the order in which it was recorded, whichever domain comes to it first. */
export class OutputQueue {
  private next = 0;
  private readonly early = new Map<number, OutputFrame>();

  /** What has a serial below `from` has been shown before. */
  constructor(
    private readonly show: (target: number, bytes: Uint8Array) => void,
    private readonly from = 0,
  ) {}

  /** The first serial that has not been shown. */
  get shown(): number {
    return Math.max(this.next, this.from);
  }

  push(frame: OutputFrame): void {
    this.early.set(frame.serial, frame);
    for (let due = this.early.get(this.next); due !== undefined; due = this.early.get(this.next)) {
      this.early.delete(this.next++);
      if (due.serial >= this.from) this.show(due.target, due.bytes);
    }
  }

  /** What is left when the log ends early, in order as far as it goes. */
  flush(): void {
    for (const serial of [...this.early.keys()].sort((a, b) => a - b)) {
      const frame = this.early.get(serial)!;
      if (serial >= this.from) this.show(frame.target, frame.bytes);
    }
    this.early.clear();
  }
}

/** Writes all of `bytes` to a descriptor, also one in non-blocking mode. A reader that has gone is no error. */
export function writeAll(fd: number, bytes: Uint8Array): void {
  let offset = 0;
  while (offset < bytes.length) {
    try {
      offset += writeSync(fd, bytes, offset);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EPIPE') return;
      if (code !== 'EAGAIN') throw error;
      // The reader is slow and the descriptor does not block: let it catch up.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}
