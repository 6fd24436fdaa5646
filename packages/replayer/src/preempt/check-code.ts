import {
  Flow,
  type Instruction,
  instructionsOver,
  PAGE_SIZE,
  type ProcMapping,
  relocate,
  RESERVED_END,
  RESERVED_START,
} from '@scribe-ts/core-native';

/** Bytes that a near jump takes. */
export const JUMP_SIZE = 5;
/** Where a check may lie: not near the lowest pages, nor above what 47 bits reach. */
const LOWEST = 0x10000;
const HIGHEST = 0x7ffffffff000;
/** A stack may still grow into what lies this near below it, bytes. */
const STACK_ROOM = 0x10000000;
/** Nearer to the ends of memory that a program has reserved there may be guard pages, which it means to run into, bytes. */
const RESERVE_MARGIN = 0x40000;
/** Places tried for one check. */
const MAX_PLACES = 64;
/** Bytes of the longest moved instruction. */
const MAX_MOVED = 48;
/** And of the longest comparison. */
const MAX_COMPARED = 64;

/**
 * Opcodes that stop the task wherever it jumps to one: int3, then those that are no instruction in 64-bit mode, then those
 * that are the kernel's alone. The jump to the check lies over up to five instructions; its own bytes are chosen so that
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

/**
 * What a general register (by the number that instructions have for it), the low half of an xmm register or a word of
 * memory must hold: unsigned values.
 */
export type Condition =
  | { readonly xmm: number; readonly value: bigint }
  | { readonly register: number; readonly value: bigint }
  | { readonly addr: number; readonly value: bigint };

/** Code that is run in place of what lies at a point: it compares, stops the task if all is equal, and goes on as before. */
export interface CheckCode {
  /** Pages it needs: writable and executable. */
  readonly start: number;
  readonly end: number;
  /** Whether they are pages that the program has reserved, and cannot touch as they are. */
  readonly isReserved: boolean;
  /** Address and bytes of the code. */
  readonly entry: number;
  readonly bytes: Uint8Array;
  /** What to write over the point. */
  readonly jump: Uint8Array;
  /** rip when it has stopped the task. */
  readonly hit: number;
  /** Where rcx is kept while the check compares. */
  readonly slots: number;
  /** Where a task goes on that the check has stopped. */
  readonly pass: number;
  /** Instructions moved, by their own addresses. */
  readonly moved: ReadonlyMap<number, number>;
}

/**
 * Makes a check for the code at `point`. The conditions are compared in their order, so the first should be one that most
 * states don't meet. Undefined if the code cannot be moved, or there is no place for the check.
 */
export function makeCheck(
  code: Uint8Array,
  point: number,
  conditions: readonly Condition[],
  mappings: readonly ProcMapping[],
): CheckCode | undefined {
  const instructions = instructionsOver(code, JUMP_SIZE);
  if (instructions === undefined) return undefined;
  // A string instruction is one step for its check, though it can be stopped in its middle.
  if (instructions.some(({ flow, repeats }) => flow === Flow.System || repeats)) return undefined;
  const codeSize = 64 + conditions.length * MAX_COMPARED + MAX_MOVED * (instructions.length + 1);
  // Two pages on, so that a page lies between for certain.
  const size = codeSize + 2 * PAGE_SIZE;
  // Runtimes reserve all that is in reach of their code: their reserve will do if nothing else is there.
  for (const isReserved of [false, true]) {
    let places = 0;
    for (const distance of distances(instructions)) {
      const entry = point + JUMP_SIZE + distance;
      const isPlace = isReserved ? isUntouched : isFree;
      if (!isPlace(entry, entry + size, mappings)) continue;
      const slots = (Math.floor((entry + codeSize) / PAGE_SIZE) + 1) * PAGE_SIZE;
      const check = assemble(code, point, instructions, entry, slots, conditions);
      if (check !== undefined) return { ...check, isReserved };
      if (++places === MAX_PLACES) break;
    }
  }
  return undefined;
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

/** Writes machine code at an address. */
class Code {
  private readonly bytes: number[] = [];
  constructor(readonly start: number) {}

  get here(): number {
    return this.start + this.bytes.length;
  }
  put(...bytes: readonly number[]): this {
    this.bytes.push(...bytes);
    return this;
  }
  int32(value: number): this {
    return this.put(value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, (value >> 24) & 0xff);
  }
  word(value: bigint): this {
    for (let i = 0n; i < 64n; i += 8n) this.put(Number((value >> i) & 0xffn));
    return this;
  }
  /** A 32-bit distance to `target`, which ends its instruction. */
  to(target: number): this {
    return this.int32(target - (this.here + 4));
  }
  finish(): Uint8Array {
    return Uint8Array.from(this.bytes);
  }
}

const RCX = 1;
/** ModRM bytes of `mov [rip+x], r` and its reverse. */
const SLOT_RCX = 0x0d;
const SLOT_RDX = 0x15;

/**
 * The check uses neither the stack (below a function's red zone other things may lie, and dead memory is compared as
 * well) nor the flags: a value is compared by adding its negative with lea, and jrcxz. rcx and rdx are kept at `slots`,
 * on a page without code, as a store near code that runs costs hundreds of cycles.
 */
function assemble(
  code: Uint8Array,
  point: number,
  instructions: readonly Instruction[],
  entry: number,
  slots: number,
  conditions: readonly Condition[],
): Omit<CheckCode, 'isReserved'> | undefined {
  const slotOf = (modrm: number): number => (modrm === SLOT_RCX ? slots : slots + 8);
  const save = (asm: Code, modrm: number): Code => asm.put(0x48, 0x89, modrm).to(slotOf(modrm));
  const load = (asm: Code, modrm: number): Code => asm.put(0x48, 0x8b, modrm).to(slotOf(modrm));
  const size = instructions.reduce((sum, { length }) => sum + length, 0);

  // The way that nearly every pass takes: one comparison, and on.
  const way = new Code(entry);
  save(way, SLOT_RCX);
  compare(way, conditions[0]!, save, load);
  way.put(0xe3, 2, 0xeb, JUMP_SIZE).put(0xe9);
  const moreAt = way.here + 4 + 7 + MAX_MOVED * instructions.length + JUMP_SIZE;
  way.to(moreAt);
  const miss = way.here;
  load(way, SLOT_RCX);
  const pass = way.here;
  const moved = new Map<number, number>();
  let at = 0;
  for (const instruction of instructions) {
    const bytes = relocate(code, at, instruction, point + at, way.here);
    if (bytes === undefined) return undefined;
    moved.set(point + at, way.here);
    way.put(...bytes);
    at += instruction.length;
  }
  way.put(0xe9).to(point + size);
  if (way.here > moreAt) throw new Error('moved instructions are longer than they may be');

  const more = new Code(moreAt);
  for (const condition of conditions.slice(1)) {
    compare(more, condition, save, load);
    more.put(0xe3, JUMP_SIZE, 0xe9).to(miss);
  }
  load(more, SLOT_RCX).put(0xcc);
  if (more.here > slots) throw new Error('a check is longer than it may be');

  const bytes = new Uint8Array(more.here - entry);
  bytes.set(way.finish());
  bytes.set(more.finish(), moreAt - entry);
  const jump = new Code(point).put(0xe9).to(entry).finish();
  const start = entry - (entry % PAGE_SIZE);
  return { start, end: slots + PAGE_SIZE, entry, bytes, jump, hit: more.here, slots, pass, moved };
}

type Slot = (asm: Code, modrm: number) => Code;

/** Makes rcx 0 exactly if the condition is met, with all other registers as they were. */
function compare(asm: Code, condition: Condition, save: Slot, load: Slot): void {
  const difference = BigInt.asUintN(64, -condition.value);
  if ('register' in condition && condition.register !== RCX) {
    const { register } = condition;
    asm.put(0x48, 0xb9).word(difference);
    // lea rcx, [register + rcx]
    asm.put(register >= 8 ? 0x49 : 0x48, 0x8d, 0x4c, (RCX << 3) | (register & 7), 0);
    return;
  }
  if ('addr' in condition) {
    // mov rcx, address; mov rcx, [rcx]
    asm.put(0x48, 0xb9).word(BigInt(condition.addr)).put(0x48, 0x8b, 0x09);
  } else if ('xmm' in condition) {
    // movq rcx, xmm
    const { xmm } = condition;
    asm.put(0x66, xmm >= 8 ? 0x4c : 0x48, 0x0f, 0x7e, 0xc0 | ((xmm & 7) << 3) | RCX);
  } else load(asm, SLOT_RCX);
  const small = BigInt.asIntN(32, difference);
  if (BigInt.asUintN(64, small) === difference) {
    // lea rcx, [rcx + difference]
    asm.put(0x48, 0x8d, 0x89).int32(Number(small));
    return;
  }
  save(asm, SLOT_RDX).put(0x48, 0xba).word(difference);
  // lea rcx, [rcx + rdx]
  load(asm.put(0x48, 0x8d, 0x0c, 0x11), SLOT_RDX);
}
