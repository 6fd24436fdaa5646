/** Hand-made frames, written as short as the line they become. */
import { syscallByName, type Frame, type MemoryWrite, type Word } from '@scribe-ts/tracelog';
import { LineFormatter, type ProfileOptions } from '../../src/index.js';

/** Little-endian members: `[size, value]`, text, or bytes. */
export function pack(
  ...members: readonly (readonly [1 | 2 | 4 | 8, Word] | string | Uint8Array)[]
): Uint8Array {
  const parts = members.map((member) => {
    if (typeof member === 'string') return Buffer.from(member, 'latin1');
    if (member instanceof Uint8Array) return member;
    const [size, value] = member;
    const part = Buffer.alloc(8);
    part.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)));
    return part.subarray(0, size);
  });
  return new Uint8Array(Buffer.concat(parts));
}

export const u16 = (value: number) => [2, value] as const;
export const u32 = (value: number) => [4, value] as const;
export const u64 = (value: Word) => [8, value] as const;

/** `size` bytes that begin with these. */
export function padded(size: number, bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array(size);
  whole.set(bytes);
  return whole;
}

export function text(value: string): Uint8Array {
  return new Uint8Array(Buffer.from(value, 'latin1'));
}

export interface Memory {
  /** What the kernel read through an argument: `[argument, bytes, whole size]`. */
  readonly in?: readonly (readonly [number, Uint8Array | string, number?])[];
  /** What it stored: `[address, bytes]`. */
  readonly out?: readonly (readonly [number, Uint8Array | string])[];
}

export const TASK = 2;

function bytesOf(value: Uint8Array | string): Uint8Array {
  return typeof value === 'string' ? text(value) : value;
}

/** A call by its name, with the `data` frames before it. */
export function call(
  name: string,
  args: readonly Word[],
  result: Word,
  memory: Memory = {},
): Frame[] {
  const row = syscallByName.get(name);
  if (row === undefined) throw new Error(`no call ${name}`);
  const frames: Frame[] = (memory.in ?? []).map(([arg, value, size]) => {
    const bytes = bytesOf(value);
    return { type: 'data', task: TASK, time: 0, arg, size: size ?? bytes.length, bytes };
  });
  const writes: MemoryWrite[] = (memory.out ?? []).map(([addr, value]) => ({
    addr,
    bytes: bytesOf(value),
  }));
  frames.push({ type: 'syscall', task: TASK, time: 0, nr: row.nr, args, result, writes });
  return frames;
}

export function linesOf(frames: Iterable<Frame>, options?: ProfileOptions): string[] {
  const formatter = new LineFormatter(options);
  const lines: string[] = [];
  for (const frame of frames) formatter.push(frame, lines);
  return formatter.end(lines);
}

/** The call's own line, without its task. */
export function callLine(frames: readonly Frame[], options?: ProfileOptions): string {
  return linesOf(frames, options)[0]!.slice('[02] '.length);
}
