import { CALL_SCRATCH, CALL_SCRATCH_END } from '@scribe-ts/core-native';
import type { OutPiece, Word } from '@scribe-ts/tracelog';

/** Bytes of the smallest slot: 2,048 of them fit. */
const SMALLEST = 0x8000;

/** Memory of a task's in which the kernel stores for its calls that wait. */
export interface ScratchSlot {
  readonly start: number;
  /** Bytes: a power of two. */
  readonly size: number;
}

/** Which slots of one address space's scratch memory are mapped and free. */
export class ScratchSlots {
  private next = CALL_SCRATCH;
  private readonly free: ScratchSlot[] = [];
  private readonly mapped: ScratchSlot[] = [];
  private closed = false;

  /** A slot of at least `size` bytes; `fresh`: it has to be mapped. Undefined if there is no room. */
  take(size: number): { readonly slot: ScratchSlot; readonly fresh: boolean } | undefined {
    let bytes = SMALLEST;
    while (bytes < size) bytes *= 2;
    const index = this.free.findIndex((slot) => slot.size === bytes);
    if (index >= 0) return { slot: this.free.splice(index, 1)[0]!, fresh: false };
    if (this.closed || this.next + bytes > CALL_SCRATCH_END) return undefined;
    const slot = { start: this.next, size: bytes };
    this.next += bytes;
    this.mapped.push(slot);
    return { slot, fresh: true };
  }

  /** No more can be mapped. */
  close(): void {
    this.closed = true;
  }

  /** Nobody uses the slot any more. */
  give(slot: ScratchSlot): void {
    this.free.push(slot);
  }

  /** The slots of a copy of the address space, in which no call is under way. */
  clone(): ScratchSlots {
    const copy = new ScratchSlots();
    copy.next = this.next;
    copy.mapped.push(...this.mapped);
    copy.free.push(...this.mapped);
    return copy;
  }
}

/** A buffer that the kernel fills elsewhere. */
export interface MovedPiece extends OutPiece {
  /** Where the kernel finds it now. */
  readonly at: number;
  /** What lies there when the call begins; undefined if the kernel does not look. */
  readonly given: Uint8Array | undefined;
}

/** The buffers of one call, elsewhere for as long as it is under way. */
export interface MovedBuffers {
  readonly nr: number;
  /** The arguments as the kernel has them. */
  readonly args: readonly Word[];
  readonly pieces: readonly MovedPiece[];
}
