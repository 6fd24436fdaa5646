/** zstd: compressing needs the native addon, decompressing works without it. */
import { createRequire } from 'node:module';
import { decompress as decompressPortably } from 'fzstd';
import { MalformedError } from './errors.js';

const require = createRequire(import.meta.url);

interface Native {
  compressBound(size: number): number;
  CCtx: new () => { compress(into: Uint8Array, from: Uint8Array, level: number): number };
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
