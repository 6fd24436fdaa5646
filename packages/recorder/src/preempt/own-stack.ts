import { type ProcMapping, Reg, type Registers } from '@scribe-ts/core-native';
import type { Range } from './in-flight.js';

/** Dead memory below the stack pointer is looked for no further away than this, bytes. */
const DEPTH = 0x100000;
/** No stack of a thread has its thread control block farther above, bytes. */
const MAX_STACK = 0x4000000;
/** What is taken for stack on either side where nothing tells how far it goes: a coroutine's may lie in the heap, bytes. */
const UNKNOWN = 0x4000;
const WORD = 8;

/**
 * What may differ between a recording and its replays: frames of the stack, dead or not, in which dynamic linkers save
 * vector registers. Memory beyond it is as good as any, however near: heaps lie side by side with stacks of threads.
 */
export function ownStack(
  regs: Registers,
  mappings: readonly ProcMapping[],
  readWord: (addr: number) => number,
): Range {
  const pointer = regs.address(Reg.rsp);
  const mapping = mappings.find(({ start, end }) => pointer >= start && pointer < end);
  if (mapping === undefined) return { start: pointer - UNKNOWN, end: pointer + UNKNOWN };
  const lowest = Math.max(mapping.start, pointer - DEPTH);
  if (mapping.name.startsWith('[stack')) return { start: lowest, end: mapping.end };
  // A thread's control block begins with its own address, at the upper end of its stack.
  const block = regs.address(Reg.fs_base);
  const isAbove = block > pointer && block < mapping.end && block - pointer <= MAX_STACK;
  if (isAbove && readWord(block) === block) return { start: lowest, end: block + WORD };
  return {
    start: Math.max(mapping.start, pointer - UNKNOWN),
    end: Math.min(mapping.end, pointer + UNKNOWN),
  };
}
