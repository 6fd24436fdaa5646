/**
 * Frames to bytes and back. A frame is
 *
 *   byte   code, plus 128 if the task follows
 *   uint   length of all that follows
 *   uint   task (if it differs from that of the frame before)
 *   int    time minus that of the frame before, ns
 *   …      the fields, as the frame table says
 *
 * A run of frames starts from task 0 and time 0, so it can be read without what was before it. Bytes after the last
 * known field are ignored: a later minor version may add fields at the end.
 */
import { ByteSink, ByteSource, MAX_VARINT, varintLength } from './bytes.js';
import { MalformedError, UnknownTypeError } from './errors.js';
import { FIRST_OPTIONAL_CODE, FRAME_TABLE, FRAME_TYPES, MAX_CODE } from './frame-table.js';
import { hash as hashKind, span, type Kind } from './kinds.js';
import type {
  DataFrame,
  Frame,
  FrameType,
  MemoryWrite,
  ResourceFrame,
  SyscallFrame,
  TaskUid,
  Word,
} from './schema/frames.js';

const TASK_FOLLOWS = 0x80;
/** No frame has more bytes than this. */
export const MAX_FRAME_BYTES = 128 * 1024 * 1024;
const SYSCALL = FRAME_TABLE.syscall.code;
const RESOURCE = FRAME_TABLE.resource.code;
const DATA = FRAME_TABLE.data.code;
const resourceKind = FRAME_TABLE.resource.fields.kind.kind;
const descKind = FRAME_TABLE.resource.fields.desc.kind;

/** The fields of a `resource` frame that stay the same from one use of the object to the next, encoded once. */
export interface EncodedResource {
  readonly kind: Uint8Array;
  readonly desc: Uint8Array;
}

/** Encodes what the `resource` frames of one object have in common, for the writer that writes many of them. */
export function encodeResource(kind: ResourceFrame['kind'], desc: string): EncodedResource {
  const sink = new ByteSink();
  resourceKind.encode(sink, kind);
  const kindEnd = sink.pos;
  descKind.encode(sink, desc);
  return { kind: sink.buf.slice(0, kindEnd), desc: sink.buf.slice(kindEnd, sink.pos) };
}

/** What `mapping` frames say of a file, before the offset and after it. */
export interface EncodedFile {
  readonly before: Uint8Array;
  readonly after: Uint8Array;
}

/** Encodes what the `mapping` frames of one file have in common, for whoever builds such frames. */
export function encodeFile(hash: string, path: string): EncodedFile {
  const sink = new ByteSink();
  hashKind.encode(sink, hash);
  const hashEnd = sink.pos;
  sink.string(path);
  return { before: sink.buf.slice(0, hashEnd), after: sink.buf.slice(hashEnd, sink.pos) };
}

interface Codec {
  readonly type: FrameType;
  readonly code: number;
  readonly names: readonly string[];
  readonly kinds: readonly Kind<unknown>[];
}

/** Codecs by frame type and by code, made once from the table. */
const codecs = {} as Record<FrameType, Codec>;
const codecByCode: (Codec | undefined)[] = new Array<Codec | undefined>(MAX_CODE + 1).fill(
  undefined,
);
for (const type of FRAME_TYPES) {
  const { code, fields } = FRAME_TABLE[type];
  const names = Object.keys(fields);
  const kinds = Object.values(fields).map((field) => (field as { kind: Kind<unknown> }).kind);
  codecs[type] = codecByCode[code] = { type, code, names, kinds };
}

/** The code of a frame type. */
export function codeOf(type: FrameType): number {
  return FRAME_TABLE[type].code;
}

/** Writes a run of frames into its `sink`. A frame that can't be encoded throws RangeError or TypeError and leaves no trace. */
export class FrameEncoder {
  readonly sink: ByteSink;
  /** Frames in the run. */
  frames = 0;
  /** Earliest and latest time of the run's frames; meaningless while there are none. */
  earliest = 0;
  latest = 0;

  private task: TaskUid = 0;
  private time = 0;
  /** Where the frame being written starts, and where its length belongs; -1 if none is. */
  private start = -1;
  private body = 0;
  private previousTask: TaskUid = 0;
  private previousTime = 0;
  /** Where the number of writes of the frame being written stands, and that number. */
  private countAt = 0;
  private writeCount = 0;
  /** Where the write being filled starts and where its bytes do. */
  private writeStart = 0;
  private writeBytes = 0;
  private writeRoom = -1;

  constructor(capacity = 0) {
    this.sink = new ByteSink(capacity);
  }

  /** Starts a new run in the same memory. */
  reset(): void {
    this.sink.pos = 0;
    this.frames = 0;
    this.task = 0;
    this.time = 0;
    this.start = -1;
    this.writeRoom = -1;
  }

  append(frame: Frame): void {
    try {
      switch (frame.type) {
        case 'syscall':
          this.syscall(frame);
          break;
        case 'resource':
          this.resource(frame);
          break;
        case 'data':
          this.data(frame);
          break;
        default:
          this.generic(frame);
      }
    } catch (error) {
      this.cancel();
      throw error;
    }
  }

  /** As append, but always by the table. The fast paths must give the same bytes. */
  appendGeneric(frame: Frame): void {
    try {
      this.generic(frame);
    } catch (error) {
      this.cancel();
      throw error;
    }
  }

  private generic(frame: Frame): void {
    const codec = codecs[frame.type];
    if (codec === undefined) throw new TypeError(`unknown frame type ${frame.type}`);
    this.begin(codec.code, frame.task, frame.time);
    const { names, kinds } = codec;
    for (let i = 0; i < kinds.length; i++) {
      const value = (frame as unknown as Record<string, unknown>)[names[i] as string];
      (kinds[i] as Kind<unknown>).encode(this.sink, value);
    }
    this.end();
  }

  private syscall(frame: SyscallFrame): void {
    const { sink } = this;
    const { args, writes } = frame;
    this.begin(SYSCALL, frame.task, frame.time);
    sink.int(frame.nr);
    const argCount = args.length;
    sink.uint(argCount);
    for (let i = 0; i < argCount; i++) sink.word(args[i] as Word);
    sink.word(frame.result);
    sink.uint(writes.length);
    for (let i = 0; i < writes.length; i++) {
      const write = writes[i] as MemoryWrite;
      sink.uint(write.addr);
      sink.bytes(write.bytes);
    }
    span.encode(sink, frame.duration);
    this.end();
  }

  private resource(frame: ResourceFrame): void {
    const { sink } = this;
    this.begin(RESOURCE, frame.task, frame.time);
    resourceKind.encode(sink, frame.kind);
    sink.uint(frame.id);
    sink.uint(frame.serial);
    sink.string(frame.desc);
    this.end();
  }

  private data(frame: DataFrame): void {
    const { sink } = this;
    this.begin(DATA, frame.task, frame.time);
    sink.int(frame.arg);
    sink.uint(frame.size);
    sink.bytes(frame.bytes);
    this.end();
  }

  /** As append of a `resource` frame. */
  appendResource(
    task: TaskUid,
    time: number,
    { kind, desc }: EncodedResource,
    id: number,
    serial: number,
  ): void {
    try {
      const { sink } = this;
      this.begin(RESOURCE, task, time);
      sink.ensure(kind.length + desc.length + 2 * MAX_VARINT);
      sink.raw(kind, kind.length);
      sink.uint(id);
      sink.uint(serial);
      sink.ensure(desc.length);
      sink.raw(desc, desc.length);
      this.end();
    } catch (error) {
      this.cancel();
      throw error;
    }
  }

  /**
   * Starts a `data` frame with room for at most `room` bytes, to be filled before endData. Returns their offset in
   * `sink.buf`.
   */
  beginData(task: TaskUid, time: number, arg: number, size: number, room: number): number {
    try {
      const { sink } = this;
      this.begin(DATA, task, time);
      sink.int(arg);
      sink.uint(size);
      if (sink.pos - this.start + room > MAX_FRAME_BYTES) throw tooLarge();
      sink.ensure(MAX_VARINT + room);
      this.writeRoom = room;
      this.writeBytes = sink.pos + varintLength(room);
      return this.writeBytes;
    } catch (error) {
      this.cancel();
      throw error;
    }
  }

  /** Ends the `data` frame with the first `length` bytes of its room. */
  endData(length: number): void {
    this.fill(length);
    this.end();
  }

  /** Starts a `syscall` frame whose writes come by reserveWrite and commitWrite, and which endFrame ends. */
  beginSyscall(
    task: TaskUid,
    time: number,
    nr: number,
    args: ArrayLike<Word>,
    argCount: number,
    result: Word,
  ): void {
    try {
      const { sink } = this;
      this.begin(SYSCALL, task, time);
      sink.int(nr);
      sink.uint(argCount);
      for (let i = 0; i < argCount; i++) sink.word(args[i] as Word);
      sink.word(result);
      this.writeCount = 0;
      this.countAt = sink.pos;
      sink.byte(0);
    } catch (error) {
      this.cancel();
      throw error;
    }
  }

  /**
   * Room for at most `length` bytes that the frame being written stores at `addr`, to be filled before commitWrite. Returns
   * their offset in `sink.buf`.
   */
  reserveWrite(addr: number, length: number): number {
    if (this.start < 0) throw new Error('no frame is being written');
    const { sink } = this;
    if (sink.pos - this.start + length > MAX_FRAME_BYTES) throw tooLarge();
    this.writeStart = sink.pos;
    sink.uint(addr);
    sink.ensure(MAX_VARINT + length);
    this.writeRoom = length;
    this.writeBytes = sink.pos + varintLength(length);
    return this.writeBytes;
  }

  /** Keeps the first `length` bytes of the room that reserveWrite gave; with 0 there is no such write at all. */
  commitWrite(length: number): void {
    if (length === 0 && this.writeRoom >= 0) {
      this.writeRoom = -1;
      this.sink.pos = this.writeStart;
      return;
    }
    this.fill(length);
    this.writeCount++;
  }

  /** Says how many bytes there are in the room that was kept for some. */
  private fill(length: number): void {
    if (!(length >= 0 && length <= this.writeRoom)) {
      throw new RangeError(`${length} bytes do not fit into a room of ${this.writeRoom}`);
    }
    this.writeRoom = -1;
    const { sink } = this;
    sink.uint(length);
    if (sink.pos !== this.writeBytes) {
      sink.buf.copyWithin(sink.pos, this.writeBytes, this.writeBytes + length);
    }
    sink.pos += length;
  }

  /** Ends the frame that beginSyscall began. `duration` as in the frame. */
  endFrame(duration?: number): void {
    if (this.start < 0) throw new Error('no frame is being written');
    try {
      patchVarint(this.sink, this.countAt, this.writeCount);
      span.encode(this.sink, duration);
      this.end();
    } catch (error) {
      this.cancel();
      throw error;
    }
  }

  /**
   * Appends frames of one task that somebody else has encoded: `bytes` as a run that goes on after one frame of that task
   * at time `base`; the last of them is at time `last`. Those that would be earlier than the frames before them, by a clock that
   * is behind, are at the time of these.
   */
  appendRun(bytes: Uint8Array, frames: number, task: TaskUid, base: number, last: number): void {
    if (this.start >= 0) throw new Error('a frame is being written');
    const { sink, runSource } = this;
    runSource.reset(bytes, 0, bytes.length);
    let told = base;
    let added = 0;
    // The heads of the first one and of the early ones depend on what is before them.
    for (let isEarly = true; isEarly && added < frames; added++) {
      const tag = runSource.byte();
      const length = runSource.uint();
      const end = runSource.pos + length;
      told += runSource.int();
      isEarly = told < this.time;
      const { pos } = runSource;
      this.begin(tag, task, isEarly ? this.time : told);
      sink.ensure(end - pos);
      sink.raw(bytes.subarray(pos, end), end - pos);
      this.end();
      runSource.pos = end;
    }
    const rest = bytes.subarray(runSource.pos);
    sink.ensure(rest.length);
    sink.raw(rest, rest.length);
    this.frames += frames - added;
    this.time = Math.max(last, this.time);
    if (this.time > this.latest) this.latest = this.time;
  }
  private readonly runSource = new ByteSource();

  /** Whether encoded frames of a task, the first of them after one at `time`, could be appended as they are. */
  goesOn(task: TaskUid, time: number): boolean {
    return this.start < 0 && this.frames > 0 && this.task === task && this.time === time;
  }

  /** Encoded frames that go on so have been put into the sink's memory behind what was written; the last of them is at `last`. */
  taken(bytes: number, frames: number, last: number): void {
    this.sink.pos += bytes;
    this.frames += frames;
    this.time = last;
    if (last > this.latest) this.latest = last;
  }

  /** Takes back the frame being written, if there is one. */
  cancel(): void {
    if (this.start < 0) return;
    this.sink.pos = this.start;
    this.task = this.previousTask;
    this.time = this.previousTime;
    this.start = -1;
    this.writeRoom = -1;
  }

  private begin(code: number, task: TaskUid, time: number): void {
    const { sink } = this;
    this.previousTask = this.task;
    this.previousTime = this.time;
    this.start = sink.pos;
    sink.ensure(2 + 2 * MAX_VARINT);
    const start = sink.pos;
    sink.buf[start] = code;
    // One byte of room for the length; end() makes more if it must.
    sink.pos = this.body = start + 2;
    if (task !== this.task) {
      sink.buf[start] = code + TASK_FOLLOWS;
      sink.uint(task);
      this.task = task;
    }
    if (!(time >= 0)) throw new RangeError(`not a time: ${time}`);
    sink.int(time - this.time);
    this.time = time;
  }

  private end(): void {
    if (this.sink.pos - this.start > MAX_FRAME_BYTES) throw tooLarge();
    patchVarint(this.sink, this.body - 1, this.sink.pos - this.body);
    this.start = -1;
    const { time } = this;
    if (this.frames++ === 0) {
      this.earliest = this.latest = time;
    } else if (time > this.latest) {
      this.latest = time;
    } else if (time < this.earliest) {
      this.earliest = time;
    }
  }
}

function tooLarge(): RangeError {
  return new RangeError(`a frame has more than ${MAX_FRAME_BYTES} bytes`);
}

/** Puts a varint where one byte was kept for it. */
function patchVarint(sink: ByteSink, at: number, value: number): void {
  if (value < 0x80) {
    sink.buf[at] = value;
    return;
  }
  sink.insert(at + 1, varintLength(value) - 1);
  const { pos } = sink;
  sink.pos = at;
  sink.uint(value);
  sink.pos = pos;
}

const NO_WORDS: readonly Word[] = Object.freeze([]) as readonly Word[];
const NO_WRITES: readonly MemoryWrite[] = Object.freeze([]) as readonly MemoryWrite[];

/**
 * Reads a run of frames. `head()` steps to the next frame and reads what all frames have; then `frame()` gives the whole
 * of it, or `skip()` passes over it. Byte arrays of frames are views of the run's memory.
 */
export class FrameDecoder {
  /** Of the frame that head() stepped to. */
  code = 0;
  task: TaskUid = 0;
  time = 0;

  /** Where it begins in the decompressed chunk, bytes. */
  start = 0;

  /** Frames of the run so far, those of unknown types among them. */
  frames = 0;

  /** Task and time of the frame before. */
  taskBefore: TaskUid = 0;
  timeBefore = 0;

  private readonly source = new ByteSource();
  private limit = 0;

  /** Starts on the run in `buf` from `pos` to `end`. */
  reset(buf: Uint8Array, pos: number, end: number): void {
    this.source.reset(buf, pos, end);
    this.limit = end;
    this.task = 0;
    this.time = 0;
    this.frames = 0;
  }

  /** Goes on behind a frame that ends at `pos`, was of `task` at `time`, and was the `frames`-th of the run. */
  jump(pos: number, task: TaskUid, time: number, frames: number): void {
    this.source.pos = this.source.end = pos;
    this.task = task;
    this.time = time;
    this.frames = frames;
  }

  /** What the run has from the frame on that head() stepped to: a view. */
  rest(): Uint8Array {
    return this.source.buf.subarray(this.start, this.limit);
  }

  /** Goes on at the same place of the same run in other memory. */
  attach(buf: Uint8Array): void {
    this.source.buf = buf;
  }

  /** Steps to the next frame that this version knows. False at the end of the run. */
  head(): boolean {
    const { source, limit } = this;
    for (;;) {
      source.end = limit;
      if (source.pos === limit) return false;
      this.start = source.pos;
      this.taskBefore = this.task;
      this.timeBefore = this.time;
      const tag = source.byte();
      const length = source.uint();
      const end = source.pos + length;
      if (end > limit) throw new MalformedError('a frame goes past the end of its run');
      source.end = end;
      if (tag >= TASK_FOLLOWS) this.task = source.uint();
      const time = this.time + source.int();
      if (time < 0) throw new MalformedError('a time is negative');
      this.time = time;
      this.code = tag & 0x7f;
      this.frames++;
      if (codecByCode[this.code] !== undefined) return true;
      if (this.code < FIRST_OPTIONAL_CODE) {
        throw new UnknownTypeError(`frames of type ${this.code} are unknown`);
      }
      source.pos = end;
    }
  }

  /** Type of the frame that head() stepped to. */
  get type(): FrameType {
    return (codecByCode[this.code] as Codec).type;
  }

  /** For a filter: the number of the `syscall` or `block` frame that head() stepped to, without reading more of it. */
  peekNr(): number {
    const { source } = this;
    const { pos } = source;
    const nr = source.int();
    source.pos = pos;
    return nr;
  }

  /** The frame that head() stepped to, which frame() or skip() is still to come for. */
  peek(): Frame {
    const { source } = this;
    const { pos } = source;
    const frame = this.frame();
    source.pos = pos;
    return frame;
  }

  skip(): void {
    this.source.pos = this.source.end;
  }

  frame(): Frame {
    return this.code === SYSCALL ? this.syscall() : this.generic();
  }

  /** As frame, but always by the table. */
  generic(): Frame {
    const { source } = this;
    const { type, names, kinds } = codecByCode[this.code] as Codec;
    const frame: Record<string, unknown> = { type, task: this.task, time: this.time };
    for (let i = 0; i < kinds.length; i++) {
      const value = (kinds[i] as Kind<unknown>).decode(source);
      if (value !== undefined) frame[names[i] as string] = value;
    }
    source.pos = source.end;
    return frame as unknown as Frame;
  }

  private syscall(): SyscallFrame {
    const { source } = this;
    const nr = source.int();
    let args = NO_WORDS;
    const argCount = source.count();
    if (argCount !== 0) {
      const list: Word[] = [];
      for (let i = 0; i < argCount; i++) list.push(source.word());
      args = list;
    }
    const result = source.word();
    let writes = NO_WRITES;
    const writeCount = source.count();
    if (writeCount !== 0) {
      const list: MemoryWrite[] = [];
      for (let i = 0; i < writeCount; i++) {
        list.push({ addr: source.uint(), bytes: source.bytes() });
      }
      writes = list;
    }
    const { task, time } = this;
    const duration = span.decode(source);
    source.pos = source.end;
    if (duration === undefined) return { type: 'syscall', task, time, nr, args, result, writes };
    return { type: 'syscall', task, time, nr, args, result, writes, duration };
  }
}
