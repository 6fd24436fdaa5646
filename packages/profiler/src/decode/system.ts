/** The machine as a whole, terminals, and calls that recordings refuse. */
import { choice, field, flags, flagsNamed, type Names, type NumberPrinter } from './flags.js';
import * as names from './names/system.js';
import { controlFlags, inputFlags, localFlags, outputFlags } from './terminal.js';
import { struct, type Structs } from './struct.js';
import { quoteField } from './text.js';
import { hex, u16, u32 } from './words.js';

const quotaCommand = choice(names.QUOTA_CMD, hex);
const quotaType = choice(names.QUOTA_TYPE);

/** A number, with its name in a comment. */
function commented(named: Names, unknown: string): NumberPrinter {
  const name = choice(named, () => unknown);
  return (value) => `${value | 0} /* ${name(value)} */`;
}
/** Of kernel messages. */
export const logLevel = commented(names.LOG_LEVEL, 'LOGLEVEL_???');

export const systemFormats: Readonly<Record<string, NumberPrinter>> = {
  getrandom_flags: flags(names.GETRANDOM_FLAGS),
  syslog_action: commented(names.SYSLOG_ACTION, 'SYSLOG_ACTION_???'),
  reboot_magic: choice(names.REBOOT_MAGIC),
  reboot_op: choice(names.REBOOT_OP),
  delete_module_flags: flags(names.DELETE_MODULE_FLAGS),
  finit_module_flags: flags(names.FINIT_MODULE_FLAGS),
  bpf_cmd: choice(names.BPF_CMD),
  perf_flags: flags(names.PERF_FLAGS),
  io_uring_enter_flags: flags(names.IO_URING_ENTER_FLAGS),
  io_uring_register_op: choice(names.IO_URING_REGISTER_OP),
  userfaultfd_flags: flagsNamed('UFFD_', names.USERFAULTFD_FLAGS),
  quotactl_cmd: (cmd) => `QCMD(${quotaCommand(cmd >>> 8)}, ${quotaType(cmd & 0xff)})`,
};

export const kexecFlags = flags(names.KEXEC_FLAGS, '', field(0xffff0000, names.KEXEC_ARCH));
export const kexecFileFlags = flags(names.KEXEC_FILE_FLAGS);

const UTSNAME = 65;

function termios(bytes: Uint8Array, at: number): string {
  return (
    `{c_iflag=${inputFlags(u32(bytes, at))}, c_oflag=${outputFlags(u32(bytes, at + 4))}, ` +
    `c_cflag=${controlFlags(u32(bytes, at + 8))}, c_lflag=${localFlags(u32(bytes, at + 12))}, ...}`
  );
}

export const systemStructs: Structs = {
  new_utsname: struct(
    2 * UTSNAME,
    (bytes, at) =>
      `{sysname=${quoteField(bytes, at, UTSNAME)}, nodename=${quoteField(bytes, at + UTSNAME, UTSNAME)}, ...}`,
  ),
  winsize: struct(
    8,
    (bytes, at) =>
      `{ws_row=${u16(bytes, at)}, ws_col=${u16(bytes, at + 2)}, ` +
      `ws_xpixel=${u16(bytes, at + 4)}, ws_ypixel=${u16(bytes, at + 6)}}`,
  ),
  termios: struct(16, termios),
  termios2: struct(16, termios),
  termio: struct(
    8,
    (bytes, at) =>
      `{c_iflag=${hex(u16(bytes, at))}, c_oflag=${hex(u16(bytes, at + 2))}, ` +
      `c_cflag=${hex(u16(bytes, at + 4))}, c_lflag=${hex(u16(bytes, at + 6))}, ...}`,
  ),
};
