/**
 * cpuid on CPUs that cannot make it trap (many of AMD's, and virtual machines whose kernel does not know how): the
 * instructions are found in the code of files, and each becomes one of the same length that always traps, as cpuid would.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { MapFlag, PAGE_SIZE, Prot, REMOTE_SYSCALL, Sys } from './abi.js';
import type { NativeTracer } from './binding.js';
import { ElfFile, PT_LOAD } from './elf/elf-file.js';
import { FunctionRanges } from './elf/function-ranges.js';
import { decode } from './x86.js';

/** What the header of a log lists as missing if cpuid did not trap by itself. */
export const CPUID_MISSING = 'trap cpuid: ENODEV';

const CPUID = Buffer.of(0x0f, 0xa2);
/** `clts`, which is the kernel's alone: a general protection fault, as that of a cpuid that traps. */
const CLTS = 0x06;
const PF_X = 1;
const MADV_DONTNEED = 4;
const PIECE = 0x400000;
/** Longer functions are made by generators, and hold none. */
const MAX_FUNCTION = 0x10000;

/**
 * Offsets in a file of its cpuid instructions, ascending. Only those that decoding the function from its start comes upon:
 * the same bytes may be part of another instruction.
 */
export function findCpuid(path: string): readonly number[] {
  const elf = ElfFile.open(path);
  if (elf === undefined) return [];
  try {
    const found: number[] = [];
    let ranges: FunctionRanges | undefined;
    for (const { type, flags, offset, fileSize } of elf.segments) {
      if (type !== PT_LOAD || (flags & PF_X) === 0) continue;
      for (const at of candidates(elf, offset, fileSize))
        if (isInstruction(elf, (ranges ??= new FunctionRanges(elf)), at)) found.push(at);
    }
    return found;
  } catch (error) {
    // A file that is shorter than it says.
    if (error instanceof RangeError) return [];
    throw error;
  } finally {
    elf.close();
  }
}

function* candidates(elf: ElfFile, offset: number, size: number): Generator<number> {
  // Each piece has the first byte of the next one, too.
  for (let from = 0; from < size; from += PIECE) {
    const bytes = elf.read(offset + from, Math.min(PIECE + 1, size - from));
    const piece = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let at = piece.indexOf(CPUID); at >= 0; at = piece.indexOf(CPUID, at + 1))
      yield offset + from + at;
  }
}

function isInstruction(elf: ElfFile, ranges: FunctionRanges, offset: number): boolean {
  const address = elf.addressOf(offset);
  const range = address === undefined ? undefined : ranges.at(address);
  const start = range === undefined ? undefined : elf.offsetOf(range.start);
  if (start === undefined || offset - start > MAX_FUNCTION) return false;
  const code = elf.read(start, offset + CPUID.length - start);
  let at = 0;
  while (at < offset - start) {
    const length = decode(code, at)?.length;
    if (length === undefined) return false;
    at += length;
  }
  return at === offset - start;
}

/** A map from hashes of contents to offsets in them; CpuidIndex is one that outlasts the process. */
interface SitesOfFiles {
  get(hash: string): readonly number[] | undefined;
  set(hash: string, sites: readonly number[]): unknown;
}

interface FilePage {
  readonly path: string;
  readonly offset: number;
}

interface PatchedPage {
  readonly addresses: Set<number>;
  readonly files: FilePage[];
}

function pageOf(addr: number): number {
  return addr - (addr % PAGE_SIZE);
}

/** Whether a page of a file has these bytes; beyond its end there are zeroes. */
function isPageOf({ path, offset }: FilePage, bytes: Uint8Array): boolean {
  const there = new Uint8Array(bytes.length);
  try {
    const fd = openSync(path, 'r');
    try {
      readSync(fd, there, 0, there.length, offset);
    } finally {
      closeSync(fd);
    }
  } catch {
    // The store is gone: the process keeps a page of its own.
    return false;
  }
  return Buffer.compare(there, bytes) === 0;
}

/** The cpuid instructions that have been made to trap, in all processes. */
export class CpuidSites {
  /** By page: their addresses, and where the page is in which file, if that is known. */
  private readonly pages = new Map<number, PatchedPage>();
  private readonly code = new Uint8Array(CPUID.length);

  /** `files`: where files have them, by the hashes of their contents, as far as that is known. */
  constructor(private readonly files: SitesOfFiles = new Map()) {}

  /**
   * Makes those in a fresh mapping [start, end) of a file trap; `offset` is that of `start` in it, `path` leads to the content
   * with this `hash`. Returns what has been stored in the task's memory.
   */
  patch(
    tracer: NativeTracer,
    tid: number,
    { start, end }: { readonly start: number; readonly end: number },
    { hash, offset }: { readonly hash: string; readonly offset: number },
    path: string,
  ): { readonly addr: number; readonly bytes: Uint8Array }[] {
    let sites = this.files.get(hash);
    if (sites === undefined) {
      sites = findCpuid(path);
      this.files.set(hash, sites);
    }
    const writes = [];
    for (const site of sites) {
      const addr = site - offset + start;
      if (addr < start || addr + CPUID.length > end || !this.has(tracer, tid, addr, CPUID[1]!))
        continue;
      const write = { addr: addr + 1, bytes: Uint8Array.of(CLTS) };
      tracer.writeMemory(tid, write.addr, write.bytes, 0, 1);
      this.add(addr, { path, offset: pageOf(write.addr) - start + offset });
      writes.push(write);
    }
    return writes;
  }

  /** Learns from what `patch` has stored, as a log tells it. */
  learn(addr: number, bytes: Uint8Array): void {
    if (bytes.length === 1 && bytes[0] === CLTS) this.add(addr - 1, undefined);
  }

  /** True if there are some in a page of a task's memory. */
  areIn(tracer: NativeTracer, tid: number, page: number): boolean {
    for (const addr of this.pages.get(page)?.addresses ?? [])
      if (this.has(tracer, tid, addr, CLTS)) return true;
    return false;
  }

  /** Makes the instructions what they were, in the memory of a stopped task that can make remote calls. */
  restore(tracer: NativeTracer, tid: number): void {
    const bytes = new Uint8Array(PAGE_SIZE);
    for (const [page, { addresses, files }] of this.pages) {
      const own = [...addresses].filter((addr) => this.has(tracer, tid, addr, CLTS));
      for (const addr of own) tracer.writeMemory(tid, addr + 1, CPUID, 1, 1);
      // One that is as the file has it can be the file's again, shared with all who run it.
      if (own.length === 0 || tracer.readMemory(tid, page, bytes, 0, PAGE_SIZE) !== PAGE_SIZE)
        continue;
      if (files.some((file) => isPageOf(file, bytes)))
        tracer.remoteSyscall(tid, REMOTE_SYSCALL, Sys.madvise, [page, PAGE_SIZE, MADV_DONTNEED]);
    }
  }

  private add(addr: number, file: FilePage | undefined): void {
    // That of the byte that is changed.
    const start = pageOf(addr + 1);
    let page = this.pages.get(start);
    if (page === undefined) this.pages.set(start, (page = { addresses: new Set(), files: [] }));
    page.addresses.add(addr);
    if (file === undefined) return;
    const isSame = (one: FilePage): boolean => one.path === file.path && one.offset === file.offset;
    if (!page.files.some(isSame)) page.files.push(file);
  }

  private has(tracer: NativeTracer, tid: number, addr: number, second: number): boolean {
    const { code } = this;
    if (tracer.readMemory(tid, addr, code, 0, code.length) !== code.length) return false;
    return code[0] === CPUID[0] && code[1] === second;
  }
}

/**
 * Whether a memory call gives the process code that no file has. A cpuid in it is not found: it tells which CPU the task is
 * on.
 */
export function makesCode(nr: number, args: readonly (number | bigint)[]): boolean {
  const prot = Number(args[2]);
  if ((prot & Prot.EXEC) === 0) return false;
  if (nr === Sys.mprotect || nr === Sys.pkey_mprotect) return true;
  if (nr !== Sys.mmap) return false;
  const flags = Number(args[3]);
  const isPrivate = (flags & MapFlag.TYPE) === MapFlag.PRIVATE;
  return (flags & MapFlag.ANONYMOUS) !== 0 || (prot & Prot.WRITE) !== 0 || !isPrivate;
}

/** Whether code is a cpuid, or what stands for one. */
export function isCpuid(code: Uint8Array): boolean {
  return code[0] === CPUID[0] && (code[1] === CPUID[1] || code[1] === CLTS);
}
