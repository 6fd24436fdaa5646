/**
 * The memory a system call reads and writes, as ranges: the driver of recorder and replayer. Each row is turned into a
 * few plain operations once; a call without out-buffers then costs one look-up (`hasOut`), others no allocation except
 * where an argument is `special`.
 */
import type { Word } from '../frames.js';
import { syscallTable } from './index.js';
import { specialRegions, type Peek, type RegionContext, type RegionPart } from './special.js';
import { stringLength } from './ioctls.js';
import type { ArgSpec, Size, SyscallRow, WrittenWhen } from './types.js';
import {
  address,
  count64,
  int32,
  isFailure,
  readAddress,
  readU32,
  readU64,
  uint32,
} from './words.js';

/** Called once for each range, in the order of the arguments. `arg` is the index of the argument that leads to it. */
export type RegionSink = (addr: number, size: number, arg: number, part: RegionPart) => void;

/** A size that memory can't have here is cut to this: a wild length must not make the recorder copy for ever. */
export const MAX_REGION_BYTES = 2 ** 30;
/** UIO_MAXIOV: longer vectors are refused by the kernel (vectors of messages: cut). */
export const MAX_VECTOR = 1024;
const MAX_STRINGS = 65536;
export const MSGHDR_BYTES = 56;
export const MMSGHDR_BYTES = 64;

const enum Measure {
  Const,
  /** By the argument's width. */
  Arg64,
  ArgInt,
  ArgUint,
  Result,
  ResultUpTo,
  Deref,
}

interface Length {
  readonly measure: Measure;
  /** The constant, or the argument's index. */
  readonly a: number;
  /** How the argument that stands for the result is read. */
  readonly width: Measure;
  readonly plus: number;
  readonly per: number;
  readonly times: number;
  /** Bytes of the word behind a Deref. */
  readonly wordBytes: number;
}

const enum Op {
  Bytes,
  Iovec,
  Msghdr,
  Mmsghdr,
  String,
  Strings,
  Special,
}

interface Step {
  readonly op: Op;
  readonly arg: number;
  readonly length: Length;
  readonly when: WrittenWhen;
  readonly reads: boolean;
  readonly writes: boolean;
  /** For Special. */
  readonly decoder: string;
}

interface Program {
  readonly row: SyscallRow;
  readonly out: readonly Step[];
  readonly in: readonly Step[];
  /** Arguments whose words are to be kept at entry. */
  readonly entry: readonly {
    readonly arg: number;
    readonly pointer: number;
    readonly offset: number;
    readonly wordBytes: number;
  }[];
}

const ZERO: Length = {
  measure: Measure.Const,
  a: 0,
  width: Measure.Arg64,
  plus: 0,
  per: 1,
  times: 1,
  wordBytes: 0,
};

function widthOf(row: SyscallRow, index: number): Measure {
  switch (row.args[index]?.type.kind) {
    case 'int':
    case 'fd':
    case 'dirfd':
      return Measure.ArgInt;
    case 'uint':
      return Measure.ArgUint;
    default:
      return Measure.Arg64;
  }
}

function lengthOf(row: SyscallRow, size: Size, unit: number): Length {
  if ('const' in size) return { ...ZERO, a: size.const * unit };
  if ('arg' in size) {
    return {
      ...ZERO,
      measure: widthOf(row, size.arg),
      a: size.arg,
      plus: size.plus ?? 0,
      per: size.per ?? 1,
      times: (size.times ?? 1) * unit,
    };
  }
  if ('result' in size) {
    return {
      ...ZERO,
      measure: Measure.Result,
      a: size.room ?? -1,
      width: size.room === undefined ? Measure.Arg64 : widthOf(row, size.room),
      plus: (size.plus ?? 0) * unit,
      times: (size.times ?? 1) * unit,
    };
  }
  if ('resultUpTo' in size) {
    return {
      ...ZERO,
      measure: Measure.ResultUpTo,
      a: size.resultUpTo,
      width: widthOf(row, size.resultUpTo),
      times: unit,
    };
  }
  return {
    ...ZERO,
    measure: Measure.Deref,
    a: size.deref,
    plus: size.plus ?? 0,
    times: unit,
    wordBytes: size.width,
  };
}

function stepOf(row: SyscallRow, arg: number, { type }: ArgSpec): Step | undefined {
  const base = { arg, length: ZERO, when: 'success' as WrittenWhen, decoder: '' };
  switch (type.kind) {
    case 'string':
      return { ...base, op: Op.String, reads: true, writes: false };
    case 'strings':
      return { ...base, op: Op.Strings, reads: true, writes: false };
    case 'buffer':
    case 'struct': {
      const length =
        type.kind === 'buffer'
          ? lengthOf(row, type.size, 1)
          : lengthOf(row, type.count ?? { const: 1 }, type.size);
      const reads = type.dir !== 'out';
      return {
        ...base,
        op: Op.Bytes,
        length,
        when: type.when ?? 'success',
        reads,
        writes: type.dir !== 'in',
      };
    }
    case 'iovec':
      // The vector itself is read, whichever way its bytes go.
      return {
        ...base,
        op: Op.Iovec,
        length: lengthOf(row, type.count, 1),
        reads: true,
        writes: type.dir !== 'in',
      };
    case 'msghdr':
      if (type.count === undefined) {
        return { ...base, op: Op.Msghdr, reads: true, writes: type.dir === 'out' };
      }
      // The lengths are stored in the vector by sendmmsg too.
      return {
        ...base,
        op: Op.Mmsghdr,
        length: lengthOf(row, type.count, 1),
        reads: true,
        writes: true,
      };
    case 'special':
      return {
        ...base,
        op: Op.Special,
        reads: type.dir !== 'out',
        writes: type.dir !== 'in',
        decoder: type.decoder,
      };
    default:
      return undefined;
  }
}

/** Which bytes of an iovec or msghdr go which way. */
function dataDirection(row: SyscallRow, arg: number): string {
  const type = row.args[arg]!.type;
  return type.kind === 'iovec' || type.kind === 'msghdr' ? type.dir : '';
}

function compile(row: SyscallRow): Program {
  const out: Step[] = [];
  const into: Step[] = [];
  const entry: { arg: number; pointer: number; offset: number; wordBytes: number }[] = [];
  row.args.forEach((spec, arg) => {
    const step = stepOf(row, arg, spec);
    if (step === undefined) return;
    if (step.writes) out.push(step);
    if (step.reads) into.push(step);
    if (!step.writes) return;
    if (step.length.measure === Measure.Deref) {
      const { a, wordBytes } = step.length;
      entry.push({ arg: a, pointer: a, offset: 0, wordBytes });
    } else if (step.op === Op.Msghdr) {
      // msg_namelen
      entry.push({ arg, pointer: arg, offset: 8, wordBytes: 4 });
    } else if (step.decoder === 'file_handle') {
      entry.push({ arg, pointer: arg, offset: 0, wordBytes: 4 });
    }
  });
  return { row, out, in: into, entry };
}

const programs: readonly (Program | undefined)[] = syscallTable.map((row) =>
  row === undefined ? undefined : compile(row),
);
const withOut = Uint8Array.from(programs, (program) => (program?.out.length ? 1 : 0));
const withIn = Uint8Array.from(programs, (program) => (program?.in.length ? 1 : 0));
const withMoreThanStrings = Uint8Array.from(programs, (program) =>
  program?.in.some(({ op }) => op !== Op.String) ? 1 : 0,
);
const withEntry = Uint8Array.from(programs, (program) => (program?.entry.length ? 1 : 0));

/** Whether call `nr` can write memory through its arguments. False for numbers without a row. */
export function hasOut(nr: number): boolean {
  return withOut[nr] === 1;
}

/** Whether call `nr` reads memory through its arguments. */
export function hasIn(nr: number): boolean {
  return withIn[nr] === 1;
}

/** Whether call `nr` reads memory through its arguments other than strings that they point to. */
export function hasInBesideStrings(nr: number): boolean {
  return withMoreThanStrings[nr] === 1;
}

/** Whether `readEntry` has something to keep for call `nr`. */
export function hasEntry(nr: number): boolean {
  return withEntry[nr] === 1;
}

function programOf(row: SyscallRow): Program {
  const program = programs[row.nr];
  return program !== undefined && program.row === row ? program : compile(row);
}

function argument(args: ArrayLike<Word>, index: number, width: Measure): number {
  const word = args[index];
  switch (width) {
    case Measure.ArgInt:
      return int32(word);
    case Measure.ArgUint:
      return uint32(word);
    default:
      return count64(word);
  }
}

function limited(bytes: number): number {
  return bytes > 0 ? Math.min(bytes, MAX_REGION_BYTES) : 0;
}

/** `result` is undefined if the call is yet to run; `entry` is only given for out-buffers. */
function measured(
  length: Length,
  args: ArrayLike<Word>,
  result: number | undefined,
  peek: Peek,
  entry: ArrayLike<number> | undefined,
): number {
  switch (length.measure) {
    case Measure.Const:
      return length.a;
    case Measure.Arg64:
    case Measure.ArgInt:
    case Measure.ArgUint: {
      const value = argument(args, length.a, length.measure) + length.plus;
      return limited((length.per === 1 ? value : Math.ceil(value / length.per)) * length.times);
    }
    case Measure.Result: {
      if (result === undefined) {
        return length.a < 0
          ? 0
          : limited(argument(args, length.a, length.width) * length.times + length.plus);
      }
      if (isFailure(result)) return 0;
      // There was no more room, whatever the result: of a call that failed half-way it is a guess.
      const stored =
        length.a < 0 ? result : Math.min(result, argument(args, length.a, length.width));
      return limited(stored * length.times + length.plus);
    }
    case Measure.ResultUpTo: {
      let value = argument(args, length.a, length.width);
      if (result !== undefined && !isFailure(result)) value = Math.min(value, result);
      return limited(value * length.times);
    }
    default: {
      const pointer = address(args[length.a]);
      const bytes = pointer === 0 ? undefined : peek(pointer, length.wordBytes);
      if (bytes === undefined) return 0;
      let value = length.wordBytes === 4 ? readU32(bytes, 0) : readU64(bytes, 0);
      const before = entry?.[length.a];
      if (before !== undefined && before >= 0) value = Math.min(value, before);
      return limited((value + length.plus) * length.times);
    }
  }
}

/**
 * Bytes (for a vector: elements) that the kernel may store through argument `arg` of a call that is about to be made; 0
 * if the argument is no out-buffer.
 */
export function outRoom(row: SyscallRow, arg: number, args: ArrayLike<Word>, peek: Peek): number {
  const step = programOf(row).out.find((candidate) => candidate.arg === arg);
  return step === undefined ? 0 : measured(step.length, args, undefined, peek, undefined);
}

/*
 * Vectors are read into this before anything is told about them: the sink may well use the memory that `peek` returned.
 * Not reentrant: a sink must not ask for regions itself.
 */
let vector = new Float64Array(2 * 16);

/** Reads `count` struct iovec into `vector`. Returns how many there are. */
function readVector(addr: number, count: number, peek: Peek): number {
  const bytes = addr === 0 || count === 0 ? undefined : peek(addr, count * 16);
  if (bytes === undefined) return 0;
  if (vector.length < count * 2) vector = new Float64Array(count * 2);
  for (let i = 0; i < count; i++) {
    vector[2 * i] = readAddress(bytes, 16 * i);
    vector[2 * i + 1] = readU64(bytes, 16 * i + 8);
  }
  return count;
}

/** Tells the first `total` bytes of what `vector` points to. */
function spread(count: number, total: number, arg: number, sink: RegionSink): void {
  let left = total;
  for (let i = 0; i < count && left > 0; i++) {
    const base = vector[2 * i]!;
    const size = limited(Math.min(vector[2 * i + 1]!, left));
    if (size === 0) continue;
    left -= size;
    if (base !== 0) sink(base, size, arg, 'data');
  }
}

const header = new Float64Array(6);
const enum Msg {
  Name,
  NameLength,
  Vector,
  VectorLength,
  Control,
  ControlLength,
}

/** Reads a struct msghdr into `header`. */
function readHeader(addr: number, peek: Peek): boolean {
  const bytes = peek(addr, MSGHDR_BYTES);
  if (bytes === undefined) return false;
  header[Msg.Name] = readAddress(bytes, 0);
  header[Msg.NameLength] = readU32(bytes, 8);
  header[Msg.Vector] = readAddress(bytes, 16);
  header[Msg.VectorLength] = Math.min(readU64(bytes, 24), MAX_VECTOR);
  header[Msg.Control] = readAddress(bytes, 32);
  header[Msg.ControlLength] = readU64(bytes, 40);
  return true;
}

export const MAX_SOCKADDR = 128;

/** What a received message filled: name, `received` bytes of data, control messages. */
function receivedMessage(
  addr: number,
  received: number,
  nameRoom: number,
  arg: number,
  peek: Peek,
  sink: RegionSink,
): void {
  if (!readHeader(addr, peek)) return;
  const name = header[Msg.Name]!;
  const nameLength = Math.min(header[Msg.NameLength]!, nameRoom, MAX_SOCKADDR);
  const control = header[Msg.Control]!;
  const controlLength = limited(header[Msg.ControlLength]!);
  const count = readVector(header[Msg.Vector]!, header[Msg.VectorLength]!, peek);
  if (name !== 0 && nameLength > 0) sink(name, nameLength, arg, 'name');
  spread(count, received, arg, sink);
  if (control !== 0 && controlLength > 0) sink(control, controlLength, arg, 'control');
}

/**
 * What a call has stored that has received no message: a unix socket with SO_PASSCRED tells of credentials all the same
 * (Linux 6.18, EAGAIN), and leaves the header as it was.
 */
function refusedMessage(
  row: SyscallRow,
  addr: number,
  arg: number,
  peek: Peek,
  sink: RegionSink,
): void {
  if (addr === 0 || dataDirection(row, arg) !== 'out' || !readHeader(addr, peek)) return;
  const control = header[Msg.Control]!;
  const controlLength = limited(header[Msg.ControlLength]!);
  if (control !== 0 && controlLength > 0) sink(control, controlLength, arg, 'control');
}

/** What a message leads to, read by the kernel: `total` bytes of data for one to send; for one to receive, its vector alone. */
function messageToRead(
  addr: number,
  sends: boolean,
  total: number,
  arg: number,
  peek: Peek,
  sink: RegionSink,
): void {
  if (!readHeader(addr, peek)) return;
  const name = header[Msg.Name]!;
  const nameLength = Math.min(header[Msg.NameLength]!, MAX_SOCKADDR);
  const control = header[Msg.Control]!;
  const controlLength = limited(header[Msg.ControlLength]!);
  const vectorAddr = header[Msg.Vector]!;
  const count = readVector(vectorAddr, header[Msg.VectorLength]!, peek);
  if (sends && name !== 0 && nameLength > 0) sink(name, nameLength, arg, 'name');
  if (count > 0) sink(vectorAddr, count * 16, arg, 'vector');
  if (!sends) return;
  spread(count, total, arg, sink);
  if (control !== 0 && controlLength > 0) sink(control, controlLength, arg, 'control');
}

/**
 * Keeps what the kernel will overwrite and the sizes of out-buffers depend on: the lengths of value-result arguments.
 * Call it when the call is entered, if `hasEntry(row.nr)`; give `entry` (6 numbers, reusable) to `outRegions` as part of its context.
 */
export function readEntry(
  row: SyscallRow,
  args: ArrayLike<Word>,
  peek: Peek,
  entry: Float64Array,
): void {
  const { entry: words } = programOf(row);
  for (let i = 0; i < words.length; i++) {
    const { arg, pointer, offset, wordBytes } = words[i]!;
    const addr = address(args[pointer]);
    const bytes = addr === 0 ? undefined : peek(addr + offset, wordBytes);
    entry[arg] = bytes === undefined ? -1 : wordBytes === 4 ? readU32(bytes, 0) : readU64(bytes, 0);
  }
}

/**
 * Tells every range of memory that the kernel may have written in a finished call. `args` are the arguments as they
 * were when the call was entered, `result` is what it returned (kernel-internal restart codes are failures), `peek`
 * reads memory as it is after the call. NULL and addresses out of range are left out; a range may reach into memory
 * that isn't there, as the call itself may have. Ranges can overlap, and can be longer than what was written, never
 * shorter. A message's parts come in the order header, name, data, control.
 */
export function outRegions(
  row: SyscallRow,
  args: ArrayLike<Word>,
  result: Word,
  peek: Peek,
  sink: RegionSink,
  context: RegionContext = EMPTY,
): void {
  const { out } = programOf(row);
  const status = Number(result);
  const failed = isFailure(status);
  for (let i = 0; i < out.length; i++) {
    const step = out[i]!;
    if (step.op === Op.Special) {
      specialOut(step, row, args, status, peek, sink, context);
      continue;
    }
    if (failed && (step.op === Op.Msghdr || step.op === Op.Mmsghdr))
      refusedMessage(row, address(args[step.arg]), step.arg, peek, sink);
    if (failed && step.when !== 'always') continue;
    if (step.when === 'positive' && status <= 0) continue;
    const addr = address(args[step.arg]);
    if (addr === 0) continue;
    switch (step.op) {
      case Op.Bytes: {
        const size = measured(step.length, args, status, peek, context.entry);
        if (size > 0) sink(addr, size, step.arg, 'value');
        break;
      }
      case Op.Iovec: {
        const size = measured(step.length, args, status, peek, undefined);
        spread(readVector(addr, Math.min(size, MAX_VECTOR), peek), status, step.arg, sink);
        break;
      }
      case Op.Msghdr: {
        sink(addr, MSGHDR_BYTES, step.arg, 'value');
        const before = context.entry?.[step.arg];
        const room = before !== undefined && before >= 0 ? before : MAX_SOCKADDR;
        receivedMessage(addr, status, room, step.arg, peek, sink);
        break;
      }
      case Op.Mmsghdr:
        messagesOut(step, row, addr, status, peek, sink);
        break;
      default:
        break;
    }
  }
}

const EMPTY: RegionContext = {};

function messagesOut(
  step: Step,
  row: SyscallRow,
  addr: number,
  count: number,
  peek: Peek,
  sink: RegionSink,
): void {
  const received = dataDirection(row, step.arg) === 'out';
  for (let i = 0; i < Math.min(count, MAX_VECTOR); i++) {
    const message = addr + i * MMSGHDR_BYTES;
    if (!received) {
      // msg_len alone
      sink(message + MSGHDR_BYTES, 4, step.arg, 'value');
      continue;
    }
    sink(message, MMSGHDR_BYTES, step.arg, 'value');
    const bytes = peek(message + MSGHDR_BYTES, 4);
    if (bytes === undefined) return;
    receivedMessage(message, readU32(bytes, 0), MAX_SOCKADDR, step.arg, peek, sink);
  }
}

function specialOut(
  step: Step,
  row: SyscallRow,
  args: ArrayLike<Word>,
  status: number,
  peek: Peek,
  sink: RegionSink,
  context: RegionContext,
): void {
  const regions = specialRegions(step.decoder, row.nr, args, step.arg, peek, status, context);
  for (let i = 0; i < regions.length; i++) {
    const region = regions[i]!;
    if (region.dir === 'in' || region.unknown) continue;
    if (region.when !== 'always' && isFailure(status)) continue;
    if (region.when === 'positive' && status <= 0) continue;
    const size = limited(region.size);
    if (size > 0) sink(region.addr, size, step.arg, region.part ?? 'value');
  }
}

/**
 * Tells every range of memory that the kernel reads through the arguments of a call. Before the call, `result` is
 * undefined; afterwards the result limits what was taken (write, send), and failed calls count as yet to run. Strings
 * come without their NUL. A vector comes before the bytes it points to; of a vector to be filled only the vector
 * itself. A message's parts come in the order header, name, vector, data, control.
 */
export function inRegions(
  row: SyscallRow,
  args: ArrayLike<Word>,
  result: Word | undefined,
  peek: Peek,
  sink: RegionSink,
  context: RegionContext = EMPTY,
): void {
  const { in: steps } = programOf(row);
  let status = result === undefined ? undefined : Number(result);
  if (status !== undefined && isFailure(status)) status = undefined;
  for (let i = 0; i < steps.length; i++) {
    const step = steps[i]!;
    const { arg } = step;
    const addr = address(args[arg]);
    if (addr === 0) continue;
    switch (step.op) {
      case Op.Bytes: {
        const size = measured(step.length, args, status, peek, undefined);
        if (size > 0) sink(addr, size, arg, 'value');
        break;
      }
      case Op.String: {
        const size = stringLength(peek, addr);
        if (size > 0) sink(addr, size, arg, 'value');
        break;
      }
      case Op.Strings:
        stringsIn(addr, arg, peek, sink);
        break;
      case Op.Iovec: {
        const wanted = Math.min(measured(step.length, args, status, peek, undefined), MAX_VECTOR);
        const count = readVector(addr, wanted, peek);
        if (count > 0) sink(addr, count * 16, arg, 'vector');
        if (dataDirection(row, arg) !== 'out') spread(count, status ?? Infinity, arg, sink);
        break;
      }
      case Op.Msghdr:
        sink(addr, MSGHDR_BYTES, arg, 'value');
        messageToRead(addr, dataDirection(row, arg) === 'in', status ?? Infinity, arg, peek, sink);
        break;
      case Op.Mmsghdr: {
        const wanted = Math.min(measured(step.length, args, status, peek, undefined), MAX_VECTOR);
        messagesIn(step, row, addr, wanted, status, peek, sink);
        break;
      }
      case Op.Special:
        for (const region of specialRegions(
          step.decoder,
          row.nr,
          args,
          arg,
          peek,
          status,
          context,
        )) {
          const size = region.dir === 'out' || region.unknown ? 0 : limited(region.size);
          if (size > 0) sink(region.addr, size, arg, region.part ?? 'value');
        }
        break;
    }
  }
}

function messagesIn(
  step: Step,
  row: SyscallRow,
  addr: number,
  wanted: number,
  result: number | undefined,
  peek: Peek,
  sink: RegionSink,
): void {
  const sends = dataDirection(row, step.arg) === 'in';
  const count = result === undefined ? wanted : Math.min(wanted, result);
  for (let i = 0; i < count; i++) {
    const message = addr + i * MMSGHDR_BYTES;
    let total = Infinity;
    if (sends && result !== undefined) {
      const sent = peek(message + MSGHDR_BYTES, 4);
      if (sent !== undefined) total = readU32(sent, 0);
    }
    sink(message, MMSGHDR_BYTES, step.arg, 'value');
    messageToRead(message, sends, total, step.arg, peek, sink);
  }
}

/** argv and envp: the pointers with their final NULL, then each string. */
function stringsIn(addr: number, arg: number, peek: Peek, sink: RegionSink): void {
  const strings: number[] = [];
  for (;;) {
    const bytes = peek(addr + strings.length * 8, 8);
    const string = bytes === undefined ? 0 : readAddress(bytes, 0);
    if (string === 0 || strings.length === MAX_STRINGS) break;
    strings.push(string);
  }
  sink(addr, strings.length * 8 + 8, arg, 'value');
  for (const string of strings) {
    // Empty ones too: readers count them.
    sink(string, stringLength(peek, string, 131072), arg, 'nested');
  }
}
