import { isRestart, Reg, Sys } from '@scribe-ts/core-native';
import type { Task } from './tasks.js';

/** Registers of a still task as replay will have them at this point: a call to be restarted is about to be made again. */
export function settledRegisters(task: Task): Uint32Array {
  const regs = task.exitRegs.slice();
  const set = (reg: number, value: number): void => {
    regs[reg * 2] = value;
    regs[reg * 2 + 1] = value < 0 ? 0xffffffff : Math.floor(value / 0x100000000);
  };
  const high = regs[Reg.rax * 2 + 1]! | 0;
  const rax = high * 0x100000000 + regs[Reg.rax * 2]!;
  const isCall = regs[Reg.orig_rax * 2]! >>> 31 === 0;
  if (isCall && (!task.exitRegsValid || isRestart(rax))) {
    const rip = regs[Reg.rip * 2 + 1]! * 0x100000000 + regs[Reg.rip * 2]!;
    set(Reg.rip, rip - 2);
    set(Reg.rax, rax === -516 ? Sys.restart_syscall : task.nr);
  }
  set(Reg.orig_rax, -1);
  return regs;
}
