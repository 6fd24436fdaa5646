/** Ends that wait for their others, of each kind: those outside the recording leave theirs for ever. */
export const MAX_WAITING = 16384;

/** An end of a connection whose other end has not been seen yet. */
export interface Half {
  readonly id: number;
  /** What tells which ends belong together. */
  readonly key: string;
  /** Of the socket; 0 if it is not known. */
  readonly inode: number;
  /** ns since the recording began: of the one that connects when it began to, of the one that accepts when it had. */
  readonly time: number;
  /** How much later it may have been, ns. */
  readonly slack: number;
}

/** Ends by what tells that they belong together, the oldest first. */
export class Halves {
  private readonly byKey = new Map<string, Half[]>();
  private size = 0;

  add(half: Half): void {
    const found = this.byKey.get(half.key);
    if (found === undefined) this.byKey.set(half.key, [half]);
    else found.push(half);
    if (++this.size > MAX_WAITING) for (const [oldest] of this.byKey) return void this.drop(oldest);
  }

  of(key: string): readonly Half[] {
    return this.byKey.get(key) ?? NONE;
  }

  remove(half: Half): void {
    const found = this.byKey.get(half.key);
    const index = found?.indexOf(half) ?? -1;
    if (found === undefined || index < 0) return;
    this.size--;
    found.splice(index, 1);
    if (found.length === 0) this.byKey.delete(half.key);
  }

  private drop(key: string): void {
    this.size -= this.of(key).length;
    this.byKey.delete(key);
  }
}

const NONE: readonly Half[] = [];
