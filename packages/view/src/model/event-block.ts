/**
 * A row of up to 64 events of one task, column by column. Blocks are the leaves of the index: small enough to read one
 * for a pixel, large enough that what is kept of each in memory does not add up.
 */

export const BLOCK_EVENTS = 64;

/** Bytes of a block: 8 + 4 × 5 + 2 for each event. */
export const BLOCK_BYTES = BLOCK_EVENTS * 30;

/** A direction in `bytes`: set for what the program sent. */
const OUT_BIT = 0x8000_0000;
/** More bytes than this in one call are not told apart. */
export const MAX_EVENT_BYTES = 0x7fff_ffff;

/** Views of one buffer of BLOCK_BYTES; their length is BLOCK_EVENTS, whatever number of events there is. */
export class EventBlock {
  /** End of the event, ns since the recording began. Ascending. */
  readonly time: Float64Array;
  /** Time spent in the call, ns; 0 for what takes none. */
  readonly duration: Float32Array;
  /** Time in which the task could have run and another held the baton, since its event before, ns. */
  readonly waited: Float32Array;
  /** Place in its stream of the first frame that belongs to the event. */
  readonly frame: Uint32Array;
  /** Number of the file that the call was about, 0 if none. */
  readonly file: Uint32Array;
  /** Bytes that went through: with the top bit set, out of the program. */
  readonly transfer: Uint32Array;
  /** See event-code.ts. */
  readonly code: Uint16Array;

  constructor(readonly buffer: ArrayBuffer = new ArrayBuffer(BLOCK_BYTES)) {
    const n = BLOCK_EVENTS;
    this.time = new Float64Array(buffer, 0, n);
    this.duration = new Float32Array(buffer, n * 8, n);
    this.waited = new Float32Array(buffer, n * 12, n);
    this.frame = new Uint32Array(buffer, n * 16, n);
    this.file = new Uint32Array(buffer, n * 20, n);
    this.transfer = new Uint32Array(buffer, n * 24, n);
    this.code = new Uint16Array(buffer, n * 28, n);
  }

  /** When the event began, ns. */
  start(i: number): number {
    return this.time[i]! - this.duration[i]!;
  }
}

export type Direction = 'in' | 'out';

export function packTransfer(bytes: number, direction: Direction): number {
  const size = Math.min(bytes, MAX_EVENT_BYTES);
  return direction === 'out' ? (size | OUT_BIT) >>> 0 : size;
}

export function transferBytes(transfer: number): number {
  return transfer & MAX_EVENT_BYTES;
}

export function isOutward(transfer: number): boolean {
  return transfer >= OUT_BIT;
}

/** Where full blocks are kept. */
export interface BlockStore {
  /** Keeps a copy of the block; returns its number. */
  append(block: EventBlock): number;
  /** The block, good until the next call. */
  read(number: number): EventBlock;
}

/** Keeps blocks in memory. */
export class MemoryBlockStore implements BlockStore {
  readonly blocks: EventBlock[] = [];

  append(block: EventBlock): number {
    this.blocks.push(new EventBlock(block.buffer.slice(0)));
    return this.blocks.length - 1;
  }

  read(number: number): EventBlock {
    return this.blocks[number]!;
  }
}
