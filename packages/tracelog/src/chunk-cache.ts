/** Decompressed chunks that several cursors share, within a bound. */

/** What the cache tells a holder whose chunk it lets go: the holder must ask again before it reads on. */
export interface ChunkHolder {
  evicted(): void;
}

interface Entry {
  readonly offset: number;
  readonly raw: Uint8Array;
  readonly holders: Set<ChunkHolder>;
}

export class ChunkCache {
  private readonly entries = new Map<number, Entry>();
  private bytes = 0;

  constructor(private readonly limit: number) {}

  /** The decompressed payload of the chunk at `offset`, by `load` if it is not there. */
  acquire(offset: number, holder: ChunkHolder, load: () => Uint8Array): Uint8Array {
    let entry = this.entries.get(offset);
    if (entry === undefined) {
      const raw = load();
      entry = { offset, raw, holders: new Set() };
      this.bytes += raw.length;
    } else {
      // Last in the map: the most recently used.
      this.entries.delete(offset);
    }
    this.entries.set(offset, entry);
    entry.holders.add(holder);
    for (const oldest of this.entries.values()) {
      if (this.bytes <= this.limit || oldest === entry) break;
      this.drop(oldest);
    }
    return entry.raw;
  }

  /** The holder has no more need of the chunk; `keep` it if others may have. */
  release(offset: number, holder: ChunkHolder, keep: boolean): void {
    const entry = this.entries.get(offset);
    if (entry === undefined) return;
    entry.holders.delete(holder);
    if (!keep && entry.holders.size === 0) this.drop(entry);
  }

  clear(): void {
    for (const entry of this.entries.values()) this.drop(entry);
  }

  private drop(entry: Entry): void {
    this.entries.delete(entry.offset);
    this.bytes -= entry.raw.length;
    for (const holder of entry.holders) holder.evicted();
  }
}
