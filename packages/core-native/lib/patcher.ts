import { MapFlag, PAGE_SIZE, Prot, REMOTE_SYSCALL, Sys } from './abi.js';
import type { NativeTracer } from './binding.js';
import { findHole, JUMP_BYTES, SEARCHED_BYTES, SITE_BYTES } from './holes.js';
import { BEFORE_BYTES, isLoaded, LOAD_BYTES, MAX_MOVED, movableLength } from './loads.js';
import { PageOwner, pageOwner } from './pagemap.js';
import type { Patch, PatchedSpace, SiteKind, TrampolinePage } from './patched-space.js';
import { type CodeMapping, type KnownSite, SiteBook, type SitesOfContents } from './site-book.js';
import { trapInstruction } from './trap-instructions.js';
import type { TrapSites } from './trap-sites.js';

/** What was where the jump is, mov $imm64 and mov $imm32 to registers, and a jump. */
const TRAMPOLINE_BYTES = MAX_MOVED + 20;
const MAP_FIXED_NOREPLACE = 0x100000;
const MADV_DONTNEED = 4;
const NOTHING = new Uint8Array(0);
/** A site is patched when it traps for this time: patching costs as much as five traps, and most sites are used seldom. */
const PATCHED_AT = 6;
/** Code whose sites are patched together, bytes at most. */
const WINDOW = PAGE_SIZE;
/** So many sites are remembered. */
const MAX_KNOWN = 4096;
/** Distance between a site and its trampolines, bytes: far from where the kernel maps next, near enough for a jump. */
const APART = 0x30000000;
const STEP = 0x1000000;
const ATTEMPTS = 16;
/** Pages for trampolines that are mapped together: a C library's, when all its sites are patched, fill more than one. */
const PAGES_AT_ONCE = 2;
const REACH = 0x7ff00000;
/** For programs at low addresses. */
const RESERVED_TRAMPOLINES = 0x72000000;

/** Addresses of the agent's code that patched sites lead to. */
export type SiteEntries = Readonly<Partial<Record<SiteKind, number>>>;

/** What is left free for a trampoline, which has the return address in one register and jumps by the other. */
const LEADS: Readonly<Record<SiteKind, { ret: number[]; entry: number[]; jump: number[] }>> = {
  // rcx and r11, as the instruction overwrites them.
  call: { ret: [0x48, 0xb9], entry: [0x41, 0xbb], jump: [0x41, 0xff, 0xe3] },
  // rdx and rbx
  cpuid: { ret: [0x48, 0xba], entry: [0xbb], jump: [0xff, 0xe3] },
  // rdx and rax
  rdtsc: { ret: [0x48, 0xba], entry: [0xb8], jump: [0xff, 0xe0] },
};

/** Makes sites jump to the agent, and undoes it. */
export class Patcher {
  private readonly before = new Uint8Array(BEFORE_BYTES);
  private readonly loaded = new Map<string, boolean>();
  private readonly code = new Uint8Array(SEARCHED_BYTES);
  private readonly book: SiteBook;

  constructor(
    private readonly tracer: NativeTracer,
    private readonly entries: SiteEntries,
    /** What else is changed in code. */
    private readonly trapSites?: TrapSites,
    /** What others have patched. */
    index?: SitesOfContents,
  ) {
    this.book = new SiteBook(index);
  }

  /**
   * A site has trapped in a stopped task; `ret` is the address after it, `what` the call's number, or the instruction. Patches
   * it if that pays and can be done. True if it has tried: the tracer's registers are another stop's then.
   */
  trapped(
    tid: number,
    space: PatchedSpace,
    ret: number,
    what: number | Exclude<SiteKind, 'call'>,
  ): boolean {
    const count = space.traps.get(ret) ?? 0;
    // One that is patched can be jumped to.
    if (count < 0 || space.patches.has(ret)) return false;
    const site = ret - SITE_BYTES;
    const mapping = space.isUndone ? undefined : space.codeAt(site);
    const offset = mapping === undefined ? 0 : ret - mapping.start + mapping.offset;
    const found = mapping && this.book.foundByOthers(mapping.content, offset);
    if (mapping !== undefined && found !== undefined) {
      // What keeps it from being done here may be this process's alone.
      if (this.patchAsFound(tid, space, mapping, found)) this.book.adopt(mapping.content, found);
      else space.traps.set(ret, -1);
      return true;
    }
    const total = mapping === undefined ? 0 : this.book.trapped(mapping.content, offset);
    if (count + 1 < PATCHED_AT && total < PATCHED_AT) {
      space.traps.set(ret, count + 1);
      return false;
    }
    const isPatched = this.patch(tid, space, ret, what);
    space.traps.set(ret, isPatched ? 0 : -1);
    if (mapping !== undefined) {
      if (isPatched) this.keep(space.patches.get(ret)!, mapping, ret);
      else if (typeof what === 'number' || !this.keepForOthers(tid, mapping, ret, what))
        this.book.fail(mapping.content, offset);
    }
    return true;
  }

  /** What has been patched can be patched wherever the file is mapped. */
  private keep(patch: Patch, mapping: CodeMapping, ret: number): void {
    const { start, end, offset, content } = mapping;
    if (patch.pieces.some(({ addr, bytes }) => addr < start || addr + bytes.length > end)) return;
    const inFile = (addr: number): number => addr - start + offset;
    this.book.add(content, {
      kind: patch.kind,
      first: inFile(Math.min(patch.site, patch.jump)),
      end: inFile(Math.max(ret, patch.jump + JUMP_BYTES)),
      ret: inFile(ret),
      jump: inFile(patch.jump),
      moved: patch.moved,
      pieces: patch.pieces.map(({ addr, bytes }) => ({ addr: inFile(addr), bytes })),
    });
  }

  /** A stopped task has just mapped code. Patches what is known of it; true if there was something. */
  mapped(tid: number, space: PatchedSpace, mapping: CodeMapping): boolean {
    space.code = [...space.code, mapping];
    if (space.isUndone) return false;
    return this.patchKnown(tid, space, mapping, this.book.known(mapping.content));
  }

  /** Patches a site that has trapped as others have. False if it could not be done. */
  private patchAsFound(
    tid: number,
    space: PatchedSpace,
    mapping: CodeMapping,
    site: KnownSite,
  ): boolean {
    const isPlain = site.pieces.every(({ addr, bytes }) =>
      this.isPlain(tid, space, addr - mapping.offset + mapping.start, bytes.length),
    );
    return isPlain && this.patchKnown(tid, space, mapping, [site]);
  }

  /** Patches those sites of a file that lie in its mapping, and are as they are known. True if there was one. */
  private patchKnown(
    tid: number,
    space: PatchedSpace,
    mapping: CodeMapping,
    sites: readonly KnownSite[],
  ): boolean {
    const { tracer } = this;
    const trampolines = new Batch(tracer, tid);
    const code = new Batch(tracer, tid);
    for (let i = 0; i < sites.length;) {
      const { first } = sites[i]!;
      const from = i;
      let { end } = sites[i]!;
      while (i < sites.length && sites[i]!.end <= first + WINDOW)
        end = Math.max(end, sites[i++]!.end);
      const addr = first - mapping.offset + mapping.start;
      const size = end - first;
      if (addr < mapping.start || addr + size > mapping.end) continue;
      const bytes = new Uint8Array(size);
      if (tracer.readMemory(tid, addr, bytes, 0, size) !== size) continue;
      const edited = { from: size, to: 0 };
      const window = { bytes, addr, first, edited };
      const hasRoom = sites
        .slice(from, i)
        .every((site) => this.placeAgain(tid, space, site, window, trampolines));
      if (edited.to > 0) code.add(addr + edited.from, bytes.subarray(edited.from, edited.to));
      if (!hasRoom) break;
    }
    // Nobody is to be led to where there is nothing.
    trampolines.write();
    code.write();
    return !code.isEmpty;
  }

  /** Patches a site in `window`. False if there is no room for trampolines. */
  private placeAgain(
    tid: number,
    space: PatchedSpace,
    site: KnownSite,
    window: Window,
    trampolines: Batch,
  ): boolean {
    const { bytes, first, edited } = window;
    const distance = window.addr - first;
    const ret = site.ret + distance;
    const jump = site.jump + distance;
    if (space.patches.has(ret) || this.entries[site.kind] === undefined) return true;
    // The room that it takes may be another's, and a file may have been changed by whoever does not tell.
    const at = site.ret - SITE_BYTES - first;
    if (!this.isSite(bytes.subarray(at, at + SITE_BYTES), site.kind)) return true;
    const isThere = (addr: number, expected: Uint8Array): boolean =>
      expected.every((byte, i) => bytes[addr - first + i] === byte);
    if (!site.pieces.every((piece) => isThere(piece.addr, piece.bytes))) return true;
    if (site.moved.length > 0 && !isThere(site.jump, site.moved)) return true;
    const trampoline = this.roomForTrampoline(tid, space, jump);
    if (trampoline === undefined) return false;
    trampolines.add(trampoline, this.trampolineCode(ret, site));
    bytes.set(longJump(jump, trampoline), site.jump - first);
    if (site.moved.length === 0)
      bytes.set(shortJump(site.jump - site.ret), site.ret - SITE_BYTES - first);
    // Only these: a page that is written to and not known to be would be told from the file's for ever.
    for (const piece of site.pieces) {
      edited.from = Math.min(edited.from, piece.addr - first);
      edited.to = Math.max(edited.to, piece.addr + piece.bytes.length - first);
    }
    const pieces = site.pieces.map((piece) => ({
      addr: piece.addr + distance,
      bytes: piece.bytes,
    }));
    const { kind, moved } = site;
    space.patches.set(ret, { kind, site: ret - SITE_BYTES, jump, moved, pieces });
    return true;
  }

  private patch(
    tid: number,
    space: PatchedSpace,
    ret: number,
    what: number | Exclude<SiteKind, 'call'>,
  ): boolean {
    const { tracer, before, code } = this;
    const kind = typeof what === 'number' ? 'call' : what;
    const site = ret - SITE_BYTES;
    const siteBytes = new Uint8Array(SITE_BYTES);
    if (tracer.readMemory(tid, site, siteBytes, 0, SITE_BYTES) !== SITE_BYTES) return false;
    if (!this.isSite(siteBytes, kind)) return false;
    const start = site - before.length;
    const seesBefore = tracer.readMemory(tid, start, before, 0, before.length) === before.length;
    const isLoaded = typeof what === 'number' && seesBefore && this.isLoaded(what);
    if (isLoaded && !this.isTaken(space, site - LOAD_BYTES))
      return this.move(tid, space, kind, site, LOAD_BYTES);
    code.fill(0);
    const got = tracer.readMemory(tid, ret, code, 0, code.length);
    const offset = findHole(code.subarray(0, got), (at) => this.isTaken(space, ret + at));
    if (offset < 0) {
      const length = seesBefore ? movableLength(before) : 0;
      return length > 0 && this.move(tid, space, kind, site, length);
    }
    const jump = ret + offset;
    if (!this.isPlain(tid, space, site, SITE_BYTES)) return false;
    if (!this.isPlain(tid, space, jump, JUMP_BYTES)) return false;
    const pieces = [{ addr: site, bytes: siteBytes }];
    if (!this.place(tid, space, { kind, site, jump, moved: NOTHING, pieces }, ret)) return false;
    tracer.writeMemory(tid, site, shortJump(offset), 0, SITE_BYTES);
    return true;
  }

  /** Puts a jump in the place of the instruction of `length` bytes right before a site: the trampoline executes that. */
  private move(
    tid: number,
    space: PatchedSpace,
    kind: SiteKind,
    site: number,
    length: number,
  ): boolean {
    const jump = site - length;
    if (this.isTaken(space, jump) || !this.isPlain(tid, space, jump, JUMP_BYTES)) return false;
    const moved = this.before.slice(this.before.length - length);
    return this.place(tid, space, { kind, site, jump, moved, pieces: [] }, site + SITE_BYTES);
  }

  /**
   * Of a site that cannot be patched where somebody may stand in the midst of what is before it, or return there from a signal:
   * it can be wherever the file is mapped. False if it cannot.
   */
  private keepForOthers(
    tid: number,
    { start, offset, content }: CodeMapping,
    ret: number,
    kind: SiteKind,
  ): boolean {
    const inFile = ret - start + offset;
    const site = inFile - SITE_BYTES;
    const length = this.trapSites?.movable(content, site) ?? 0;
    if (length === 0) return false;
    const moved = new Uint8Array(length);
    const addr = ret - SITE_BYTES - length;
    if (addr < start || this.tracer.readMemory(tid, addr, moved, 0, length) !== length)
      return false;
    const jump = site - length;
    const pieces = [{ addr: jump, bytes: moved.slice(0, JUMP_BYTES) }];
    this.book.add(content, { kind, first: jump, end: inFile, ret: inFile, jump, moved, pieces });
    return true;
  }

  /** isLoaded of `before`: the same sites of the same libraries come in every process. */
  private isLoaded(nr: number): boolean {
    const key = `${nr} ${Buffer.from(this.before.buffer).toString('latin1')}`;
    let loaded = this.loaded.get(key);
    if (loaded === undefined) {
      loaded = isLoaded(this.before, nr);
      if (this.loaded.size < MAX_KNOWN) this.loaded.set(key, loaded);
    }
    return loaded;
  }

  /** Writes the jump to a new trampoline. */
  private place(tid: number, space: PatchedSpace, patch: Patch, ret: number): boolean {
    const { tracer } = this;
    const { jump } = patch;
    const trampoline = this.makeTrampoline(tid, space, ret, patch);
    if (trampoline === undefined) return false;
    const bytes = new Uint8Array(JUMP_BYTES);
    if (tracer.readMemory(tid, jump, bytes, 0, JUMP_BYTES) !== JUMP_BYTES) return false;
    tracer.writeMemory(tid, jump, longJump(jump, trampoline), 0, JUMP_BYTES);
    space.patches.set(ret, { ...patch, pieces: [...patch.pieces, { addr: jump, bytes }] });
    return true;
  }

  /** True if nothing in the pages of these bytes is the program's own, which it may change or compare. */
  private isPlain(tid: number, space: PatchedSpace, addr: number, size: number): boolean {
    const [first, last] = [pageOf(addr), pageOf(addr + size - 1)];
    const isPlainPage = (page: number): boolean =>
      pageOwner(tid, page) === PageOwner.File ||
      this.isOurPage(space, page) ||
      this.trapSites?.areIn(this.tracer, tid, page) === true;
    return isPlainPage(first) && (first === last || isPlainPage(last));
  }

  /** Whether a site's bytes are what its kind has, and it is one that traps. */
  private isSite(bytes: Uint8Array, kind: SiteKind): boolean {
    if (kind === 'call') return bytes[0] === 0x0f && bytes[1] === 0x05;
    const instruction = trapInstruction(bytes);
    if (instruction?.name !== kind) return false;
    const standsIn = bytes[SITE_BYTES - 1] === instruction.last;
    return standsIn || kind !== 'cpuid' || this.trapSites?.catchesCpuid !== true;
  }

  private isTaken(space: PatchedSpace, jump: number): boolean {
    for (const patch of space.patches.values()) {
      if (jump < patch.jump + JUMP_BYTES && patch.jump < jump + JUMP_BYTES) return true;
    }
    return false;
  }

  /** True if a page is not the file's any more because sites in it are patched. */
  private isOurPage(space: PatchedSpace, page: number): boolean {
    const pages = new Set<number>();
    space.addPatchedPages(pages);
    return pages.has(page);
  }

  /** Writes code that leads to the agent near `jump`. */
  private makeTrampoline(
    tid: number,
    space: PatchedSpace,
    ret: number,
    patch: Patch,
  ): number | undefined {
    const at = this.roomForTrampoline(tid, space, patch.jump);
    if (at === undefined) return undefined;
    this.tracer.writeMemory(tid, at, this.trampolineCode(ret, patch), 0, TRAMPOLINE_BYTES);
    return at;
  }

  private roomForTrampoline(tid: number, space: PatchedSpace, jump: number): number | undefined {
    let page = space.pages.find(
      ({ start, used }) =>
        used < PAGE_SIZE / TRAMPOLINE_BYTES - 1 && Math.abs(start - jump) < REACH,
    );
    page ??= this.newPage(tid, space, jump);
    return page === undefined ? undefined : page.start + TRAMPOLINE_BYTES * page.used++;
  }

  /** Code that executes the `moved` bytes and leads to the agent. */
  private trampolineCode(
    ret: number,
    { kind, moved }: { readonly kind: SiteKind; readonly moved: Uint8Array },
  ): Uint8Array {
    const bytes = new Uint8Array(TRAMPOLINE_BYTES);
    const words = new DataView(new ArrayBuffer(12));
    words.setBigUint64(0, BigInt(ret), true);
    words.setUint32(8, this.entries[kind]!, true);
    const lead = LEADS[kind];
    const address = new Uint8Array(words.buffer, 0, 8);
    const entry = new Uint8Array(words.buffer, 8);
    bytes.set([...moved, ...lead.ret, ...address, ...lead.entry, ...entry, ...lead.jump]);
    return bytes;
  }

  private newPage(tid: number, space: PatchedSpace, jump: number): TrampolinePage | undefined {
    let start = jump > APART ? pageOf(jump - APART) : RESERVED_TRAMPOLINES;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const flags = MapFlag.PRIVATE | MapFlag.ANONYMOUS | MAP_FIXED_NOREPLACE;
      const args = [start, PAGES_AT_ONCE * PAGE_SIZE, Prot.READ | Prot.EXEC, flags, -1, 0];
      const result = this.tracer.remoteSyscall(tid, REMOTE_SYSCALL, Sys.mmap, args);
      if (result === start) {
        const page = { start, used: 0 };
        space.pages.push(page);
        for (let i = 1; i < PAGES_AT_ONCE; i++)
          space.pages.push({ start: start + i * PAGE_SIZE, used: 0 });
        return page;
      }
      start -= STEP;
      if (start < STEP || jump - start > REACH) return undefined;
    }
    return undefined;
  }

  /** Puts every site back as it was, so that nothing of the patches is left in the address space. */
  undo(tid: number, space: PatchedSpace): void {
    const { tracer } = this;
    const pages = new Set<number>();
    space.addPatchedPages(pages);
    for (const { pieces } of space.patches.values()) {
      for (const { addr, bytes } of pieces) tracer.writeMemory(tid, addr, bytes, 0, bytes.length);
    }
    space.patches.clear();
    space.traps.clear();
    space.isUndone = true;
    // They hold what the file holds: let them be the file's again.
    for (const page of pages)
      if (this.trapSites?.areIn(tracer, tid, page) !== true)
        tracer.remoteSyscall(tid, REMOTE_SYSCALL, Sys.madvise, [page, PAGE_SIZE, MADV_DONTNEED]);
    for (const { start } of space.pages.splice(0))
      tracer.remoteSyscall(tid, REMOTE_SYSCALL, Sys.munmap, [start, PAGE_SIZE]);
  }
}

/** Code in which sites are being patched. */
interface Window {
  readonly bytes: Uint8Array;
  /** Where it is in memory, and in the file. */
  readonly addr: number;
  readonly first: number;
  /** Which of the bytes are to be written back. */
  readonly edited: { from: number; to: number };
}

/** Bytes to be written into a task's memory: those that lie side by side together. */
class Batch {
  private readonly pieces: { readonly addr: number; bytes: Uint8Array }[] = [];

  constructor(
    private readonly tracer: NativeTracer,
    private readonly tid: number,
  ) {}

  get isEmpty(): boolean {
    return this.pieces.length === 0;
  }

  add(addr: number, bytes: Uint8Array): void {
    const last = this.pieces.at(-1);
    if (last === undefined || last.addr + last.bytes.length !== addr)
      this.pieces.push({ addr, bytes });
    else last.bytes = Buffer.concat([last.bytes, bytes]);
  }

  write(): void {
    for (const { addr, bytes } of this.pieces)
      this.tracer.writeMemory(this.tid, addr, bytes, 0, bytes.length);
  }
}

/** `jmp rel32` at `from`. */
function longJump(from: number, to: number): Uint8Array {
  const code = new Uint8Array(JUMP_BYTES);
  code[0] = 0xe9;
  new DataView(code.buffer).setInt32(1, to - (from + JUMP_BYTES), true);
  return code;
}

/** `jmp rel8` from a site's place. */
function shortJump(offset: number): Uint8Array {
  return Uint8Array.of(0xeb, offset);
}

function pageOf(addr: number): number {
  return addr - (addr % PAGE_SIZE);
}
