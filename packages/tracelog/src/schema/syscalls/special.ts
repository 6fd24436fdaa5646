/** Arguments whose shape depends on the call: commands, operations, structures with pointers inside. */
import type { Word } from '../frames.js';
import { ioctlRegions, stringLength } from './ioctls.js';
import { refusedDecoders } from './refused-regions.js';
import type { Direction, WrittenWhen } from './types.js';
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

/**
 * Reads exactly `length` bytes of the task's memory at `addr`; undefined if they aren't all there. The array may be
 * used again by the next call: it is read at once and not kept.
 */
export type Peek = (addr: number, length: number) => Uint8Array | undefined;

/** What the bytes are, seen from the argument that leads to them. */
export type RegionPart =
  /** What the argument points to. */
  | 'value'
  /** An array of struct iovec. */
  | 'vector'
  /** Bytes an iovec points to. */
  | 'data'
  /** msg_name and msg_control of a struct msghdr. */
  | 'name'
  | 'control'
  /** Whatever else a structure points to. */
  | 'nested';

/** A range of the task's memory that a call reads or writes. */
export interface Region {
  readonly addr: number;
  readonly size: number;
  readonly dir: Direction;
  readonly when: WrittenWhen;
  /** C name of what it holds, where there is one. */
  readonly struct?: string;
  /** Default: 'value'. */
  readonly part?: RegionPart;
  /** Nothing is known of its size, which is 0 here: bytes the kernel writes there are missed. */
  readonly unknown?: true;
}

/** What the regions of a few calls need besides memory after the call. All of it may be left out. */
export interface RegionContext {
  /** What `readEntry` of regions.ts stored when the call was entered. Without it, ranges of value-result arguments can be too long. */
  readonly entry?: ArrayLike<number>;
  /** Number of semaphores in a System V set (semctl's GETALL does not tell). Without it GETALL is `unknown`. */
  readonly semCount?: (semid: number) => number | undefined;
}

export interface SpecialCall {
  readonly args: ArrayLike<Word>;
  readonly argIndex: number;
  /** The argument as an address, not 0. */
  readonly addr: number;
  readonly nr: number;
  readonly peek: Peek;
  /** undefined: the call is yet to run. Sizes that depend on the result are then the largest possible. */
  readonly result: number | undefined;
  readonly context: RegionContext;
}

type Decoder = (call: SpecialCall) => readonly Region[];

const NONE: readonly Region[] = [];
const PAGE = 4096;

function one(
  addr: number,
  size: number,
  dir: Direction,
  struct?: string,
  when: WrittenWhen = 'success',
): readonly Region[] {
  if (size <= 0) return NONE;
  return [struct === undefined ? { addr, size, dir, when } : { addr, size, dir, when, struct }];
}

function text(call: SpecialCall): readonly Region[] {
  return one(call.addr, stringLength(call.peek, call.addr), 'in');
}

/** Bytes of an answer that is cut at `limit`; nothing where the call failed. */
function answered(call: SpecialCall, limit: number): number {
  const { result } = call;
  if (result === undefined) return limit;
  return isFailure(result) ? 0 : Math.min(result, limit);
}

function fcntl({ args, addr }: SpecialCall): readonly Region[] {
  switch (uint32(args[1])) {
    case 5: // F_GETLK
    case 36: // F_OFD_GETLK
      return one(addr, 32, 'inout', 'flock');
    case 6: // F_SETLK
    case 7: // F_SETLKW
    case 37: // F_OFD_SETLK
    case 38: // F_OFD_SETLKW
      return one(addr, 32, 'in', 'flock');
    case 15: // F_SETOWN_EX
      return one(addr, 8, 'in', 'f_owner_ex');
    case 16: // F_GETOWN_EX
      return one(addr, 8, 'out', 'f_owner_ex');
    case 17: // F_GETOWNER_UIDS
      return one(addr, 8, 'out');
    case 1035: // F_GET_RW_HINT
    case 1037: // F_GET_FILE_RW_HINT
      return one(addr, 8, 'out', 'u64');
    case 1036: // F_SET_RW_HINT
    case 1038: // F_SET_FILE_RW_HINT
      return one(addr, 8, 'in', 'u64');
    case 1039: // F_GETDELEG
      return one(addr, 8, 'inout', 'delegation');
    case 1040: // F_SETDELEG
      return one(addr, 8, 'in', 'delegation');
    default:
      return NONE;
  }
}

const FUTEX_CMD_MASK = 0x7f;
const enum Futex {
  Wait = 0,
  CmpRequeue = 4,
  WakeOp = 5,
  LockPi = 6,
  UnlockPi = 7,
  TrylockPi = 8,
  WaitBitset = 9,
  WaitRequeuePi = 11,
  CmpRequeuePi = 12,
  LockPi2 = 13,
}

/** The kernel stores a futex word only for FUTEX_WAKE_OP and for the words of PI futexes, there even where it fails. */
function futex({ args, argIndex, addr }: SpecialCall): readonly Region[] {
  const op = int32(args[1]) & FUTEX_CMD_MASK;
  if (argIndex === 0) {
    switch (op) {
      case Futex.Wait:
      case Futex.WaitBitset:
      case Futex.CmpRequeue:
      case Futex.CmpRequeuePi:
      case Futex.WaitRequeuePi:
        return one(addr, 4, 'in', 'u32');
      case Futex.LockPi:
      case Futex.LockPi2:
      case Futex.TrylockPi:
      case Futex.UnlockPi:
        return one(addr, 4, 'inout', 'u32', 'always');
      default:
        return NONE;
    }
  }
  if (argIndex === 3) {
    // For the other operations this is a number.
    switch (op) {
      case Futex.Wait:
      case Futex.WaitBitset:
      case Futex.LockPi:
      case Futex.LockPi2:
      case Futex.WaitRequeuePi:
        return one(addr, 16, 'in', 'timespec');
      default:
        return NONE;
    }
  }
  switch (op) {
    case Futex.WakeOp:
    case Futex.CmpRequeuePi:
    case Futex.WaitRequeuePi:
      return one(addr, 4, 'inout', 'u32', 'always');
    default:
      return NONE;
  }
}

function prctl(call: SpecialCall): readonly Region[] {
  const { args, argIndex, addr } = call;
  const option = int32(args[0]);
  switch (option) {
    case 2: // PR_GET_PDEATHSIG
    case 25: // PR_GET_TSC
    case 37: // PR_GET_CHILD_SUBREAPER
      return argIndex === 1 ? one(addr, 4, 'out', 'int') : NONE;
    case 15: // PR_SET_NAME
      return argIndex === 1 ? one(addr, stringLength(call.peek, addr, 16), 'in') : NONE;
    case 16: // PR_GET_NAME
      return argIndex === 1 ? one(addr, 16, 'out') : NONE;
    case 22: // PR_SET_SECCOMP
      return argIndex === 2 && int32(args[1]) === 2 ? one(addr, 16, 'in', 'sock_fprog') : NONE;
    case 35: {
      // PR_SET_MM: MAP, MAP_SIZE, AUXV
      if (argIndex !== 2) return NONE;
      const what = int32(args[1]);
      if (what === 14) return one(addr, Math.min(count64(args[3]), PAGE), 'in', 'prctl_mm_map');
      if (what === 15) return one(addr, 4, 'out', 'unsigned');
      return what === 12 ? one(addr, Math.min(count64(args[3]), PAGE), 'in') : NONE;
    }
    case 40: // PR_GET_TID_ADDRESS
      return argIndex === 1 ? one(addr, 8, 'out', 'pointer') : NONE;
    case 62: // PR_SCHED_CORE: PR_SCHED_CORE_GET
      return argIndex === 4 && int32(args[1]) === 0 ? one(addr, 8, 'out', 'u64') : NONE;
    case 0x53564d41: // PR_SET_VMA
      return argIndex === 4 ? text(call) : NONE;
    case 0x41555856: // PR_GET_AUXV
      return argIndex === 1 ? one(addr, answered(call, count64(args[2])), 'out') : NONE;
    default:
      return NONE;
  }
}

function archPrctl({ args, addr }: SpecialCall): readonly Region[] {
  switch (int32(args[0])) {
    case 0x1003: // ARCH_GET_FS
    case 0x1004: // ARCH_GET_GS
    case 0x1021: // ARCH_GET_XCOMP_SUPP
    case 0x1022: // ARCH_GET_XCOMP_PERM
    case 0x1024: // ARCH_GET_XCOMP_GUEST_PERM
    case 0x4001: // ARCH_GET_UNTAG_MASK
    case 0x4003: // ARCH_GET_MAX_TAG_BITS
    case 0x5005: // ARCH_SHSTK_STATUS
      return one(addr, 8, 'out', 'u64');
    default:
      return NONE;
  }
}

const enum Ipc {
  Set = 1,
  Stat = 2,
  Info = 3,
}

function shmctl({ args, addr }: SpecialCall): readonly Region[] {
  switch (int32(args[1])) {
    case Ipc.Set:
      return one(addr, 112, 'in', 'shmid_ds');
    case Ipc.Stat:
    case 13: // SHM_STAT
    case 15: // SHM_STAT_ANY
      return one(addr, 112, 'out', 'shmid_ds');
    case Ipc.Info:
      return one(addr, 72, 'out', 'shminfo');
    case 14: // SHM_INFO
      return one(addr, 48, 'out', 'shm_info');
    default:
      return NONE;
  }
}

function msgctl({ args, addr }: SpecialCall): readonly Region[] {
  switch (int32(args[1])) {
    case Ipc.Set:
      return one(addr, 120, 'in', 'msqid_ds');
    case Ipc.Stat:
    case 11: // MSG_STAT
    case 13: // MSG_STAT_ANY
      return one(addr, 120, 'out', 'msqid_ds');
    case Ipc.Info:
    case 12: // MSG_INFO
      return one(addr, 32, 'out', 'msginfo');
    default:
      return NONE;
  }
}

function semctl({ args, addr, context }: SpecialCall): readonly Region[] {
  const cmd = int32(args[2]);
  switch (cmd) {
    case Ipc.Set:
      return one(addr, 104, 'in', 'semid_ds');
    case Ipc.Stat:
    case 18: // SEM_STAT
    case 20: // SEM_STAT_ANY
      return one(addr, 104, 'out', 'semid_ds');
    case Ipc.Info:
    case 19: // SEM_INFO
      return one(addr, 40, 'out', 'seminfo');
    case 13: // GETALL
    case 17: {
      // SETALL
      const dir = cmd === 13 ? 'out' : 'in';
      const count = context.semCount?.(int32(args[0]));
      if (count === undefined) return [{ addr, size: 0, dir, when: 'success', unknown: true }];
      return one(addr, count * 2, dir, 'u16');
    }
    default:
      return NONE;
  }
}

function keyctl(call: SpecialCall): readonly Region[] {
  const { args, argIndex, addr, peek } = call;
  const third = count64(args[2]);
  const fourth = count64(args[3]);
  switch (int32(args[0])) {
    case 1: // KEYCTL_JOIN_SESSION_KEYRING
      return argIndex === 1 ? text(call) : NONE;
    case 2: // KEYCTL_UPDATE
    case 12: // KEYCTL_INSTANTIATE
      return argIndex === 2 ? one(addr, fourth, 'in') : NONE;
    case 6: // KEYCTL_DESCRIBE
    case 11: // KEYCTL_READ
    case 17: // KEYCTL_GET_SECURITY
      return argIndex === 2 ? one(addr, answered(call, fourth), 'out') : NONE;
    case 10: // KEYCTL_SEARCH
    case 29: // KEYCTL_RESTRICT_KEYRING
      return argIndex === 2 || argIndex === 3 ? text(call) : NONE;
    case 20: // KEYCTL_INSTANTIATE_IOV
      return argIndex === 2 ? vector(addr, Math.min(fourth, 1024), peek) : NONE;
    case 23: // KEYCTL_DH_COMPUTE
      if (argIndex === 1) return one(addr, 12, 'in', 'keyctl_dh_params');
      if (argIndex === 2) return one(addr, answered(call, fourth), 'out');
      return argIndex === 4 ? one(addr, 56, 'in', 'keyctl_kdf_params') : NONE;
    case 24: // KEYCTL_PKEY_QUERY
      if (argIndex === 3) return text(call);
      return argIndex === 4 ? one(addr, 56, 'out', 'keyctl_pkey_query') : NONE;
    case 25: // KEYCTL_PKEY_ENCRYPT
    case 26: // KEYCTL_PKEY_DECRYPT
    case 27: // KEYCTL_PKEY_SIGN
    case 28: // KEYCTL_PKEY_VERIFY
      return publicKey(call);
    case 31: // KEYCTL_CAPABILITIES: what it does not know is cleared
      return argIndex === 1 ? one(addr, third, 'out') : NONE;
    default:
      return NONE;
  }
}

function publicKey(call: SpecialCall): readonly Region[] {
  const { args, argIndex, addr, peek } = call;
  if (argIndex === 1) return one(addr, 40, 'in', 'keyctl_pkey_params');
  if (argIndex === 2) return text(call);
  const params = address(args[1]);
  const head = params === 0 ? undefined : peek(params, 12);
  if (head === undefined) return NONE;
  if (argIndex === 3) return one(addr, readU32(head, 4), 'in');
  const length = readU32(head, 8);
  const verify = int32(args[0]) === 28;
  return one(addr, verify ? length : answered(call, length), verify ? 'in' : 'out');
}

/** An array of `count` struct iovec and all it points to, read by the kernel. */
function vector(addr: number, count: number, peek: Peek): readonly Region[] {
  const entries = count > 0 ? peek(addr, count * 16)?.slice() : undefined;
  if (entries === undefined) return NONE;
  const regions: Region[] = [
    { addr, size: count * 16, dir: 'in', when: 'success', part: 'vector' },
  ];
  for (let i = 0; i < count; i++) {
    const base = readAddress(entries, i * 16);
    const size = readU64(entries, i * 16 + 8);
    if (base === 0 || size === 0) continue;
    regions.push({ addr: base, size, dir: 'in', when: 'success', part: 'data' });
  }
  return regions;
}

const QUOTACTL_FD = 443;
/** Sub-commands are the high 24 bits of the command. */
function quotactl(call: SpecialCall): readonly Region[] {
  const { args, addr, nr } = call;
  const cmd = uint32(nr === QUOTACTL_FD ? args[1] : args[0]) >>> 8;
  switch (cmd) {
    case 0x800002: // Q_QUOTAON
      return text(call);
    case 0x800004: // Q_GETFMT
      return one(addr, 4, 'out', 'u32');
    case 0x800005: // Q_GETINFO
      return one(addr, 24, 'out', 'if_dqinfo');
    case 0x800006: // Q_SETINFO
      return one(addr, 24, 'in', 'if_dqinfo');
    case 0x800007: // Q_GETQUOTA
      return one(addr, 72, 'out', 'if_dqblk');
    case 0x800008: // Q_SETQUOTA
      return one(addr, 72, 'in', 'if_dqblk');
    case 0x800009: // Q_GETNEXTQUOTA
      return one(addr, 72, 'out', 'if_nextdqblk');
    case 0x5801: // Q_XQUOTAON
    case 0x5802: // Q_XQUOTAOFF
    case 0x5806: // Q_XQUOTARM
      return one(addr, 4, 'in', 'u32');
    case 0x5803: // Q_XGETQUOTA
    case 0x5809: // Q_XGETNEXTQUOTA
      return one(addr, 112, 'out', 'fs_disk_quota');
    case 0x5804: // Q_XSETQLIM
      return one(addr, 112, 'in', 'fs_disk_quota');
    case 0x5805: // Q_XGETQSTAT
      return one(addr, 80, 'out', 'fs_quota_stat');
    case 0x5808: // Q_XGETQSTATV
      return one(addr, 160, 'inout', 'fs_quota_statv');
    default:
      return NONE;
  }
}

/** sysfs(1, name) tells the index of a file system type, sysfs(2, index, buffer) its name. */
function sysfs(call: SpecialCall): readonly Region[] {
  const { args, argIndex, addr, peek } = call;
  const option = int32(args[0]);
  if (option === 1 && argIndex === 1) return text(call);
  if (option === 2 && argIndex === 2) return one(addr, stringLength(peek, addr) + 1, 'out');
  return NONE;
}

const CAPABILITY_VERSION_1 = 0x19980330;
/** Version 1 has one structure of 12 bytes, the others two. */
function capability({ args, addr, peek, argIndex, nr }: SpecialCall): readonly Region[] {
  const header = address(args[argIndex - 1]);
  const head = header === 0 ? undefined : peek(header, 4);
  if (head === undefined) return NONE;
  const size = readU32(head, 0) === CAPABILITY_VERSION_1 ? 12 : 24;
  return one(addr, size, nr === 126 ? 'in' : 'out', 'cap_user_data');
}

const MAX_HANDLE_SIZE = 128;
/**
 * name_to_handle_at: handle_bytes is the room before the call, the need after it. With EOVERFLOW only the head is
 * stored.
 */
function fileHandle({ addr, argIndex, peek, context }: SpecialCall): readonly Region[] {
  const head = peek(addr, 4);
  let room = head === undefined ? 0 : readU32(head, 0);
  const before = context.entry?.[argIndex];
  if (before !== undefined && before >= 0) room = Math.min(room, before);
  const size = 8 + Math.min(room, MAX_HANDLE_SIZE);
  return one(addr, size, 'inout', 'file_handle', 'always');
}

const AT_HANDLE_MNT_ID_UNIQUE = 1;
function mountId({ args, addr }: SpecialCall): readonly Region[] {
  const unique = (int32(args[4]) & AT_HANDLE_MNT_ID_UNIQUE) !== 0;
  return one(addr, unique ? 8 : 4, 'out', undefined, 'always');
}

/** sched_setattr reads as much as the structure says; with E2BIG the kernel stores the size it knows there. */
function schedAttr({ addr, peek }: SpecialCall): readonly Region[] {
  const head = peek(addr, 4);
  const said = head === undefined ? 0 : readU32(head, 0);
  const size = said === 0 ? 48 : Math.min(said, PAGE);
  return [
    { addr, size, dir: 'in', when: 'success', struct: 'sched_attr' },
    { addr, size: 4, dir: 'out', when: 'always' },
  ];
}

const CLONE_PIDFD = 0x1000;
const CLONE_PARENT_SETTID = 0x0010_0000;
/** A pidfd is stored before the last steps that can fail. */
function clone({ args, addr }: SpecialCall): readonly Region[] {
  const flags = uint32(args[0]);
  if ((flags & CLONE_PIDFD) !== 0) return one(addr, 4, 'out', 'int', 'always');
  return (flags & CLONE_PARENT_SETTID) !== 0 ? one(addr, 4, 'out', 'int') : NONE;
}

function clone3({ args, addr, peek }: SpecialCall): readonly Region[] {
  const size = Math.min(count64(args[1]), PAGE);
  const head = size < 64 ? undefined : peek(addr, Math.min(size, 88));
  if (head === undefined) return NONE;
  const flags = readU32(head, 0);
  const regions: Region[] = [{ addr, size, dir: 'in', when: 'success', struct: 'clone_args' }];
  const pidfd = readAddress(head, 8);
  const parentTid = readAddress(head, 24);
  if ((flags & CLONE_PIDFD) !== 0 && pidfd !== 0) {
    regions.push({ addr: pidfd, size: 4, dir: 'out', when: 'always', part: 'nested' });
  }
  if ((flags & CLONE_PARENT_SETTID) !== 0 && parentTid !== 0) {
    regions.push({ addr: parentTid, size: 4, dir: 'out', when: 'success', part: 'nested' });
  }
  if (size >= 80) {
    const tids = readAddress(head, 64);
    const count = Math.min(readU64(head, 72), 32);
    if (tids !== 0 && count > 0) {
      regions.push({ addr: tids, size: count * 4, dir: 'in', when: 'success', part: 'nested' });
    }
  }
  return regions;
}

function fsconfig(call: SpecialCall): readonly Region[] {
  switch (uint32(call.args[1])) {
    case 1: // FSCONFIG_SET_STRING
    case 3: // FSCONFIG_SET_PATH
    case 4: // FSCONFIG_SET_PATH_EMPTY
      return text(call);
    case 2: // FSCONFIG_SET_BINARY
      return one(call.addr, int32(call.args[4]), 'in');
    default:
      return NONE;
  }
}

function landlockRule({ args, addr }: SpecialCall): readonly Region[] {
  switch (int32(args[1])) {
    case 1:
      return one(addr, 12, 'in', 'landlock_path_beneath_attr');
    case 2:
      return one(addr, 16, 'in', 'landlock_net_port_attr');
    default:
      return NONE;
  }
}

const SETXATTRAT = 463;
function xattrArgs(call: SpecialCall): readonly Region[] {
  const { addr, nr, peek } = call;
  const head = peek(addr, 16);
  if (head === undefined) return NONE;
  const regions: Region[] = [{ addr, size: 16, dir: 'in', when: 'success', struct: 'xattr_args' }];
  const value = readAddress(head, 0);
  const room = readU32(head, 8);
  const size = nr === SETXATTRAT ? room : answered(call, room);
  if (value !== 0 && size > 0) {
    const dir = nr === SETXATTRAT ? 'in' : 'out';
    regions.push({ addr: value, size, dir, when: 'success', part: 'nested' });
  }
  return regions;
}

/** pselect6's last argument: a pointer to a signal mask, and the mask's size. */
function pselectSigmask({ addr, peek }: SpecialCall): readonly Region[] {
  const head = peek(addr, 16);
  if (head === undefined) return NONE;
  const regions: Region[] = [{ addr, size: 16, dir: 'in', when: 'success' }];
  const mask = readAddress(head, 0);
  const size = Math.min(readU64(head, 8), 8);
  if (mask !== 0 && size > 0) {
    regions.push({
      addr: mask,
      size,
      dir: 'in',
      when: 'success',
      struct: 'sigset',
      part: 'nested',
    });
  }
  return regions;
}

/** The answer says first how long it is. */
function statmount({ args, addr, peek, result }: SpecialCall): readonly Region[] {
  const room = count64(args[2]);
  const head = result === undefined || room < 4 ? undefined : peek(addr, 4);
  const size = head === undefined ? room : Math.min(room, readU32(head, 0));
  return one(addr, size, 'out', 'statmount');
}

const REBOOT_CMD_RESTART2 = 0xa1b2c3d4;

const decoders: ReadonlyMap<string, Decoder> = new Map<string, Decoder>([
  ['ioctl', ({ args, addr, peek, result }) => ioctlRegions(uint32(args[1]), addr, peek, result)],
  ['fcntl', fcntl],
  ['futex', futex],
  ['prctl', prctl],
  ['arch_prctl', archPrctl],
  ['shmctl', shmctl],
  ['msgctl', msgctl],
  ['semctl', semctl],
  ['keyctl', keyctl],
  ['quotactl', quotactl],
  ['sysfs', sysfs],
  ['capability', capability],
  ['file_handle', fileHandle],
  ['mount_id', mountId],
  ['sched_attr', schedAttr],
  ['clone', clone],
  ['clone3', clone3],
  ['fsconfig', fsconfig],
  ['landlock_rule', landlockRule],
  ['xattr_args', xattrArgs],
  ['pselect_sigmask', pselectSigmask],
  ['statmount', statmount],
  ...refusedDecoders,
  ['reboot', (call) => (uint32(call.args[2]) === REBOOT_CMD_RESTART2 ? text(call) : NONE)],
]);

/** Names a row's `special` argument may use. */
export const specialDecoders: readonly string[] = [...decoders.keys()];

/**
 * The memory that argument `argIndex` of kind `special` leads to. `args` are the arguments as they were when the call
 * was entered; `peek` reads memory as it is now: before the call if `result` is undefined, else after it. Throws
 * RangeError for a decoder that does not exist.
 */
export function specialRegions(
  decoder: string,
  nr: number,
  args: ArrayLike<Word>,
  argIndex: number,
  peek: Peek,
  result?: Word,
  context: RegionContext = {},
): readonly Region[] {
  const decode = decoders.get(decoder);
  if (decode === undefined) throw new RangeError(`no decoder ${decoder} for special arguments`);
  const addr = address(args[argIndex]);
  if (addr === 0) return NONE;
  return decode({
    args,
    argIndex,
    addr,
    nr,
    peek,
    result: result === undefined ? undefined : Number(result),
    context,
  });
}

/** Levels and names of socket options that map memory shared with the kernel, for which a recording is not possible. */
export function unsupportedSockopt(level: number, name: number): string | undefined {
  if (level === 263 && (name === 5 || name === 13)) return 'packet ring: shared with the kernel';
  if (level === 283 && name >= 2 && name <= 6) return 'XDP ring: shared with the kernel';
  if (level === 6 && name === 35) return 'TCP_ZEROCOPY_RECEIVE: maps received pages';
  return undefined;
}
