import { closeSync, constants, fsyncSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { Compressor } from './compression.js';
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

/** The file of a log that is being written: whatever happens, it holds whole chunks and at most one torn one at its end. */
export class ChunkFile {
  /** Bytes of the file that are whole. */
  size = 0;
  /** What made a write fail; nothing is written from then on. */
  failure: LogWriteError | undefined;

  private readonly compressor: Compressor;
  /** One chunk as it goes to the file. */
  private out = new Uint8Array(0);

  private constructor(
    readonly path: string,
    private fd: number,
    /** Bytes of a usual chunk, before compression: memory for longer ones is not kept. */
    private readonly chunkBytes: number,
    compressionLevel: number,
  ) {
    this.compressor = new Compressor(compressionLevel);
  }

  /** Creates the file, or empties it, and writes the header. Throws LogWriteError. */
  static create(
    path: string,
    header: LogHeader,
    chunkBytes: number,
    compressionLevel: number,
  ): ChunkFile {
    let fd: number;
    try {
      fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC, 0o644);
    } catch (error) {
      throw new LogWriteError(path, error);
    }
    try {
      const file = new ChunkFile(path, fd, chunkBytes, compressionLevel);
      file.write(encodeFileHeader(header, (raw) => file.compressed(raw)));
      return file;
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  /** Throws LogWriteError, or RangeError if the chunk is too long. */
  writeChunk(raw: Uint8Array, head: Omit<ChunkHead, 'codec' | 'rawLength' | 'storedLength'>): void {
    if (raw.length > MAX_CHUNK_BYTES) throw new RangeError(`a chunk of ${raw.length} bytes`);
    const room = CHUNK_HEAD_SIZE + Math.max(raw.length, this.compressor.bound(raw.length));
    let { out } = this;
    if (out.length < room) {
      out = new Uint8Array(room);
      if (raw.length <= 2 * this.chunkBytes) this.out = out;
    }
    let storedLength = this.compressor.compress(raw, out, CHUNK_HEAD_SIZE);
    const codec = storedLength === 0 ? ChunkCodec.None : ChunkCodec.Zstd;
    if (codec === ChunkCodec.None) {
      out.set(raw, CHUNK_HEAD_SIZE);
      storedLength = raw.length;
    }
    encodeChunkHead(out, { ...head, codec, rawLength: raw.length, storedLength });
    this.write(out.subarray(0, CHUNK_HEAD_SIZE + storedLength));
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
