/** Reads one stream, frame by frame, holding one chunk at a time. */
import type { ChunkCache, ChunkHolder } from './chunk-cache.js';
import { FrameDecoder } from './codec.js';
import { LogCorruptError, MalformedError } from './errors.js';
import type { Matcher } from './filter.js';
import type { Run } from './framing.js';
import type { LogFile } from './log-file.js';
import type { Frame, StreamId, TaskUid } from './schema/frames.js';

const NOTHING = new Uint8Array(0);

/** Encoded frames, valid where a frame of `task` at `time` was before them. */
export interface EncodedFrames {
  /** A view of a chunk. */
  readonly bytes: Uint8Array;
  readonly task: TaskUid;
  readonly time: number;
}

/** Reads encoded frames. */
export function decodeFrames({ bytes, task, time }: EncodedFrames): Frame[] {
  const decoder = new FrameDecoder();
  decoder.reset(bytes, 0, bytes.length);
  decoder.jump(0, task, time, 0);
  const frames: Frame[] = [];
  while (decoder.head()) frames.push(decoder.frame());
  return frames;
}

/** The frames of one stream, in order. */
export class StreamCursor implements ChunkHolder {
  readonly stream: StreamId;

  private readonly decoder = new FrameDecoder();
  private run: Run | undefined;
  private nextRun = 0;
  private attached = false;
  private lastOffset = -1;
  /** What reading ended with: reading on would give nonsense. */
  private failure: unknown;
  /** The frame that peek() gave, until next() gives it too. */
  private peeked: Frame | undefined;

  /** Made by LogReader.stream. */
  constructor(
    private readonly file: LogFile,
    private readonly cache: ChunkCache,
    stream: StreamId,
    private readonly runs: readonly Run[],
  ) {
    this.stream = stream;
  }

  /** Offset in the file of the chunk that the last frame stood in, bytes; -1 before the first. */
  get offset(): number {
    return this.lastOffset;
  }

  /** Where the last frame begins in its decompressed chunk, bytes. */
  get position(): number {
    return this.decoder.start;
  }

  /**
   * The next frame; undefined at the stream's end. Byte arrays in it are views of a chunk: whoever keeps one keeps the
   * chunk. Throws LogCorruptError or UnsupportedFormatError; the frames before were good.
   */
  next(): Frame | undefined {
    const { peeked } = this;
    if (peeked !== undefined) {
      this.peeked = undefined;
      return peeked;
    }
    while (!this.step()) if (!this.enterRun()) return undefined;
    return this.take();
  }

  /** The frame that next() will give. */
  peek(): Frame | undefined {
    return (this.peeked ??= this.next());
  }

  /** As they are encoded: what is left of a run from the frame on that next() will give. Undefined at the stream's end. */
  rest(): EncodedFrames | undefined {
    if (this.peek() === undefined) return undefined;
    const { head } = this;
    return { bytes: head.rest(), task: head.taskBefore, time: head.timeBefore };
  }

  /** Passes over the first `count` frames of rest(): `bytes` of it. The last of them is of `task` at `time`. */
  passEncoded(bytes: number, count: number, task: TaskUid, time: number): void {
    const { decoder } = this;
    // rest() has stepped to the first of them.
    decoder.jump(decoder.start + bytes, task, time, decoder.frames + count - 1);
    this.peeked = undefined;
  }

  /* For the merge of streams, which looks at heads alone. */

  /** Steps to the next frame of the current run; false at its end. Then `decoder` tells of the frame, for take() or pass(). */
  step(): boolean {
    const { run, decoder } = this;
    if (this.failure !== undefined) throw this.failure;
    if (run === undefined) return false;
    try {
      if (!this.attached) this.attach(run);
      if (decoder.head()) return true;
      if (decoder.frames !== run.frames) {
        throw new MalformedError('a run has another number of frames');
      }
    } catch (error) {
      throw this.fail(error);
    }
    this.leaveRun();
    return false;
  }

  /** What step() stepped to. Good until another cursor reads. */
  get head(): FrameDecoder {
    if (!this.attached && this.run !== undefined) this.attach(this.run);
    return this.decoder;
  }

  /** Whether the frame that step() stepped to is wanted. */
  matches(matcher: Matcher): boolean {
    try {
      return matcher.matches(this.head);
    } catch (error) {
      throw this.fail(error);
    }
  }

  /** The frame that step() stepped to. */
  take(): Frame {
    try {
      return this.head.frame();
    } catch (error) {
      throw this.fail(error);
    }
  }

  /** Passes over the frame that step() stepped to. */
  pass(): void {
    this.decoder.skip();
  }

  /** The run that enterRun() would enter. */
  get upcoming(): Run | undefined {
    return this.runs[this.nextRun];
  }

  /** Passes over the upcoming run. */
  skipRun(): void {
    this.nextRun++;
  }

  /** Starts on the upcoming run, without loading it. False if there is none. */
  enterRun(): boolean {
    if (this.failure !== undefined) throw this.failure;
    const run = this.upcoming;
    const { damage } = this.file;
    if (run === undefined) {
      // What stood in the damaged place may have been the end of this stream.
      if (damage > this.lastOffset) throw this.fail(this.lost(damage));
      return false;
    }
    if (run.sequence !== this.nextRun) {
      throw this.fail(this.lost(damage >= 0 ? damage : run.offset));
    }
    this.nextRun++;
    this.run = run;
    this.lastOffset = run.offset;
    this.decoder.reset(NOTHING, run.start, run.end);
    return true;
  }

  /** Lets go of the chunk; there is nothing more to read. */
  close(): void {
    this.leaveRun();
    this.nextRun = this.runs.length;
    this.lastOffset = Infinity;
    this.peeked = undefined;
  }

  /** Called by the cache: the chunk is not in memory any more. */
  evicted(): void {
    this.decoder.attach(NOTHING);
    this.attached = false;
  }

  private attach(run: Run): void {
    const raw = this.cache.acquire(run.offset, this, () => this.file.loadFrames(run));
    if (run.end > raw.length) throw new MalformedError('a run goes past the end of its chunk');
    this.decoder.attach(raw);
    this.attached = true;
  }

  private leaveRun(): void {
    const { run } = this;
    if (run === undefined) return;
    this.run = undefined;
    this.evicted();
    // Only a chunk with a directory in front has other runs, whose readers will come.
    this.cache.release(run.offset, this, run.start > 0);
  }

  private lost(offset: number): LogCorruptError {
    return new LogCorruptError(this.file.path, offset, `stream ${this.stream} has lost frames`);
  }

  private fail(error: unknown): unknown {
    this.failure = this.file.explain(error, this.lastOffset);
    return this.failure;
  }
}
