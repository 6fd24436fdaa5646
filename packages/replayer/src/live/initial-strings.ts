import type { Tracer } from '@scribe-ts/core-native';

const MAX_POINTERS = 0x10000;

/** Where the arguments of a program that has not run yet begin and end, and its environment. `stack`: the address of argc. */
export function initialStrings(
  tracer: Tracer,
  tid: number,
  stack: number,
): readonly [args: number, argsEnd: number, env: number, envEnd: number] {
  const word = new BigUint64Array(1);
  const bytes = new Uint8Array(word.buffer);
  const at = (addr: number): number =>
    tracer.readMemory(tid, addr, bytes, 0, 8) === 8 ? Number(word[0]) : 0;
  const end = (text: number): number => text + tracer.readString(tid, text, 0x20000).length + 1;
  const count = Math.min(at(stack), MAX_POINTERS);
  const first = at(stack + 8);
  const argsEnd = count === 0 ? first : end(at(stack + 8 * count));
  const environment = stack + 8 * (count + 2);
  let last = 0;
  for (let i = 0; i < MAX_POINTERS; i++) {
    const text = at(environment + 8 * i);
    if (text === 0) break;
    last = text;
  }
  const env = last === 0 ? argsEnd : at(environment);
  return [first, argsEnd, env, last === 0 ? argsEnd : end(last)];
}
