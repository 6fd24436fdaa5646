import { closeSync, openSync, unlinkSync } from 'node:fs';
import { readAt, writeAt } from './file-bytes.js';

const FIRST_SIZE = 1 << 16;
/** Bytes that are kept in memory before a file takes them. */
const IN_MEMORY = 1 << 26;

/** Bytes that calls have read or written, one behind the other. */
export class KeptBytes {
  private memory = new Uint8Array(FIRST_SIZE);
  private size = 0;
  private fd = -1;

  /** `path`: of a file, not there yet, that takes what memory does not; without, such bytes are not kept. */
  constructor(private readonly path?: string) {}

  /** Returns where they are; undefined if they are not kept. */
  add(bytes: Uint8Array): number | undefined {
    const at = this.size;
    const end = at + bytes.length;
    if (end <= IN_MEMORY && this.fd < 0) {
      if (end > this.memory.length) {
        const larger = new Uint8Array(Math.min(IN_MEMORY, Math.max(end, this.memory.length * 2)));
        larger.set(this.memory.subarray(0, at));
        this.memory = larger;
      }
      this.memory.set(bytes, at);
      this.size = end;
      return at;
    }
    if (this.path === undefined) return undefined;
    if (this.fd < 0) {
      this.fd = openSync(this.path, 'wx+', 0o600);
      unlinkSync(this.path);
      writeAt(this.fd, this.memory.subarray(0, at), 0);
      this.memory = new Uint8Array(0);
    }
    writeAt(this.fd, bytes, at);
    this.size = end;
    return at;
  }

  read(at: number, length: number): Uint8Array {
    if (this.fd < 0) return this.memory.subarray(at, at + length);
    return readAt(this.fd, at, length);
  }

  close(): void {
    if (this.fd >= 0) closeSync(this.fd);
    this.fd = -1;
  }
}
