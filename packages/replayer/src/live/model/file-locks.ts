import type { ModelCall } from './model-call.js';

const F_UNLCK = 2;
const FLOCK = 32;
const SEEK_SET = 0;
const TO_THE_END = Infinity;

/** Bytes of a file that are locked, as fcntl(2) locks them. */
export interface LockedRange {
  /** F_RDLCK or F_WRLCK. */
  readonly type: number;
  /** First byte, and the one behind the last; Infinity: however long the file gets. */
  readonly start: number;
  readonly end: number;
}

/** The locks of one owner on one file. */
export class FileLocks {
  private held: LockedRange[] = [];
  /** Ranges were given that depend on an offset or on the file's size. */
  isUncertain = false;

  get ranges(): readonly LockedRange[] {
    return this.held;
  }

  /** A call has set or released a lock: `addr` is that of its struct flock. */
  set(call: ModelCall, addr: number): void {
    const view = call.view(addr, FLOCK);
    const type = view.getInt16(0, true);
    let start = Number(view.getBigInt64(8, true));
    let length = Number(view.getBigInt64(16, true));
    if (view.getInt16(2, true) !== SEEK_SET) {
      this.isUncertain = true;
      return;
    }
    // A negative length means the bytes before.
    if (length < 0) {
      start += length;
      length = -length;
    }
    const end = length === 0 ? TO_THE_END : start + length;
    this.held = this.held.flatMap((range) => [
      ...(range.start < start ? [{ ...range, end: Math.min(range.end, start) }] : []),
      ...(range.end > end ? [{ ...range, start: Math.max(range.start, end) }] : []),
    ]);
    if (type !== F_UNLCK) this.held.push({ type, start, end });
  }
}

/** A struct flock. */
export function flockOf({ type, start, end }: LockedRange): Uint8Array {
  const view = new DataView(new ArrayBuffer(FLOCK));
  view.setInt16(0, type, true);
  view.setBigInt64(8, BigInt(start), true);
  view.setBigInt64(16, end === TO_THE_END ? 0n : BigInt(end - start), true);
  return new Uint8Array(view.buffer);
}
