import { Reg } from './binding.js';

/** user_regs_struct seen as words: signed 64-bit values, `number` when a safe integer, else `bigint`. */
export class Registers {
  constructor(
    /** 54 32-bit halves, low first, as `Tracer.regs`. */
    readonly halves: Uint32Array,
  ) {}

  get(reg: number): number | bigint {
    const low = this.halves[reg * 2]!;
    const high = this.halves[reg * 2 + 1]! | 0;
    if (high > -0x200000 && high < 0x200000) return high * 0x100000000 + low;
    return (BigInt(high) << 32n) | BigInt(low);
  }

  /** An address or other value known to be a safe integer; the low 53 bits otherwise. */
  address(reg: number): number {
    return (this.halves[reg * 2 + 1]! & 0x1fffff) * 0x100000000 + this.halves[reg * 2]!;
  }

  /** The low 32 bits as a signed int. */
  int(reg: number): number {
    return this.halves[reg * 2]! | 0;
  }

  set(reg: number, value: number | bigint): void {
    if (typeof value === 'number') {
      this.halves[reg * 2] = value;
      this.halves[reg * 2 + 1] = Math.floor(value / 0x100000000);
    } else {
      this.halves[reg * 2] = Number(value & 0xffffffffn);
      this.halves[reg * 2 + 1] = Number((value >> 32n) & 0xffffffffn);
    }
  }

  /** Copies all registers out. */
  save(): Uint32Array {
    return this.halves.slice();
  }

  load(saved: Uint32Array): void {
    this.halves.set(saved);
  }

  /** Whether all registers equal a saved set. */
  equals(saved: Uint32Array): boolean {
    for (let i = 0; i < this.halves.length; i++) if (this.halves[i] !== saved[i]) return false;
    return true;
  }
}

/** Registers that carry a system call's arguments, in order. */
export const ARGUMENT_REGS = [Reg.rdi, Reg.rsi, Reg.rdx, Reg.r10, Reg.r8, Reg.r9] as const;

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

/** RF and TF: what a stop itself leaves in eflags. */
export const STOP_FLAGS = 0x10100;

/** Hash of a register set as `state` frames hold it: 16 hex digits of SHA-256 over the 27 words. */
export function hashRegisters(halves: Uint32Array): string {
  const copy = halves.slice();
  copy[Reg.eflags * 2]! &= ~STOP_FLAGS;
  // Loaded when first needed: most recordings hash nothing.
  const { createHash } = process.getBuiltinModule('node:crypto');
  return createHash('sha256').update(new Uint8Array(copy.buffer)).digest('hex').slice(0, 16);
}
