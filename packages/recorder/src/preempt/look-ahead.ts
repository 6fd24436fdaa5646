import {
  decode,
  Flow,
  type Instruction,
  MAX_INSTRUCTION,
  Reg,
  type Registers,
} from '@scribe-ts/core-native';

/** user_regs_struct's index of each register, in the order in which instructions number them. */
export const REGISTER_ORDER = [
  Reg.rax,
  Reg.rcx,
  Reg.rdx,
  Reg.rbx,
  Reg.rsp,
  Reg.rbp,
  Reg.rsi,
  Reg.rdi,
  Reg.r8,
  Reg.r9,
  Reg.r10,
  Reg.r11,
  Reg.r12,
  Reg.r13,
  Reg.r14,
  Reg.r15,
] as const;

/** Instructions looked at, at most. */
const MAX_LOOKED_AT = 128;
const LOWEST_ADDRESS = 0x10000;
const ADDRESS_END = 0x7ffffffff000;

/** Code of the task in one piece, found where it was read from. */
export interface Code {
  readonly start: number;
  readonly bytes: Uint8Array;
}

export interface Ahead {
  /** Addresses that memory operands name. */
  readonly operands: ReadonlySet<number>;
  /** Where direct jumps go. */
  readonly targets: ReadonlySet<number>;
}

/**
 * Addresses that the code from `rip` on names in its memory operands, with the registers as they are now. What a register
 * will hold later isn't known, so an address may be one that is never used: for telling states apart all that counts is
 * that most are. Both ways of a branch are followed as far as `code` has them.
 */
export function lookAhead(code: Code, rip: number, regs: Registers): Ahead {
  const operands = new Set<number>();
  const targets = new Set<number>();
  const seen = new Set<number>();
  const ways = [rip];
  let looked = 0;
  while (ways.length > 0) {
    let at = ways.shift()!;
    while (!seen.has(at) && looked < MAX_LOOKED_AT) {
      const offset = at - code.start;
      if (offset < 0 || offset > code.bytes.length - MAX_INSTRUCTION) break;
      const instruction = decode(code.bytes, offset);
      if (instruction === undefined) break;
      seen.add(at);
      looked++;
      const next = at + instruction.length;
      const addr = addressOf(instruction, next, regs);
      if (addr !== undefined) operands.add(addr);
      const { flow } = instruction;
      const target = next + instruction.relative;
      if (flow === Flow.Jump) {
        targets.add(target);
        at = target;
      } else if (flow === Flow.Return || flow === Flow.IndirectJump || flow === Flow.System) break;
      else {
        at = next;
        if (flow === Flow.Conditional || flow === Flow.Loop) {
          targets.add(target);
          // A loop's body comes before what follows the loop.
          ways.push(target < next ? next : target);
          if (target < next) at = target;
        }
      }
    }
  }
  return { operands, targets };
}

function addressOf(instruction: Instruction, next: number, regs: Registers): number | undefined {
  const { memory } = instruction;
  if (memory === undefined) return undefined;
  let addr = memory.displacement;
  if (memory.ripRelative) addr += next;
  if (memory.segment === 'fs') addr += Number(regs.get(Reg.fs_base));
  else if (memory.segment === 'gs') addr += Number(regs.get(Reg.gs_base));
  if (memory.base >= 0) addr += Number(regs.get(REGISTER_ORDER[memory.base]!));
  if (memory.index >= 0) addr += Number(regs.get(REGISTER_ORDER[memory.index]!)) * memory.scale;
  return isUserAddress(addr) ? addr : undefined;
}

/** What registers point to, if it is pointers that they hold. */
export function pointedTo(regs: Registers): number[] {
  return REGISTER_ORDER.map((reg) => Number(regs.get(reg))).filter(isUserAddress);
}

export function isUserAddress(addr: number): boolean {
  return addr >= LOWEST_ADDRESS && addr < ADDRESS_END;
}
