/** A log file opened for reading: its header, chunks and map of runs. Knows nothing of frames. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { crc32 } from './checksum.js';
import { ByteSource } from './bytes.js';
import { Decompressor, type DecompressorName } from './compression.js';
import {
  LogCorruptError,
  MalformedError,
  NotALogError,
  UnknownTypeError,
  UnsupportedFormatError,
} from './errors.js';
import {
  CHUNK_HEAD_SIZE,
  CHUNK_MAGIC_BYTES,
  ChunkCodec,
  ChunkKind,
  decodeBookmarks,
  decodeChunkHead,
  decodeDirectory,
  decodeFileHead,
  decodeIndex,
  decodeTrailer,
  FILE_HEAD_SIZE,
  fileHeaderChecksum,
  FIRST_OPTIONAL_KIND,
  FORMAT_MAJOR,
  MAGIC,
  MAX_HEADER_BYTES,
  payloadChecksum,
  TRAILER_SIZE,
  type Bookmark,
  type ChunkHead,
  type Content,
  type Run,
} from './framing.js';
import { hash as hashKind } from './kinds.js';
import type { StreamId } from './schema/frames.js';
import type { LogHeader } from './schema/header.js';

/** How far the search for a whole chunk after a damaged one reads at a time. */
const SEARCH_BYTES = 1024 * 1024;

/** Compressed chunks up to this size are read into memory that is kept for the next. */
const SCRATCH_BYTES = 1024 * 1024;

/** What a chunk gives to one who goes through the file. */
interface Found {
  readonly offset: number;
  readonly runs?: readonly Run[];
  /** A content, of which so many bytes have not been found yet. */
  readonly content?: Content;
  readonly missing?: number;
}

export class LogFile {
  readonly path: string;
  /** Bytes in the file when it was opened, or last looked at. */
  size: number;
  readonly header: LogHeader;
  /** Runs by stream, in order. */
  readonly runs = new Map<StreamId, Run[]>();
  readonly contents: Content[] = [];
  /** Chunks that hold frames. */
  chunks = 0;
  /** Why the log has no proper end; '' if it has one. */
  truncatedReason = '';
  /** Undefined if the log has no (whole) end. */
  bookmarks: Bookmark[] | undefined;
  /** Offset of bytes in the middle of the file that belong to no chunk; -1 if there are none. */
  damage = -1;

  private fd: number;
  private readonly decompressor: Decompressor;
  private readonly head = new Uint8Array(CHUNK_HEAD_SIZE);
  private scratch = new Uint8Array(0);
  /** Where the next chunk of a growing file begins. */
  private next = 0;

  /** A `growing` file is not searched for runs yet: see grow. */
  constructor(
    path: string,
    prefer: DecompressorName | undefined,
    state: 'as it is' | 'growing' = 'as it is',
  ) {
    this.path = path;
    this.decompressor = Decompressor.get(prefer);
    // To open a pipe would wait for its writer, to no end.
    this.fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stat = fstatSync(this.fd);
      if (!stat.isFile()) throw new NotALogError(path, 'it is not a regular file');
      this.size = stat.size;
      const start = this.readHeader();
      this.header = start.header;
      if (state === 'growing') this.next = start.end;
      else this.findRuns(start.end);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    if (this.fd >= 0) closeSync(this.fd);
    this.fd = -1;
  }

  /** Finds the runs written since the last look. True once the log has its end. Throws LogCorruptError at damage. */
  grow(): boolean {
    this.size = fstatSync(this.fd).size;
    while (this.size - this.next >= CHUNK_HEAD_SIZE) {
      const offset = this.next;
      const complete = this.at(offset, () => {
        this.read(this.head, offset, CHUNK_HEAD_SIZE);
        const end = offset + CHUNK_HEAD_SIZE + decodeChunkHead(this.head).storedLength;
        // Not all of it may have been written yet.
        if (end > this.size || (end === this.size && !this.isWhole(offset))) return undefined;
        const head = this.readHead(offset);
        const { runs } = this.scanChunk(head, offset, undefined);
        if (runs !== undefined) this.add({ offset, runs });
        this.next = end;
        return head.kind === ChunkKind.Index;
      });
      if (complete !== false) return complete === true;
    }
    return false;
  }

  /** The error that tells what an error of the codec means for this file. */
  explain(error: unknown, offset: number): unknown {
    if (error instanceof MalformedError) {
      return new LogCorruptError(this.path, offset, error.message);
    }
    if (error instanceof UnknownTypeError) {
      return new UnsupportedFormatError(this.path, error.message);
    }
    return error;
  }

  /** Runs `read` on what stands at `offset`. */
  at<T>(offset: number, read: () => T): T {
    try {
      return read();
    } catch (error) {
      throw this.explain(error, offset);
    }
  }

  /** The decompressed payload of a chunk of frames, checked against what is known of its runs. */
  loadFrames(run: Run): Uint8Array {
    const { offset } = run;
    return this.at(offset, () => {
      const head = this.readHead(offset);
      const raw = this.readPayload(offset, head);
      const found = this.runsOf(head, offset, raw).find((other) => other.start === run.start);
      if (
        found === undefined ||
        found.stream !== run.stream ||
        found.sequence !== run.sequence ||
        found.frames !== run.frames ||
        found.end !== run.end
      ) {
        throw new MalformedError('a chunk is not the one that the index tells of');
      }
      return raw;
    });
  }

  /** The bytes of a content, part by part. */
  *contentParts(content: Content): Iterable<Uint8Array> {
    let { offset } = content;
    let head = this.at(offset, () => {
      const announced = this.readHead(offset);
      const { hash, size } = this.contentOf(announced, offset);
      if (hash !== content.hash || size !== content.size) {
        throw new MalformedError('a content is not the one that the index tells of');
      }
      return announced;
    });
    let done = 0;
    for (let sequence = 0; done < content.size; sequence++) {
      offset += CHUNK_HEAD_SIZE + head.storedLength;
      const part = this.at(offset, () => {
        head = this.readHead(offset);
        if (
          head.kind !== ChunkKind.ContentPart ||
          head.sequence !== sequence ||
          head.rawLength === 0 ||
          head.rawLength > content.size - done
        ) {
          throw new MalformedError('a part of a content is missing');
        }
        return this.readPayload(offset, head);
      });
      done += part.length;
      yield part;
    }
  }

  private readHeader(): { header: LogHeader; end: number } {
    const head = new Uint8Array(FILE_HEAD_SIZE);
    const length = this.read(head, 0, FILE_HEAD_SIZE);
    const magic = Math.min(length, MAGIC.length);
    for (let i = 0; i < magic; i++) {
      if (head[i] === MAGIC[i]) continue;
      const why = i < 4 ? 'it begins otherwise' : 'it was changed as if it were text';
      throw new NotALogError(this.path, why);
    }
    if (length < MAGIC.length) throw new NotALogError(this.path, 'it is too short');
    const cut = new LogCorruptError(this.path, 0, 'the header is cut off');
    if (length < FILE_HEAD_SIZE) throw cut;
    const { major, minor, codec, rawLength, storedLength, checksum } = decodeFileHead(head);
    if (major > FORMAT_MAJOR) {
      throw new UnsupportedFormatError(this.path, `format ${major}.${minor}`);
    }
    const header = this.at(0, () => {
      if (rawLength > MAX_HEADER_BYTES || storedLength > rawLength || codec > ChunkCodec.Zstd) {
        throw new MalformedError('the header has impossible lengths');
      }
      if (storedLength > this.size - FILE_HEAD_SIZE) throw cut;
      const stored = new Uint8Array(storedLength);
      this.read(stored, FILE_HEAD_SIZE, storedLength);
      if (fileHeaderChecksum(head, stored) !== checksum) {
        throw new MalformedError('the checksum of the header is wrong');
      }
      const raw =
        codec === ChunkCodec.Zstd ? this.decompressor.decompress(stored, rawLength) : stored;
      return parseHeader(raw);
    });
    return {
      header: { ...header, formatMajor: major, formatMinor: minor },
      end: FILE_HEAD_SIZE + storedLength,
    };
  }

  private findRuns(start: number): void {
    const trailer = new Uint8Array(TRAILER_SIZE);
    const trailerOffset = this.size - TRAILER_SIZE;
    if (trailerOffset >= start) {
      this.read(trailer, trailerOffset, TRAILER_SIZE);
      const end = decodeTrailer(trailer);
      if (end !== undefined) {
        try {
          this.readIndex(end.index);
          this.bookmarks = decodeBookmarks(this.readChunk(end.bookmarks, ChunkKind.Bookmarks));
          return;
        } catch (error) {
          if (!(error instanceof MalformedError)) throw this.explain(error, end.index);
          this.truncatedReason = `the index is damaged: ${error.message}`;
          this.runs.clear();
          this.contents.length = 0;
          this.chunks = 0;
        }
      }
    }
    this.scan(start);
  }

  private readIndex(offset: number): void {
    const payload = this.readChunk(offset, ChunkKind.Index);
    const index = decodeIndex(payload, this.size);
    this.addRuns(index.runs);
    this.contents.push(...index.contents);
    this.chunks = index.chunks;
  }

  private addRuns(runs: readonly Run[]): void {
    for (const run of runs) {
      const list = this.runs.get(run.stream);
      if (list === undefined) this.runs.set(run.stream, [run]);
      else list.push(run);
    }
  }

  /** Finds the runs by going from chunk to chunk, for want of an index. */
  private scan(start: number): void {
    let reason = 'it has no end: it was cut off or is still being written';
    let offset = start;
    let last: Found | undefined;
    while (offset < this.size) {
      try {
        const head = this.readHead(offset);
        const found = this.scanChunk(head, offset, last);
        if (last !== undefined) this.add(last);
        last = found;
        offset += CHUNK_HEAD_SIZE + head.storedLength;
      } catch (error) {
        if (!(error instanceof MalformedError)) throw this.explain(error, offset);
        reason = `${reason} (at byte ${offset}: ${error.message})`;
        const next = this.searchChunk(offset + 1);
        if (next < 0) break;
        if (this.damage < 0) this.damage = offset;
        offset = next;
      }
    }
    // After a power failure the last chunk may have its length, but not its bytes.
    if (last !== undefined && this.isWhole(last.offset)) this.add(last);
    this.truncatedReason ||= reason;
  }

  /** What the chunk at `offset` gives; `before` is what the chunk before it gave. */
  private scanChunk(head: ChunkHead, offset: number, before: Found | undefined): Found {
    switch (head.kind) {
      case ChunkKind.Run:
        return { offset, runs: this.runsOf(head, offset) };
      case ChunkKind.Pack:
        return { offset, runs: this.runsOf(head, offset, this.readPayload(offset, head)) };
      case ChunkKind.Content: {
        const content = this.contentOf(head, offset);
        return { offset, content, missing: content.size };
      }
      case ChunkKind.ContentPart: {
        const content = before?.content;
        const missing = (before?.missing ?? 0) - head.rawLength;
        return content === undefined ? { offset } : { offset, content, missing };
      }
      default:
        return { offset };
    }
  }

  private add(found: Found): void {
    const { runs, content, missing } = found;
    if (runs !== undefined) {
      this.addRuns(runs);
      this.chunks++;
    }
    if (content !== undefined && missing === 0) this.contents.push(content);
  }

  private isWhole(offset: number): boolean {
    try {
      this.readPayload(offset, this.readHead(offset));
      return true;
    } catch (error) {
      if (error instanceof MalformedError) return false;
      throw error;
    }
  }

  private contentOf(head: ChunkHead, offset: number): Content {
    if (head.kind !== ChunkKind.Content) throw new MalformedError('a content is missing');
    const source = new ByteSource(this.readPayload(offset, head));
    return { hash: hashKind.decode(source), size: source.uint(), offset };
  }

  /** Offset of the next chunk with a good head, -1 if there is none. */
  private searchChunk(from: number): number {
    const window = Buffer.alloc(Math.min(SEARCH_BYTES, this.size));
    for (let base = from; base < this.size; base += window.length - CHUNK_MAGIC_BYTES.length + 1) {
      const length = this.read(window, base, Math.min(window.length, this.size - base));
      const part = window.subarray(0, length);
      for (
        let found = part.indexOf(CHUNK_MAGIC_BYTES);
        found >= 0;
        found = part.indexOf(CHUNK_MAGIC_BYTES, found + 1)
      ) {
        try {
          this.readHead(base + found);
          return base + found;
        } catch (error) {
          if (!(error instanceof MalformedError)) throw error;
        }
      }
      if (length < CHUNK_MAGIC_BYTES.length) break;
    }
    return -1;
  }

  private runsOf(head: ChunkHead, offset: number, raw?: Uint8Array): Run[] {
    if (head.kind === ChunkKind.Pack && raw !== undefined) {
      return decodeDirectory(new ByteSource(raw), head.kind, offset, raw.length);
    }
    if (head.kind !== ChunkKind.Run) throw new MalformedError('a chunk has no frames');
    const { stream, sequence, frames, earliest, latest, rawLength } = head;
    return [{ stream, sequence, frames, earliest, latest, offset, start: 0, end: rawLength }];
  }

  private readChunk(offset: number, kind: ChunkKind): Uint8Array {
    const head = this.readHead(offset);
    if (head.kind !== kind) throw new MalformedError('a chunk is of another kind');
    return this.readPayload(offset, head);
  }

  private readHead(offset: number): ChunkHead {
    if (offset > this.size - CHUNK_HEAD_SIZE) throw new MalformedError('a chunk is cut off');
    this.read(this.head, offset, CHUNK_HEAD_SIZE);
    const head = decodeChunkHead(this.head);
    if (head.storedLength > this.size - offset - CHUNK_HEAD_SIZE) {
      throw new MalformedError('a chunk is cut off');
    }
    if (head.kind > ChunkKind.Bookmarks && head.kind < FIRST_OPTIONAL_KIND) {
      throw new UnknownTypeError(`chunks of kind ${head.kind} are unknown`);
    }
    return head;
  }

  /** Must follow the readHead of the same chunk. The payload's memory is its own. */
  private readPayload(offset: number, head: ChunkHead): Uint8Array {
    const { codec, rawLength, storedLength } = head;
    let stored: Uint8Array<ArrayBuffer>;
    if (codec === ChunkCodec.None) {
      stored = new Uint8Array(storedLength);
    } else {
      stored = this.scratch;
      if (stored.length < storedLength) stored = new Uint8Array(storedLength);
      if (storedLength <= SCRATCH_BYTES) this.scratch = stored;
      stored = stored.subarray(0, storedLength);
    }
    if (this.read(stored, offset + CHUNK_HEAD_SIZE, storedLength) < storedLength) {
      throw new MalformedError('a chunk is cut off');
    }
    if (crc32(stored) !== payloadChecksum(this.head)) {
      throw new MalformedError('the checksum of a chunk is wrong');
    }
    return codec === ChunkCodec.None ? stored : this.decompressor.decompress(stored, rawLength);
  }

  private read(into: Uint8Array, position: number, length: number): number {
    if (this.fd < 0) throw new Error(`${this.path} is closed`);
    let done = 0;
    while (done < length) {
      const got = readSync(this.fd, into, done, length - done, position + done);
      if (got === 0) break;
      done += got;
    }
    return done;
  }
}

function parseHeader(raw: Uint8Array): LogHeader {
  let header: unknown;
  try {
    header = JSON.parse(Buffer.from(raw).toString());
  } catch {
    header = undefined;
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) {
    throw new MalformedError('the header is not a JSON object');
  }
  return header as LogHeader;
}
