import { closeSync, openSync, readSync } from 'node:fs';
import { MapFlag, PAGE_SIZE, Prot, REMOTE_SYSCALL, Sys } from './abi.js';
import type { NativeTracer } from './binding.js';
import { findHole, JUMP_BYTES, SEARCHED_BYTES, SITE_BYTES } from './holes.js';
import { BEFORE_BYTES, isLoaded, LOAD_BYTES } from './loads.js';
import type { Patch, PatchedSpace, TrampolinePage } from './patched-space.js';

/** mov $nr, %eax, if need be; mov $imm64, %rcx; mov $imm32, %r11d; jmp *%r11 */
const TRAMPOLINE_BYTES = 24;
const MAP_FIXED_NOREPLACE = 0x100000;
const MADV_DONTNEED = 4;
/** A site is patched when it traps for this time: patching costs as much as five traps, and most sites are used seldom. */
const PATCHED_AT = 6;
/** So many sites are remembered. */
const MAX_KNOWN = 4096;
/** Distance between a site and its trampolines, bytes: far from where the kernel maps next, near enough for a jump. */
const APART = 0x30000000;
const STEP = 0x1000000;
const ATTEMPTS = 16;
const REACH = 0x7ff00000;
/** For programs at low addresses. */
const RESERVED_TRAMPOLINES = 0x72000000;
/** Bit of a pagemap entry: the page is a file's, or shared. */
const PAGEMAP_FILE = 1n << 61n;

/** Makes system call sites jump to the agent, and undoes it. */
export class Patcher {
  private readonly before = new Uint8Array(BEFORE_BYTES);
  private readonly loaded = new Map<string, boolean>();
  private readonly code = new Uint8Array(SEARCHED_BYTES);

  constructor(
    private readonly tracer: NativeTracer,
    /** Address of the agent's code that a patched site leads to. */
    private readonly entry: number,
  ) {}

  /**
   * A site has trapped in a stopped task; `ret` is the address after it, `nr` the call. Patches it if that pays and can be
   * done. True if it has tried: the tracer's registers are another stop's then.
   */
  trapped(tid: number, space: PatchedSpace, ret: number, nr: number): boolean {
    const count = space.traps.get(ret) ?? 0;
    // One that is patched can be jumped to.
    if (count < 0 || space.patches.has(ret)) return false;
    if (count + 1 < PATCHED_AT) {
      space.traps.set(ret, count + 1);
      return false;
    }
    space.traps.set(ret, this.patch(tid, space, ret, nr) ? 0 : -1);
    return true;
  }

  private patch(tid: number, space: PatchedSpace, ret: number, nr: number): boolean {
    const { tracer, before, code } = this;
    const site = ret - SITE_BYTES;
    const siteBytes = new Uint8Array(SITE_BYTES);
    if (tracer.readMemory(tid, site, siteBytes, 0, SITE_BYTES) !== SITE_BYTES) return false;
    if (siteBytes[0] !== 0x0f || siteBytes[1] !== 0x05) return false;
    const start = site - before.length;
    if (tracer.readMemory(tid, start, before, 0, before.length) === before.length) {
      const jump = site - LOAD_BYTES;
      if (this.isLoaded(nr) && !this.isTaken(space, jump)) {
        if (!this.isPlain(tid, space, jump, JUMP_BYTES)) return false;
        return this.place(tid, space, { site, jump, pieces: [] }, ret, nr);
      }
    }
    code.fill(0);
    const got = tracer.readMemory(tid, ret, code, 0, code.length);
    const offset = findHole(code.subarray(0, got), (at) => this.isTaken(space, ret + at));
    if (offset < 0) return false;
    const jump = ret + offset;
    if (!this.isPlain(tid, space, site, SITE_BYTES)) return false;
    if (!this.isPlain(tid, space, jump, JUMP_BYTES)) return false;
    const pieces = [{ addr: site, bytes: siteBytes }];
    if (!this.place(tid, space, { site, jump, pieces }, ret, -1)) return false;
    tracer.writeMemory(tid, site, Uint8Array.of(0xeb, offset), 0, SITE_BYTES);
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

  /** Writes the jump to a new trampoline, which loads `nr` into eax if that is not negative. */
  private place(tid: number, space: PatchedSpace, patch: Patch, ret: number, nr: number): boolean {
    const { tracer } = this;
    const { jump } = patch;
    const trampoline = this.makeTrampoline(tid, space, ret, jump, nr);
    if (trampoline === undefined) return false;
    const bytes = new Uint8Array(JUMP_BYTES);
    if (tracer.readMemory(tid, jump, bytes, 0, JUMP_BYTES) !== JUMP_BYTES) return false;
    const code = new Uint8Array(JUMP_BYTES);
    code[0] = 0xe9;
    new DataView(code.buffer).setInt32(1, trampoline - (jump + JUMP_BYTES), true);
    tracer.writeMemory(tid, jump, code, 0, JUMP_BYTES);
    space.patches.set(ret, { ...patch, pieces: [...patch.pieces, { addr: jump, bytes }] });
    return true;
  }

  /** True if nothing in the pages of these bytes is the program's own, which it may change or compare. */
  private isPlain(tid: number, space: PatchedSpace, addr: number, size: number): boolean {
    const [first, last] = [pageOf(addr), pageOf(addr + size - 1)];
    const isPlainPage = (page: number): boolean =>
      isCleanFilePage(tid, page) || this.isOurPage(space, page);
    return isPlainPage(first) && (first === last || isPlainPage(last));
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

  private makeTrampoline(
    tid: number,
    space: PatchedSpace,
    ret: number,
    jump: number,
    nr: number,
  ): number | undefined {
    let page = space.pages.find(
      ({ start, used }) =>
        used < PAGE_SIZE / TRAMPOLINE_BYTES - 1 && Math.abs(start - jump) < REACH,
    );
    page ??= this.newPage(tid, space, jump);
    if (page === undefined) return undefined;
    const at = page.start + TRAMPOLINE_BYTES * page.used++;
    const bytes = new Uint8Array(TRAMPOLINE_BYTES);
    const view = new DataView(bytes.buffer);
    let end = 0;
    if (nr >= 0) {
      bytes[0] = 0xb8;
      view.setInt32(1, nr, true);
      end = LOAD_BYTES;
    }
    bytes.set([0x48, 0xb9], end);
    view.setBigUint64(end + 2, BigInt(ret), true);
    bytes.set([0x41, 0xbb], end + 10);
    view.setUint32(end + 12, this.entry, true);
    bytes.set([0x41, 0xff, 0xe3], end + 16);
    this.tracer.writeMemory(tid, at, bytes, 0, TRAMPOLINE_BYTES);
    return at;
  }

  private newPage(tid: number, space: PatchedSpace, jump: number): TrampolinePage | undefined {
    let start = jump > APART ? pageOf(jump - APART) : RESERVED_TRAMPOLINES;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const flags = MapFlag.PRIVATE | MapFlag.ANONYMOUS | MAP_FIXED_NOREPLACE;
      const args = [start, PAGE_SIZE, Prot.READ | Prot.EXEC, flags, -1, 0];
      const result = this.tracer.remoteSyscall(tid, REMOTE_SYSCALL, Sys.mmap, args);
      if (result === start) {
        const page = { start, used: 0 };
        space.pages.push(page);
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
    // They hold what the file holds: let them be the file's again.
    for (const page of pages)
      tracer.remoteSyscall(tid, REMOTE_SYSCALL, Sys.madvise, [page, PAGE_SIZE, MADV_DONTNEED]);
    for (const { start } of space.pages.splice(0))
      tracer.remoteSyscall(tid, REMOTE_SYSCALL, Sys.munmap, [start, PAGE_SIZE]);
  }
}

function pageOf(addr: number): number {
  return addr - (addr % PAGE_SIZE);
}

/** True if the page at an address is what its file has there. */
function isCleanFilePage(tid: number, addr: number): boolean {
  let fd: number;
  try {
    fd = openSync(`/proc/${tid}/pagemap`, 'r');
  } catch {
    return false;
  }
  try {
    const entry = new BigUint64Array(1);
    if (readSync(fd, entry, 0, 8, Math.floor(addr / PAGE_SIZE) * 8) !== 8) return false;
    return (entry[0]! & PAGEMAP_FILE) !== 0n;
  } finally {
    closeSync(fd);
  }
}
