/** Writes a log. Everything is synchronous: the recorder's worker blocks in waits and never comes back to an event loop. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { ByteSink } from './bytes.js';
import { ChunkFile } from './chunk-file.js';
import { now } from './clock.js';
import { type EncodedResource, FrameEncoder } from './codec.js';
import { type BackgroundCompressor } from './compression.js';
import { LogContentError } from './errors.js';
import {
  ChunkKind,
  CONTENT_PART_BYTES,
  encodeBookmarks,
  encodeDirectory,
  encodeTrailer,
  FORMAT_MAJOR,
  FORMAT_MINOR,
  IndexBuilder,
  MAX_CHUNK_BYTES,
  type Bookmark,
  type DirectoryEntry,
} from './framing.js';
import { hash as hashKind } from './kinds.js';
import type { Frame, StreamId, TaskUid, Word } from './schema/frames.js';
import type { LogHeader } from './schema/header.js';

/** The header of a log to be written; the format's version is the writer's own. */
export type NewLogHeader = Omit<LogHeader, 'formatMajor' | 'formatMinor'>;

/** How a log is written. */
export interface LogWriterOptions {
  /** Bytes of frames, before compression, that make a chunk. Default 4 MiB. */
  readonly chunkBytes?: number;
  /** zstd level, 0 for none. Default 3; short chunks, which are few, have at least 6. */
  readonly compressionLevel?: number;
  /** Compresses long chunks in a thread of its own, at its own level. Default none. */
  readonly background?: BackgroundCompressor;
  /**
   * Frames are written out at the latest when one comes that is this much later (by the frames' own times), so that a killed recorder
   * loses little. Default 2000.
   */
  readonly maxDelayMs?: number;
  /** Bytes of frames kept in memory, over all streams. Default 64 MiB. */
  readonly bufferBytes?: number;
}

/** How a log is ended. */
export interface CloseOptions {
  /** Names of bookmarks; their frames have told the rest. */
  readonly bookmarks?: readonly { readonly id: number; readonly name: string }[];
  /** Leave the end out: the log is to say that it's truncated. */
  readonly truncated?: boolean;
}

const FIRST_CAPACITY = 1024;
/** The first chunk of a stream is this much shorter: it is compressed while the program still runs, of which there may be little more. */
const FIRST_PART = 4;
/** A chunk has been compressed after this time: writing it has nobody wait. */
const COMPRESSING_MS = 200;
const MAX_STREAM = 2 ** 32 - 1;

/** Where frames may be put by whoever has them encoded. */
export interface Loan {
  readonly memory: Uint8Array;
  readonly offset: number;
}

/** The run of a stream that is being collected. */
interface StreamBuffer {
  readonly stream: StreamId;
  encoder: FrameEncoder;
  /** Sequence number of the run. */
  sequence: number;
  /** Capacity of the encoder's memory that is accounted for, bytes. */
  capacity: number;
  /** Bytes that make a chunk. */
  limit: number;
  /** What `now` was at the run's first frame. */
  since: number;
  /** A former run of this stream waits to be packed. */
  waiting: boolean;
  /** How often something was added. */
  additions: number;
}

/** A finished run that waits to go into a chunk with others. */
interface WaitingRun {
  readonly entry: DirectoryEntry;
  readonly bytes: Uint8Array;
  readonly owner: StreamBuffer;
  /** What `now` was at the run's first frame. */
  readonly since: number;
}

/** Writes a log. Frames are encoded at once, and reach the disk a chunk at a time. */
export class LogWriter {
  private readonly file: ChunkFile;
  private closed = false;

  private readonly chunkBytes: number;
  private readonly bufferBytes: number;
  private readonly maxDelay: number;
  private readonly index = new IndexBuilder();
  private readonly bookmarks = new Map<number, { id: number; time: number; streams: StreamId[] }>();

  private readonly streams = new Map<StreamId, StreamBuffer>();
  /** Number of runs of the streams that have ended. */
  private readonly ended = new Map<StreamId, number>();
  /** The stream of the last frame: most frames come in rows. */
  private last: StreamBuffer | undefined;
  /** Where a frame is being built, and its time. */
  private open: StreamBuffer | undefined;
  private openTime = 0;
  private waiting: WaitingRun[] = [];
  private waitingBytes = 0;
  private buffered = 0;
  /** A frame at or after this time, ns, has everything written out. */
  private dueTime = Infinity;

  private constructor(file: ChunkFile, chunkBytes: number, options: LogWriterOptions) {
    this.file = file;
    this.chunkBytes = chunkBytes;
    this.bufferBytes = options.bufferBytes ?? 64 * 1024 * 1024;
    this.maxDelay = (options.maxDelayMs ?? 2000) * 1e6;
  }

  /** Creates the file, or empties it. Throws LogWriteError. */
  static create(path: string, header: NewLogHeader, options: LogWriterOptions = {}): LogWriter {
    const chunkBytes = Math.min(options.chunkBytes ?? 4 * 1024 * 1024, MAX_CHUNK_BYTES / 4);
    const full = { ...header, formatMajor: FORMAT_MAJOR, formatMinor: FORMAT_MINOR };
    const { compressionLevel = 3, background } = options;
    const file = ChunkFile.create(path, full, chunkBytes, compressionLevel, background);
    return new LogWriter(file, chunkBytes, options);
  }

  get path(): string {
    return this.file.path;
  }

  /** Bytes written to the file so far. */
  get bytesWritten(): number {
    return this.file.size;
  }

  /** Bytes of frames not yet written to the file. */
  get bytesBuffered(): number {
    let bytes = this.waitingBytes;
    for (const { encoder } of this.streams.values()) bytes += encoder.sink.pos;
    return bytes;
  }

  /** How often something has been added to a stream that has not ended: two equal answers tell that nothing was in between. */
  additionsTo(stream: StreamId): number {
    return this.streams.get(stream)?.additions ?? 0;
  }

  /** Adds a frame at the end of a stream. Throws LogWriteError, or RangeError if the frame can't be stored. */
  append(stream: StreamId, frame: Frame): void {
    const buffer = this.bufferOf(stream);
    buffer.encoder.append(frame);
    if (frame.type === 'bookmark') this.addBookmark(stream, frame.id, frame.time);
    this.appended(buffer, frame.time);
  }

  /** Adds a `resource` frame. Throws LogWriteError. */
  appendResource(
    stream: StreamId,
    task: TaskUid,
    time: number,
    resource: EncodedResource,
    id: number,
    serial: number,
  ): void {
    const buffer = this.bufferOf(stream);
    buffer.encoder.appendResource(task, time, resource, id, serial);
    this.appended(buffer, time);
  }

  /**
   * Begins a `data` frame with room for at most `room` bytes. Returns their offset in `frameMemory`, to be filled before
   * endData; cancelFrame takes the frame back.
   */
  beginData(
    stream: StreamId,
    task: TaskUid,
    time: number,
    arg: number,
    size: number,
    room: number,
  ): number {
    const buffer = this.bufferOf(stream);
    const offset = buffer.encoder.beginData(task, time, arg, size, room);
    this.open = buffer;
    this.openTime = time;
    return offset;
  }

  /** Ends the `data` frame with the first `length` bytes of its room. */
  endData(length: number): void {
    const buffer = this.open;
    if (buffer === undefined) throw new Error('no frame is open');
    buffer.encoder.endData(length);
    this.open = undefined;
    this.appended(buffer, this.openTime);
  }

  /** Adds encoded frames of one task at the end of a stream, as FrameEncoder.appendRun takes them. Throws LogWriteError. */
  appendRun(
    stream: StreamId,
    bytes: Uint8Array,
    frames: number,
    task: TaskUid,
    base: number,
    last: number,
  ): void {
    const buffer = this.bufferOf(stream);
    const isFirst = buffer.encoder.frames === 0;
    buffer.encoder.appendRun(bytes, frames, task, base, last);
    if (isFirst) this.began(buffer, last);
    this.appended(buffer, last);
  }

  /**
   * Memory for encoded frames of a task, the first of them after one at `time`, to be put at the end of a stream in place: all from
   * `offset` on. To be followed by `took` before anything else is done with this log. Undefined if there is none to be had just now:
   * appendRun takes any.
   */
  lend(stream: StreamId, task: TaskUid, time: number): Loan | undefined {
    const buffer = this.streams.get(stream);
    if (buffer === undefined || this.closed || this.file.failure !== undefined) return undefined;
    const { encoder } = buffer;
    const { sink } = encoder;
    if (!encoder.goesOn(task, time) || sink.pos >= buffer.limit) return undefined;
    return { memory: sink.buf, offset: sink.pos };
  }

  /** Adds frames that have been put into memory that was lent: `bytes` in all, the last of them at time `last`. Throws LogWriteError. */
  took(stream: StreamId, bytes: number, frames: number, last: number): void {
    const buffer = this.bufferOf(stream);
    buffer.encoder.taken(bytes, frames, last);
    this.appended(buffer, last);
  }

  /**
   * Begins a `syscall` frame. Its writes follow by reserveWrite and commitWrite; endFrame ends it, cancelFrame takes it back.
   * No other frame can be added in between.
   */
  beginSyscall(
    stream: StreamId,
    task: TaskUid,
    time: number,
    nr: number,
    args: ArrayLike<Word>,
    argCount: number,
    result: Word,
  ): void {
    const buffer = this.bufferOf(stream);
    buffer.encoder.beginSyscall(task, time, nr, args, argCount, result);
    this.open = buffer;
    this.openTime = time;
  }

  /**
   * Makes room in the open frame for a write of at most `length` bytes at address `addr`. Returns their offset in
   * `frameMemory`, to be filled before commitWrite.
   */
  reserveWrite(addr: number, length: number): number {
    if (this.open === undefined) throw new Error('no frame is open');
    return this.open.encoder.reserveWrite(addr, length);
  }

  /** The log's own memory, in which the open frame is being built: another one after each reserveWrite. */
  get frameMemory(): Uint8Array {
    if (this.open === undefined) throw new Error('no frame is open');
    return this.open.encoder.sink.buf;
  }

  /** Keeps the first `length` bytes of the room that reserveWrite gave; with 0 there is no write. */
  commitWrite(length: number): void {
    if (this.open === undefined) throw new Error('no frame is open');
    this.open.encoder.commitWrite(length);
  }

  /** Ends the frame. `duration` as in the frame. */
  endFrame(duration?: number): void {
    const buffer = this.open;
    if (buffer === undefined) throw new Error('no frame is open');
    this.open = undefined;
    buffer.encoder.endFrame(duration);
    this.appended(buffer, this.openTime);
  }

  /** Takes back the frame that was begun. */
  cancelFrame(): void {
    this.open?.encoder.cancel();
    this.open = undefined;
  }

  /** No more frames of this stream are expected: its memory is let go. (If some come, they are added all the same.) */
  endStream(stream: StreamId): void {
    const buffer = this.streams.get(stream);
    if (buffer === undefined || this.file.failure !== undefined) return;
    this.check();
    this.finishRun(buffer);
    this.releaseMemory(buffer);
    this.streams.delete(stream);
    this.ended.set(stream, buffer.sequence);
  }

  /** Writes out all that is buffered. */
  flush(): void {
    this.flushOlderThan(-Infinity);
  }

  /** Writes out every run whose first frame was added at least `ms` ago. */
  flushOlderThan(ms: number): void {
    this.check();
    const before = now() - ms;
    let all = true;
    for (const buffer of this.streams.values()) {
      if (buffer.encoder.frames === 0) continue;
      if (buffer.since <= before) this.finishRun(buffer);
      else all = false;
    }
    if (this.waiting.some(({ since }) => since <= before)) this.writeWaiting();
    if (all && this.waiting.length === 0) this.dueTime = Infinity;
    this.file.settle(before === Infinity ? 0 : COMPRESSING_MS);
  }

  /** Has the file's data on the disk. */
  sync(): void {
    this.flush();
    this.file.sync();
  }

  /**
   * Puts the file at `path` into the log as the content with this hash. The hash is not checked. Throws LogContentError if
   * the file changes meanwhile, and the system's error if it can't be read; the log is then as before.
   */
  addContent(hash: string, path: string): void {
    const fd = openSync(path, constants.O_RDONLY);
    try {
      this.addContentParts(hash, fstatSync(fd).size, partsOf(fd));
    } finally {
      closeSync(fd);
    }
  }

  /** As addContent, the `size` bytes coming in parts of any length up to a chunk's. */
  addContentParts(hash: string, size: number, parts: Iterable<Uint8Array>): void {
    this.check();
    this.file.settle();
    const start = this.file.size;
    try {
      const announcement = new ByteSink();
      hashKind.encode(announcement, hash);
      announcement.uint(size);
      this.file.writeChunk(announcement.written(), { ...NO_FRAMES, kind: ChunkKind.Content });
      let done = 0;
      let sequence = 0;
      for (const part of parts) {
        done += part.length;
        if (part.length === 0 || done > size) continue;
        this.file.writeChunk(part, {
          ...NO_FRAMES,
          kind: ChunkKind.ContentPart,
          sequence: sequence++,
        });
      }
      if (done !== size) {
        const detail = `content ${hash} has ${done} bytes instead of ${size}`;
        throw new LogContentError('LOG_CONTENT_CHANGED', hash, detail);
      }
      this.index.addContent({ hash, size, offset: start });
    } catch (error) {
      this.file.cutBack(start);
      throw error;
    }
  }

  /** Writes out all that is buffered and the end of the log, and closes the file. The file is closed even if this throws. */
  close(options: CloseOptions = {}): void {
    if (this.closed) return;
    try {
      this.check();
      this.flush();
      if (options.truncated !== true) this.writeEnd(options.bookmarks ?? []);
    } finally {
      this.release();
    }
  }

  /** Drops what is buffered and closes the file: what has been written is a truncated log. */
  abort(): void {
    if (!this.closed) this.release();
  }

  /** Closes the log, if that has not been done. */
  [Symbol.dispose](): void {
    this.abort();
  }

  private release(): void {
    this.closed = true;
    this.streams.clear();
    this.last = this.open = undefined;
    this.waiting = [];
    this.waitingBytes = 0;
    this.file.close();
  }

  private check(): void {
    if (this.file.failure !== undefined) throw this.file.failure;
    if (this.closed) throw new Error(`${this.path} is closed`);
    if (this.open !== undefined) throw new Error('a frame is open');
  }

  private bufferOf(stream: StreamId): StreamBuffer {
    this.check();
    if (this.last !== undefined && this.last.stream === stream) return this.last;
    let buffer = this.streams.get(stream);
    if (buffer === undefined) {
      if (!(Number.isInteger(stream) && stream >= 0 && stream <= MAX_STREAM)) {
        throw new RangeError(`not a stream number: ${stream}`);
      }
      buffer = {
        stream,
        encoder: new FrameEncoder(),
        sequence: this.ended.get(stream) ?? 0,
        capacity: 0,
        limit: this.chunkBytes / FIRST_PART,
        since: 0,
        waiting: false,
        additions: 0,
      };
      // Its former run may still wait, and runs of a stream stand in order.
      if (this.ended.delete(stream)) this.writeWaiting();
      this.streams.set(stream, buffer);
    }
    if (buffer.encoder.sink.buf.length === 0) buffer.encoder.sink.ensure(FIRST_CAPACITY);
    this.last = buffer;
    return buffer;
  }

  private addBookmark(stream: StreamId, id: number, time: number): void {
    const bookmark = this.bookmarks.get(id);
    if (bookmark === undefined) {
      this.bookmarks.set(id, { id, time, streams: [stream] });
    } else {
      bookmark.time = Math.min(bookmark.time, time);
      if (!bookmark.streams.includes(stream)) bookmark.streams.push(stream);
    }
  }

  /** Everything that may have to happen once a frame is in its buffer. */
  private appended(buffer: StreamBuffer, time: number): void {
    buffer.additions++;
    const { encoder } = buffer;
    if (encoder.frames === 1) this.began(buffer, time);
    const { sink } = encoder;
    if (sink.buf.length !== buffer.capacity) {
      this.buffered += sink.buf.length - buffer.capacity;
      buffer.capacity = sink.buf.length;
    }
    if (sink.pos >= buffer.limit) {
      this.finishRun(buffer);
      buffer.limit = Math.min(2 * buffer.limit, this.chunkBytes);
      if (buffer.capacity > 2 * this.chunkBytes) this.releaseMemory(buffer);
    }
    if (time >= this.dueTime) this.flush();
    if (this.buffered > this.bufferBytes) {
      this.flush();
      for (const other of this.streams.values()) this.releaseMemory(other);
    }
  }

  private began(buffer: StreamBuffer, time: number): void {
    buffer.since = now();
    if (this.dueTime === Infinity) this.dueTime = time + this.maxDelay;
  }

  private releaseMemory(buffer: StreamBuffer): void {
    if (buffer.encoder.frames !== 0) return;
    this.buffered -= buffer.capacity;
    buffer.capacity = 0;
    buffer.encoder = new FrameEncoder();
    if (this.last === buffer) this.last = undefined;
  }

  /** Ends the run of a stream: a long one becomes a chunk, a short one waits for others to share one with. */
  private finishRun(buffer: StreamBuffer): void {
    const { encoder, stream, sequence } = buffer;
    const { sink, frames, earliest, latest } = encoder;
    if (frames === 0) return;
    const entry = { stream, sequence, frames, earliest, latest, length: sink.pos };
    if (sink.pos * 4 >= this.chunkBytes) {
      // Runs of a stream stand in order in the file, so that a cut leaves no gap.
      if (buffer.waiting) this.writeWaiting();
      this.writeRun(entry, sink.written());
    } else {
      this.waiting.push({
        entry,
        bytes: sink.buf.slice(0, sink.pos),
        owner: buffer,
        since: buffer.since,
      });
      buffer.waiting = true;
      this.waitingBytes += sink.pos;
    }
    buffer.sequence++;
    encoder.reset();
    if (this.waitingBytes >= this.chunkBytes) this.writeWaiting();
  }

  private writeWaiting(): void {
    const { waiting, waitingBytes } = this;
    const [first] = waiting;
    if (first === undefined) return;
    this.waiting = [];
    this.waitingBytes = 0;
    for (const { owner } of waiting) owner.waiting = false;
    if (waiting.length === 1) {
      this.writeRun(first.entry, first.bytes);
      return;
    }
    const entries = waiting.map(({ entry }) => entry);
    const sink = new ByteSink(waitingBytes + 32 * waiting.length);
    encodeDirectory(sink, entries);
    for (const { bytes } of waiting) {
      sink.ensure(bytes.length);
      sink.raw(bytes, bytes.length);
    }
    let earliest = Infinity;
    let latest = 0;
    let frames = 0;
    for (const entry of entries) {
      earliest = Math.min(earliest, entry.earliest);
      latest = Math.max(latest, entry.latest);
      frames += entry.frames;
    }
    const head = { stream: 0, sequence: entries.length, earliest, latest, frames };
    this.file.writeChunk(sink.written(), { kind: ChunkKind.Pack, ...head }, (offset) => {
      this.index.addChunk(ChunkKind.Pack, offset, entries);
    });
  }

  private writeRun(entry: DirectoryEntry, raw: Uint8Array): void {
    const { stream, sequence, earliest, latest, frames } = entry;
    const head = { stream, sequence, earliest, latest, frames };
    this.file.writeChunk(raw, { kind: ChunkKind.Run, ...head }, (offset) => {
      this.index.addChunk(ChunkKind.Run, offset, [entry]);
    });
  }

  private writeEnd(names: readonly { readonly id: number; readonly name: string }[]): void {
    const nameOf = new Map(names.map(({ id, name }) => [id, name]));
    const bookmarks: Bookmark[] = [...this.bookmarks.values()]
      .sort((a, b) => a.id - b.id)
      .map((bookmark) => ({ ...bookmark, name: nameOf.get(bookmark.id) ?? '' }));
    const ends = { index: 0, bookmarks: 0 };
    this.file.writeChunk(this.index.build(), { ...NO_FRAMES, kind: ChunkKind.Index }, (offset) => {
      ends.index = offset;
    });
    const encoded = encodeBookmarks(bookmarks);
    this.file.writeChunk(encoded, { ...NO_FRAMES, kind: ChunkKind.Bookmarks }, (offset) => {
      ends.bookmarks = offset;
    });
    this.file.settle();
    this.file.write(encodeTrailer(ends));
  }
}

const NO_FRAMES = { stream: 0, sequence: 0, earliest: 0, latest: 0, frames: 0 };

/** A file's bytes from its beginning to its end, always in the same memory. */
function* partsOf(fd: number): Iterable<Uint8Array> {
  const part = new Uint8Array(CONTENT_PART_BYTES);
  for (let position = 0; ;) {
    const length = readSync(fd, part, 0, part.length, position);
    if (length === 0) return;
    yield part.subarray(0, length);
    position += length;
  }
}
