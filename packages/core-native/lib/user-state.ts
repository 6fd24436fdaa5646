import type { Hash } from 'node:crypto';
import { PAGE_SIZE } from './abi.js';
import { addon } from './addon.js';
import { type NativeTracer, Reg } from './binding.js';
import { STOP_FLAGS } from './registers.js';

/** node:crypto is loaded when first needed: that takes 3 ms, and as long again in each thread. */
function sha256(): Hash {
  return process.getBuiltinModule('node:crypto').createHash('sha256');
}

/** Where the XSAVE area holds what programs compute with, bytes: control words and tags, mxcsr, x87 and SSE registers. */
const LEGACY: readonly (readonly [number, number])[] = [
  [0, 6],
  [24, 28],
  [32, 416],
];
/** Behind the header: AVX and later. */
const EXTENDED = 576;
const XSAVE_LEAF = 0xd;
const PKRU_COMPONENT = 9;
const PKRU_SIZE = 8;

/**
 * Hash of a task's vector and x87 registers (`Tracer.getXstate`), 16 hex digits. Left out are what depends on how the
 * processor tracked their use, the last x87 instruction's address, and the protection keys.
 */
export function hashVectors(state: Uint8Array): string {
  const hash = sha256();
  for (const [from, to] of LEGACY) hash.update(state.subarray(from, to));
  const [, pkru] = addon.cpuid(XSAVE_LEAF, PKRU_COMPONENT);
  if (pkru >= EXTENDED && pkru < state.length) {
    hash.update(state.subarray(EXTENDED, pkru));
    hash.update(state.subarray(pkru + PKRU_SIZE));
  } else hash.update(state.subarray(EXTENDED));
  return hash.digest('hex').slice(0, 16);
}

/** xmm0 to xmm15 in a task's vector state, 16 bytes each. */
export function sseRegisters(state: Uint8Array): Uint8Array {
  return state.slice(160, 416);
}

/** Makes a register set comparable: without the traces of a stop. In place. */
export function clearStopTraces(halves: Uint32Array): void {
  halves[Reg.eflags * 2]! &= ~STOP_FLAGS;
  halves[Reg.orig_rax * 2] = 0xffffffff;
  halves[Reg.orig_rax * 2 + 1] = 0xffffffff;
}

/**
 * Hash over pieces of a task's memory, given as address and length by turns; 16 hex digits, '' if there are none.
 * Undefined if one of them cannot be read.
 */
export function hashPieces(
  tracer: NativeTracer,
  tid: number,
  pieces: readonly number[],
): string | undefined {
  const hashes: string[] = [];
  for (let i = 0; i < pieces.length; i += 2) {
    const piece = hashPiece(tracer, tid, pieces[i]!, pieces[i + 1]!);
    if (piece === undefined) return undefined;
    hashes.push(piece);
  }
  return hashOfPieces(hashes);
}

/** What `hashPieces` gives for pieces whose own hashes, as `hashPiece` gives them, are known. */
export function hashOfPieces(hashes: readonly string[]): string {
  if (hashes.length === 0) return '';
  const hash = sha256();
  for (const piece of hashes) hash.update(piece);
  return hash.digest('hex').slice(0, 16);
}

/** hashRange; undefined instead of an error where memory cannot be read. */
export function hashPiece(
  tracer: NativeTracer,
  tid: number,
  addr: number,
  length: number,
): string | undefined {
  try {
    return tracer.hashRange(tid, addr, length);
  } catch (error) {
    if ((error as { code?: string }).code === 'EFAULT') return undefined;
    throw error;
  }
}

/** Bytes of a page's sum. */
export const SUM_SIZE = 8;

/**
 * Sums of the pages that pieces of memory consist of (`Tracer.sumPages`), in their order; undefined if one of them cannot be
 * read.
 */
export function sumPieces(
  tracer: NativeTracer,
  tid: number,
  pieces: readonly number[],
): Uint8Array | undefined {
  let size = 0;
  for (let i = 1; i < pieces.length; i += 2) size += (pieces[i]! / PAGE_SIZE) * SUM_SIZE;
  const sums = new Uint8Array(size);
  let at = 0;
  try {
    for (let i = 0; i < pieces.length; i += 2) {
      const length = (pieces[i + 1]! / PAGE_SIZE) * SUM_SIZE;
      tracer.sumPages(tid, pieces[i]!, sums, at, length);
      at += length;
    }
  } catch (error) {
    if ((error as { code?: string }).code === 'EFAULT') return undefined;
    throw error;
  }
  return sums;
}
