import { PAGE_SIZE } from './abi.js';
import { JUMP_BYTES, SITE_BYTES } from './holes.js';
import { LineFile } from './line-file.js';
import { MAX_MOVED } from './loads.js';
import type { KnownSite } from './site-book.js';

const LINE =
  /^[0-9a-f]{32} (call|cpuid|rdtsc) from ([0-9]+) to ([0-9]+) ret ([0-9]+) jump ([0-9]+) moved ((?:[0-9a-f]{2})*) was ([0-9a-f:,]*)$/;
const HASH_DIGITS = 32;
/** How lines of sites go on that can be patched when they trap as well. */
const CALL = ' call ';

/**
 * Sites of the contents of a store that could be patched in one recording or replay: they are known to all that come later. Kept in
 * a file of the store; another way to patch them needs another name.
 */
export class SiteIndex {
  private readonly file: LineFile;
  /** Lines by their contents. */
  private readonly found = new Map<string, readonly string[]>();

  /** `directory`: that of the store. */
  constructor(directory: string) {
    this.file = new LineFile(directory, 'patched-sites');
  }

  /** Those of the content with this hash that are to be patched before somebody may stand there. */
  urgent(hash: string): readonly KnownSite[] {
    return sitesIn(this.lines(hash).filter((line) => !line.startsWith(CALL, HASH_DIGITS)));
  }

  /** The call whose instruction ends there in the content. Takes no time to learn what the others are. */
  findCall(hash: string, ret: number): KnownSite | undefined {
    const words = ` ret ${ret} `;
    return sitesIn(
      this.lines(hash).filter((line) => line.startsWith(CALL, HASH_DIGITS) && line.includes(words)),
    )[0];
  }

  add(hash: string, { kind, first, end, ret, jump, moved, pieces }: KnownSite): void {
    const was = pieces.map(({ addr, bytes }) => `${addr}:${hex(bytes)}`);
    const place = `from ${first} to ${end} ret ${ret} jump ${jump}`;
    this.file.add(`${hash} ${kind} ${place} moved ${hex(moved)} was ${was}`);
  }

  private lines(hash: string): readonly string[] {
    let lines = this.found.get(hash);
    if (lines === undefined) this.found.set(hash, (lines = this.file.find(`${hash} `)));
    return lines;
  }
}

function sitesIn(lines: readonly string[]): readonly KnownSite[] {
  const sites = new Map<number, KnownSite>();
  for (const line of lines) {
    const [, kind, first, end, ret, jump, moved, was] = LINE.exec(line) ?? [];
    if (kind === undefined) continue;
    const site: KnownSite = {
      kind: kind as KnownSite['kind'],
      first: Number(first),
      end: Number(end),
      ret: Number(ret),
      jump: Number(jump),
      moved: Buffer.from(moved!, 'hex'),
      pieces: was!.split(',').map((piece) => {
        const [addr, bytes] = piece.split(':');
        return { addr: Number(addr), bytes: Buffer.from(bytes ?? '', 'hex') };
      }),
    };
    // Two recordings at the same time may both have found it.
    if (isWhole(site) && !sites.has(site.ret)) sites.set(site.ret, site);
  }
  return [...sites.values()];
}

/** Whether all that would be changed lies where the site says that it is, and is what the site's bytes are put back from. */
function isWhole({ first, end, ret, jump, moved, pieces }: KnownSite): boolean {
  const isInside = (from: number, to: number): boolean => first <= from && to <= end;
  const isKept = (from: number, to: number): boolean =>
    pieces.some(({ addr, bytes }) => addr <= from && to <= addr + bytes.length);
  return (
    end - first <= PAGE_SIZE &&
    moved.length <= MAX_MOVED &&
    isInside(ret - SITE_BYTES, ret) &&
    isInside(jump, jump + JUMP_BYTES) &&
    isKept(jump, jump + JUMP_BYTES) &&
    (moved.length > 0 ? jump + moved.length === ret - SITE_BYTES : isKept(ret - SITE_BYTES, ret)) &&
    pieces.every(({ addr, bytes }) => bytes.length > 0 && isInside(addr, addr + bytes.length))
  );
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}
