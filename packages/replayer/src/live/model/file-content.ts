/** More than that is not kept of a file, bytes. */
const MAX_SIZE = 1 << 24;

/** What has been written to a file that was made in the recording. */
export class FileContent {
  private bytes = new Uint8Array(0);
  private length = 0;
  private isComplete = true;

  get size(): number {
    return this.length;
  }

  /** undefined if not all of it is known. */
  get known(): Uint8Array | undefined {
    return this.isComplete ? this.bytes.subarray(0, this.length) : undefined;
  }

  write(offset: number, bytes: Uint8Array): void {
    if (!this.reserve(offset + bytes.length)) return;
    this.bytes.set(bytes, offset);
    this.length = Math.max(this.length, offset + bytes.length);
  }

  resize(size: number): void {
    if (!this.reserve(size)) return;
    if (size < this.length) this.bytes.fill(0, size, this.length);
    this.length = size;
    if (size === 0) this.isComplete = true;
  }

  /** Something has been stored that the log does not have. */
  lose(): void {
    this.isComplete = false;
    this.bytes = new Uint8Array(0);
    this.length = 0;
  }

  private reserve(size: number): boolean {
    if (!this.isComplete && size > 0) return false;
    if (size > MAX_SIZE) {
      this.lose();
      return false;
    }
    if (size > this.bytes.length) {
      const larger = new Uint8Array(Math.min(MAX_SIZE, Math.max(size, this.bytes.length * 2)));
      larger.set(this.bytes);
      this.bytes = larger;
    }
    return true;
  }
}
