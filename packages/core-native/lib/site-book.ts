import type { PatchedBytes, SiteKind } from './patched-space.js';

/** Executable memory that is a private mapping of a file, as it was when it was mapped. */
export interface CodeMapping {
  readonly start: number;
  readonly end: number;
  /** Of `start` in the file, bytes. */
  readonly offset: number;
  /** Hash of the file. */
  readonly content: string;
}

/** A site that has been patched, by its offsets in the file: what is where it is in every process. */
export interface KnownSite {
  readonly kind: SiteKind;
  /** Where what is changed begins and ends, the site's instruction included. */
  readonly first: number;
  readonly end: number;
  /** After the site's instruction. */
  readonly ret: number;
  readonly jump: number;
  /** As in Patch. */
  readonly moved: Uint8Array;
  readonly pieces: readonly PatchedBytes[];
}

/** Sites that others have patched, by the hashes of contents: SiteIndex is one that outlasts the process. */
export interface SitesOfContents {
  /** Those that can be patched only when the file is mapped. */
  urgent(content: string): readonly KnownSite[];
  /** The call whose instruction ends there. */
  findCall(content: string, ret: number): KnownSite | undefined;
  add(content: string, site: KnownSite): void;
}

interface Sites {
  /** By `first`. */
  readonly known: KnownSite[];
  /** How often each of the others has trapped, in all processes; -1: it was tried to patch it, in vain. */
  readonly traps: Map<number, number>;
}

/** So many sites of a file are remembered. */
const MAX_SITES = 1024;

/**
 * What has been found out about the sites of each file: most processes of a recording are short, and pass each site of the
 * same libraries a few times.
 */
export class SiteBook {
  private readonly files = new Map<string, Sites>();

  constructor(private readonly index?: SitesOfContents) {}

  /**
   * Sites that are patched as soon as the file is mapped. Of calls those that have been patched in one process of this recording
   * or replay: a library may have a hundred that others have, of which a program uses some twenty.
   */
  known(content: string): readonly KnownSite[] {
    return this.of(content).known;
  }

  /** A site that has trapped: how others have patched it, if it is a call, which can be while somebody stands there. */
  foundByOthers(content: string, ret: number): KnownSite | undefined {
    return this.of(content).traps.has(ret) ? undefined : this.index?.findCall(content, ret);
  }

  /** A site has trapped. Returns how often it has by now; -1: it is not worth another try. */
  trapped(content: string, ret: number): number {
    const { traps } = this.of(content);
    const count = traps.get(ret) ?? 0;
    if (count < 0 || (count === 0 && traps.size >= MAX_SITES)) return -1;
    traps.set(ret, count + 1);
    return count + 1;
  }

  /** A site could not be patched. */
  fail(content: string, ret: number): void {
    this.of(content).traps.set(ret, -1);
  }

  /** A site has been patched as `site` tells. */
  add(content: string, site: KnownSite): void {
    if (this.adopt(content, site)) this.index?.add(content, site);
  }

  /** The same, of one that others have found. False if it was known, or there are too many. */
  adopt(content: string, site: KnownSite): boolean {
    const { known, traps } = this.of(content);
    traps.delete(site.ret);
    if (known.length >= MAX_SITES || known.some(({ ret }) => ret === site.ret)) return false;
    known.push(site);
    known.sort(byPlace);
    return true;
  }

  private of(content: string): Sites {
    let sites = this.files.get(content);
    if (sites === undefined) {
      const known = [...(this.index?.urgent(content) ?? [])].sort(byPlace);
      this.files.set(content, (sites = { known, traps: new Map() }));
    }
    return sites;
  }
}

function byPlace(a: KnownSite, b: KnownSite): number {
  return a.first - b.first;
}
