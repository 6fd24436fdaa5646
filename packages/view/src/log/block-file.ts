import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BLOCK_BYTES, EventBlock, type BlockStore } from '../model/event-block.js';

/** Blocks written at once. */
const BATCH = 128;

/**
 * Keeps blocks in a file that has no name: it goes away with the process, however that ends. So the index of a log of
 * any length takes little memory.
 */
export class BlockFile implements BlockStore {
  private fd: number;
  private length = 0;
  /** The last blocks, not yet in the file. */
  private readonly batch = new Uint8Array(BATCH * BLOCK_BYTES);
  private written = 0;
  private readonly block = new EventBlock();
  private readonly blockBytes = new Uint8Array(this.block.buffer);
  private current = -1;

  /** Throws the system's errors: the directory must be writable. */
  constructor(directory: string = tmpdir()) {
    const home = mkdtempSync(join(directory, 'scribe-view-'));
    try {
      this.fd = openSync(join(home, 'index'), 'wx+', 0o600);
    } finally {
      rmSync(home, { recursive: true, force: true });
    }
  }

  /** Bytes in the file. */
  get bytes(): number {
    return this.written * BLOCK_BYTES;
  }

  append(block: EventBlock): number {
    if (this.length - this.written === BATCH) this.flush();
    const number = this.length++;
    this.batch.set(new Uint8Array(block.buffer), (number - this.written) * BLOCK_BYTES);
    return number;
  }

  read(number: number): EventBlock {
    if (number === this.current) return this.block;
    if (number >= this.written) {
      const at = (number - this.written) * BLOCK_BYTES;
      this.blockBytes.set(this.batch.subarray(at, at + BLOCK_BYTES));
    } else {
      for (let done = 0; done < BLOCK_BYTES;) {
        const position = number * BLOCK_BYTES + done;
        const got = readSync(this.fd, this.blockBytes, done, BLOCK_BYTES - done, position);
        if (got === 0) throw new Error('the index file is shorter than it was');
        done += got;
      }
    }
    this.current = number;
    return this.block;
  }

  /** Takes the file away. */
  close(): void {
    if (this.fd >= 0) closeSync(this.fd);
    this.fd = -1;
  }

  private flush(): void {
    const bytes = (this.length - this.written) * BLOCK_BYTES;
    for (let done = 0; done < bytes;) {
      const position = this.written * BLOCK_BYTES + done;
      done += writeSync(this.fd, this.batch, done, bytes - done, position);
    }
    this.written = this.length;
  }
}
