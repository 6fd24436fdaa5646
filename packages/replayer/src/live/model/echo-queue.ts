/** Bytes that wait, where what has been read may be told a bit before it was written. */
export class EchoQueue {
  private waiting: Uint8Array = new Uint8Array(0);
  /** Read, and not written yet. */
  private owed: Uint8Array = new Uint8Array(0);
  /** What was read is not what was written. */
  differs = false;

  get bytes(): Uint8Array {
    return this.waiting;
  }

  get isAhead(): boolean {
    return this.owed.length > 0;
  }

  become({ waiting, owed, differs }: EchoQueue): void {
    this.waiting = waiting;
    this.owed = owed;
    this.differs = differs;
  }

  write(bytes: Uint8Array): void {
    const size = this.compare(this.owed, bytes);
    this.owed = this.owed.subarray(size);
    if (size < bytes.length) this.waiting = Buffer.concat([this.waiting, bytes.subarray(size)]);
  }

  read(bytes: Uint8Array): void {
    const size = this.compare(this.waiting, bytes);
    this.waiting = this.waiting.subarray(size);
    if (size < bytes.length) this.owed = Buffer.concat([this.owed, bytes.subarray(size)]);
  }

  clear(): void {
    this.waiting = new Uint8Array(0);
    this.owed = new Uint8Array(0);
  }

  /** How many bytes both have. */
  private compare(one: Uint8Array, other: Uint8Array): number {
    const size = Math.min(one.length, other.length);
    if (Buffer.compare(one.subarray(0, size), other.subarray(0, size)) !== 0) this.differs = true;
    return size;
  }
}
