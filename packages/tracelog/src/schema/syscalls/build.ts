/** Words to write rows with, so that a row reads like the prototype in the manual. */
import type {
  ArgSpec,
  Direction,
  ReturnFormat,
  ScalarFormat,
  Size,
  SyscallClass,
  SyscallRow,
  WrittenWhen,
} from './types.js';

interface Extra {
  readonly when?: WrittenWhen;
  readonly text?: boolean;
  readonly struct?: string;
}

interface Repeat {
  readonly count?: Size;
  readonly when?: WrittenWhen;
}

/** `groups` is a list of words with spaces between; '' for none. */
export function row(
  nr: number,
  name: string,
  cls: SyscallClass,
  groups: string,
  returns: ReturnFormat,
  ...args: readonly ArgSpec[]
): SyscallRow {
  return { nr, name, class: cls, args, returns, groups: groups === '' ? [] : groups.split(' ') };
}

export function refused(
  nr: number,
  name: string,
  groups: string,
  reason: string,
  returns: ReturnFormat,
  ...args: readonly ArgSpec[]
): SyscallRow {
  return { ...row(nr, name, 'refused', groups, returns, ...args), reason };
}

export const fd = (name = 'fd'): ArgSpec => ({ name, type: { kind: 'fd' } });
export const dirfd = (name = 'dirfd'): ArgSpec => ({ name, type: { kind: 'dirfd' } });
export const path = (name = 'path'): ArgSpec => ({ name, type: { kind: 'string', path: true } });
export const str = (name: string): ArgSpec => ({ name, type: { kind: 'string' } });
export const strs = (name: string): ArgSpec => ({ name, type: { kind: 'strings' } });
export const address = (name: string): ArgSpec => ({ name, type: { kind: 'address' } });

function scalar(kind: 'int' | 'uint' | 'long' | 'ulong', name: string, format?: ScalarFormat) {
  return { name, type: format === undefined ? { kind } : { kind, format } };
}
export const int = (name: string, format?: ScalarFormat): ArgSpec => scalar('int', name, format);
export const uint = (name: string, format?: ScalarFormat): ArgSpec => scalar('uint', name, format);
export const long = (name: string, format?: ScalarFormat): ArgSpec => scalar('long', name, format);
export const ulong = (name: string, format?: ScalarFormat): ArgSpec =>
  scalar('ulong', name, format);

export const pid = (name = 'pid'): ArgSpec => int(name, 'pid');
export const uid = (name: string): ArgSpec => uint(name, 'uid');
export const gid = (name: string): ArgSpec => uint(name, 'gid');
export const signal = (name = 'sig'): ArgSpec => int(name, 'signal');

/** Sizes. */
export const result: Size = { result: true };
/** The result, which is never more than argument `index`. */
export const resultIn = (index: number): Size => ({ result: true, room: index });
export const bytes = (count: number): Size => ({ const: count });
export const arg = (index: number): Size => ({ arg: index });
export const resultUpTo = (index: number): Size => ({ resultUpTo: index });
export const at = (index: number): Size => ({ deref: index, width: 4 });

function buffer(dir: Direction, name: string, size: Size, extra: Extra = {}): ArgSpec {
  return { name, type: { kind: 'buffer', dir, size, ...extra } };
}
export const inBytes = (name: string, size: Size, extra?: Extra): ArgSpec =>
  buffer('in', name, size, extra);
export const outBytes = (name: string, size: Size, extra?: Extra): ArgSpec =>
  buffer('out', name, size, extra);
export const inoutBytes = (name: string, size: Size, extra?: Extra): ArgSpec =>
  buffer('inout', name, size, extra);

function struct(
  dir: Direction,
  name: string,
  structName: string,
  size: number,
  repeat: Repeat = {},
): ArgSpec {
  return { name, type: { kind: 'struct', struct: structName, dir, size, ...repeat } };
}
export const inStruct = (name: string, type: string, size: number, repeat?: Repeat): ArgSpec =>
  struct('in', name, type, size, repeat);
export const outStruct = (name: string, type: string, size: number, repeat?: Repeat): ArgSpec =>
  struct('out', name, type, size, repeat);
export const inoutStruct = (name: string, type: string, size: number, repeat?: Repeat): ArgSpec =>
  struct('inout', name, type, size, repeat);

/** A struct timespec the kernel reads. */
export const timespec = (name: string): ArgSpec => inStruct(name, 'timespec', 16);
/** A signal mask the kernel reads, its size in argument `index`. */
export const sigmask = (name: string, index: number): ArgSpec =>
  inBytes(name, arg(index), { struct: 'sigset' });
/** A socket address the kernel reads, its size in argument `index`. */
export const inSockaddr = (name: string, index: number): ArgSpec =>
  inBytes(name, arg(index), { struct: 'sockaddr' });
/** A socket address the kernel writes; argument `index` points to its length. */
export const outSockaddr = (name: string, index: number): ArgSpec =>
  outBytes(name, at(index), { struct: 'sockaddr' });
/** The mask of a select call: one bit for each of the descriptors below argument 0, in whole words. */
export const fdSet = (name: string): ArgSpec =>
  inoutBytes(name, { arg: 0, per: 64, times: 8 }, { struct: 'fd_set' });
/** A node mask of argument `index` bits; the kernel takes one bit less than it says. */
const nodes = (index: number): Size => ({ arg: index, plus: -1, per: 64, times: 8 });
export const inNodes = (name: string, index: number): ArgSpec =>
  inBytes(name, nodes(index), { struct: 'nodemask' });
export const outNodes = (name: string, index: number): ArgSpec =>
  outBytes(name, nodes(index), { struct: 'nodemask' });

export const iovec = (name: string, dir: Direction, index: number): ArgSpec => ({
  name,
  type: { kind: 'iovec', dir, count: arg(index) },
});
export const msghdr = (name: string, dir: 'in' | 'out', count?: Size): ArgSpec => ({
  name,
  type: count === undefined ? { kind: 'msghdr', dir } : { kind: 'msghdr', dir, count },
});
/** An argument whose shape `decoder` of special.ts tells; `dir` is the most it can be. */
export const special = (name: string, decoder: string, dir: Direction): ArgSpec => ({
  name,
  type: { kind: 'special', decoder, dir },
});
