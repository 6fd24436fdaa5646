/** What the kernel puts on the stack of a program that begins: argc, argv, envp and the auxiliary vector. */
import type { ImageFrame } from '@scribe-ts/tracelog';
import { f64 } from '../decode/words.js';

const RSP = 19 * 8;
const WORD = 8;
const AT_EXECFN = 31;
const MAX_ENTRIES = 64;

/** 0 if the log has no registers. */
export function stackPointer({ regs }: ImageFrame): number {
  return regs.length < RSP + WORD ? 0 : f64(regs, RSP);
}

/** The bytes from `addr` on, to the end of what was stored in one piece. */
function memoryAt({ writes }: ImageFrame, addr: number): Uint8Array | undefined {
  for (const { addr: start, bytes } of writes) {
    if (addr >= start && addr < start + bytes.length) return bytes.subarray(addr - start);
  }
  return undefined;
}

/** The path that execve was given, before symbolic links were followed; undefined if the log does not tell. */
export function executedName(image: ImageFrame): string | undefined {
  const vector = stackPointer(image) + WORD * (image.argv.length + image.envp.length + 3);
  const entries = memoryAt(image, vector);
  if (entries === undefined) return undefined;
  for (let i = 0; i < MAX_ENTRIES && (i + 1) * 2 * WORD <= entries.length; i++) {
    const type = f64(entries, i * 2 * WORD);
    if (type === 0) return undefined;
    if (type !== AT_EXECFN) continue;
    const text = memoryAt(image, f64(entries, i * 2 * WORD + WORD));
    const end = text?.indexOf(0) ?? -1;
    return text === undefined || end < 0
      ? undefined
      : Buffer.from(text.subarray(0, end)).toString('latin1');
  }
  return undefined;
}
