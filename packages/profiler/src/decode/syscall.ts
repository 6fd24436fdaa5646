/** Turns each row of the table into a function that prints its calls. */
import { syscallTable, type ArgSpec, type SyscallRow, type Word } from '@scribe-ts/tracelog';
import type { ArgPrinter, Call } from './call.js';
import { failure } from './errno.js';
import type { Exception } from './exception.js';
import { exceptions } from './exceptions.js';
import { newFdText } from './fds.js';
import { iovecArg, msghdrArg, payloadArg } from './messages.js';
import { addressArg, bufferArg, stringArg, stringsArg, structArg } from './pointers.js';
import { scalarPrinter } from './scalars.js';
import { specialArg } from './special.js';
import { id } from './struct.js';
import { hex, uint32 } from './words.js';

interface CallPrinter {
  /** `name(arguments) = result` */
  readonly line: (call: Call) => string;
  readonly result: (call: Call) => string;
  readonly args: readonly ArgPrinter[];
}

/** Calls with a buffer whose meaning is the socket's. */
const OF_SOCKETS: ReadonlySet<string> = new Set(['sendto', 'recvfrom']);

function argPrinter(row: SyscallRow, spec: ArgSpec): ArgPrinter {
  const { type } = spec;
  switch (type.kind) {
    case 'string':
      return stringArg;
    case 'strings':
      return stringsArg;
    case 'buffer':
      return type.text === true && OF_SOCKETS.has(row.name)
        ? payloadArg(row, type)
        : bufferArg(row, type);
    case 'struct':
      return structArg(row, type);
    case 'iovec':
      return iovecArg(row, type);
    case 'msghdr':
      return msghdrArg(row, type);
    case 'special':
      return specialArg(type.decoder);
    default:
      return scalarPrinter(row, spec) ?? addressArg;
  }
}

function resultPrinter(row: SyscallRow): (result: Word) => string {
  switch (row.returns) {
    case 'address':
    case 'hex':
    case 'flags':
      return hex;
    case 'fd':
      return (result) => newFdText(Number(result));
    case 'uid':
      return (result) => id(uint32(result));
    default:
      return String;
  }
}

/** exit() and the like don't come back, rt_sigreturn's result is a register of the interrupted code. */
function returns(row: SyscallRow): boolean {
  return row.returns !== 'none';
}

function compileRow(row: SyscallRow): CallPrinter {
  const exception: Exception = Object.hasOwn(exceptions, row.name) ? exceptions[row.name]! : {};
  const { taken, order, all, result: special } = exception;
  const printers = row.args.map((spec, i) => exception.args?.[i] ?? argPrinter(row, spec));
  const plain = resultPrinter(row);
  const head = row.name + '(';
  const hidden = row.args.length > 0 ? row.name + '(...)' : row.name + '()';
  const comesBack = returns(row);
  const complete = row.args.length;

  const argumentsText = (call: Call): string => {
    const { length } = call.frame.args;
    if (length === 0) return hidden;
    if (all !== undefined && length >= complete) return head + all(call) + ')';
    if (order !== undefined && length >= complete) {
      return (
        head +
        order(call)
          .map((i) => printers[i]!(call, i))
          .join(', ') +
        ')'
      );
    }
    let count = length < complete ? length : complete;
    if (taken !== undefined && length >= complete) count = Math.min(count, taken(call));
    let text = head;
    for (let i = 0; i < count; i++) {
      text += i === 0 ? printers[i]!(call, i) : ', ' + printers[i]!(call, i);
    }
    return text + ')';
  };

  const resultText = (call: Call): string => {
    const { result } = call.frame;
    if (call.failed) return failure(result);
    return comesBack ? (special?.(call) ?? plain(result)) : '?';
  };
  return {
    line: (call) => argumentsText(call) + ' = ' + resultText(call),
    result: resultText,
    args: printers,
  };
}

/** A number without a row. */
function unknownCall(call: Call): string {
  const { nr, args, result } = call.frame;
  const shown = args.length === 0 ? '...' : args.map(hex).join(', ');
  return `${syscallName(nr)}(${shown}) = ${call.failed ? failure(result) : hex(result)}`;
}

/** The call's name; `syscall_0x1f4` for a number without a row. */
export function syscallName(nr: number): string {
  return syscallTable[nr]?.name ?? `syscall_${hex(nr)}`;
}

const printers: (CallPrinter | undefined)[] = [];

/** Rows are compiled when their first call comes. */
function printerOf(nr: number): CallPrinter | undefined {
  const known = printers[nr];
  if (known !== undefined) return known;
  const row = syscallTable[nr];
  return row === undefined ? undefined : (printers[nr] = compileRow(row));
}

/** `name(arguments) = result` */
export function printCall(call: Call): string {
  const printer = printerOf(call.frame.nr);
  return printer === undefined ? unknownCall(call) : printer.line(call);
}

export function printResult(call: Call): string {
  const { nr, result } = call.frame;
  const printer = printerOf(nr);
  if (printer !== undefined) return printer.result(call);
  return call.failed ? failure(result) : hex(result);
}

/** Each argument by itself, as many as the row has. */
export function printArguments(call: Call): string[] {
  const args = printerOf(call.frame.nr)?.args ?? [];
  return args.map((print, i) => (i < call.frame.args.length ? print(call, i) : ''));
}
