import {
  MapFlag,
  PAGE_SIZE,
  Prot,
  REMOTE_SYSCALL,
  RESERVED_END,
  RESERVED_START,
  Sys,
} from '../abi.js';
import type { NativeTracer, ProcMapping } from '../binding.js';
import type { Instruction } from '../x86.js';

/** Bytes that a near jump takes. */
export const JUMP_SIZE = 5;
/** Where code may lie: not near the lowest pages, nor above what 47 bits reach. */
const LOWEST = 0x10000;
const HIGHEST = 0x7ffffffff000;
/** A stack may still grow into what lies this near below it, bytes. */
const STACK_ROOM = 0x10000000;
/** Nearer to the ends of memory that a program has reserved there may be guard pages, which it means to run into, bytes. */
const RESERVE_MARGIN = 0x40000;
/** Places tried for one piece of code. */
const MAX_PLACES = 64;
const MADV_DONTNEED = 4;

/**
 * Opcodes that stop the task wherever it jumps to one: int3, then those that are no instruction in 64-bit mode, then those
 * that are the kernel's alone. The jump into the room lies over up to five instructions; its own bytes are chosen so that
 * each of them begins with one of these.
 */
const TRAPS = [
  0xcc, 0x06, 0x07, 0x0e, 0x16, 0x17, 0x1e, 0x1f, 0x27, 0x2f, 0x37, 0x3f, 0x60, 0x61, 0x82, 0x9a,
  0xce, 0xd4, 0xd6, 0xea, 0xf4, 0xfa, 0xfb, 0x6c, 0x6d, 0x6e, 0x6f, 0xe4, 0xe5, 0xe6, 0xe7, 0xec,
  0xed, 0xee, 0xef,
];
/** Bytes of a distance in which nothing has to be a trap. */
const ANY = Array.from({ length: 16 }, (_, i) => i << 4);
/** High bytes of a distance, near ones first. */
const NEAR = Array.from({ length: 0x7e }, (_, i) => [i + 1, 0xfe - i]).flat();

/** Pages, writable and executable, for code that is run in place of a program's. */
export interface Room {
  readonly start: number;
  readonly end: number;
  /** Whether they are pages that the program has reserved, and cannot touch as they are. */
  readonly isReserved: boolean;
}

/** Where code may lie to which a jump over `instructions`, the first ones at a point, is to lead. */
export interface Place {
  readonly entry: number;
  readonly isReserved: boolean;
}

/**
 * Places for `size` bytes in reach of `point`. Runtimes reserve all that is in reach of their code: their reserve will do if
 * nothing else is there.
 */
export function* placesFor(
  point: number,
  instructions: readonly Instruction[],
  size: number,
  mappings: readonly ProcMapping[],
): Generator<Place> {
  for (const isReserved of [false, true]) {
    let places = 0;
    for (const distance of distances(instructions)) {
      const entry = point + JUMP_SIZE + distance;
      const isPlace = isReserved ? isUntouched : isFree;
      if (!isPlace(entry, entry + size, mappings)) continue;
      yield { entry, isReserved };
      if (++places === MAX_PLACES) break;
    }
  }
}

/** Distances of jumps in whose bytes a trap lies wherever an instruction begins. */
function* distances(instructions: readonly Instruction[]): Generator<number> {
  const begins = new Set<number>();
  let at = 0;
  for (const { length } of instructions) begins.add((at += length));
  const [first, second, third, fourth] = [1, 2, 3, 4].map((offset) => begins.has(offset));
  for (const high of fourth ? TRAPS : NEAR) {
    for (const middle of third ? TRAPS : ANY) {
      const low = (second ? TRAPS[0]! << 8 : 0) | (first ? TRAPS[0]! : 0);
      yield (high << 24) | (middle << 16) | low;
    }
  }
}

function isFree(from: number, to: number, mappings: readonly ProcMapping[]): boolean {
  const start = from - (from % PAGE_SIZE);
  const end = to + PAGE_SIZE;
  if (start < LOWEST || end > HIGHEST) return false;
  if (start < RESERVED_END && RESERVED_START < end) return false;
  return mappings.every((mapping) => {
    const room = mapping.name === '[stack]' ? STACK_ROOM : 0;
    return end <= mapping.start - room || mapping.end <= start;
  });
}

/** Whether it lies well inside of memory that the program has reserved by a mapping without any rights. */
function isUntouched(from: number, to: number, mappings: readonly ProcMapping[]): boolean {
  return mappings.some(
    ({ start, end, prot, shared, inode, name }) =>
      prot === 0 &&
      !shared &&
      inode === 0 &&
      name === '' &&
      start + RESERVE_MARGIN <= from &&
      to + RESERVE_MARGIN <= end,
  );
}

/** Maps the pages in a stopped task. False if they cannot be had. */
export function mapRoom(tracer: NativeTracer, tid: number, room: Room): boolean {
  const { start, end, isReserved } = room;
  const call = caller(tracer, tid);
  const prot = Prot.READ | Prot.WRITE | Prot.EXEC;
  if (isReserved) return call(Sys.mprotect, start, end - start, prot) === 0;
  const flags = MapFlag.PRIVATE | MapFlag.ANONYMOUS | MapFlag.FIXED_NOREPLACE;
  const at = call(Sys.mmap, start, end - start, prot, flags, -1, 0);
  if (at !== start && at >= 0) call(Sys.munmap, at, end - start);
  return at === start;
}

/** Leaves nothing of them. */
export function unmapRoom(tracer: NativeTracer, tid: number, room: Room): void {
  const { start, end, isReserved } = room;
  const call = caller(tracer, tid);
  if (!isReserved) {
    call(Sys.munmap, start, end - start);
    return;
  }
  call(Sys.madvise, start, end - start, MADV_DONTNEED);
  call(Sys.mprotect, start, end - start, Prot.NONE);
}

function caller(tracer: NativeTracer, tid: number) {
  return (nr: number, ...args: readonly number[]): number =>
    tracer.remoteSyscall(tid, REMOTE_SYSCALL, nr, args);
}
