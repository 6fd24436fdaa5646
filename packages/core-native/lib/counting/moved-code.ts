import { Reg } from '../binding.js';
import type { Registers } from '../registers.js';
import { relocate } from '../relocate.js';
import { Flow, instructionsOver } from '../x86.js';
import type { Loop, Placed } from './loop.js';
import type { MachineCode } from './machine-code.js';
import { JUMP_SIZE } from './room.js';

/** As far as jumps within code go, bytes: less than 2 GiB, as instructions move by their lengths. */
export const REACH = 0x7ff00000;
/** Bytes of the longest moved instruction. */
const MAX_MOVED = 48;
/** Parts of a moved call: the low half of the return address is pushed, then the high half stored. */
const PUSHED_LOW = 5;
const PUSHED = 13;
const WORD = 8;
/** `jmp rel8`, over a jump to any address. */
const SHORT_JUMP = 2;

/** What a task that is stopped in moved code has executed of the program's. */
export interface Unmoved {
  /** Where it stands in the program's own code. */
  readonly rip: number;
  /** The return address of a call has been pushed, which the call at `rip` will do once more. */
  readonly hasPushed: boolean;
}

/** Code of the program's that is run elsewhere. */
export interface MovedCode {
  /** Where instructions are now, by their own addresses. */
  readonly moved: ReadonlyMap<number, number>;
  /** Where a task stands that is stopped there. */
  readonly places: ReadonlyMap<number, Unmoved>;
}

/** Makes registers of a task that is stopped in moved code those that it would have in the program's own. */
export function leaveMovedCode(regs: Registers, { rip, hasPushed }: Unmoved): void {
  regs.set(Reg.rip, rip);
  if (hasPushed) regs.set(Reg.rsp, regs.address(Reg.rsp) + WORD);
}

/**
 * The instructions that a jump at `point` covers; undefined if one of them cannot be decoded, or must be run at its own
 * place. A string instruction would be one step for what counts or compares there, though it can be stopped in its middle.
 */
export function coveredAt(code: Uint8Array, point: number): Placed[] | undefined {
  const instructions = instructionsOver(code, JUMP_SIZE);
  if (instructions === undefined) return undefined;
  if (instructions.some(({ flow, repeats }) => flow === Flow.System || repeats)) return undefined;
  let addr = point;
  return instructions.map((instruction) => {
    const placed = { addr, code: code.subarray(addr - point), instruction };
    addr += instruction.length;
    return placed;
  });
}

/** Bytes that `moveCode` writes, at most. */
export function movedSize(covered: readonly Placed[], loop: Loop | undefined): number {
  const copied = loop === undefined ? 0 : loop.before.length + loop.behind.length + 1;
  return MAX_MOVED * (covered.length + copied);
}

/**
 * Writes what a jump lies on, and the whole loop that it is in: so a round takes no more jumps than it did. The way back to
 * the point leads to `entry`. Undefined if an instruction cannot be moved.
 */
export function moveCode(
  way: MachineCode,
  covered: readonly Placed[],
  loop: Loop | undefined,
  entry: number,
): MovedCode | undefined {
  const moved = new Map<number, number>();
  const places = new Map<number, Unmoved>();
  const isAt = (rip: number): void => void places.set(way.here, { rip, hasPushed: false });
  const put = (all: readonly Placed[]): boolean =>
    all.every((placed) => {
      moved.set(placed.addr, way.here);
      isAt(placed.addr);
      return putMoved(way, placed, places);
    });
  const jump = (to: number, rip: number): void => {
    isAt(rip);
    way.put(0xe9).to(to);
  };
  if (loop === undefined) {
    if (!put(covered)) return undefined;
    const end = endOf(covered);
    jump(end, end);
    return { moved, places };
  }
  const { before, closing, behind } = loop;
  const point = covered[0]!.addr;
  if (!put(before)) return undefined;
  moved.set(closing.addr, way.here);
  isAt(closing.addr);
  const isConditional = closing.instruction.flow === Flow.Conditional;
  // The opposite condition leaves the loop.
  if (isConditional) way.put(0x0f, 0x80 | (conditionOf(closing) ^ 1)).int32(0);
  const out = way.here;
  if (!put(behind)) return undefined;
  jump(entry, point);
  if (isConditional) way.arrive(out);
  const rest = covered.filter(({ addr }) => addr > closing.addr);
  if (!put(rest)) return undefined;
  const end = endOf([closing, ...rest]);
  jump(end, end);
  return { moved, places };
}

function endOf(all: readonly Placed[]): number {
  const { addr, instruction } = all.at(-1)!;
  return addr + instruction.length;
}

/**
 * Writes an instruction as `relocate` does, but with jumps that reach as far as those into the room do. False if it cannot be
 * moved. `places` are told where in its midst a task may be stopped.
 */
export function putMoved(
  way: MachineCode,
  { addr, code, instruction }: Placed,
  places: Map<number, Unmoved>,
): boolean {
  const { flow, length, relative } = instruction;
  const start = way.here;
  const next = addr + length;
  const target = next + relative;
  const isNear = Math.abs(target - start) < REACH;
  if (flow === Flow.Conditional && isNear)
    way.put(0x0f, 0x80 | conditionOf({ addr, code, instruction })).to(target);
  else if (flow === Flow.Jump && isNear) way.put(0xe9).to(target);
  else {
    const bytes = relocate(code, 0, instruction, addr, start);
    if (bytes === undefined) return false;
    way.put(...bytes);
    if (flow === Flow.Call || flow === Flow.IndirectCall)
      for (const part of [PUSHED_LOW, PUSHED])
        places.set(start + part, { rip: addr, hasPushed: true });
    else if (flow === Flow.Conditional)
      places.set(start + SHORT_JUMP, { rip: target, hasPushed: false });
    else if (flow === Flow.Loop) {
      places.set(start + length, { rip: next, hasPushed: false });
      places.set(start + length + SHORT_JUMP, { rip: target, hasPushed: false });
    }
  }
  return true;
}

/** The condition of a conditional jump, as its opcode has it. */
export function conditionOf({ code, instruction }: Placed): number {
  return code[instruction.opcodeAt]! & 15;
}
