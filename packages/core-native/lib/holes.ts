import { decode, Flow, type Instruction } from './x86.js';

/** Bytes of `jmp rel32`. */
export const JUMP_BYTES = 5;
/** Bytes of `syscall`, in whose place a `jmp rel8` fits. */
export const SITE_BYTES = 2;
/** How far such a short jump reaches from its end. */
const REACH = 127;
/** Bytes to be read from the end of a site on. */
export const SEARCHED_BYTES = REACH + JUMP_BYTES + 16;

/**
 * Looks for room for a `jmp rel32` that a short jump in a site's place can reach: `code` is what comes after the site.
 * Only padding qualifies that nothing runs through: no-ops right behind an instruction that never goes on to the next
 * (ret, jmp), up to the next instruction that is none. Returns the offset in `code`, or -1.
 */
export function findHole(code: Uint8Array, taken: (offset: number) => boolean): number {
  // Targets of jumps seen so far: padding that somebody jumps into is none.
  const targets: number[] = [];
  for (let at = 0; at <= REACH;) {
    const instruction = decode(code, at);
    if (instruction === undefined) return -1;
    const end = at + instruction.length;
    const { flow, relative } = instruction;
    if (flow === Flow.Jump || flow === Flow.Conditional || flow === Flow.Loop)
      targets.push(end + relative);
    if (goesOn(instruction)) {
      at = end;
      continue;
    }
    const paddingEnd = skipPadding(code, end);
    const free = paddingEnd - end >= JUMP_BYTES && end <= REACH;
    if (free && !taken(end) && !targets.some((target) => target >= end && target < paddingEnd))
      return end;
    at = paddingEnd;
  }
  return -1;
}

/**
 * Whether the first `size` bytes of `code` belong to one piece of it: nothing but padding lies in them behind an instruction
 * that never goes on to the next. Other code there would be the beginning of a function, or somewhere that a jump goes.
 */
export function isOnePiece(code: Uint8Array, size: number): boolean {
  for (let at = 0; at < size;) {
    const instruction = decode(code, at);
    if (instruction === undefined) return false;
    at += instruction.length;
    if (!goesOn(instruction)) return skipPadding(code, at) >= size;
  }
  return true;
}

function goesOn({ flow }: Instruction): boolean {
  return flow !== Flow.Return && flow !== Flow.Jump && flow !== Flow.IndirectJump;
}

/** End of the no-ops and breakpoints that compilers and assemblers put between pieces of code. */
function skipPadding(code: Uint8Array, start: number): number {
  let at = start;
  for (;;) {
    const length = paddingLength(code, at);
    if (length === 0) return at;
    at += length;
  }
}

/** Length of the no-op at `at`; 0 if there is none. */
function paddingLength(code: Uint8Array, at: number): number {
  // int3 and nop
  if (code[at] === 0xcc || code[at] === 0x90) return 1;
  let opcode = at;
  while (code[opcode] === 0x66 || code[opcode] === 0x2e) opcode++;
  const isNop = code[opcode] === 0x90 || (code[opcode] === 0x0f && code[opcode + 1] === 0x1f);
  const instruction = isNop ? decode(code, at) : undefined;
  return instruction?.length ?? 0;
}
