import { type ProcMapping, Prot, type ReadPages, type Registers } from '@scribe-ts/core-native';
import { isOutside, type Range } from './in-flight.js';
import { isReserved, pointedTo } from './look-ahead.js';

const WORD = 8;
/** Bytes looked at for pointers before and behind what registers and the stack point to. */
const BEFORE = 128;
const BEHIND = 256;
/** Places that are followed further, and places in all. */
const MAX_FOLLOWED = 32;
const MAX_REACHED = 160;

/**
 * Addresses of words in memory that the program writes to and that its registers or its stack point to, then of those
 * that words around these point to. In an interpreter two rounds of a loop may be alike in all but objects which its
 * frame has pointers to: only they tell one round from the other.
 */
export function reachable(
  regs: Registers,
  stack: Uint8Array,
  maps: readonly ProcMapping[],
  stacks: readonly Range[],
  memory: ReadPages,
): number[] {
  const written = maps.filter(
    ({ start, prot, name }) =>
      (prot & Prot.WRITE) !== 0 && !isReserved(start) && !name.startsWith('/dev/'),
  );
  const found = new Set<number>();
  const add = (pointer: number): void => {
    const addr = pointer - (pointer % WORD);
    if (found.size < MAX_REACHED && isIn(written, addr) && isOutside(stacks, addr, WORD))
      found.add(addr);
  };
  for (const pointer of pointedTo(regs)) add(pointer);
  for (const pointer of wordsOf(stack)) add(pointer);
  for (const addr of [...found].slice(0, MAX_FOLLOWED)) {
    let around = memory.bytes(addr - BEFORE, BEFORE + BEHIND);
    if (around.length === 0) around = memory.bytes(addr, BEHIND);
    for (const pointer of wordsOf(around)) add(pointer);
  }
  return [...found];
}

/** The 64-bit words of some bytes, as far as they may be addresses. */
function* wordsOf(bytes: Uint8Array): Generator<number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at + WORD <= bytes.length; at += WORD) {
    const high = view.getUint32(at + 4, true);
    if (high < 0x8000) yield high * 2 ** 32 + view.getUint32(at, true);
  }
}

/** Whether an address lies in one of the mappings, which are sorted. */
function isIn(mappings: readonly ProcMapping[], addr: number): boolean {
  let [low, high] = [0, mappings.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (mappings[middle]!.end <= addr) low = middle + 1;
    else high = middle;
  }
  return low < mappings.length && mappings[low]!.start <= addr;
}
