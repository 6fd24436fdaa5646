/** ioctl(): names of requests, and what they point to. */
import { ioctlInfo, ioctlRegions, type Region } from '@scribe-ts/tracelog';
import type { ArgPrinter } from './call.js';
import { choice, flags, type NumberPrinter } from './flags.js';
import { FS_FLAGS } from './names/file.js';
import { TERMINAL_FLOW, TERMINAL_FLUSH } from './names/terminal.js';
import { interfaceArg } from './interfaces.js';
import { addressArg, structPrinter } from './pointers.js';
import { boxed, type Struct } from './struct.js';
import { structNamed } from './structs.js';
import { hex, i32, u16, u32, u64 } from './words.js';

const DIRECTIONS = ['_IOC_NONE', '_IOC_WRITE', '_IOC_READ', '_IOC_READ|_IOC_WRITE'];
const REQUESTS_REMEMBERED = 1024;
const requests = new Map<number, string>();

function hexByte(value: number): string {
  return value === 0 ? '0' : '0x' + value.toString(16);
}

/** TCGETS; a request without a name as the parts of its number. */
export function ioctlRequest(request: number): string {
  let text = requests.get(request);
  if (text === undefined) {
    text =
      ioctlInfo(request).name ??
      `_IOC(${DIRECTIONS[request >>> 30]}, ${hexByte((request >>> 8) & 0xff)}, ` +
        `${hexByte(request & 0xff)}, ${hexByte((request >>> 16) & 0x3fff)})`;
    if (requests.size < REQUESTS_REMEMBERED) requests.set(request, text);
  }
  return text;
}

/** Requests that take no third argument. */
const BARE: ReadonlySet<string> = new Set(
  (
    'BLKFLSBUF BLKRRPART FIFREEZE FIOCLEX FIONCLEX FITHAW LOOP_CLR_FD LOOP_CTL_GET_FREE LOOP_SET_CAPACITY ' +
    'NS_GET_NSTYPE NS_GET_PARENT NS_GET_USERNS PIO_FONTRESET RNDCLEARPOOL RNDRESEEDCRNG RTC_AIE_OFF ' +
    'RTC_AIE_ON RTC_PIE_OFF RTC_PIE_ON RTC_UIE_OFF RTC_UIE_ON RTC_VL_CLR RTC_WIE_OFF RTC_WIE_ON ' +
    'SG_GET_TIMEOUT TIOCCBRK TIOCCONS TIOCEXCL TIOCNOTTY TIOCNXCL TIOCSBRK TIOCVHANGUP WDIOC_KEEPALIVE'
  ).split(' '),
);

/** Requests whose argument is a number that people write in decimal. */
const DECIMAL: ReadonlySet<string> = new Set(
  (
    'BLKFRASET BLKRASET FICLONE EVIOCGRAB EVIOCREVOKE EVIOCRMFF INOTIFY_IOC_SETNEXTWD KDSIGACCEPT ' +
    'LOOP_CHANGE_FD LOOP_CTL_ADD LOOP_CTL_REMOVE LOOP_SET_BLOCK_SIZE LOOP_SET_DIRECT_IO LOOP_SET_FD ' +
    'RTC_EPOCH_SET RTC_IRQP_SET TCSBRK TCSBRKP TIOCSCTTY'
  ).split(' '),
);

export function ioctlHasArgument(request: number): boolean {
  return !BARE.has(ioctlRequest(request));
}

/** Words without a structure's name. */
const byte = boxed(1, (bytes, at) => String(bytes[at]!));
const half = boxed(2, (bytes, at) => String(u16(bytes, at)));
const int = boxed(4, (bytes, at) => String(i32(bytes, at)));
const long = boxed(8, (bytes, at) => String(u64(bytes, at)));

/** The structure a region without a name has: a number, if it is as long as one. */
function wordOfSize(size: number): Struct | undefined {
  switch (size) {
    case 1:
      return byte;
    case 2:
      return half;
    case 4:
      return int;
    case 8:
      return long;
    default:
      return undefined;
  }
}

export function regionStruct(region: Region): Struct | undefined {
  const { struct, dir, size } = region;
  if (struct === undefined) return wordOfSize(size);
  // Of some structures the kernel reads less than it writes.
  return (dir === 'in' ? structNamed(`${struct} to set`) : undefined) ?? structNamed(struct);
}

const PROBE_ADDRESS = 0x1000;
const printers = new Map<number, ArgPrinter>();

/** An argument that is no pointer. */
function numberArg(name: string): ArgPrinter {
  if (DECIMAL.has(name)) return (call, i) => String(call.int(i));
  return (call, i) => hex(call.frame.args[i]!);
}

const fileAttributes = flags(FS_FLAGS);
const attributes = boxed(4, (bytes, at) => fileAttributes(u32(bytes, at)));
/** Structures of requests whose number tells no more than a size. */
const STRUCTS: Readonly<Record<string, Struct>> = {
  FS_IOC_GETFLAGS: attributes,
  FS_IOC_SETFLAGS: attributes,
};

const VALUES: Readonly<Record<number, NumberPrinter>> = {
  0x540a: choice(TERMINAL_FLOW),
  0x540b: choice(TERMINAL_FLUSH),
};

function printerFor(request: number): ArgPrinter {
  const value = VALUES[request];
  if (value !== undefined) return (call, i) => value(call.uint(i));
  const ofInterface = interfaceArg(ioctlRequest(request));
  if (ofInterface !== undefined) return ofInterface;
  // Shapes with pointers inside need memory: their head alone is printed.
  const region = ioctlRegions(request, PROBE_ADDRESS, () => undefined, 0).find(
    ({ addr, unknown }) => addr === PROBE_ADDRESS && unknown !== true,
  );
  if (region === undefined) return numberArg(ioctlRequest(request));
  const type = STRUCTS[ioctlRequest(request)] ?? regionStruct(region);
  if (type === undefined) return addressArg;
  const { size, dir } = region;
  return structPrinter(type, dir, () => size, undefined);
}

export const ioctlArg: ArgPrinter = (call, i) => {
  const request = call.uint(1);
  let printer = printers.get(request);
  if (printer === undefined) {
    printer = printerFor(request);
    if (printers.size < REQUESTS_REMEMBERED) printers.set(request, printer);
  }
  return printer(call, i);
};
