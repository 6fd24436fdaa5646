/**
 * The file around the frames: the header, the heads of chunks, directories of runs, the index and the trailer.
 * FORMAT.md describes every byte. All fixed-size integers are little-endian.
 */
import { ByteSink, ByteSource } from './bytes.js';
import { crc32 } from './checksum.js';
import { MalformedError } from './errors.js';
import { hash as hashKind } from './kinds.js';
import type { LogHeader } from './schema/header.js';
import type { StreamId } from './schema/frames.js';

/** Readers refuse logs with a larger one. */
export const FORMAT_MAJOR = 1;
/** Logs with a larger one can be read; frames that are not known are passed over. */
export const FORMAT_MINOR = 4;

/** Damaged by any transfer that changes line ends, strips the top bit or stops at a control-Z. */
export const MAGIC = Uint8Array.from([0x89, 0x53, 0x43, 0x52, 0x0d, 0x0a, 0x1a, 0x0a]);

/** Bytes before the header's JSON text. */
export const FILE_HEAD_SIZE = 28;
export const CHUNK_HEAD_SIZE = 56;
export const TRAILER_SIZE = 32;

/** No chunk holds more than this many bytes before compression, so neither does a frame. */
export const MAX_CHUNK_BYTES = 256 * 1024 * 1024;
/** The header's JSON text is no longer than this. */
export const MAX_HEADER_BYTES = 64 * 1024 * 1024;
/** Content of the store is cut into parts of this size. */
export const CONTENT_PART_BYTES = 1024 * 1024;

export const enum ChunkKind {
  /** One run of one stream. */
  Run = 1,
  /** Several runs, with a directory in front. */
  Pack = 2,
  /** Says that content from the store follows. */
  Content = 3,
  /** Bytes of that content. */
  ContentPart = 4,
  Index = 5,
  Bookmarks = 6,
}

/** Chunks of kinds from this one on may be skipped by readers that do not know them. */
export const FIRST_OPTIONAL_KIND = 64;

export const enum ChunkCodec {
  None = 0,
  Zstd = 1,
}

/** What the head of a chunk says. Meaning of `stream`, `sequence` and the times by kind: see FORMAT.md. */
export interface ChunkHead {
  kind: number;
  codec: number;
  stream: number;
  sequence: number;
  /** Earliest and latest time of the frames, ns. */
  earliest: number;
  latest: number;
  frames: number;
  /** Bytes of the payload before compression and as stored. */
  rawLength: number;
  storedLength: number;
}

/** Frames of one stream that stand together in a chunk. */
export interface Run {
  readonly stream: StreamId;
  /** Place among the runs of its stream, from 0. */
  readonly sequence: number;
  readonly frames: number;
  readonly earliest: number;
  readonly latest: number;
  /** Offset of the chunk in the file, bytes. */
  readonly offset: number;
  /** Where the run's frames start and end in the decompressed chunk. */
  readonly start: number;
  readonly end: number;
}

/** A file of the store kept in the log. */
export interface Content {
  readonly hash: string;
  /** Bytes. */
  readonly size: number;
  /** Offset in the log of the chunk that announces it. */
  readonly offset: number;
}

/** A place that a replay can stop at. */
export interface Bookmark {
  readonly id: number;
  /** Nanoseconds since the recording began, of its first frame. */
  readonly time: number;
  /** What people call it; '' if nothing. */
  readonly name: string;
  /** Streams that have a frame of this bookmark. */
  readonly streams: readonly StreamId[];
}

const TWO_32 = 2 ** 32;

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function putUint64(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, value % TWO_32, true);
  view.setUint32(offset + 4, Math.floor(value / TWO_32), true);
}

function getUint64(view: DataView, offset: number): number {
  return view.getUint32(offset, true) + view.getUint32(offset + 4, true) * TWO_32;
}

/* The file's header. */

export function encodeFileHeader(header: LogHeader, compress: Compress): Uint8Array {
  const raw = Buffer.from(JSON.stringify(header));
  if (raw.length > MAX_HEADER_BYTES) throw new RangeError('the log header is too large');
  const stored = compress(raw);
  const bytes = new Uint8Array(FILE_HEAD_SIZE + (stored ?? raw).length);
  const view = viewOf(bytes);
  bytes.set(MAGIC);
  view.setUint16(8, header.formatMajor, true);
  view.setUint16(10, header.formatMinor, true);
  view.setUint32(12, stored === undefined ? ChunkCodec.None : ChunkCodec.Zstd, true);
  view.setUint32(16, raw.length, true);
  view.setUint32(20, (stored ?? raw).length, true);
  bytes.set(stored ?? raw, FILE_HEAD_SIZE);
  view.setUint32(24, crc32(bytes.subarray(FILE_HEAD_SIZE), crc32(bytes.subarray(0, 24))), true);
  return bytes;
}

/** Compressed bytes, or undefined if they would be more. */
export type Compress = (raw: Uint8Array) => Uint8Array | undefined;

export interface FileHead {
  major: number;
  minor: number;
  codec: number;
  rawLength: number;
  storedLength: number;
  checksum: number;
}

export function decodeFileHead(bytes: Uint8Array): FileHead {
  const view = viewOf(bytes);
  return {
    major: view.getUint16(8, true),
    minor: view.getUint16(10, true),
    codec: view.getUint32(12, true),
    rawLength: view.getUint32(16, true),
    storedLength: view.getUint32(20, true),
    checksum: view.getUint32(24, true),
  };
}

export function fileHeaderChecksum(head: Uint8Array, payload: Uint8Array): number {
  return crc32(payload, crc32(head.subarray(0, 24)));
}

/* Chunk heads. */

const CHUNK_MAGIC = 0x4b4e4843; // 'CHNK'
/** The first bytes of every chunk. */
export const CHUNK_MAGIC_BYTES = Uint8Array.from([0x43, 0x48, 0x4e, 0x4b]);

/** Writes the head of a chunk at the start of `bytes`, where its stored payload follows. */
export function encodeChunkHead(bytes: Uint8Array, head: ChunkHead): void {
  const view = viewOf(bytes);
  view.setUint32(0, CHUNK_MAGIC, true);
  view.setUint16(4, head.kind, true);
  view.setUint16(6, head.codec, true);
  view.setUint32(8, head.stream, true);
  view.setUint32(12, head.sequence, true);
  putUint64(view, 16, head.earliest);
  putUint64(view, 24, head.latest);
  view.setUint32(32, head.frames, true);
  view.setUint32(36, head.rawLength, true);
  view.setUint32(40, head.storedLength, true);
  view.setUint32(44, 0, true);
  const payload = bytes.subarray(CHUNK_HEAD_SIZE, CHUNK_HEAD_SIZE + head.storedLength);
  view.setUint32(48, crc32(payload), true);
  view.setUint32(52, crc32(bytes.subarray(0, 52)), true);
}

/** Checks and reads the head of a chunk. The payload's checksum is `payloadChecksum`'s business. */
export function decodeChunkHead(bytes: Uint8Array): ChunkHead {
  const view = viewOf(bytes);
  if (view.getUint32(0, true) !== CHUNK_MAGIC) throw new MalformedError('no chunk begins here');
  if (view.getUint32(52, true) !== crc32(bytes.subarray(0, 52))) {
    throw new MalformedError("the checksum of a chunk's head is wrong");
  }
  const head: ChunkHead = {
    kind: view.getUint16(4, true),
    codec: view.getUint16(6, true),
    stream: view.getUint32(8, true),
    sequence: view.getUint32(12, true),
    earliest: getUint64(view, 16),
    latest: getUint64(view, 24),
    frames: view.getUint32(32, true),
    rawLength: view.getUint32(36, true),
    storedLength: view.getUint32(40, true),
  };
  if (head.rawLength > MAX_CHUNK_BYTES || head.storedLength > head.rawLength) {
    throw new MalformedError('the lengths of a chunk are impossible');
  }
  if (head.codec === ChunkCodec.None && head.storedLength !== head.rawLength) {
    throw new MalformedError('the lengths of a chunk differ');
  }
  if (head.codec > ChunkCodec.Zstd) throw new MalformedError('the codec of a chunk is unknown');
  return head;
}

export function payloadChecksum(head: Uint8Array): number {
  return viewOf(head).getUint32(48, true);
}

/* Directories: what a chunk of frames holds. */

export interface DirectoryEntry {
  readonly stream: StreamId;
  readonly sequence: number;
  readonly frames: number;
  readonly earliest: number;
  readonly latest: number;
  readonly length: number;
}

export function encodeDirectory(sink: ByteSink, entries: readonly DirectoryEntry[]): void {
  sink.uint(entries.length);
  for (const entry of entries) {
    sink.uint(entry.stream);
    sink.uint(entry.sequence);
    sink.uint(entry.frames);
    sink.uint(entry.earliest);
    sink.uint(entry.latest - entry.earliest);
    sink.uint(entry.length);
  }
}

/** Reads a directory and gives the runs of the chunk at `offset`, whose payload has `rawLength` bytes. */
export function decodeDirectory(
  source: ByteSource,
  kind: number,
  offset: number,
  rawLength?: number,
): Run[] {
  const directoryStart = source.pos;
  const count = source.count();
  const entries: DirectoryEntry[] = [];
  for (let i = 0; i < count; i++) {
    const stream = source.uint();
    const sequence = source.uint();
    const frames = source.uint();
    const earliest = source.uint();
    const latest = earliest + source.uint();
    const length = source.uint();
    if (stream >= TWO_32) throw new MalformedError('a stream number is too large');
    // A frame has three bytes at least.
    if (frames * 3 > length) throw new MalformedError('a run has too many frames');
    entries.push({ stream, sequence, frames, earliest, latest, length });
  }
  let start = kind === ChunkKind.Pack ? source.pos - directoryStart : 0;
  const runs = entries.map(({ length, ...entry }) => {
    const run: Run = { ...entry, offset, start, end: start + length };
    start += length;
    return run;
  });
  if (rawLength === undefined ? start > MAX_CHUNK_BYTES : start !== rawLength) {
    throw new MalformedError('the runs of a chunk do not fill it');
  }
  return runs;
}

/* Index and bookmarks: the end of a complete log. */

/** Collects the index while the log is written. */
export class IndexBuilder {
  private readonly chunks = new ByteSink();
  private chunkCount = 0;
  private previousOffset = 0;
  private readonly contents = new ByteSink();
  private contentCount = 0;

  addChunk(kind: ChunkKind, offset: number, entries: readonly DirectoryEntry[]): void {
    this.chunks.uint(offset - this.previousOffset);
    this.chunks.uint(kind);
    encodeDirectory(this.chunks, entries);
    this.previousOffset = offset;
    this.chunkCount++;
  }

  addContent(content: Content): void {
    hashKind.encode(this.contents, content.hash);
    this.contents.uint(content.size);
    this.contents.uint(content.offset);
    this.contentCount++;
  }

  /** Payload of the index chunk. */
  build(): Uint8Array {
    const sink = new ByteSink(this.chunks.pos + this.contents.pos + 32);
    sink.uint(this.chunkCount);
    sink.ensure(this.chunks.pos);
    sink.raw(this.chunks.buf.subarray(0, this.chunks.pos), this.chunks.pos);
    sink.uint(this.contentCount);
    sink.ensure(this.contents.pos);
    sink.raw(this.contents.buf.subarray(0, this.contents.pos), this.contents.pos);
    return sink.written();
  }
}

export interface Index {
  readonly runs: Run[];
  readonly contents: Content[];
  readonly chunks: number;
}

/** Reads an index. Every offset is below `fileSize`; what stands there is for the reader to check. */
export function decodeIndex(payload: Uint8Array, fileSize: number): Index {
  const source = new ByteSource(payload);
  const runs: Run[] = [];
  const chunks = source.count();
  let offset = 0;
  for (let i = 0; i < chunks; i++) {
    offset += source.uint();
    if (offset >= fileSize) throw new MalformedError('the index points past the end');
    const kind = source.uint();
    for (const run of decodeDirectory(source, kind, offset)) runs.push(run);
  }
  const contents: Content[] = [];
  for (let count = source.count(); count > 0; count--) {
    const content = {
      hash: hashKind.decode(source),
      size: source.uint(),
      offset: source.uint(),
    };
    if (content.offset >= fileSize) throw new MalformedError('the index points past the end');
    contents.push(content);
  }
  return { runs, contents, chunks };
}

export function encodeBookmarks(bookmarks: readonly Bookmark[]): Uint8Array {
  const sink = new ByteSink();
  sink.uint(bookmarks.length);
  for (const bookmark of bookmarks) {
    sink.uint(bookmark.id);
    sink.uint(bookmark.time);
    sink.string(bookmark.name);
    sink.uint(bookmark.streams.length);
    for (const stream of bookmark.streams) sink.uint(stream);
  }
  return sink.written();
}

export function decodeBookmarks(payload: Uint8Array): Bookmark[] {
  const source = new ByteSource(payload);
  const bookmarks: Bookmark[] = [];
  for (let count = source.count(); count > 0; count--) {
    const id = source.uint();
    const time = source.uint();
    const name = source.string();
    const streams: StreamId[] = [];
    for (let left = source.count(); left > 0; left--) streams.push(source.uint());
    bookmarks.push({ id, time, name, streams });
  }
  return bookmarks;
}

/* The trailer: the last bytes of a complete log. */

const TRAILER_MAGIC = 0x444e4553; // 'SEND'

export interface Trailer {
  /** Offsets in the file. */
  readonly index: number;
  readonly bookmarks: number;
}

export function encodeTrailer(trailer: Trailer): Uint8Array {
  const bytes = new Uint8Array(TRAILER_SIZE);
  const view = viewOf(bytes);
  view.setUint32(0, TRAILER_MAGIC, true);
  putUint64(view, 4, trailer.index);
  putUint64(view, 12, trailer.bookmarks);
  view.setUint32(28, crc32(bytes.subarray(0, 28)), true);
  return bytes;
}

/** The trailer in the last bytes of a file, undefined if there is none. */
export function decodeTrailer(bytes: Uint8Array): Trailer | undefined {
  const view = viewOf(bytes);
  if (view.getUint32(0, true) !== TRAILER_MAGIC) return undefined;
  if (view.getUint32(28, true) !== crc32(bytes.subarray(0, 28))) return undefined;
  return { index: getUint64(view, 4), bookmarks: getUint64(view, 12) };
}
