import { PAGE_SIZE } from './abi.js';
import type { CodeMapping } from './site-book.js';

/** What a site that jumps to the agent is. */
export type SiteKind = 'call' | 'cpuid' | 'rdtsc';

/** A site that jumps to the agent. */
export interface Patch {
  readonly kind: SiteKind;
  /** Address of the site's instruction, of two bytes. */
  readonly site: number;
  /** Address of the jump to the trampoline. */
  readonly jump: number;
  /** What the trampoline executes first: an instruction that ends at the site. Empty: the jump is in a hole behind it. */
  readonly moved: Uint8Array;
  /** What was where something else is now. */
  readonly pieces: readonly PatchedBytes[];
}

export interface PatchedBytes {
  readonly addr: number;
  readonly bytes: Uint8Array;
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
  /** Files whose sites are kept in mind for other processes. */
  code: readonly CodeMapping[] = [];
  /** Patches have been taken out: what is worth it comes back one by one. */
  isUndone = false;

  /** The mapping of a file that has this address. */
  codeAt(addr: number): CodeMapping | undefined {
    return this.code.find(({ start, end }) => start <= addr && addr < end);
  }

  /** Takes over what another address space has, of which this one is a copy. */
  protected copyPatches(from: PatchedSpace): void {
    this.patches = new Map(from.patches);
    this.pages.push(...from.pages.map((page) => ({ ...page })));
    this.traps = new Map(from.traps);
    this.code = from.code;
    this.isUndone = from.isUndone;
  }

  /** True if trampolines are in the `length` bytes from `start` on. */
  covers(start: number, length: number): boolean {
    return this.pages.some((page) => page.start < start + length && page.start + PAGE_SIZE > start);
  }

  /** True if patched code or trampolines are in pages from `start` to `end`. */
  touches(start: number, end: number): boolean {
    if (this.covers(start, end - start)) return true;
    for (const { pieces } of this.patches.values()) {
      for (const { addr, bytes } of pieces) {
        const last = addr + bytes.length - 1;
        if (addr - (addr % PAGE_SIZE) < end && last - (last % PAGE_SIZE) + PAGE_SIZE > start)
          return true;
      }
    }
    return false;
  }

  /** Pages that are not what the program alone would have: those with patches or trampolines. */
  changedPages(): Float64Array {
    const pages = new Set<number>(this.pages.map(({ start }) => start));
    this.addPatchedPages(pages);
    return Float64Array.from(pages);
  }

  /** Adds the pages in which sites are patched. */
  addPatchedPages(pages: Set<number>): void {
    for (const { pieces } of this.patches.values()) {
      for (const { addr, bytes } of pieces) {
        const last = addr + bytes.length - 1;
        pages.add(addr - (addr % PAGE_SIZE)).add(last - (last % PAGE_SIZE));
      }
    }
  }

  /** True for an address on the way from a patched site into the agent. */
  leadsInside(rip: number): boolean {
    if (this.covers(rip, 1)) return true;
    for (const { jump } of this.patches.values()) if (jump === rip) return true;
    return false;
  }

  /** What was mapped from `start` to `end` is gone, and the patches there with it. */
  unmap(start: number, end: number): void {
    for (const [ret, { site }] of this.patches) {
      if (site < end && site + 2 > start) this.patches.delete(ret);
    }
    for (const ret of this.traps.keys()) if (ret > start && ret <= end) this.traps.delete(ret);
    if (this.code.some((code) => code.start < end && start < code.end))
      this.code = this.code.filter((code) => code.end <= start || code.start >= end);
  }
}
