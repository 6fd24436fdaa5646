interface Chunk {
  readonly time: number;
  /** undefined: that many bytes that the log does not have. */
  readonly bytes: Uint8Array | undefined;
  readonly size: number;
}

/**
 * What has been written into a pipe or stream socket and not been read yet. Reader and writer mostly are in different
 * streams, so a replay may come to a read before it comes to the write whose bytes it took.
 */
export class ByteQueue {
  private chunks: Chunk[] = [];
  /** Bytes of the first chunk that have been read. */
  private readOf = 0;
  /** Bytes (or messages) read whose writes have not been replayed yet. */
  private ahead = 0;
  /** What a pipe holds as fcntl(F_SETPIPE_SZ) has said, bytes. */
  capacity: number | undefined;

  /** `messages`: a read takes one write's bytes, and what it leaves of them is lost. */
  constructor(readonly messages = false) {}

  /** `bytes` undefined: they are not known. */
  write(time: number, size: number, bytes: Uint8Array | undefined): void {
    if (size === 0) return;
    let place = this.chunks.length;
    while (place > (this.readOf > 0 ? 1 : 0) && this.chunks[place - 1]!.time > time) place--;
    this.chunks.splice(place, 0, { time, bytes, size });
    const owed = this.ahead;
    this.ahead = 0;
    if (!this.messages) this.read(owed);
    else if (owed > 0) {
      this.ahead = owed - 1;
      this.chunks.shift();
    }
  }

  read(size: number): void {
    if (this.messages) {
      if (this.chunks.shift() === undefined) this.ahead++;
      return;
    }
    let left = size;
    while (left > 0) {
      const first = this.chunks[0];
      if (first === undefined) {
        this.ahead += left;
        return;
      }
      const step = Math.min(left, first.size - this.readOf);
      left -= step;
      this.readOf += step;
      if (this.readOf < first.size) return;
      this.chunks.shift();
      this.readOf = 0;
    }
  }

  /** More has been read than was written: a write is under way. */
  get isAhead(): boolean {
    return this.ahead > 0;
  }

  /** Bytes that wait to be read. */
  get size(): number {
    return this.chunks.reduce((sum, { size }) => sum + size, 0) - this.readOf;
  }

  /** What waits, one array a write; undefined if the log does not have all of it. */
  contents(): Uint8Array[] | undefined {
    const contents: Uint8Array[] = [];
    for (const [index, { bytes }] of this.chunks.entries()) {
      if (bytes === undefined) return undefined;
      contents.push(index === 0 ? bytes.subarray(this.readOf) : bytes);
    }
    return contents;
  }
}
