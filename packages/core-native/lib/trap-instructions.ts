/**
 * Instructions whose answers have to be recorded. Where the CPU does not make them trap, another one of the same length takes
 * their place that always does: one of the kernel's alone, which gives the same general protection fault.
 */

/** One of them, and what stands for it. */
export interface TrapInstruction {
  readonly name: 'cpuid' | 'rdtsc' | 'rdtscp';
  readonly code: Uint8Array;
  /** The last byte of what stands for it; the others are the same. */
  readonly last: number;
}

/** `clts`, `invd` and `swapgs` stand for them. */
export const TRAP_INSTRUCTIONS: readonly TrapInstruction[] = [
  { name: 'cpuid', code: Uint8Array.of(0x0f, 0xa2), last: 0x06 },
  { name: 'rdtsc', code: Uint8Array.of(0x0f, 0x31), last: 0x08 },
  { name: 'rdtscp', code: Uint8Array.of(0x0f, 0x01, 0xf9), last: 0xf8 },
];
/** Bytes of the longest. */
export const MAX_TRAP_BYTES = 3;

/** Whether code begins with the instruction, or with what stands for it. */
function begins(code: Uint8Array, instruction: TrapInstruction): boolean {
  const at = instruction.code.length - 1;
  for (let i = 0; i < at; i++) if (code[i] !== instruction.code[i]) return false;
  return code[at] === instruction.code[at] || code[at] === instruction.last;
}

/** Which of them code begins with, be it itself or what stands for it; undefined if none. */
export function trapInstruction(code: Uint8Array): TrapInstruction | undefined {
  return TRAP_INSTRUCTIONS.find((instruction) => begins(code, instruction));
}
