import { decode } from './x86.js';

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
  let agree = 0;
  let differ = 0;
  for (let start = 0; start < Math.min(STARTS, load); start++) {
    let at = start;
    while (at < load) {
      const instruction = decode(code, at);
      if (instruction === undefined) break;
      at += instruction.length;
    }
    if (at === load) agree++;
    else if (at > load) differ++;
  }
  return agree > 4 * differ;
}
