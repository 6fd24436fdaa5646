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
  get(content: string): readonly KnownSite[];
  /** Those that can be patched only when the file is mapped. */
  getUrgent(content: string): readonly KnownSite[];
  tells(content: string, ret: number): boolean;
  add(content: string, site: KnownSite): void;
}

interface Sites {
  /** By `first`. */
  known: KnownSite[];
  /** How often the file has been mapped, and calls of it have trapped that others have patched. */
  maps: number;
  hits: number;
  /** How often each of the others has trapped, in all processes; -1: it was tried to patch it, in vain. */
  readonly traps: Map<number, number>;
}

/** So many sites of a file are remembered. */
const MAX_SITES = 1024;
/**
 * Calls that others have patched are left alone until a file has been mapped so often, or so many of them have trapped. A library
 * may have a hundred. To change them all takes 20 ms in code that V8 has not compiled yet, which is a lot for a program that
 * makes few calls, and 0.1 ms later on.
 */
const MAPS_BEFORE_ALL = 3;
const TRAPS_BEFORE_ALL = 4;
const NOTHING: readonly KnownSite[] = [];

/**
 * What has been found out about the sites of each file: most processes of a recording are short, and pass each site of the
 * same libraries a few times.
 */
export class SiteBook {
  private readonly files = new Map<string, Sites>();

  constructor(private readonly index?: SitesOfContents) {}

  /** The file is being mapped: sites that can, and should, be patched now. */
  mapped(content: string): readonly KnownSite[] {
    const sites = this.of(content);
    if (sites.maps++ === MAPS_BEFORE_ALL) this.merge(sites, this.index?.get(content));
    return sites.known;
  }

  /** A site has trapped: sites that should be patched now, if it is one of these. */
  due(content: string, ret: number): readonly KnownSite[] {
    const sites = this.of(content);
    if (sites.hits > TRAPS_BEFORE_ALL || !this.index?.tells(content, ret)) return NOTHING;
    if (++sites.hits <= TRAPS_BEFORE_ALL) return NOTHING;
    this.merge(sites, this.index.get(content));
    return sites.known;
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

  add(content: string, site: KnownSite): void {
    const { known, traps } = this.of(content);
    traps.delete(site.ret);
    if (known.length >= MAX_SITES || known.some(({ ret }) => ret === site.ret)) return;
    known.push(site);
    known.sort(byPlace);
    if (!this.index?.tells(content, site.ret)) this.index?.add(content, site);
  }

  private merge(sites: Sites, more: readonly KnownSite[] = []): void {
    const own = new Set(sites.known.map(({ ret }) => ret));
    sites.known = [...sites.known, ...more.filter(({ ret }) => !own.has(ret))].sort(byPlace);
  }

  private of(content: string): Sites {
    let sites = this.files.get(content);
    if (sites === undefined) {
      this.files.set(content, (sites = { known: [], maps: 0, hits: 0, traps: new Map() }));
      this.merge(sites, this.index?.getUrgent(content));
    }
    return sites;
  }
}

function byPlace(a: KnownSite, b: KnownSite): number {
  return a.first - b.first;
}
