import { decode, Flow, type Instruction } from './x86.js';

/** Bytes of `mov $imm32, %eax`: room for a `jmp rel32`. */
export const LOAD_BYTES = 5;
/** Bytes before a site that tell where its instructions begin. */
export const BEFORE_BYTES = 64;
/** From so many places on it is tried. */
const STARTS = 24;
const MOV_EAX = 0xb8;

/**
 * True if the instruction right before a site is `mov $nr, %eax`: `code` is what comes before the site, and ends with it.
 * A jump in its place moves nothing that comes after the call. These five bytes could be the end of a longer instruction.
 * Decoding tells: from wherever it begins it soon falls into step with the code, so nearly all beginnings must lead to an
 * instruction that begins with these bytes. (Somebody may jump to the site itself: that stays as it is, and traps.)
 */
export function isLoaded(code: Uint8Array, nr: number): boolean {
  const load = code.length - LOAD_BYTES;
  if (load < 1 || code[load] !== MOV_EAX) return false;
  if (new DataView(code.buffer, code.byteOffset).getInt32(load + 1, true) !== nr) return false;
  const before = code[load - 1]!;
  // A prefix would make it a load of another register, or of less.
  if ((before & 0xf0) === 0x40 || before === 0x66) return false;
  return isBoundary(code, load);
}

/** Longer instructions are not moved, bytes. */
export const MAX_MOVED = 12;
const REX = 0x40;
const RSP = 4;

/**
 * Bytes of the instruction right before a site if it can be executed elsewhere and has room for a `jmp rel32`; else 0.
 * `code` is as for isLoaded.
 */
export function movableLength(code: Uint8Array): number {
  for (let length = LOAD_BYTES; length <= MAX_MOVED && length < code.length; length++) {
    const at = code.length - length;
    const instruction = decode(code, at);
    if (instruction?.length !== length || !isMovable(code, at, instruction)) continue;
    // What looks like a prefix of it may be one.
    const before = code[at - 1]!;
    if ((before & 0xf0) === REX || isPrefix(before)) continue;
    if (isBoundary(code, at)) return length;
  }
  return 0;
}

/** True for an instruction that faults nowhere and names no address of its own. */
export function isMovable(code: Uint8Array, at: number, instruction: Instruction): boolean {
  const { flow, memory, ripDisplacementAt, opcodeAt, modrmAt } = instruction;
  if (flow !== Flow.Next || ripDisplacementAt >= 0) return false;
  const hasRex = (code[at]! & 0xf0) === REX;
  if (opcodeAt !== Number(hasRex)) return false;
  const opcode = code[at + opcodeAt]!;
  const isOfRegisters = memory === undefined && code[at + modrmAt]! >= 0xc0;
  const isOfFrame =
    memory?.base === RSP &&
    memory.index < 0 &&
    memory.segment === 'none' &&
    memory.displacement >= 0;
  switch (opcode & 0xf8) {
    // mov $imm, %reg
    case 0xb8:
      return true;
    // mov between registers, or a register and memory (88, 89, 8a, 8b); not of segment registers, and no pop
    case 0x88:
      // lea
      if (opcode === 0x8d) return memory !== undefined && memory.segment === 'none';
      if (opcode > 0x8b) return false;
      return isOfRegisters || isOfFrame;
    // mov of an immediate operand into the frame (c6, c7)
    case 0xc0:
      return opcode >= 0xc6 && isOfFrame;
    // and, or, add, xor and their like with an immediate operand (80, 81, 83)
    case 0x80:
      return opcode <= 0x83 && opcode !== 0x82 && isOfRegisters;
    default:
      // The same between two registers.
      return opcode < 0x40 && (opcode & 7) < 4 && isOfRegisters;
  }
}

/** True for the legacy prefixes. */
function isPrefix(byte: number): boolean {
  switch (byte) {
    case 0x26:
    case 0x2e:
    case 0x36:
    case 0x3e:
    case 0x64:
    case 0x65:
    case 0x66:
    case 0x67:
    case 0xf0:
    case 0xf2:
    case 0xf3:
      return true;
    default:
      return false;
  }
}

/** True if nearly all ways to decode what comes before lead to an instruction that begins at `boundary`. */
function isBoundary(code: Uint8Array, boundary: number): boolean {
  let agree = 0;
  let differ = 0;
  for (let start = 0; start < Math.min(STARTS, boundary); start++) {
    let at = start;
    while (at < boundary) {
      const instruction = decode(code, at);
      if (instruction === undefined) break;
      at += instruction.length;
    }
    if (at === boundary) agree++;
    else if (at > boundary) differ++;
  }
  return agree > 4 * differ;
}
