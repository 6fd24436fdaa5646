import {
  clearStopTraces,
  Flow,
  hashOfPieces,
  hashPiece,
  hashVectors,
  instructionsOver,
  isOnePiece,
  monotonicNs,
  type Page,
  PAGE_SIZE,
  parseMaps,
  type ProcMapping,
  Prot,
  ReadPages,
  Reg,
  Registers,
  sseRegisters,
  sumPieces,
  threadCpuNs,
} from '@scribe-ts/core-native';
import type { MemoryWrite, PreemptFrame } from '@scribe-ts/tracelog';
import type { Session } from '../session.js';
import type { Task } from '../tasks.js';
import { SumBudget } from './sum-budget.js';
import { inFlight, isOutside, type Range } from './in-flight.js';
import { ownStack } from './own-stack.js';
import { type Code, isReserved, jumpTargets, lookAhead, pointedTo } from './look-ahead.js';
import { reachable } from './reachable.js';

/** Code looked at on both sides of the point, bytes. */
const CODE_WINDOW = 1024;
/** Code bytes kept: as many as the instructions may have that five bytes of a jump lie on. */
const CODE_KEPT = 20;
const WORD = 8;
const MAX_WORDS = 48;
/** Bytes kept of what can be reached from registers and the stack, and how many of them. */
const POINTEE = 64;
const MAX_POINTEES = 96;
/** Bytes of the stack kept: a few frames. */
const STACK_WINDOW = 512;
const RED_ZONE = 128;
const MAX_NEAR_PAGES = 32;
/** Bytes of data that are summed up as well, if the time allows it. */
const MAX_DATA = 0x400000;
const NO_BYTES = new Uint8Array(0);
const NO_PAGES: Compared = { pages: [], pagesHash: '', summed: [], sums: NO_BYTES };
/** Bytes that replay may write a jump over. */
const PATCH_SIZE = 5;

/** All that replay needs to find the point again, but for `task`, `time` and `ran`. */
export type Signature = Omit<PreemptFrame, 'type' | 'task' | 'time' | 'ran'>;

/** Memory compared by a hash or by sums. */
type Compared = Pick<Signature, 'pages' | 'pagesHash' | 'summed' | 'sums'>;

/** Describes states of tasks stopped in user code, so that each can be told from all states that come before it. */
export class Signatures {
  private readonly budget = new SumBudget(monotonicNs);
  /** Kept from one signature to the next: pages made anew for each took a quarter of the time in garbage collections. */
  private readonly spare: Page[] = [];

  constructor(private readonly session: Session) {}

  /** The signature of where `task` stands; `session.regs` are its registers. */
  take(task: Task): Signature {
    const memory = new ReadPages(this.session.tracer, task.tid, this.spare);
    const signature = this.describe(task, memory);
    memory.release();
    return signature;
  }

  private describe(task: Task, read: ReadPages): Signature {
    const { tracer, regs } = this.session;
    const { tid } = task;
    const rip = regs.address(Reg.rip);
    const kept = read.bytes(rip, CODE_KEPT);
    const patchable = this.makePrivate(tid, rip, kept.subarray(0, PATCH_SIZE));
    const named = lookAhead(read, rip, regs);
    const flying = inFlight(this.session, task);
    const maps = parseMaps(tid);
    const own = ownStack(regs, maps, (addr) => this.session.readWord(task, addr));
    const others = this.otherStacks(task, maps);
    const memory = this.words(read, named, own, flying ?? []);
    const stack = read.bytes(regs.address(Reg.rsp), STACK_WINDOW);
    const stacks = [own, ...others];
    const reached = reachable(regs, stack, maps, stacks, read);
    if (flying !== undefined) memory.push(...this.pointees(read, reached, flying));
    const { pages, pagesHash, summed, sums } =
      flying === undefined ? NO_PAGES : this.pages(task, named, reached, maps, stacks, flying);
    const vectors = tracer.getXstate(tid);
    const saved = regs.save();
    clearStopTraces(saved);
    return {
      rip,
      code: kept,
      regs: new Uint8Array(saved.buffer),
      sse: sseRegisters(vectors),
      vector: hashVectors(vectors),
      memory,
      stack,
      pages,
      pagesHash,
      summed,
      sums,
      patchable,
      counter: 'none',
      count: 0,
    };
  }

  /** Whether replay can stop a task at `rip`, where it stands, without stopping it everywhere around. */
  isGoodPoint(task: Task, rip = this.session.regs.address(Reg.rip)): boolean {
    const code = this.codeAt(task.tid, rip);
    const here = code.bytes.subarray(rip - code.start);
    const covered = instructionsOver(here, PATCH_SIZE);
    if (covered === undefined || !isOnePiece(here, PATCH_SIZE)) return false;
    if (covered.some(({ flow, repeats }) => flow === Flow.System || repeats)) return false;
    const targets = jumpTargets(code, rip);
    for (let i = 1; i < PATCH_SIZE; i++) if (targets.has(rip + i)) return false;
    return true;
  }

  private codeAt(tid: number, rip: number): Code {
    const start = Math.max(0, rip - CODE_WINDOW);
    const window = this.read(tid, start, 2 * CODE_WINDOW) ?? this.read(tid, rip, CODE_WINDOW);
    return { start: window?.addr ?? rip, bytes: window?.bytes ?? NO_BYTES };
  }

  /** As much as can be read from `addr` on; undefined if nothing can. */
  private read(tid: number, addr: number, length: number): MemoryWrite | undefined {
    const bytes = new Uint8Array(length);
    const got = this.session.tracer.readMemory(tid, addr, bytes, 0, length);
    return got === 0 ? undefined : { addr, bytes: bytes.subarray(0, got) };
  }

  /**
   * Replay may write a jump over the code. That makes a page of a file the process's own, which the hashes of memory
   * notice: so the recording makes it its own as well. False where no copy would be made.
   */
  private makePrivate(tid: number, rip: number, code: Uint8Array): boolean {
    return (
      code.length === PATCH_SIZE &&
      this.session.tracer.writeMemory(tid, rip, code, 0, PATCH_SIZE) === PATCH_SIZE
    );
  }

  /** Stacks of other tasks in the address space: dead memory in them may differ, as in the task's own. */
  private otherStacks(task: Task, maps: readonly ProcMapping[]): Range[] {
    const readWord = (addr: number): number => this.session.readWord(task, addr);
    return [...task.domain.tasks]
      .filter((other) => other !== task && other.space === task.space)
      .map((other) => ownStack(new Registers(other.exitRegs), maps, readWord));
  }

  /** The words at these addresses. */
  private words(
    read: ReadPages,
    addresses: ReadonlySet<number>,
    own: Range,
    flying: readonly Range[],
  ): MemoryWrite[] {
    const stackPointer = this.session.regs.address(Reg.rsp);
    const found: MemoryWrite[] = [];
    for (const addr of addresses) {
      if (found.length === MAX_WORDS) break;
      // Below the red zone the stack is dead.
      if (addr < stackPointer - RED_ZONE && addr >= own.start) continue;
      if (!isOutside(flying, addr, WORD)) continue;
      const bytes = read.bytes(addr, WORD);
      if (bytes.length === WORD) found.push({ addr, bytes });
    }
    return found;
  }

  /** The beginnings of what can be reached: an interpreter has its variables there. */
  private pointees(
    read: ReadPages,
    reached: readonly number[],
    flying: readonly Range[],
  ): MemoryWrite[] {
    const found: MemoryWrite[] = [];
    for (const addr of reached) {
      if (!isOutside(flying, addr, POINTEE)) continue;
      const bytes = read.bytes(addr, POINTEE);
      if (bytes.length === POINTEE && found.push({ addr, bytes }) === MAX_POINTEES) break;
    }
    return found;
  }

  /** What of memory is compared: what lies near by its hash, and all data by sums, if there is time for that. */
  private pages(
    task: Task,
    named: ReadonlySet<number>,
    reached: readonly number[],
    maps: readonly ProcMapping[],
    stacks: readonly Range[],
    flying: readonly Range[],
  ): Compared {
    const { tracer } = this.session;
    const pages: number[] = [];
    const hashes: string[] = [];
    const addresses = [...named, ...pointedTo(this.session.regs), ...reached];
    for (const page of nearPages(addresses, stacks, flying)) {
      const hash = hashPiece(tracer, task.tid, page, PAGE_SIZE);
      if (hash === undefined) continue;
      pages.push(page, PAGE_SIZE);
      hashes.push(hash);
    }
    const hashed = { pages, pagesHash: hashOfPieces(hashes) };
    const data = this.data(task, maps, flying);
    const size = sizeOf(data);
    if (size > 0 && this.budget.allows(size)) {
      const summed = [...data, ...piecesOutside(data, pages)];
      // Not wall time: what others do with the CPU would count as well.
      const startNs = threadCpuNs();
      const sums = sumPieces(tracer, task.tid, summed);
      this.budget.spend(size, threadCpuNs() - startNs);
      // There are none where a mapping goes beyond the end of its file.
      if (sums !== undefined) return { ...hashed, summed, sums };
    }
    const sums = sumPieces(tracer, task.tid, pages);
    return { ...hashed, summed: sums === undefined ? [] : pages, sums: sums ?? NO_BYTES };
  }

  /** All small writable mappings but the stacks. */
  private data(task: Task, maps: readonly ProcMapping[], flying: readonly Range[]): number[] {
    const stacks: number[] = [];
    for (const other of task.domain.tasks) {
      const regs = other === task ? this.session.regs.halves : other.exitRegs;
      stacks.push(regs[Reg.rsp * 2 + 1]! * 0x100000000 + regs[Reg.rsp * 2]!);
    }
    const pieces: number[] = [];
    let left = MAX_DATA;
    for (const [i, { start, end, prot, name }] of maps.entries()) {
      const size = end - start;
      const wanted = Prot.READ | Prot.WRITE;
      if ((prot & wanted) !== wanted || size > left || isReserved(start)) continue;
      if (name.startsWith('[stack') || name.startsWith('/dev/')) continue;
      // Behind a guard page: the stack of a thread, that may have ended. Dead memory on it may differ.
      if (name === '' && maps[i - 1]?.end === start && maps[i - 1]?.prot === 0) continue;
      if (!isOutside(flying, start, size)) continue;
      if (stacks.some((pointer) => pointer >= start && pointer <= end)) continue;
      left -= size;
      pieces.push(start, size);
    }
    return pieces;
  }
}

/** Pages next to these addresses. */
function nearPages(
  addresses: readonly number[],
  stacks: readonly Range[],
  flying: readonly Range[],
): Set<number> {
  const pages = new Set<number>();
  for (const addr of addresses) {
    const page = addr - (addr % PAGE_SIZE);
    if (isReserved(page) || !isOutside(stacks, page, PAGE_SIZE)) continue;
    if (!isOutside(flying, page, PAGE_SIZE)) continue;
    pages.add(page);
    if (pages.size === MAX_NEAR_PAGES) break;
  }
  return pages;
}

/** Those of `pages`, pieces of a page each, that do not lie in `pieces`. */
function piecesOutside(pieces: readonly number[], pages: readonly number[]): number[] {
  const outside: number[] = [];
  for (let i = 0; i < pages.length; i += 2) {
    const page = pages[i]!;
    let isInside = false;
    for (let j = 0; j < pieces.length && !isInside; j += 2)
      isInside = page >= pieces[j]! && page < pieces[j]! + pieces[j + 1]!;
    if (!isInside) outside.push(page, PAGE_SIZE);
  }
  return outside;
}

function sizeOf(pieces: readonly number[]): number {
  let size = 0;
  for (let i = 1; i < pieces.length; i += 2) size += pieces[i]!;
  return size;
}
