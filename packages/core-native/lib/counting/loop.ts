import { decode, Flow, type Instruction } from '../x86.js';

/** Bytes of code at an address: those of one instruction at least, if it is known. */
export type CodeAt = (addr: number) => Uint8Array;

/** Instructions of a loop, at most. */
const MAX_LOOP = 32;
/** Bytes that a loop begins before a point in it, at most. */
const MAX_BACK = 256;

/** An instruction and where it lies. */
export interface Placed {
  readonly addr: number;
  readonly code: Uint8Array;
  readonly instruction: Instruction;
}

/** A loop without calls that leads past a point. */
export interface Loop {
  /** From the point up to the jump that closes the loop. */
  readonly before: readonly Placed[];
  readonly closing: Placed;
  /** From where that one goes up to the point. */
  readonly behind: readonly Placed[];
}

/** The innermost loop that `point` lies in; undefined if there is none that is short and simple. */
export function findLoop(codeAt: CodeAt, point: number): Loop | undefined {
  const before: Placed[] = [];
  for (let addr = point; before.length < MAX_LOOP;) {
    const placed = at(codeAt, addr);
    if (placed === undefined) return undefined;
    const { flow, length, relative, repeats } = placed.instruction;
    addr += length;
    if (repeats) return undefined;
    const target = addr + relative;
    if ((flow === Flow.Jump || flow === Flow.Conditional) && target <= point) {
      const behind = straight(codeAt, target, point);
      if (behind !== undefined) return { before, closing: placed, behind };
    }
    if (flow !== Flow.Next && flow !== Flow.Conditional) return undefined;
    before.push(placed);
  }
  return undefined;
}

/**
 * The first instruction of a loop without other jumps, from its point on, that has `size` bytes at least: each round passes it.
 * Undefined if there is none.
 */
export function largeInEachRound({ before, behind }: Loop, size: number): number | undefined {
  const all = [...before, ...behind];
  if (all.some(({ instruction }) => instruction.flow !== Flow.Next)) return undefined;
  return all.find(({ instruction }) => instruction.length >= size)?.addr;
}

/** The instructions from `start` up to `end`; undefined if control may go elsewhere for good. */
function straight(codeAt: CodeAt, start: number, end: number): Placed[] | undefined {
  const found: Placed[] = [];
  if (end - start > MAX_BACK) return undefined;
  let addr = start;
  while (addr < end && found.length < MAX_LOOP) {
    const placed = at(codeAt, addr);
    if (placed === undefined) return undefined;
    const { flow, length, repeats } = placed.instruction;
    if (repeats || (flow !== Flow.Next && flow !== Flow.Conditional)) return undefined;
    found.push(placed);
    addr += length;
  }
  return addr === end ? found : undefined;
}

function at(codeAt: CodeAt, addr: number): Placed | undefined {
  const code = codeAt(addr);
  const instruction = decode(code);
  return instruction === undefined ? undefined : { addr, code, instruction };
}
