import {
  type CodeAt,
  coveredAt,
  findLoop,
  JUMP_SIZE,
  type Loop,
  MachineCode as Code,
  moveCode,
  movedSize,
  PAGE_SIZE,
  type Placed,
  placesFor,
  type ProcMapping,
  REACH,
  type Room,
  type Unmoved,
} from '@scribe-ts/core-native';
import { flagsAreFree } from './flags.js';

/** Bytes of the longest comparison. */
const MAX_COMPARED = 64;
/** And of the code that sums up a page. */
const MAX_SUMMED = 192;
/** Bytes of the way that nearly every pass takes, beside the moved instructions. */
const WAY = 128;

/**
 * What a general register (by the number that instructions have for it), the low half of an xmm register or a word of
 * memory must hold: unsigned values.
 */
export type Condition =
  | { readonly xmm: number; readonly value: bigint }
  | { readonly register: number; readonly value: bigint }
  | { readonly addr: number; readonly value: bigint };

/** The sum that a page must have (`sumPages`). */
export interface PageSum {
  readonly page: number;
  readonly value: bigint;
}

/** Code that is run in place of what lies at a point: it compares, stops the task if all is equal, and goes on as before. */
export interface CheckCode extends Room {
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
  /** Where a task stands that is stopped in them. */
  readonly places: ReadonlyMap<number, Unmoved>;
  /** The arithmetic flags are not what they were when it has stopped the task: the code does not look at them. */
  readonly losesFlags: boolean;
}

/** What `makeCheck` knows of the code around a point. */
interface Around {
  readonly flagsAreFree: boolean;
  readonly loop: Loop | undefined;
}

/**
 * Makes a check for the code at `point`. The conditions are compared in their order, so the first should be one that most
 * states don't meet; `sums` come last, as each reads a whole page. `codeAt` tells of code that stays as it is, if there is
 * any: a loop in it runs in the check, and is compared without saving a register where the flags are free. Undefined if
 * the code cannot be moved, or there is no place for the check.
 */
export function makeCheck(
  code: Uint8Array,
  point: number,
  conditions: readonly Condition[],
  mappings: readonly ProcMapping[],
  codeAt: CodeAt = () => NOTHING,
  sums: readonly PageSum[] = [],
): CheckCode | undefined {
  const covered = coveredAt(code, point);
  if (covered === undefined) return undefined;
  const around = { flagsAreFree: flagsAreFree(codeAt, point), loop: findLoop(codeAt, point) };
  const codeSize =
    moreOf(covered, around) + (conditions.length + 1) * MAX_COMPARED + sums.length * MAX_SUMMED;
  // Two pages on, so that a page lies between for certain.
  const size = codeSize + 2 * PAGE_SIZE;
  const instructions = covered.map(({ instruction }) => instruction);
  for (const { entry, isReserved } of placesFor(point, instructions, size, mappings)) {
    const slots = (Math.floor((entry + codeSize) / PAGE_SIZE) + 1) * PAGE_SIZE;
    const check = assemble(point, covered, entry, slots, conditions, around, sums);
    if (check !== undefined) return { ...check, isReserved };
  }
  return undefined;
}

/** Where a check's second part begins, in bytes from its entry. */
function moreOf(covered: readonly Placed[], { loop }: Around): number {
  return WAY + movedSize(covered, loop);
}

const NOTHING = new Uint8Array(0);
const RCX = 1;
/** Bytes behind `slots` where xmm0 and xmm1 are kept. */
const SLOT_XMM0 = 16;
const SLOT_XMM1 = 32;
/** ModRM bytes of `mov [rip+x], r` and its reverse. */
const SLOT_RCX = 0x0d;
const SLOT_RDX = 0x15;

/**
 * The check does not use the stack (below a function's red zone other things may lie, and dead memory is compared as
 * well), nor the flags, but where they are free: a value is compared by adding its negative with lea, and jrcxz. rcx and
 * rdx are kept at `slots`, on a page without code, as a store near code that runs costs hundreds of cycles.
 */
function assemble(
  point: number,
  covered: readonly Placed[],
  entry: number,
  slots: number,
  conditions: readonly Condition[],
  around: Around,
  sums: readonly PageSum[],
): Omit<CheckCode, 'isReserved'> | undefined {
  const slotOf = (modrm: number): number => (modrm === SLOT_RCX ? slots : slots + 8);
  const save = (asm: Code, modrm: number): Code => asm.put(0x48, 0x89, modrm).to(slotOf(modrm));
  const load = (asm: Code, modrm: number): Code => asm.put(0x48, 0x8b, modrm).to(slotOf(modrm));
  const first = conditions[0]!;
  const moreAt = entry + moreOf(covered, around);
  /** A number that the first comparison needs lies before the second part, behind which is the way back out of it. */
  const numberAt = moreAt - 8;
  const missAt = moreAt;
  const nextAt = missAt + 12;

  // The way that nearly every pass takes: one comparison, and on.
  const way = new Code(entry);
  const losesFlags = around.flagsAreFree && compareQuickly(way, first, numberAt);
  if (losesFlags) way.put(0x0f, 0x84).to(nextAt);
  else {
    save(way, SLOT_RCX);
    compare(way, first, save, load);
    way.put(0xe3, 2, 0xeb, JUMP_SIZE).put(0xe9).to(nextAt);
    load(way, SLOT_RCX);
  }
  const pass = way.here;
  const code = moveCode(way, covered, around.loop, entry);
  if (code === undefined) return undefined;
  if (way.here > numberAt) throw new Error('moved instructions are longer than they may be');

  const more = new Code(missAt);
  load(more, SLOT_RCX).put(0xe9).to(pass);
  if (losesFlags) save(more, SLOT_RCX);
  for (const condition of conditions.slice(1)) {
    compare(more, condition, save, load);
    more.put(0xe3, JUMP_SIZE, 0xe9).to(missAt);
  }
  for (const sum of sums) {
    compareSum(more, sum, slots, save, load);
    more.put(0xe3, JUMP_SIZE, 0xe9).to(missAt);
  }
  load(more, SLOT_RCX).put(0xcc);
  if (more.here > slots) throw new Error('a check is longer than it may be');

  const bytes = new Uint8Array(more.here - entry);
  bytes.set(way.finish());
  bytes.set(new Code(numberAt).word(first.value).finish(), numberAt - entry);
  bytes.set(more.finish(), missAt - entry);
  const jump = new Code(point).put(0xe9).to(entry).finish();
  const start = entry - (entry % PAGE_SIZE);
  const hit = more.here;
  const end = slots + PAGE_SIZE;
  return { start, end, entry, bytes, jump, hit, slots, pass, ...code, losesFlags };
}

/** Makes the zero flag tell whether the condition is met, if one instruction can: false if not. */
function compareQuickly(asm: Code, condition: Condition, numberAt: number): boolean {
  const { value } = condition;
  const small = Number(BigInt.asIntN(32, value));
  const isSmall = BigInt.asUintN(64, BigInt(small)) === value;
  if ('register' in condition) {
    const { register } = condition;
    const high = register >= 8 ? 1 : 0;
    // cmp register, number; or cmp register, [number]
    if (isSmall) asm.put(0x48 | high, 0x81, 0xf8 | (register & 7)).int32(small);
    else asm.put(0x48 | (high << 2), 0x3b, 0x05 | ((register & 7) << 3)).to(numberAt);
    return true;
  }
  if (!('addr' in condition) || !isSmall) return false;
  // cmp qword [address], number
  const distance = condition.addr - (asm.here + 11);
  if (Math.abs(distance) >= REACH) return false;
  asm.put(0x48, 0x81, 0x3d).int32(distance).int32(small);
  return true;
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

/** Makes rcx 0 exactly if the page has the sum, with all other registers as they were. */
function compareSum(
  asm: Code,
  { page, value }: PageSum,
  slots: number,
  save: Slot,
  load: Slot,
): void {
  save(asm, SLOT_RDX);
  // movdqu [slot], xmm0; movdqu [slot], xmm1
  asm.put(0xf3, 0x0f, 0x7f, 0x05).to(slots + SLOT_XMM0);
  asm.put(0xf3, 0x0f, 0x7f, 0x0d).to(slots + SLOT_XMM1);
  // mov rdx, end of the page; mov rcx, -its size; pxor xmm0, xmm0; pxor xmm1, xmm1
  asm.put(0x48, 0xba).word(BigInt(page + PAGE_SIZE));
  asm.put(0x48, 0xc7, 0xc1).int32(-PAGE_SIZE);
  asm.put(0x66, 0x0f, 0xef, 0xc0, 0x66, 0x0f, 0xef, 0xc9);
  // again: four times paddq xmm0, [rdx + rcx + row]; paddq xmm1, xmm0
  const again = asm.here;
  for (const row of [0, 16, 32, 48])
    asm.put(0x66, 0x0f, 0xd4, 0x44, 0x0a, row, 0x66, 0x0f, 0xd4, 0xc8);
  // lea rcx, [rcx + 64]; jrcxz done; jmp again
  asm.put(0x48, 0x8d, 0x49, 64, 0xe3, JUMP_SIZE, 0xe9).to(again);
  // done: paddq xmm0, xmm1; pshufd xmm1, xmm1, high half; paddq xmm0, xmm1; movq rcx, xmm0
  asm.put(0x66, 0x0f, 0xd4, 0xc1, 0x66, 0x0f, 0x70, 0xc9, 0xee, 0x66, 0x0f, 0xd4, 0xc1);
  asm.put(0x66, 0x48, 0x0f, 0x7e, 0xc1);
  asm.put(0xf3, 0x0f, 0x6f, 0x05).to(slots + SLOT_XMM0);
  asm.put(0xf3, 0x0f, 0x6f, 0x0d).to(slots + SLOT_XMM1);
  // lea rcx, [rcx + difference]
  asm.put(0x48, 0xba).word(BigInt.asUintN(64, -value));
  load(asm.put(0x48, 0x8d, 0x0c, 0x11), SLOT_RDX);
}
