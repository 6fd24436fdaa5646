import { type NativeTracer, Reg } from '../binding.js';

const SI_CODE = 8;
/** si_code of a debug exception: the first, and the last of them; the kernel's guess of what it was for. */
const TRAP_BRKPT = 1;
const TRAP_HWBKPT = 4;
const TRAP_FLAG = 0x100;
/** int1, whose exception looks like one that has no reason. */
const INT1 = 0xf1;

/** What `isBreakpointStop` asks of a tracer. */
export type BreakpointTracer = Pick<NativeTracer, 'getSiginfo' | 'readMemory' | 'regs'>;

/**
 * Whether a task that has stopped by SIGTRAP at an address of `Tracer.setBreakpoint` stands there because of it. The kernel
 * takes its reason from the processor's debug status, which now and then is lost on a virtual machine (seen: TRAP_BRKPT once
 * in some 100,000 hits), so any trap counts that the program has not made.
 */
export function isBreakpointStop(tracer: BreakpointTracer, tid: number, rip: number): boolean {
  const siginfo = tracer.getSiginfo(tid);
  const code = new DataView(siginfo.buffer, siginfo.byteOffset).getInt32(SI_CODE, true);
  if (code === TRAP_HWBKPT) return true;
  if (code < TRAP_BRKPT || code > TRAP_HWBKPT) return false;
  if ((tracer.regs[Reg.eflags * 2]! & TRAP_FLAG) !== 0) return false;
  const before = new Uint8Array(1);
  return tracer.readMemory(tid, rip - 1, before, 0, 1) !== 1 || before[0] !== INT1;
}
