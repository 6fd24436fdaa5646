/**
 * Instructions that have to trap where the CPU does not make them: cpuid, on many of AMD's and in virtual machines whose
 * kernel does not know how, and rdtsc and rdtscp where the time stamp counter is left open for the agent. They are found in
 * the code of files, and each becomes one of the same length that always traps.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { MapFlag, PAGE_SIZE, pageAlign, Prot, REMOTE_SYSCALL, Sys } from './abi.js';
import type { NativeTracer } from './binding.js';
import { ElfFile, PT_LOAD } from './elf/elf-file.js';
import { FunctionRanges } from './elf/function-ranges.js';
import { findMoves } from './moves.js';
import { MAX_TRAP_BYTES, TRAP_INSTRUCTIONS, type TrapInstruction } from './trap-instructions.js';
import { decode } from './x86.js';

/** What the header of a log lists as missing if cpuid did not trap by itself. */
export const CPUID_MISSING = 'trap cpuid: ENODEV';

const PF_X = 1;
const MADV_DONTNEED = 4;
const SHM_EXEC = 0o100000;
const PIECE = 0x400000;
/** Longer functions are made by generators, and hold none. */
const MAX_FUNCTION = 0x10000;

/** Where a file has such instructions: offsets in it, ascending. */
export interface FileSites {
  readonly cpuid: readonly number[];
  readonly rdtsc: readonly number[];
  readonly rdtscp: readonly number[];
  /**
   * Where its code is, [start, end) in whole pages, if that reads the time stamp counter by these instructions alone; else
   * nothing.
   */
  readonly known: readonly (readonly [number, number])[];
  /** Before which of them how many bytes can be moved, [site, bytes], if a jump fits in their place. */
  readonly moves: readonly (readonly [number, number])[];
}

const NO_SITES: FileSites = { cpuid: [], rdtsc: [], rdtscp: [], known: [], moves: [] };

/**
 * Finds the instructions in a file. Only those that decoding the function from its start comes upon: the same bytes may be
 * part of another instruction. Where they are in no function it is not known what they are.
 */
export function findTraps(path: string): FileSites {
  const elf = ElfFile.open(path);
  if (elf === undefined) return NO_SITES;
  try {
    const found = { cpuid: [] as number[], rdtsc: [] as number[], rdtscp: [] as number[] };
    const segments: [number, number][] = [];
    const code: { start: number; end: number }[] = [];
    let isKnown = true;
    let ranges: FunctionRanges | undefined;
    for (const { type, flags, offset, fileSize } of elf.segments) {
      if (type !== PT_LOAD || (flags & PF_X) === 0) continue;
      for (const { at, instruction } of candidates(elf, offset, fileSize)) {
        const what = isInstruction(elf, (ranges ??= new FunctionRanges(elf)), at, instruction);
        if (what === true) found[instruction.name].push(at);
        else if (what === undefined && instruction.name !== 'cpuid') isKnown = false;
      }
      segments.push([pageOf(offset), pageAlign(offset + fileSize)]);
      code.push({ start: offset, end: offset + fileSize });
    }
    const moves =
      ranges === undefined ? [] : findMoves(elf, ranges, [...found.cpuid, ...found.rdtsc], code);
    return { ...found, known: isKnown ? segments : [], moves };
  } catch (error) {
    // A file that is shorter than it says.
    if (error instanceof RangeError) return NO_SITES;
    throw error;
  } finally {
    elf.close();
  }
}

interface Candidate {
  readonly at: number;
  readonly instruction: TrapInstruction;
}

function* candidates(elf: ElfFile, offset: number, size: number): Generator<Candidate> {
  for (let from = 0; from < size; from += PIECE) {
    // Each piece has the first bytes of the next one, too.
    const length = Math.min(PIECE + MAX_TRAP_BYTES - 1, size - from);
    const bytes = elf.read(offset + from, length);
    const piece = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    for (const instruction of TRAP_INSTRUCTIONS) {
      const { code } = instruction;
      const end = Math.min(length, PIECE + code.length - 1);
      for (let at = piece.indexOf(code); at >= 0; at = piece.indexOf(code, at + 1))
        if (at + code.length <= end) yield { at: offset + from + at, instruction };
    }
  }
}

/**
 * False if the bytes are part of another instruction, undefined if that cannot be told. Of cpuid it is enough to come upon it;
 * an rdtsc that is taken for something else would go unnoticed, so there decoding must also come out at the function's end.
 */
function isInstruction(
  elf: ElfFile,
  ranges: FunctionRanges,
  offset: number,
  { name, code: { length } }: TrapInstruction,
): boolean | undefined {
  const address = elf.addressOf(offset);
  const range = address === undefined ? undefined : ranges.at(address);
  const start = range === undefined ? undefined : elf.offsetOf(range.start);
  if (start === undefined || offset - start > MAX_FUNCTION) return undefined;
  const site = offset - start;
  const size = range!.end - range!.start;
  if (site + length > size) return undefined;
  const end = name === 'cpuid' ? site : size;
  const code = elf.read(start, size);
  let isReached = false;
  let at = 0;
  while (at < end) {
    if (at === site) isReached = true;
    const bytes = decode(code, at)?.length;
    if (bytes === undefined) return undefined;
    at += bytes;
  }
  if (name === 'cpuid') return at === site;
  return at === size ? isReached : undefined;
}

/** A map from hashes of contents to what is in them; TrapIndex is one that outlasts the process. */
interface SitesOfFiles {
  get(hash: string): FileSites | undefined;
  set(hash: string, sites: FileSites): unknown;
}

/** A mapping of a file's content. */
interface MappedFile {
  readonly hash: string;
  /** Of the mapping's start in the file, bytes. */
  readonly offset: number;
}

export interface FilePage {
  readonly path: string;
  readonly offset: number;
}

interface PatchedPage {
  readonly sites: Map<number, TrapInstruction>;
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

/** Makes a private page that is as one of these files has it the file's again, shared with all who run it. */
export function giveBack(
  tracer: NativeTracer,
  tid: number,
  page: number,
  files: readonly FilePage[],
): void {
  const bytes = new Uint8Array(PAGE_SIZE);
  if (tracer.readMemory(tid, page, bytes, 0, PAGE_SIZE) !== PAGE_SIZE) return;
  if (files.some((file) => isPageOf(file, bytes)))
    tracer.remoteSyscall(tid, REMOTE_SYSCALL, Sys.madvise, [page, PAGE_SIZE, MADV_DONTNEED]);
}

/** A piece of a task's code that is changed in many places: a read and a write for all that are near each other. */
class CodeWindow {
  private readonly bytes = new Uint8Array(PAGE_SIZE);
  private start = 0;
  private length = 0;
  /** What is to be written, as offsets. */
  private from = PAGE_SIZE;
  private to = 0;

  constructor(
    private readonly tracer: NativeTracer,
    private readonly tid: number,
  ) {}

  /** Whether this code is at an address. */
  has(addr: number, code: Uint8Array): boolean {
    if (addr < this.start || addr + code.length > this.start + this.length) this.move(addr);
    const at = addr - this.start;
    return at + code.length <= this.length && code.every((byte, i) => this.bytes[at + i] === byte);
  }

  /** Changes a byte of the code that was just looked at. */
  put(addr: number, byte: number): void {
    const at = addr - this.start;
    this.bytes[at] = byte;
    this.from = Math.min(this.from, at);
    this.to = Math.max(this.to, at + 1);
  }

  private move(addr: number): void {
    this.write();
    this.start = addr;
    this.length = this.tracer.readMemory(this.tid, addr, this.bytes, 0, PAGE_SIZE);
  }

  write(): void {
    const { from, to } = this;
    if (to > from)
      this.tracer.writeMemory(this.tid, this.start + from, this.bytes, from, to - from);
    this.from = PAGE_SIZE;
    this.to = 0;
  }
}

/** The instructions that have been made to trap, in all processes. */
export class TrapSites {
  /** By page: what is there, by address, and where the page is in which file, if that is known. */
  private readonly pages = new Map<number, PatchedPage>();
  private readonly code = new Uint8Array(MAX_TRAP_BYTES);

  /**
   * `catchesCpuid`: cpuid is to be made to trap, too; `files`: where files have the instructions, by the hashes of their
   * contents, as far as that is known.
   */
  constructor(
    readonly catchesCpuid: boolean,
    private readonly files: SitesOfFiles = new Map(),
  ) {}

  /**
   * Whether code in a mapping [start, end) of a file reads the time stamp counter only where `patch` finds it. `path` leads
   * to the content.
   */
  knows(
    { start, end }: { readonly start: number; readonly end: number },
    { hash, offset }: MappedFile,
    path: string,
  ): boolean {
    const { known } = this.of(hash, path);
    // Loaders map a whole file as they map its first part, and then the others over it.
    return end > start && known.some(([from, to]) => from <= offset && offset < to);
  }

  /**
   * Makes those in a fresh mapping [start, end) of a file trap, with `tsc` also what reads the time stamp counter; `path`
   * leads to the content. Returns what has been stored in the task's memory.
   */
  patch(
    tracer: NativeTracer,
    tid: number,
    { start, end }: { readonly start: number; readonly end: number },
    { hash, offset }: MappedFile,
    path: string,
    tsc: boolean,
  ): { readonly addr: number; readonly bytes: Uint8Array }[] {
    const sites = this.of(hash, path);
    const writes = [];
    const window = new CodeWindow(tracer, tid);
    for (const instruction of TRAP_INSTRUCTIONS) {
      const { name, code, last } = instruction;
      if (!(name === 'cpuid' ? this.catchesCpuid : tsc)) continue;
      for (const site of sites[name]) {
        const addr = site - offset + start;
        const at = addr + code.length - 1;
        if (addr < start || at >= end) continue;
        if (!window.has(addr, code)) continue;
        window.put(at, last);
        this.add(addr, instruction, { path, offset: pageOf(at) - start + offset });
        writes.push({ addr: at, bytes: Uint8Array.of(last) });
      }
    }
    window.write();
    return writes;
  }

  /**
   * How many bytes before a site, an offset in a file, can be moved where nobody stands in their midst, as far as that is known;
   * 0: none.
   */
  movable(hash: string, site: number): number {
    return this.files.get(hash)?.moves.find(([at]) => at === site)?.[1] ?? 0;
  }

  /** Learns from what `patch` has stored, as a log tells it. */
  learn(addr: number, bytes: Uint8Array): void {
    if (bytes.length !== 1) return;
    const instruction = TRAP_INSTRUCTIONS.find(({ last }) => last === bytes[0]);
    if (instruction !== undefined)
      this.add(addr + 1 - instruction.code.length, instruction, undefined);
  }

  /** True if there are some in a page of a task's memory. */
  areIn(tracer: NativeTracer, tid: number, page: number): boolean {
    for (const [addr, instruction] of this.pages.get(page)?.sites ?? [])
      if (this.has(tracer, tid, addr, instruction, instruction.last)) return true;
    return false;
  }

  /** The pages of a task's memory in which there are some. */
  pagesIn(tracer: NativeTracer, tid: number): number[] {
    return [...this.pages.keys()].filter((page) => this.areIn(tracer, tid, page));
  }

  /** Makes the instructions what they were, in the memory of a stopped task that can make remote calls. */
  restore(tracer: NativeTracer, tid: number): void {
    for (const [page, { sites, files }] of this.pages) {
      let isOwn = false;
      for (const [addr, instruction] of sites) {
        if (!this.has(tracer, tid, addr, instruction, instruction.last)) continue;
        const at = instruction.code.length - 1;
        tracer.writeMemory(tid, addr + at, instruction.code, at, 1);
        isOwn = true;
      }
      if (isOwn) giveBack(tracer, tid, page, files);
    }
  }

  private of(hash: string, path: string): FileSites {
    let sites = this.files.get(hash);
    if (sites === undefined) {
      sites = findTraps(path);
      this.files.set(hash, sites);
    }
    return sites;
  }

  private add(addr: number, instruction: TrapInstruction, file: FilePage | undefined): void {
    // That of the byte that is changed.
    const start = pageOf(addr + instruction.code.length - 1);
    let page = this.pages.get(start);
    if (page === undefined) this.pages.set(start, (page = { sites: new Map(), files: [] }));
    page.sites.set(addr, instruction);
    if (file === undefined) return;
    const isSame = (one: FilePage): boolean => one.path === file.path && one.offset === file.offset;
    if (!page.files.some(isSame)) page.files.push(file);
  }

  /** Whether the instruction's bytes are at an address, with this one as the last. */
  private has(
    tracer: NativeTracer,
    tid: number,
    addr: number,
    { code: expected }: TrapInstruction,
    last: number,
  ): boolean {
    const { code } = this;
    const { length } = expected;
    if (tracer.readMemory(tid, addr, code, 0, length) !== length) return false;
    for (let i = 0; i < length - 1; i++) if (code[i] !== expected[i]) return false;
    return code[length - 1] === last;
  }
}

/**
 * Whether a memory call gives the process code that no file has. Instructions that have to trap are not found there: a cpuid
 * tells which CPU the task is on.
 */
export function makesCode(nr: number, args: readonly (number | bigint)[]): boolean {
  const prot = Number(args[2]);
  if (nr === Sys.shmat) return (prot & SHM_EXEC) !== 0;
  if ((prot & Prot.EXEC) === 0) return false;
  if (nr === Sys.mprotect || nr === Sys.pkey_mprotect) return true;
  if (nr !== Sys.mmap) return false;
  const flags = Number(args[3]);
  const isPrivate = (flags & MapFlag.TYPE) === MapFlag.PRIVATE;
  return (flags & MapFlag.ANONYMOUS) !== 0 || (prot & Prot.WRITE) !== 0 || !isPrivate;
}
