/** Calls that their row alone does not print well. */
import type { ArgPrinter, Call } from './call.js';
import { errnoNames } from './errno.js';
import { newFdText } from './fds.js';
import { known, type Exception } from './exception.js';
import { countEntries, fileMode } from './file.js';
import { ioctlHasArgument } from './ioctl.js';
import { memoryFormats } from './memory.js';
import { prctlArguments, prctlResult } from './prctl.js';
import { addressArg, countedStringsArg, stringArg, structPrinter } from './pointers.js';
import { epollEvent, leftText, poll, pselect6, select, timespecBefore } from './polling.js';
import { cloneFlags, ioPriority, processFormats, schedPolicy } from './process.js';
import { signalName } from './signal.js';
import { fcntlArguments, fcntlResult, futexArguments, futexLast, futexTimeout } from './special.js';
import { ptrace, seccomp } from './refused.js';
import { optionArg } from './socket-options.js';
import { array, boxed, type Struct } from './struct.js';
import { logLevel } from './system.js';
import { quoteString, quoteUpTo } from './text.js';
import { utimeTimespec, utimeTimeval } from './time.js';
import { hex, i32, i64, unsigned, octal, pointer, u32 } from './words.js';

const O_CREAT = 0x40;
const TMPFILE = 0x40_0000;

/** The mode, at `index`, is read only if the call can make a file. */
function openArguments(flags: number, mode: number, all: number): (call: Call) => number {
  return (call) => ((call.uint(flags) & (O_CREAT | TMPFILE)) === 0 ? mode : all);
}

const entriesArg: ArgPrinter = (call, i) => {
  const bytes = call.output(call.address(i));
  if (call.failed || call.address(i) === 0) return addressArg(call, i);
  const count = bytes === undefined ? 0 : countEntries(bytes);
  if (bytes === undefined && call.count > 0) return addressArg(call, i);
  return `${addressArg(call, i)} /* ${count} entries */`;
};

const CLONE_SETTLS = 0x0008_0000;
const CLONE_TID_WORDS = 0x0100_0000 | 0x0020_0000;
const CLONE_PARENT_WORD = 0x0010_0000 | 0x1000;

function cloneArguments(call: Call): string {
  const { args } = call.frame;
  const word = args[0]!;
  const flags = call.uint(0);
  let text = `child_stack=${pointer(args[1]!)}, flags=${
    typeof word === 'number' && word >= 0 ? cloneFlags(word) : hex(word)
  }`;
  if ((flags & CLONE_PARENT_WORD) !== 0) {
    const stored = call.output(call.address(2));
    const tid = stored === undefined || stored.length < 4 ? undefined : i32(stored, 0);
    text += `, parent_tid=${tid === undefined ? pointer(args[2]!) : `[${tid}]`}`;
  }
  if ((flags & CLONE_SETTLS) !== 0) text += `, tls=${pointer(args[4]!)}`;
  if ((flags & CLONE_TID_WORDS) !== 0) text += `, child_tidptr=${pointer(args[3]!)}`;
  return text;
}

const MREMAP_WITH_ADDRESS = 2;
const SEMCTL_BARE: ReadonlySet<number> = new Set([0, 11, 12, 14, 15]);
const pathText: ArgPrinter = (call, i) => {
  const bytes = call.output(call.address(i));
  return bytes === undefined ? addressArg(call, i) : quoteString(bytes, bytes.length);
};
function fileTimes(type: Struct): ArgPrinter {
  return (call, i) => {
    const input = call.input(i);
    if (input === undefined) return addressArg(call, i);
    call.decoded.push(input);
    return array(type, input.bytes, 16, 2);
  };
}

const S_IFMT = 0xf000;
const DEVICES: ReadonlySet<number> = new Set([0x2000, 0x6000]);
/** Only devices have a number. */
function nodeArguments(mode: number): (call: Call) => number {
  return (call) => (DEVICES.has(call.uint(mode) & S_IFMT) ? mode + 2 : mode + 1);
}

/** How much room there was, and the handle that was put there. */
const fileHandle: ArgPrinter = (call, i) => {
  const input = call.input(i);
  if (input === undefined || input.bytes.length < 4) return addressArg(call, i);
  call.decoded.push(input);
  const room = u32(input.bytes, 0);
  const stored = call.output(call.address(i));
  const needed = stored === undefined || stored.length < 4 ? room : u32(stored, 0);
  const size = needed === room ? String(room) : `${room} => ${needed}`;
  if (call.failed || stored === undefined) return `{handle_bytes=${size}}`;
  const whole = known('file_handle').print(stored, 0, stored.length);
  return whole.replace(/handle_bytes=\d+/, `handle_bytes=${size}`);
};

/** The time left is of a sleep that was interrupted. */
const timespecOut = structPrinter(known('timespec'), 'out', () => 16, undefined, 'printed');
const timeLeft: ArgPrinter = (call, i) => (call.failed ? timespecOut : addressArg)(call, i);

const MTYPE_BYTES = 8;
/** A System V message, of which the log may have the beginning. */
function messageText(call: Call, i: number, bytes: Uint8Array | undefined): string {
  if (bytes === undefined || bytes.length < MTYPE_BYTES) return addressArg(call, i);
  const input = call.input(i);
  if (input !== undefined) call.decoded.push(input);
  const received = call.frame.writes.length > 0;
  const size = received ? call.count : Number(call.frame.args[2]!);
  const limit = received ? call.limits.output : call.limits.input;
  return `{mtype=${i64(bytes, 0)}, mtext=${quoteUpTo(bytes.subarray(MTYPE_BYTES), size, limit)}}`;
}

const policyArg: ArgPrinter = (call, i) => {
  const stored = call.failed ? undefined : call.output(call.address(i));
  if (stored === undefined || stored.length < 4) return addressArg(call, i);
  return `[${memoryFormats['mempolicy_mode']!(i32(stored, 0) >>> 0)}]`;
};

const unsignedLong: ArgPrinter = (call, i) => String(unsigned(call.frame.args[i]!));

/** Where it went on is told by the result. */
const offsetBefore = structPrinter(known('loff_t'), 'in', () => 8, undefined);

/** `[0] => [10]` */
const offsetMoved: ArgPrinter = (call, i) => {
  const before = offsetBefore(call, i);
  const stored = call.failed ? undefined : call.output(call.address(i));
  if (stored === undefined || stored.length < 8) return before;
  const after = `[${i64(stored, 0)}]`;
  return before === after ? before : `${before} => ${after}`;
};

const SYSLOG_CONSOLE_LEVEL = 8;
/** Actions without further arguments: close, open, clear, console off and on, sizes. */
const SYSLOG_BARE: ReadonlySet<number> = new Set([0, 1, 5, 6, 7, 9, 10]);
const syslog: Exception = {
  taken: (call) => (SYSLOG_BARE.has(call.int(0)) ? 1 : 3),
  args: {
    2: (call, i) =>
      call.int(0) === SYSLOG_CONSOLE_LEVEL ? logLevel(call.uint(i)) : String(call.int(i)),
  },
};

const receivedResult = (call: Call): string | undefined => {
  if (call.count === 0) return '0 (Timeout)';
  const left = leftText(call, 4, known('timespec'));
  return left === '' ? undefined : `${call.count} (${left})`;
};

/** The high half of a position is 0 where words have 64 bits. */
const VECTOR_FLAGS: readonly number[] = [0, 1, 2, 3, 5];

const randomArg: ArgPrinter = (call, i) => {
  const bytes = call.output(call.address(i));
  if (bytes === undefined) return addressArg(call, i);
  const shown = Math.min(bytes.length, call.limits.output);
  let text = '';
  for (let k = 0; k < shown; k++) text += '\\x' + bytes[k]!.toString(16).padStart(2, '0');
  return `"${text}"${shown < bytes.length ? '...' : ''}`;
};

const KEYCTL_ARGUMENTS: readonly number[] = [
  3, 2, 4, 2, 4, 3, 4, 2, 3, 3, 5, 4, 5, 4, 2, 3, 2, 4, 1, 5, 5, 2, 3, 5, 5, 5, 5, 5, 5, 4, 5, 3, 4,
];

/** Of each page its node, or why it has none. */
const pageStatus = boxed(4, (bytes, at) => {
  const value = i32(bytes, at);
  return value < 0 ? `-${errnoNames.get(-value) ?? -value}` : String(value);
});

const hexArg: ArgPrinter = (call, i) => hex(call.frame.args[i]!);

/** The two descriptors that the call has made. */
const madePair: ArgPrinter = (call, i) => {
  const stored = call.failed ? undefined : call.output(call.address(i));
  if (stored === undefined || stored.length < 8) return addressArg(call, i);
  return `[${newFdText(i32(stored, 0))}, ${newFdText(i32(stored, 4))}]`;
};

/** By the name of the call. */
export const exceptions: Readonly<Record<string, Exception>> = {
  open: { taken: openArguments(1, 2, 3) },
  openat: { taken: openArguments(2, 3, 4) },
  mq_open: { taken: openArguments(1, 2, 4) },
  getcwd: { args: { 0: pathText } },
  umask: { result: (call) => octal(call.count) },
  mknod: { taken: nodeArguments(1), args: { 1: (call, i) => fileMode(call.uint(i)) } },
  getdents: { args: { 1: entriesArg } },
  getdents64: { args: { 1: entriesArg } },
  utimensat: { args: { 2: fileTimes(utimeTimespec) } },
  utimes: { args: { 1: fileTimes(utimeTimeval) } },
  futimesat: { args: { 2: fileTimes(utimeTimeval) } },
  name_to_handle_at: { args: { 2: fileHandle } },
  mknodat: { taken: nodeArguments(2), args: { 2: (call, i) => fileMode(call.uint(i)) } },
  nanosleep: { args: { 1: timeLeft } },
  clock_nanosleep: { args: { 3: timeLeft } },
  preadv: { taken: () => 4 },
  pwritev: { taken: () => 4 },
  preadv2: { order: () => VECTOR_FLAGS },
  pwritev2: { order: () => VECTOR_FLAGS },
  truncate: { args: { 1: unsignedLong } },
  ftruncate: { args: { 1: unsignedLong } },
  ioprio_set: { args: { 2: (call, i) => ioPriority(call.uint(i)) } },
  ioprio_get: { result: (call) => `${call.count} (${ioPriority(call.count)})` },
  sendfile: { args: { 2: offsetMoved } },
  epoll_ctl: { args: { 3: epollEvent } },
  syslog,
  splice: { args: { 1: offsetBefore, 3: offsetBefore } },
  copy_file_range: { args: { 1: offsetBefore, 3: offsetBefore } },
  recvmmsg: { args: { 4: timespecBefore }, result: receivedResult },
  move_pages: {
    args: {
      4: structPrinter(
        pageStatus,
        'out',
        () => 4,
        (call) => call.uint(1),
      ),
    },
  },
  pipe: { args: { 0: madePair } },
  pipe2: { args: { 0: madePair } },
  socketpair: { args: { 3: madePair } },
  ptrace,
  seccomp,
  capget: { args: { 0: structPrinter(known('cap_user_header'), 'in', () => 8, undefined) } },
  memfd_secret: { args: { 0: hexArg } },
  ioperm: { args: { 0: hexArg, 1: hexArg } },
  rseq: { args: { 1: hexArg, 3: hexArg } },
  getrandom: { args: { 0: randomArg } },
  fcntl: { taken: fcntlArguments, result: fcntlResult },
  ioctl: { taken: (call) => (ioctlHasArgument(call.uint(1)) ? 3 : 2) },
  select,
  pselect6,
  poll,
  ppoll: poll,
  mmap: { args: { 5: (call, i) => hex(call.frame.args[i]!) } },
  msgsnd: { args: { 1: (call, i) => messageText(call, i, call.input(i)?.bytes) } },
  msgrcv: { args: { 1: (call, i) => messageText(call, i, call.output(call.address(i))) } },
  get_mempolicy: { args: { 0: policyArg } },
  mremap: { taken: (call) => ((call.uint(3) & MREMAP_WITH_ADDRESS) === 0 ? 4 : 5) },
  clone: { all: cloneArguments },
  execve: { args: { 2: countedStringsArg } },
  execveat: { args: { 3: countedStringsArg } },
  futex: { args: { 3: futexTimeout, 5: futexLast }, order: futexArguments },
  prctl: { taken: prctlArguments, result: prctlResult },
  semctl: { taken: (call) => (SEMCTL_BARE.has(call.int(2)) ? 3 : 4) },
  keyctl: {
    taken: (call) => KEYCTL_ARGUMENTS[call.int(0)] ?? 5,
    args: Object.fromEntries([1, 2, 3, 4].map((index) => [index, keyctlArg])),
  },
  setsockopt: { args: { 3: optionArg('in') } },
  getsockopt: { args: { 3: optionArg('out') } },
  sched_getscheduler: { result: (call) => `${call.count} (${schedPolicy(call.count)})` },
  personality: {
    result: (call) => `${hex(call.count)} (${processFormats['personality']!(call.count)})`,
  },
  membarrier: {
    taken: (call) => (call.uint(1) === 0 ? 2 : 3),
    result: (call) =>
      call.int(0) === 0 && call.count > 0
        ? `${hex(call.count)} (${processFormats['membarrier_cmd']!(call.count)})`
        : undefined,
  },
  rt_sigtimedwait: { result: (call) => `${call.count} (${signalName(call.count)})` },
};

/** Numbers, except where bytes are known. */
function keyctlArg(call: Call, i: number): string {
  if (call.input(i) !== undefined) return stringArg(call, i);
  const stored = call.output(call.address(i));
  if (stored !== undefined) return quoteString(stored, stored.length);
  const word = call.frame.args[i]!;
  const serial = word >= -8 && word <= 0x7fffffff;
  return serial ? String(word) : hex(word);
}
