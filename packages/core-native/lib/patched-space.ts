import { PAGE_SIZE } from './abi.js';
import { JUMP_BYTES } from './holes.js';

/** A system call site that jumps to the agent. */
export interface Patch {
  /** Address of the site's `syscall`, and what was there. */
  readonly site: number;
  readonly siteBytes: Uint8Array;
  /** Address of the padding that jumps on to the trampoline, and what was there. */
  readonly hole: number;
  readonly holeBytes: Uint8Array;
}

/** A page of trampolines. */
export interface TrampolinePage {
  readonly start: number;
  used: number;
}

/** What was patched in one address space. */
export class PatchedSpace {
  /** By the address after the site. */
  patches = new Map<number, Patch>();
  readonly pages: TrampolinePage[] = [];
  /** How often each site that is not patched has trapped; -1: it cannot be patched. */
  traps = new Map<number, number>();

  /** Takes over what another address space has, of which this one is a copy. */
  protected copyPatches(from: PatchedSpace): void {
    this.patches = new Map(from.patches);
    this.pages.push(...from.pages.map((page) => ({ ...page })));
    this.traps = new Map(from.traps);
  }

  /** True if trampolines are in the `length` bytes from `start` on. */
  covers(start: number, length: number): boolean {
    return this.pages.some((page) => page.start < start + length && page.start + PAGE_SIZE > start);
  }

  /** Pages that are not what the program alone would have: those with patches or trampolines. */
  changedPages(): Float64Array {
    const pages = new Set<number>(this.pages.map(({ start }) => start));
    for (const { site, hole } of this.patches.values())
      for (const addr of [site, hole, hole + JUMP_BYTES - 1]) pages.add(addr - (addr % PAGE_SIZE));
    return Float64Array.from(pages);
  }

  /** True for an address on the way from a patched site into the agent. */
  leadsInside(rip: number): boolean {
    if (this.covers(rip, 1)) return true;
    for (const { hole } of this.patches.values()) if (hole === rip) return true;
    return false;
  }

  /** What was mapped from `start` to `end` is gone, and the patches there with it. */
  unmap(start: number, end: number): void {
    for (const [ret, { site }] of this.patches) {
      if (site < end && site + 2 > start) this.patches.delete(ret);
    }
    for (const ret of this.traps.keys()) if (ret > start && ret <= end) this.traps.delete(ret);
  }
}
