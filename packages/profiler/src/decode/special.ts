/** Arguments whose meaning depends on another: commands and operations. */
import { bpfArg } from './bpf.js';
import type { ArgPrinter, Call } from './call.js';
import { newFdText } from './fds.js';
import { descriptorFlags, foundLock, leaseType, openFlags, seals } from './file.js';
import { bitset, wakeOp } from './ipc.js';
import { ioctlArg } from './ioctl.js';
import { prctlArg } from './prctl.js';
import { regionArg } from './regions.js';
import { addressArg, structPrinter } from './pointers.js';
import { signedInt } from './scalars.js';
import { signalName, signalSet } from './signal.js';
import { structNamed } from './structs.js';
import { f64, hex, i32, pointer } from './words.js';

const enum Fcntl {
  Dupfd = 0,
  Getfd = 1,
  Setfd = 2,
  Getfl = 3,
  Setfl = 4,
  Getlk = 5,
  Setown = 8,
  Getown = 9,
  Setsig = 10,
  Getsig = 11,
  OfdGetlk = 36,
  Setlease = 1024,
  Getlease = 1025,
  Notify = 1026,
  DupfdQuery = 1027,
  DupfdCloexec = 1030,
  SetpipeSize = 1031,
  GetpipeSize = 1032,
  AddSeals = 1033,
  GetSeals = 1034,
}

const fcntlMemory = regionArg('fcntl');
const getlkArg = structPrinter(foundLock, 'out', () => 28, undefined);
const fcntlArg: ArgPrinter = (call, i) => {
  switch (call.uint(1)) {
    case Fcntl.Setfd:
      return descriptorFlags(call.uint(i));
    case Fcntl.Setfl:
      return openFlags(call.uint(i));
    case Fcntl.Setsig:
      return signalName(call.int(i));
    case Fcntl.AddSeals:
      return seals(call.uint(i));
    case Fcntl.Setlease:
      return leaseType(call.uint(i));
    case Fcntl.Dupfd:
    case Fcntl.DupfdCloexec:
    case Fcntl.DupfdQuery:
    case Fcntl.Setown:
    case Fcntl.SetpipeSize:
      return signedInt(call, i);
    case Fcntl.Notify:
      return hex(call.uint(i));
    case Fcntl.Getlk:
    case Fcntl.OfdGetlk:
      return (call.failed ? fcntlMemory : getlkArg)(call, i);
    default:
      return fcntlMemory(call, i);
  }
};

/** How many of fcntl's arguments a command takes. */
export function fcntlArguments(call: Call): number {
  switch (call.uint(1)) {
    case Fcntl.Getfd:
    case Fcntl.Getfl:
    case Fcntl.Getown:
    case Fcntl.Getsig:
    case Fcntl.Getlease:
    case Fcntl.GetpipeSize:
    case Fcntl.GetSeals:
      return 2;
    default:
      return 3;
  }
}

/** What a result that is a set of flags means. */
export function fcntlResult(call: Call): string | undefined {
  const result = call.count;
  switch (call.uint(1)) {
    case Fcntl.Dupfd:
    case Fcntl.DupfdCloexec:
      return newFdText(result);
    case Fcntl.Getfd:
      return result === 0 ? '0' : `${hex(result)} (flags ${descriptorFlags(result)})`;
    case Fcntl.Getfl:
      return `${hex(result)} (flags ${openFlags(result)})`;
    case Fcntl.GetSeals:
      return result === 0 ? '0' : `${hex(result)} (seals ${seals(result)})`;
    case Fcntl.Getlease:
      return `${result} (${leaseType(result)})`;
    case Fcntl.Getsig:
      return result === 0 ? '0' : `${result} (${signalName(result)})`;
    default:
      return undefined;
  }
}

const enum Futex {
  Wait = 0,
  Requeue = 3,
  CmpRequeue = 4,
  WakeOp = 5,
  LockPi = 6,
  UnlockPi = 7,
  TrylockPi = 8,
  WaitBitset = 9,
  WakeBitset = 10,
  WaitRequeuePi = 11,
  CmpRequeuePi = 12,
  LockPi2 = 13,
}

function futexCommand(call: Call): number {
  return call.int(1) & 0x7f;
}

const THREE: readonly number[] = [0, 1, 2];
/** Which of futex's arguments an operation takes; the others are whatever was in the registers. */
const FUTEX_ARGUMENTS: Readonly<Partial<Record<number, readonly number[]>>> = {
  [Futex.Wait]: [0, 1, 2, 3],
  [Futex.Requeue]: [0, 1, 2, 3, 4],
  [Futex.CmpRequeue]: [0, 1, 2, 3, 4, 5],
  [Futex.WakeOp]: [0, 1, 2, 3, 4, 5],
  [Futex.LockPi]: [0, 1, 2, 3],
  [Futex.UnlockPi]: [0, 1],
  [Futex.TrylockPi]: [0, 1],
  [Futex.WaitBitset]: [0, 1, 2, 3, 5],
  [Futex.WakeBitset]: [0, 1, 2, 5],
  [Futex.WaitRequeuePi]: [0, 1, 2, 3, 4],
  [Futex.CmpRequeuePi]: [0, 1, 2, 3, 4, 5],
  [Futex.LockPi2]: [0, 1, 2, 3],
};

export function futexArguments(call: Call): readonly number[] {
  return FUTEX_ARGUMENTS[futexCommand(call)] ?? THREE;
}

const timespecIn = structPrinter(structNamed('timespec')!, 'in', () => 16, undefined);

/** The fourth argument: a time limit, or a second count. */
export const futexTimeout: ArgPrinter = (call, i) => {
  switch (futexCommand(call)) {
    case Futex.Requeue:
    case Futex.CmpRequeue:
    case Futex.CmpRequeuePi:
    case Futex.WakeOp:
      return String(call.uint(i));
    default:
      return timespecIn(call, i);
  }
};

/** The last argument: an operation, a set of bits, or a value to compare with. */
export const futexLast: ArgPrinter = (call, i) => {
  switch (futexCommand(call)) {
    case Futex.WakeOp:
      return wakeOp(call.uint(i));
    case Futex.WaitBitset:
    case Futex.WakeBitset:
      return bitset(call.uint(i));
    default:
      return String(call.uint(i));
  }
};

const ARCH_SET_CPUID = 0x1012;
const archMemory = regionArg('arch_prctl');
const archPrctlArg: ArgPrinter = (call, i) => {
  if (call.uint(0) === ARCH_SET_CPUID) return String(call.frame.args[i]!);
  const stored = call.output(call.address(i));
  if (stored === undefined || stored.length < 8) return archMemory(call, i);
  return `[${hex(f64(stored, 0))}]`;
};

const SETVAL = 16;
const semctlMemory = regionArg('semctl');
const semctlArg: ArgPrinter = (call, i) =>
  call.int(2) === SETVAL ? signedInt(call, i) : semctlMemory(call, i);

const CLONE_ARGS_MIN = 64;
const cloneArgs = structNamed('clone_args')!;
const CLONE_PIDFD = 0x1000;
const CLONE_PARENT_SETTID = 0x0010_0000;

/** clone3's structure, and what the kernel stored through its pointers. */
const clone3Arg: ArgPrinter = (call, i) => {
  const input = call.input(i);
  if (input === undefined || input.bytes.length < CLONE_ARGS_MIN) return addressArg(call, i);
  const { bytes } = input;
  call.decoded.push(input);
  const flags = (f64(bytes, 0) % 2 ** 32) | 0;
  const stored: string[] = [];
  const pidfd = (flags & CLONE_PIDFD) === 0 ? undefined : call.output(f64(bytes, 8));
  if (pidfd !== undefined && pidfd.length >= 4) stored.push(`pidfd=[${i32(pidfd, 0)}]`);
  const tid = (flags & CLONE_PARENT_SETTID) === 0 ? undefined : call.output(f64(bytes, 24));
  if (tid !== undefined && tid.length >= 4) stored.push(`parent_tid=[${i32(tid, 0)}]`);
  const text = cloneArgs.print(bytes, 0, bytes.length);
  return stored.length === 0 ? text : `${text} => {${stored.join(', ')}}`;
};

/** pselect6's pair of a pointer to a mask and its size. */
const pselectMask: ArgPrinter = (call, i) => {
  const input = call.input(i);
  if (input === undefined || input.bytes.length < 16) return addressArg(call, i);
  call.decoded.push(input);
  const size = f64(input.bytes, 8);
  const addr = f64(input.bytes, 0);
  const mask = addr === 0 ? undefined : call.input(i, 1);
  if (mask === undefined || mask.bytes.length < 4) {
    return `{sigmask=${pointer(addr)}, sigsetsize=${size}}`;
  }
  call.decoded.push(mask);
  return `{sigmask=${signalSet(mask.bytes, 0, mask.bytes.length)}, sigsetsize=${size}}`;
};

const printers: Readonly<Record<string, ArgPrinter>> = {
  bpf_attr: bpfArg,
  ioctl: ioctlArg,
  fcntl: fcntlArg,
  futex: addressArg,
  prctl: prctlArg,
  arch_prctl: archPrctlArg,
  semctl: semctlArg,
  clone3: clone3Arg,
  pselect_sigmask: pselectMask,
};

export function specialArg(decoder: string): ArgPrinter {
  return (Object.hasOwn(printers, decoder) ? printers[decoder] : undefined) ?? regionArg(decoder);
}
