import { Reg } from './binding.js';

/** What the words are that an agent's entry has pushed (agent/entry.h), from the lowest address on. */
export const SAVED_REGS: readonly Reg[] = [
  Reg.r15,
  Reg.r14,
  Reg.r13,
  Reg.r12,
  Reg.rbp,
  Reg.rbx,
  Reg.r9,
  Reg.r8,
  Reg.r10,
  Reg.rdx,
  Reg.rsi,
  Reg.rdi,
  Reg.rax,
  Reg.rcx,
  Reg.eflags,
];
