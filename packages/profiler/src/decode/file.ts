/** Files, descriptors, directories, mounts, events. */
import { fdText } from './fds.js';
import { choice, field, flags, type NumberPrinter } from './flags.js';
import { hugeField } from './memory.js';
import * as names from './names/file.js';
import { bits, struct, type Structs } from './struct.js';
import { f64, hex, i32, i64, octal, pointer, u16, u32, u64 } from './words.js';

export const openFlags = flags(names.OPEN_FLAGS, '0', field(3, names.OPEN_ACCESS));
/** Where only modifiers are meant (pipe2, dup3, F_GETFL's cousins): no access mode. */
export const openModifiers = flags(names.OPEN_FLAGS);

export const atFlags = flags(names.AT_FLAGS);
/** 0x200 and the low bits mean other things to some calls. */
const { AT_REMOVEDIR: _, ...AT_OTHER } = names.AT_FLAGS;
const { AT_RECURSIVE: _recursive, ...AT_ACCESS } = AT_OTHER;
export const atFlagsOf: Readonly<Record<string, NumberPrinter>> = {
  faccessat2: flags({ ...AT_ACCESS, ...names.FACCESSAT_FLAGS }),
  name_to_handle_at: flags({ ...AT_OTHER, ...names.HANDLE_FLAGS }),
  open_tree: flags({ ...AT_OTHER, ...names.OPEN_TREE_FLAGS }),
  open_tree_attr: flags({ ...AT_OTHER, ...names.OPEN_TREE_FLAGS }),
  execveat: flags({ ...AT_OTHER, AT_EXECVE_CHECK: 0x10000 }),
};

const fcntlCommand = choice(names.FCNTL_CMD);
export const descriptorFlags = flags(names.FD_FLAGS);
export const seals = flags(names.SEALS);
export const leaseType = choice(names.LOCK_TYPE);
const pollEvents = flags(names.POLL_EVENTS);
const epollEvents = flags(names.EPOLL_EVENTS);
const fileType = choice(names.FILE_TYPE, hex);
const statxMask = flags(names.STATX_MASK);
const statxAttributes = flags(names.STATX_ATTRIBUTES);
const resolveFlags = flags(names.RESOLVE_FLAGS);
const mountAttributes = flags(names.MOUNT_ATTR_FLAGS);
const mountedFlags = flags(names.STATFS_FLAGS);
const fsMagic = choice(names.FS_MAGIC, hex);
const lockType = choice(names.LOCK_TYPE);
const whence = choice(names.WHENCE);
const ownerType = choice(names.OWNER_TYPE);

const FILE_TYPES: ReadonlySet<number> = new Set(Object.values(names.FILE_TYPE));
const TYPE_MASK = 0xf000;
const SPECIAL_BITS = 0xe00;
const specialBits = flags({ S_ISUID: 0x800, S_ISGID: 0x400, S_ISVTX: 0x200 }, '');
const MODE_MASK = 0xffff;
/** The mode that a call is to give a file: 0644. */
const plainMode: NumberPrinter = (mode) => octal(mode & MODE_MASK);
/** S_IFREG|0644; without a type only the permissions, with one that there is not a number. */
export function fileMode(value: number): string {
  const mode = value & MODE_MASK;
  const type = mode & TYPE_MASK;
  if (type !== 0 && !FILE_TYPES.has(type)) return octal(mode);
  const special = specialBits(mode & SPECIAL_BITS);
  const bits = octal(mode & ~TYPE_MASK & ~SPECIAL_BITS);
  const kind = type === 0 ? '' : fileType(type) + '|';
  return `${kind}${special === '' ? '' : special + '|'}${bits}`;
}

export function device(major: number, minor: number): string {
  return `makedev(${major === 0 ? '0' : '0x' + major.toString(16)}, ${minor === 0 ? '0' : '0x' + minor.toString(16)})`;
}

/** A dev_t of 64 bits. */
function longDevice(bytes: Uint8Array, at: number): string {
  const low = u32(bytes, at);
  const high = u32(bytes, at + 4);
  const major = ((low >>> 8) & 0xfff) + (high & 0xfffff000);
  const minor = (low & 0xff) | ((low >>> 12) & 0xfff00);
  return device(major, minor);
}

/** A dev_t as mknod takes it. */
function shortDevice(value: number): string {
  return device((value >>> 8) & 0xfff, (value & 0xff) | ((value >>> 12) & 0xfff00));
}

const S_IFBLK = 0x6000;
const S_IFCHR = 0x2000;

function stat(bytes: Uint8Array, at: number): string {
  const mode = u32(bytes, at + 24);
  const type = mode & TYPE_MASK;
  const device = type === S_IFCHR || type === S_IFBLK;
  const what = device ? `st_rdev=${longDevice(bytes, at + 40)}` : `st_size=${i64(bytes, at + 48)}`;
  return `{st_mode=${fileMode(mode)}, ${what}, ...}`;
}

function statx(bytes: Uint8Array, at: number): string {
  const mode = u16(bytes, at + 28);
  const attributes = u64(bytes, at + 8);
  const shown = typeof attributes === 'number' ? statxAttributes(attributes) : hex(attributes);
  return (
    `{stx_mask=${statxMask(u32(bytes, at))}, stx_attributes=${shown}, ` +
    `stx_mode=${fileMode(mode)}, stx_size=${u64(bytes, at + 40)}, ...}`
  );
}

function statfs(bytes: Uint8Array, at: number): string {
  return (
    `{f_type=${fsMagic(u32(bytes, at))}, f_bsize=${i64(bytes, at + 8)}, ` +
    `f_blocks=${u64(bytes, at + 16)}, f_bfree=${u64(bytes, at + 24)}, ` +
    `f_bavail=${u64(bytes, at + 32)}, f_files=${u64(bytes, at + 40)}, ` +
    `f_ffree=${u64(bytes, at + 48)}, ` +
    `f_fsid={val=[${hex(u32(bytes, at + 56))}, ${hex(u32(bytes, at + 60))}]}, ` +
    `f_namelen=${i64(bytes, at + 64)}, f_frsize=${i64(bytes, at + 72)}, ` +
    `f_flags=${mountedFlags(f64(bytes, at + 80))}}`
  );
}

function lock(bytes: Uint8Array, at: number): string {
  return (
    `{l_type=${lockType(u16(bytes, at))}, l_whence=${whence(u16(bytes, at + 2))}, ` +
    `l_start=${i64(bytes, at + 8)}, l_len=${i64(bytes, at + 16)}`
  );
}

const flock = (bytes: Uint8Array, at: number): string => lock(bytes, at) + '}';

/** F_GETLK's answer: who has the lock stands in it as well. */
export const foundLock = struct(
  28,
  (bytes, at) => `${lock(bytes, at)}, l_pid=${i32(bytes, at + 24)}}`,
);

export function pollfd(bytes: Uint8Array, at: number): string {
  const fd = i32(bytes, at);
  return fd < 0 ? `{fd=${fd}}` : `{fd=${fdText(fd)}, events=${pollEvents(u16(bytes, at + 4))}}`;
}

/** What poll found: `[{fd=3, revents=POLLIN}]`, only those with events. */
export function pollResults(bytes: Uint8Array, count: number): string {
  let text = '';
  const end = Math.min(Math.floor(bytes.length / 8), count) * 8;
  for (let at = 0; at < end; at += 8) {
    const events = u16(bytes, at + 6);
    if (events === 0) continue;
    text += `${text === '' ? '' : ', '}{fd=${fdText(i32(bytes, at))}, revents=${pollEvents(events)}}`;
  }
  return `[${text}]`;
}

function epollEvent(bytes: Uint8Array, at: number): string {
  return `{events=${epollEvents(u32(bytes, at))}, data={u32=${u32(bytes, at + 4)}, u64=${u64(bytes, at + 4)}}}`;
}

/** How many directory entries there are; their lengths are at 16 in both forms. */
export function countEntries(bytes: Uint8Array): number {
  let count = 0;
  for (let at = 0; at + 18 < bytes.length; count++) {
    const length = u16(bytes, at + 16);
    if (length === 0) break;
    at += length;
  }
  return count;
}

export const fileStructs: Structs = {
  stat: struct(72, stat),
  statx: struct(48, statx),
  statfs: struct(88, statfs),
  ustat: struct(
    16,
    (bytes, at) => `{f_tfree=${i32(bytes, at)}, f_tinode=${u64(bytes, at + 8)}, ...}`,
  ),
  flock: struct(28, flock),
  f_owner_ex: struct(
    8,
    (bytes, at) => `{type=${ownerType(u32(bytes, at))}, pid=${i32(bytes, at + 4)}}`,
  ),
  pollfd: struct(8, pollfd),
  epoll_event: struct(12, epollEvent),
  fd_set: struct(1, bits),
  open_how: struct(24, (bytes, at, size) => {
    const open = u64(bytes, at);
    const shown = typeof open === 'number' ? openFlags(open) : hex(open);
    const making = (u32(bytes, at) & (O_CREAT | TMPFILE)) !== 0 || u64(bytes, at + 8) !== 0;
    const mode = making ? `, mode=${octal(u32(bytes, at + 8))}` : '';
    return `{flags=${shown}${mode}, resolve=${resolveFlags(u32(bytes, at + 16))}${beyond(bytes, at + 24, at + size)}}`;
  }),
  file_handle: struct(
    8,
    (bytes, at) =>
      `{handle_bytes=${u32(bytes, at)}, handle_type=${i32(bytes, at + 4)}, f_handle=${hexBytes(bytes, at + 8, u32(bytes, at))}}`,
  ),
  mount_attr: struct(
    32,
    (bytes, at) =>
      `{attr_set=${mountAttributes(u32(bytes, at))}, attr_clr=${mountAttributes(u32(bytes, at + 8))}, ` +
      `propagation=${hex(u64(bytes, at + 16))}, userns_fd=${u64(bytes, at + 24)}}`,
  ),
  mnt_id_req: struct(
    24,
    (bytes, at) =>
      `{size=${u32(bytes, at)}, mnt_id=${hex(u64(bytes, at + 8))}, param=${hex(u64(bytes, at + 16))}}`,
  ),
  iovec: struct(
    16,
    (bytes, at) => `{iov_base=${pointer(u64(bytes, at))}, iov_len=${u64(bytes, at + 8)}}`,
  ),
  xattr_args: struct(
    16,
    (bytes, at) =>
      `{value=${pointer(u64(bytes, at))}, size=${u32(bytes, at + 8)}, flags=${hex(u32(bytes, at + 12))}}`,
  ),
};

const O_CREAT = 0x40;
const TMPFILE = 0x40_0000;

/** Members that are not known here. */
function beyond(bytes: Uint8Array, from: number, to: number): string {
  const end = Math.min(to, bytes.length);
  if (end <= from || bytes.subarray(from, end).every((byte) => byte === 0)) return '';
  let text = '';
  for (let i = from; i < end; i++) text += '\\x' + bytes[i]!.toString(16).padStart(2, '0');
  return `, /* bytes ${from}..${end - 1} */ "${text}"`;
}

function hexBytes(bytes: Uint8Array, at: number, size: number): string {
  let text = '0x';
  const end = Math.min(at + size, bytes.length);
  for (let i = at; i < end; i++) text += bytes[i]!.toString(16).padStart(2, '0');
  return text;
}

const accessMode = flags(names.ACCESS_MODE);
const AT_STATX_SYNC_TYPE = 0x6000;
const { AT_STATX_FORCE_SYNC, AT_STATX_DONT_SYNC, ...AT_LOOKUP } = names.AT_FLAGS;
const statxKind = choice(
  {
    AT_STATX_SYNC_AS_STAT: 0,
    AT_STATX_FORCE_SYNC: AT_STATX_FORCE_SYNC!,
    AT_STATX_DONT_SYNC: AT_STATX_DONT_SYNC!,
  },
  hex,
);
const statxLookup = flags(AT_LOOKUP, '');
/** How the attributes are brought up to date comes first, whatever it is. */
function statxSync(value: number): string {
  const kind = statxKind(value & AT_STATX_SYNC_TYPE);
  const rest = (value & ~AT_STATX_SYNC_TYPE) >>> 0;
  if (rest === 0) return kind;
  const known = statxLookup(rest);
  return `${kind}|${known.startsWith('0x') ? hex(rest) : known}`;
}

const fanotifyInit = flags(names.FANOTIFY_INIT_FLAGS, '', field(0xc, names.FANOTIFY_CLASS));

const SWAP_PRIORITY = 0x7fff;
const namedSwapFlags = flags(names.SWAP_FLAGS, '');
/** The low bits are a priority. */
const swapFlags: NumberPrinter = (value) => {
  const named = namedSwapFlags((value & ~SWAP_PRIORITY) >>> 0);
  return (named === '' ? '' : named + '|') + (value & SWAP_PRIORITY);
};

export const fileFormats: Readonly<Record<string, NumberPrinter>> = {
  open_flags: openFlags,
  mode: plainMode,
  dev: shortDevice,
  access_mode: (value) =>
    value === 0 ? 'F_OK' : (value & 7) === 0 ? `${hex(value)} /* ?_OK */` : accessMode(value),
  whence,
  at_statx_flags: statxSync,
  statx_mask: statxMask,
  rename_flags: flags(names.RENAME_FLAGS),
  xattr_flags: flags(names.XATTR_FLAGS),
  flock_op: flags(names.FLOCK_OP),
  fallocate_mode: flags(names.FALLOCATE_MODE),
  fadvise: choice(names.FADVISE),
  close_range_flags: flags(names.CLOSE_RANGE_FLAGS),
  rw_flags: flags(names.RW_FLAGS),
  splice_flags: flags(names.SPLICE_FLAGS),
  sync_file_range_flags: flags(names.SYNC_FILE_RANGE_FLAGS),
  fcntl_cmd: fcntlCommand,
  memfd_flags: flags(names.MEMFD_FLAGS, '0', hugeField('MFD')),
  epoll_create_flags: flags(names.EPOLL_CREATE_FLAGS),
  epoll_op: choice(names.EPOLL_OP),
  eventfd_flags: flags(names.EVENTFD_FLAGS),
  inotify_init_flags: flags(names.INOTIFY_INIT_FLAGS),
  inotify_mask: flags(names.INOTIFY_MASK),
  fanotify_init_flags: fanotifyInit,
  fanotify_mark_flags: flags(names.FANOTIFY_MARK_FLAGS),
  fanotify_mask: flags(names.FANOTIFY_MASK),
  mount_flags: flags(names.MOUNT_FLAGS),
  umount_flags: flags(names.UMOUNT_FLAGS),
  move_mount_flags: flags(names.MOVE_MOUNT_FLAGS),
  fsopen_flags: flags(names.FSOPEN_FLAGS),
  fsmount_flags: flags(names.FSMOUNT_FLAGS),
  fspick_flags: flags(names.FSPICK_FLAGS),
  fsconfig_cmd: choice(names.FSCONFIG_CMD),
  mount_attr_flags: mountAttributes,
  statmount_flags: hex,
  listmount_flags: hex,
  swap_flags: swapFlags,
};
