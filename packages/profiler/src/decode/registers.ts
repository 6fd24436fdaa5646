/** user_regs_struct. */
import { u64 } from './words.js';

const NAMES: readonly string[] = [
  'r15',
  'r14',
  'r13',
  'r12',
  'rbp',
  'rbx',
  'r11',
  'r10',
  'r9',
  'r8',
  'rax',
  'rcx',
  'rdx',
  'rsi',
  'rdi',
  'orig_rax',
  'rip',
  'cs',
  'eflags',
  'rsp',
  'ss',
  'fs_base',
  'gs_base',
  'ds',
  'es',
  'fs',
  'gs',
];

/** `rip = 0x…, rsp = 0x…`, in the kernel's order. As many as `regs` holds. */
export function registersText(regs: Uint8Array, assign = ' = ', separator = ', '): string {
  let text = '';
  for (let i = 0; i < NAMES.length && (i + 1) * 8 <= regs.length; i++) {
    text += `${i === 0 ? '' : separator}${NAMES[i]}${assign}0x${u64(regs, i * 8).toString(16)}`;
  }
  return text;
}
