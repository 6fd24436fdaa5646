import { Signal } from '@scribe-ts/core-native';
import { syscallTable, type Word } from '@scribe-ts/tracelog';

/** Bytes shown of what a program handed over instead of what it should have. */
const MAX_QUOTED = 32;

/** True for a signal that an instruction of the task's own causes. */
export function isFault(signo: number): boolean {
  return (
    signo === Signal.SIGSEGV ||
    signo === Signal.SIGBUS ||
    signo === Signal.SIGFPE ||
    signo === Signal.SIGILL ||
    signo === Signal.SIGTRAP
  );
}

export function nameOf(nr: number): string {
  return syscallTable[nr]?.name ?? `system call ${nr}`;
}

/** The beginning of some bytes, for people. */
export function quote(bytes: Uint8Array): string {
  const text = String.fromCharCode(...bytes.subarray(0, MAX_QUOTED));
  return `${JSON.stringify(text)}${bytes.length > MAX_QUOTED ? '…' : ''}`;
}

export function hex(value: Word): string {
  return `0x${BigInt.asUintN(64, BigInt(value)).toString(16)}`;
}
