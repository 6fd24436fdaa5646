/** Arguments that point to something: strings, buffers, structures. */
import type { ArgType, DataFrame, Size, SyscallRow } from '@scribe-ts/tracelog';
import type { ArgPrinter, Call } from './call.js';
import { array, type Struct } from './struct.js';
import { structNamed } from './structs.js';
import { quoteString, quoteUpTo } from './text.js';
import { pointer } from './words.js';

type ArgTypeOf<K extends ArgType['kind']> = Extract<ArgType, { readonly kind: K }>;

/** A byte or element count of a call; -1 where it stands in memory and is not known here. */
export type SizeReader = (call: Call) => number;

export function sizeOf(row: SyscallRow, size: Size): SizeReader {
  if ('const' in size) {
    const constant = size.const;
    return () => constant;
  }
  if ('arg' in size) {
    const read = argument(row, size.arg);
    const { plus = 0, per = 1, times = 1 } = size;
    return (call) => Math.max(0, Math.ceil((read(call) + plus) / per) * times);
  }
  if ('result' in size) {
    const { times = 1, plus = 0 } = size;
    return (call) => (call.failed ? 0 : Math.max(0, call.count * times + plus));
  }
  if ('resultUpTo' in size) {
    const read = argument(row, size.resultUpTo);
    return (call) => (call.failed ? read(call) : Math.min(call.count, read(call)));
  }
  return () => -1;
}

function argument(row: SyscallRow, index: number): SizeReader {
  switch (row.args[index]?.type.kind) {
    case 'int':
    case 'fd':
    case 'dirfd':
      return (call) => call.int(index);
    case 'uint':
      return (call) => call.uint(index);
    default:
      return (call) => {
        const word = call.frame.args[index] ?? 0;
        return word < 0 ? Infinity : Number(word);
      };
  }
}

/** What prints where nothing is known of what an argument points to. */
export const addressArg: ArgPrinter = (call, i) => pointer(call.frame.args[i]!);

/** A frame whose bytes stand in the line in another form. */
function decoded(call: Call, frame: DataFrame, text: string): string {
  call.decoded.push(frame);
  return text;
}

export const stringArg: ArgPrinter = (call, i) => {
  const input = call.input(i);
  if (input === undefined) return addressArg(call, i);
  return decoded(call, input, quoteString(input.bytes, input.size));
};

const POINTER_BYTES = 8;
/** Most strings of a list that are printed. */
const STRINGS_SHOWN = 32;

/** How many strings a list has: a `data` frame with its pointers and a final NULL comes first. */
function stringCount(pointers: DataFrame): number {
  return Math.max(0, Math.floor(pointers.size / POINTER_BYTES) - 1);
}

/** argv: `["ls", "-l"]`. The pointers come first, then each string. */
export const stringsArg: ArgPrinter = (call, i) => {
  const pointers = call.input(i);
  if (pointers === undefined) return addressArg(call, i);
  call.decoded.push(pointers);
  const count = stringCount(pointers);
  let text = '';
  let nth = 0;
  for (; nth < count; nth++) {
    const string = call.input(i, nth + 1);
    if (string === undefined) break;
    call.decoded.push(string);
    if (nth >= STRINGS_SHOWN) continue;
    text += (nth > 0 ? ', ' : '') + quoteUpTo(string.bytes, string.size, call.limits.input);
  }
  if (Math.min(nth, STRINGS_SHOWN) < count) text += text === '' ? '...' : ', ...';
  return `[${text}]`;
};

/** envp: `0x7ffe… \/* 24 vars *\/`. */
export const countedStringsArg: ArgPrinter = (call, i) => {
  const pointers = call.input(i);
  if (pointers === undefined) return addressArg(call, i);
  for (let nth = 0; ; nth++) {
    const frame = call.input(i, nth);
    if (frame === undefined) break;
    call.decoded.push(frame);
  }
  const count = stringCount(pointers);
  return `${addressArg(call, i)} /* ${count} var${count === 1 ? '' : 's'} */`;
};

export function bufferArg(row: SyscallRow, type: ArgTypeOf<'buffer'>): ArgPrinter {
  const size = sizeOf(row, type.size);
  if (type.struct !== undefined) {
    const found = structNamed(type.struct);
    if (found === undefined) return addressArg;
    return structPrinter(found, type.dir, size, undefined);
  }
  const reads = type.dir !== 'out';
  const writes = type.dir !== 'in';
  return (call, i) => {
    const addr = call.address(i);
    if (addr === 0) return addressArg(call, i);
    if (reads) {
      const input = call.input(i);
      if (input !== undefined) return quoteUpTo(input.bytes, input.size, call.limits.input);
      if (!call.failed && size(call) === 0) return '""';
    }
    if (writes && !call.failed) {
      const bytes = call.output(addr);
      if (bytes !== undefined) {
        const whole = size(call);
        return quoteUpTo(bytes, whole < 0 ? bytes.length : whole, call.limits.output);
      }
      if (!call.failed && size(call) === 0) return '""';
    }
    return addressArg(call, i);
  };
}

export function structArg(row: SyscallRow, type: ArgTypeOf<'struct'>): ArgPrinter {
  const found = structNamed(type.struct);
  if (found === undefined) return addressArg;
  const size = type.size;
  const count = type.count === undefined ? undefined : sizeOf(row, type.count);
  return structPrinter(found, type.dir, () => size, count);
}

/** `size` bytes of each; with a `count`, an array of them. */
export function structPrinter(
  type: Struct,
  dir: 'in' | 'out' | 'inout',
  size: SizeReader,
  count: SizeReader | undefined,
  whenFailed: 'address' | 'printed' = 'address',
): ArgPrinter {
  const reads = dir !== 'out';
  const writes = dir !== 'in';
  const print = (call: Call, bytes: Uint8Array): string | undefined => {
    if (count !== undefined) return array(type, bytes, size(call), knownCount(count(call), bytes));
    if (bytes.length < type.size) return undefined;
    const whole = size(call);
    return type.print(bytes, 0, whole < 0 ? bytes.length : Math.min(whole, bytes.length));
  };
  const wrap =
    type.boxed && count === undefined ? (text: string) => `[${text}]` : (text: string) => text;
  return (call, i) => {
    const addr = call.address(i);
    if (addr === 0) return addressArg(call, i);
    let before: string | undefined;
    if (reads) {
      const input = call.input(i);
      if (input !== undefined) {
        before = print(call, input.bytes);
        if (before !== undefined) call.decoded.push(input);
      }
    }
    const output =
      writes && !(call.failed && whenFailed === 'address') ? call.output(addr) : undefined;
    const after = output === undefined ? undefined : print(call, output);
    if (before !== undefined) {
      return wrap(after === undefined || after === before ? before : `${before} => ${after}`);
    }
    if (after !== undefined) return wrap(after);
    if (count !== undefined && !call.failed && count(call) === 0) return '[]';
    return addressArg(call, i);
  };
}

function knownCount(count: number, bytes: Uint8Array): number {
  return count < 0 ? bytes.length : count;
}

/** As `structPrinter`, for members that the call leaves alone: from before it, or if that is not known, from after it. */
export function unchangedArg(type: Struct, size: SizeReader, count?: SizeReader): ArgPrinter {
  const input = structPrinter(type, 'in', size, count);
  const output = structPrinter(type, 'out', size, count);
  return (call, i) => (call.input(i) === undefined ? output(call, i) : input(call, i));
}
