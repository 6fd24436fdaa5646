/** zstd: compressing needs the native addon, decompressing works without it. */
import { createRequire } from 'node:module';
import { decompress as decompressPortably } from 'fzstd';
import { now } from './clock.js';
import { MalformedError } from './errors.js';

const require = createRequire(import.meta.url);

interface CompressionContext {
  compress(into: Uint8Array, from: Uint8Array, level: number): number;
  setParameter(parameter: number, value: number): void;
  setPledgedSrcSize(size: number): void;
  reset(directive: number): void;
  /** Bytes that are still to come, at least; bytes written; bytes read. */
  compressStream2(into: Uint8Array, from: Uint8Array, end: number): [number, number, number];
}

interface Native {
  compressBound(size: number): number;
  CCtx: new () => CompressionContext;
  CParameter: { compressionLevel: number; nbWorkers: number; jobSize: number };
  ResetDirective: { sessionOnly: number };
  EndDirective: { continue: number; end: number };
  DCtx: new () => { decompress(into: Uint8Array, from: Uint8Array): number };
}

let native: Native | null | undefined;

/** The addon, or null where it can't be loaded: then logs are written without compression and read more slowly. */
function loadNative(): Native | null {
  if (native === undefined) {
    try {
      native = require('zstd-napi/binding.js') as Native;
    } catch {
      native = null;
    }
  }
  return native;
}

/** Fewer bytes than this never get smaller. */
const MIN_COMPRESSED = 16;
/** Up to this size a higher level costs less than a millisecond or two, and gains 5 %. */
const SHORT_BYTES = 64 * 1024;
const SHORT_LEVEL = 6;

export class Compressor {
  private readonly native: Native | null;
  private readonly context;
  private readonly level: number;

  /** `level` 0 compresses nothing. */
  constructor(level: number) {
    this.native = level === 0 ? null : loadNative();
    this.context = this.native === null ? null : new this.native.CCtx();
    this.level = level;
  }

  /** Room that `compress` needs for `size` bytes. */
  bound(size: number): number {
    return this.native === null ? 0 : this.native.compressBound(size);
  }

  /** Number of bytes put at `offset` of `into`; 0 if storing `from` as it is takes no more room. */
  compress(from: Uint8Array, into: Uint8Array, offset: number): number {
    if (this.context === null || from.length < MIN_COMPRESSED) return 0;
    const level = from.length <= SHORT_BYTES ? Math.max(this.level, SHORT_LEVEL) : this.level;
    const size = this.context.compress(into.subarray(offset), from, level);
    return size < from.length ? size : 0;
  }
}

const NOTHING = new Uint8Array(0);
/** With shorter input zstd starts no thread. */
const LEAST_JOB_BYTES = 512 * 1024;
/** Compresses two to three times as fast as the usual level; what comes of it is 5 to 40 % longer. */
const HASTY_LEVEL = 1;
/** How many pieces are compressed at that level, when one had somebody wait. */
const HASTY_PIECES = 16;
/** Whoever waited longer than this for a piece gives more than the thread can take, ms. */
const MAX_WAIT_MS = 1;

/**
 * Compresses in a thread of zstd's, one piece at a time. That thread may run where the one that made this was allowed to run
 * at that moment.
 */
export class BackgroundCompressor {
  /** Bytes of a piece. */
  static readonly MIN_BYTES = LEAST_JOB_BYTES;
  readonly maxBytes: number;

  private readonly native: Native;
  private readonly context: CompressionContext;
  private readonly level: number;
  /** How many more pieces are to be compressed in haste. */
  private hasty = 0;

  private constructor(native: Native, maxBytes: number, level: number) {
    this.native = native;
    this.maxBytes = maxBytes;
    this.level = level;
    const { CParameter, EndDirective } = native;
    this.context = new native.CCtx();
    this.context.setParameter(CParameter.nbWorkers, 1);
    // All of a piece is one job: none of it has to be fed later.
    this.context.setParameter(CParameter.jobSize, maxBytes);
    // The thread is made by the first input whose length zstd does not know.
    const unused = new Uint8Array(64);
    this.context.compressStream2(unused, new Uint8Array(1), EndDirective.continue);
    this.context.compressStream2(unused, NOTHING, EndDirective.end);
  }

  /** `maxBytes` is for chunks of the usual size. Undefined where the addon can't be loaded, or has no threads. */
  static start(level = 3, maxBytes = 8 * 1024 * 1024): BackgroundCompressor | undefined {
    const native = loadNative();
    try {
      return native === null ? undefined : new BackgroundCompressor(native, maxBytes, level);
    } catch {
      return undefined;
    }
  }

  /** Begins with a piece of MIN_BYTES to `maxBytes` bytes, which may be changed afterwards. */
  begin(from: Uint8Array): void {
    const { context } = this;
    const { CParameter, EndDirective, ResetDirective } = this.native;
    context.reset(ResetDirective.sessionOnly);
    const level = this.hasty > 0 ? Math.min(this.level, HASTY_LEVEL) : this.level;
    if (this.hasty > 0) this.hasty--;
    context.setParameter(CParameter.compressionLevel, level);
    context.setPledgedSrcSize(from.length);
    const [, , taken] = context.compressStream2(NOTHING, from, EndDirective.end);
    if (taken !== from.length) throw new Error(`zstd took ${taken} of ${from.length} bytes`);
  }

  /** Waits for the piece. Returns the number of bytes put at `offset` of `into`, which has room for the bound of Compressor. */
  end(into: Uint8Array, offset: number): number {
    const since = now();
    let at = offset;
    for (let left = 1; left > 0;) {
      const [rest, written] = this.context.compressStream2(
        into.subarray(at),
        NOTHING,
        this.native.EndDirective.end,
      );
      at += written;
      left = rest;
    }
    if (now() - since > MAX_WAIT_MS) this.hasty = HASTY_PIECES;
    return at - offset;
  }
}

export type DecompressorName = 'native' | 'portable';

export class Decompressor {
  readonly name: DecompressorName;
  private readonly context;

  private constructor(addon: Native | null) {
    this.context = addon === null ? null : new addon.DCtx();
    this.name = addon === null ? 'portable' : 'native';
  }

  private static readonly made = new Map<DecompressorName, Decompressor>();

  /** One for all logs of this thread: its context is large. `portable` does without the addon even where there is one. */
  static get(prefer: DecompressorName = 'native'): Decompressor {
    let found = Decompressor.made.get(prefer);
    if (found === undefined) {
      found = new Decompressor(prefer === 'native' ? loadNative() : null);
      Decompressor.made.set(prefer, found);
    }
    return found;
  }

  /** Exactly `size` bytes from `from`, or MalformedError. Never takes more memory than that. */
  decompress(from: Uint8Array, size: number): Uint8Array {
    // Neither decompressor sees a frame that claims another size: the portable one would not notice.
    if (contentSize(from) !== size) throw new MalformedError('compressed data has another size');
    const into = new Uint8Array(size);
    try {
      if (this.context === null) decompressPortably(from, into);
      else if (this.context.decompress(into, from) !== size) throw new Error('it is too short');
    } catch (error) {
      throw new MalformedError(`compressed data is wrong: ${(error as Error).message}`);
    }
    return into;
  }
}

/** The content size that the header of a zstd frame tells (RFC 8878, 3.1.1.1); -1 if it tells none. */
function contentSize(data: Uint8Array): number {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  if (data.length < 6 || view.getUint32(0, true) !== 0xfd2fb528) return -1;
  const descriptor = view.getUint8(4);
  // Reserved bit and dictionary id: clear in all that this package writes.
  if ((descriptor & 0x0b) !== 0) return -1;
  const singleSegment = (descriptor & 0x20) !== 0;
  const at = singleSegment ? 5 : 6;
  const form = descriptor >> 6;
  if (data.length < at + (1 << form)) return -1;
  switch (form) {
    case 0:
      return singleSegment ? view.getUint8(at) : -1;
    case 1:
      return view.getUint16(at, true) + 256;
    case 2:
      return view.getUint32(at, true);
    default:
      return Number(view.getBigUint64(at, true));
  }
}
