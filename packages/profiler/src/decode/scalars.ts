/** Arguments that are numbers, by the format their row names. */
import type { ArgSpec, SyscallRow } from '@scribe-ts/tracelog';
import type { ArgPrinter, ArgPrinterFactory } from './call.js';
import { dirfdText, fdText } from './fds.js';
import { atFlags, atFlagsOf, fileFormats, openFlags, openModifiers } from './file.js';
import type { NumberPrinter } from './flags.js';
import { commandOf, flagsOf, ipcFormats } from './ipc.js';
import { ioctlRequest } from './ioctl.js';
import { memoryFormats } from './memory.js';
import { netFormats, protocol, socketOption } from './net.js';
import { processFormats } from './process.js';
import { signalFormats } from './signal.js';
import { id } from './struct.js';
import { kexecFileFlags, kexecFlags, systemFormats } from './system.js';
import { timeFormats, timerfdFlags } from './time.js';
import { hex, pointer, unsigned } from './words.js';

const formats: Readonly<Record<string, NumberPrinter>> = {
  ...fileFormats,
  ...netFormats,
  ...memoryFormats,
  ...processFormats,
  ...signalFormats,
  ...ipcFormats,
  ...timeFormats,
  ...systemFormats,
  uid: id,
  gid: id,
  ioctl_cmd: ioctlRequest,
};

/** Formats whose meaning depends on the call. */
const contextual: Readonly<Record<string, ArgPrinterFactory>> = {
  pid: () => signedInt,
  hex: () => (call, i) => hex(call.frame.args[i]!),
  address: () => (call, i) => pointer(call.frame.args[i]!),
  at_flags: (row) => numeric(row.name in atFlagsOf ? atFlagsOf[row.name]! : atFlags, false),
  open_flags: (row) =>
    numeric(row.name === 'pipe2' || row.name === 'dup3' ? openModifiers : openFlags, false),
  timer_flags: (row) =>
    numeric(row.name === 'timerfd_settime' ? timerfdFlags : formats['timer_flags']!, false),
  ipc_cmd: (row) => numeric(commandOf[row.name] ?? String, false),
  ipc_flags: (row) => numeric(flagsOf[row.name] ?? hex, false),
  kexec_flags: (row) => numeric(row.name === 'kexec_file_load' ? kexecFileFlags : kexecFlags, true),
  sockproto: () => (call, i) => protocol(call.int(0), call.uint(i)),
  sockopt_name: () => (call, i) => socketOption(call.int(1), call.uint(i)),
};

export const signedInt: ArgPrinter = (call, i) => String(call.int(i));

function numeric(print: NumberPrinter, wide: boolean): ArgPrinter {
  if (!wide) return (call, i) => print(call.uint(i));
  return (call, i) => {
    const word = call.frame.args[i]!;
    return typeof word === 'number' && word >= 0 ? print(word) : hex(word);
  };
}

/** The printer of a scalar argument; undefined for kinds that are none, or for a format that has no names. */
export function scalarPrinter(row: SyscallRow, spec: ArgSpec): ArgPrinter | undefined {
  const { type } = spec;
  switch (type.kind) {
    case 'int':
    case 'uint':
    case 'long':
    case 'ulong': {
      const { format } = type;
      if (format === undefined) return plain[type.kind];
      const special = Object.hasOwn(contextual, format) ? contextual[format] : undefined;
      if (special !== undefined) return special(row, 0);
      const print = Object.hasOwn(formats, format) ? formats[format] : undefined;
      if (print === undefined) return plain[type.kind];
      return numeric(print, type.kind === 'long' || type.kind === 'ulong');
    }
    case 'fd':
      return (call, i) => fdText(call.int(i));
    case 'dirfd':
      return (call, i) => dirfdText(call.int(i));
    case 'address':
      return (call, i) => pointer(call.frame.args[i]!);
    default:
      return undefined;
  }
}

const plain: Readonly<Record<'int' | 'uint' | 'long' | 'ulong', ArgPrinter>> = {
  int: signedInt,
  uint: (call, i) => String(call.uint(i)),
  long: (call, i) => String(call.frame.args[i]!),
  ulong: (call, i) => String(unsigned(call.frame.args[i]!)),
};

/** Formats that have names or a meaning here. */
export function hasFormat(format: string): boolean {
  return Object.hasOwn(formats, format) || Object.hasOwn(contextual, format);
}
