import { closeSync, constants, fsyncSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { now } from './clock.js';
import { BackgroundCompressor, Compressor, Decompressor } from './compression.js';
import { LogWriteError } from './errors.js';
import {
  CHUNK_HEAD_SIZE,
  ChunkCodec,
  encodeChunkHead,
  encodeFileHeader,
  MAX_CHUNK_BYTES,
  type ChunkHead,
} from './framing.js';
import type { LogHeader } from './schema/header.js';

/** What the head of a chunk tells of its frames. */
export type ChunkFrames = Omit<ChunkHead, 'codec' | 'rawLength' | 'storedLength'>;

/** A chunk that is being compressed. */
interface PendingChunk {
  readonly frames: ChunkFrames;
  readonly rawLength: number;
  readonly onWritten: (offset: number) => void;
  readonly since: number;
}

/** The file of a log that is being written: whatever happens, it holds whole chunks and at most one torn one at its end. */
export class ChunkFile {
  /** Bytes of the file that are whole. */
  size = 0;
  /** What made a write fail; nothing is written from then on. */
  failure: LogWriteError | undefined;

  private readonly compressor: Compressor;
  private pending: PendingChunk | undefined;
  /** One chunk as it goes to the file. */
  private out = new Uint8Array(0);

  private constructor(
    readonly path: string,
    private fd: number,
    /** Bytes of a usual chunk, before compression: memory for longer ones is not kept. */
    private readonly chunkBytes: number,
    compressionLevel: number,
    private readonly background: BackgroundCompressor | undefined,
  ) {
    this.compressor = new Compressor(compressionLevel);
  }

  /** Creates the file, or empties it, and writes the header. Throws LogWriteError. */
  static create(
    path: string,
    header: LogHeader,
    chunkBytes: number,
    compressionLevel: number,
    background?: BackgroundCompressor,
  ): ChunkFile {
    let fd: number;
    try {
      fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC, 0o644);
    } catch (error) {
      throw new LogWriteError(path, error);
    }
    try {
      const file = new ChunkFile(path, fd, chunkBytes, compressionLevel, background);
      file.write(encodeFileHeader(header, (raw) => file.compressed(raw)));
      return file;
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  /**
   * `onWritten` is called with the chunk's offset, at once or when a later call finds the chunk compressed. Throws LogWriteError,
   * also for a chunk before this one, or RangeError if the chunk is too long.
   */
  writeChunk(
    raw: Uint8Array,
    frames: ChunkFrames,
    onWritten = (_offset: number): void => {},
  ): void {
    if (raw.length > MAX_CHUNK_BYTES) throw new RangeError(`a chunk of ${raw.length} bytes`);
    this.settle();
    const { background } = this;
    const isLong = raw.length >= BackgroundCompressor.MIN_BYTES;
    if (isLong && background !== undefined && raw.length <= background.maxBytes) {
      background.begin(raw);
      this.pending = { frames, rawLength: raw.length, onWritten, since: now() };
      return;
    }
    const out = this.room(raw.length);
    const length = this.compressor.compress(raw, out, CHUNK_HEAD_SIZE);
    if (length === 0) out.set(raw, CHUNK_HEAD_SIZE);
    this.store(out, raw.length, length, frames, onWritten);
  }

  /** Writes the chunk that is being compressed, if that began at least `ms` ago. Throws LogWriteError. */
  settle(ms = 0): void {
    const { pending, background } = this;
    if (pending === undefined || background === undefined) return;
    if (ms > 0 && now() - pending.since < ms) return;
    this.pending = undefined;
    const { frames, rawLength, onWritten } = pending;
    const out = this.room(rawLength);
    let length = background.end(out, CHUNK_HEAD_SIZE);
    if (length >= rawLength) {
      const packed = out.subarray(CHUNK_HEAD_SIZE, CHUNK_HEAD_SIZE + length);
      out.set(Decompressor.get().decompress(packed, rawLength), CHUNK_HEAD_SIZE);
      length = 0;
    }
    this.store(out, rawLength, length, frames, onWritten);
  }

  /** Memory for a chunk with its head, compressed or not. */
  private room(rawLength: number): Uint8Array {
    const room = CHUNK_HEAD_SIZE + Math.max(rawLength, this.compressor.bound(rawLength));
    let { out } = this;
    if (out.length < room) {
      out = new Uint8Array(room);
      if (rawLength <= 2 * this.chunkBytes) this.out = out;
    }
    return out;
  }

  /** Writes a chunk whose payload is in its place in `out`. `length` is that of the compressed payload, 0 if it is not. */
  private store(
    out: Uint8Array,
    rawLength: number,
    length: number,
    frames: ChunkFrames,
    onWritten: (offset: number) => void,
  ): void {
    const codec = length === 0 ? ChunkCodec.None : ChunkCodec.Zstd;
    const storedLength = length === 0 ? rawLength : length;
    encodeChunkHead(out, { ...frames, codec, rawLength, storedLength });
    const offset = this.size;
    this.write(out.subarray(0, CHUNK_HEAD_SIZE + storedLength));
    onWritten(offset);
  }

  /** Adds bytes at the end. Throws LogWriteError. */
  write(bytes: Uint8Array): void {
    try {
      let done = 0;
      while (done < bytes.length) {
        done += writeSync(this.fd, bytes, done, bytes.length - done, this.size + done);
      }
    } catch (error) {
      this.fail(error);
    }
    this.size += bytes.length;
  }

  /** Takes back what was written from `size` on. */
  cutBack(size: number): void {
    if (this.failure !== undefined) return;
    if (this.pending !== undefined) {
      this.background?.end(this.room(this.pending.rawLength), 0);
      this.pending = undefined;
    }
    ftruncateSync(this.fd, size);
    this.size = size;
  }

  /** Has the file's data on the disk. Throws LogWriteError. */
  sync(): void {
    try {
      fsyncSync(this.fd);
    } catch (error) {
      this.fail(error);
    }
  }

  /** Throws LogWriteError. */
  close(): void {
    const { fd } = this;
    this.fd = -1;
    try {
      closeSync(fd);
    } catch (error) {
      // Some file systems tell of a full disk only now.
      throw this.failure ?? new LogWriteError(this.path, error);
    }
  }

  private compressed(raw: Uint8Array): Uint8Array | undefined {
    const packed = new Uint8Array(this.compressor.bound(raw.length));
    const length = this.compressor.compress(raw, packed, 0);
    return length === 0 ? undefined : packed.subarray(0, length);
  }

  /** Cuts the file back to what is whole, and refuses all that comes later. */
  private fail(error: unknown): never {
    this.failure = new LogWriteError(this.path, error);
    try {
      ftruncateSync(this.fd, this.size);
    } catch {
      // A reader drops the torn chunk anyway.
    }
    throw this.failure;
  }
}
