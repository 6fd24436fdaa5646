import { syscallByName } from '@scribe-ts/tracelog';
import type { ModelCall } from '../model-call.js';
import type { OpenFile } from '../open-file.js';
import { ownDescriptor, pathOf } from '../paths.js';
import { isAppended, plainBytes, vectorBytes } from '../calls/transfer.js';
import type { FileActs, Target } from './file-acts.js';

const O_WRONLY = 1;
const O_CREAT = 0o100;
const O_TRUNC = 0o1000;
const O_PATH = 0o10000000;
const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_SYMLINK_FOLLOW = 0x400;
const AT_EMPTY_PATH = 0x1000;
const RENAME_EXCHANGE = 2;
const FALLOC_FL_KEEP_SIZE = 1;
const FICLONE = 0x40049409;
const FICLONERANGE = 0x4020940d;
const ENOENT = 2;
const STAT = 144;
const STATX_SIZE = 0x30;
const UTIME_NOW = 0x3fffffff;
const UTIME_OMIT = 0x3ffffffe;
const S_IFMT = 0o170000;
const KINDS = new Map<number, 'file' | 'fifo' | 'socket'>([
  [0, 'file'],
  [0o100000, 'file'],
  [0o010000, 'fifo'],
  [0o140000, 'socket'],
]);

/** Bytes of an ACL as an attribute: what comes first, and each entry, with its tag and permissions. */
const ACL_HEADER = 4;
const ACL_ENTRY = 8;
/** Where the permissions of the owner, the group and others are in a mode, by tag. */
const ACL_SHIFTS = new Map([
  [1, 6],
  [4, 3],
  [0x20, 0],
]);

const FS_IOC_SETFLAGS = 0x40086602;

type Note = (call: ModelCall, acts: FileActs) => void;

/** An open file of a path that can have content; undefined for all others. */
function fileOf(call: ModelCall, index: number): OpenFile | undefined {
  const file = call.task.descriptor(call.int(index))?.file;
  const what = file?.what;
  if (what?.kind !== 'path' || what.fifo !== undefined) return undefined;
  return isOutside(what.path) ? undefined : file;
}

/** Whether files there are the kernel's, and no bytes on a disk. */
function isOutside(path: string): boolean {
  return /^\/(proc|sys|dev(?!\/shm\/))(\/|$)/.test(path);
}

/** What a call means by a directory's descriptor and a path, which may be empty. */
function at(call: ModelCall, directory: number, flags: number, follows = true): Target | undefined {
  const index = directory + 1;
  if (call.long(index) === 0 || ((flags & AT_EMPTY_PATH) !== 0 && call.string(index) === '')) {
    const file = fileOf(call, directory);
    return file && { file };
  }
  const follow = follows && (flags & AT_SYMLINK_NOFOLLOW) === 0;
  return { path: pathOf(call, index, directory), follow };
}

function byPath(call: ModelCall, index: number, follow = true): Target {
  return { path: pathOf(call, index), follow };
}

function byFile(call: ModelCall, index: number): Target | undefined {
  const file = fileOf(call, index);
  return file && { file };
}

function masked(call: ModelCall, mode: number): number {
  return mode & 0o7777 & ~(call.task.directories.umask ?? process.umask());
}

function opened(call: ModelCall, acts: FileActs, path: string, flags: number, mode: number): void {
  const file = call.task.descriptor(call.result)?.file;
  const what = file?.what;
  if (file === undefined || what?.kind !== 'path' || what.fifo !== undefined) return;
  if ((flags & O_PATH) !== 0) return;
  const act = { kind: 'open', file, path, flags, mode: masked(call, mode) } as const;
  const own = ownDescriptor(path);
  const same = own === undefined ? undefined : call.task.descriptor(own)?.file;
  if (same !== undefined) acts.add(call.time, { ...act, same });
  else if (!isOutside(path)) acts.add(call.time, act);
}

function moved(
  kind: 'read' | 'write',
  position: number | undefined,
  bytes: (call: ModelCall) => () => Uint8Array,
  wanted?: (call: ModelCall) => number,
): Note {
  return (call, acts) => {
    const file = fileOf(call, 0);
    if (file === undefined) return;
    const size = call.result;
    const offset = position === undefined ? undefined : call.long(position);
    acts.add(call.time, {
      kind,
      file,
      at: offset === -1 ? undefined : offset,
      size,
      kept: size === 0 ? undefined : acts.bytes.add(bytes(call)()),
      short: wanted !== undefined && size < wanted(call),
      appends: isAppended(call, file),
    });
  };
}

const plainSize = (call: ModelCall): number => call.long(2);

/** An offset that a pointer leads to has been moved on by the call. */
function pointedOffset(call: ModelCall, index: number): number | undefined {
  const addr = call.long(index);
  if (addr === 0) return undefined;
  return Number(call.view(addr, 8).getBigInt64(0, true)) - call.result;
}

function between(
  call: ModelCall,
  acts: FileActs,
  from: number,
  fromOffset: number,
  to: number,
  toOffset: number,
): void {
  const [source, target] = [fileOf(call, from), fileOf(call, to)];
  const fromAt = fromOffset < 0 ? undefined : pointedOffset(call, fromOffset);
  const toAt = toOffset < 0 ? undefined : pointedOffset(call, toOffset);
  const { time, result: size } = call;
  if (source !== undefined && target !== undefined)
    acts.add(time, { kind: 'copy', from: source, fromAt, to: target, toAt, size });
  else if (target !== undefined) acts.add(time, { kind: 'lose', file: target });
  else if (source !== undefined && fromAt === undefined)
    acts.add(time, {
      kind: 'read',
      file: source,
      at: undefined,
      size,
      kept: undefined,
      short: false,
      appends: false,
    });
}

function add<
  K extends 'mode' | 'permissions' | 'owner' | 'attributes' | 'times' | 'resize' | 'seen',
>(
  call: ModelCall,
  acts: FileActs,
  target: Target | undefined,
  act: Omit<Extract<Parameters<FileActs['add']>[1], { kind: K }>, 'target'>,
): void {
  if (target === undefined || ('path' in target && isOutside(target.path))) return;
  acts.add(call.time, { ...act, target } as unknown as Parameters<FileActs['add']>[1]);
}

function resized(call: ModelCall, acts: FileActs, target: Target | undefined, size: number): void {
  add<'resize'>(call, acts, target, { kind: 'resize', size, least: false });
}

function chmod(call: ModelCall, acts: FileActs, target: Target | undefined, mode: number): void {
  add<'mode'>(call, acts, target, { kind: 'mode', mode: mode & 0o7777 });
}

function chown(call: ModelCall, acts: FileActs, target: Target | undefined, index: number): void {
  const [uid, gid] = [call.int(index), call.int(index + 1)];
  add<'owner'>(call, acts, target, { kind: 'owner', uid, gid });
}

function attributes(call: ModelCall, acts: FileActs, target: Target | undefined): void {
  add<'attributes'>(call, acts, target, { kind: 'attributes' });
}

/** One that has the permissions in it (acl(5)) sets these: sed and cp set them so. */
function setAttribute(call: ModelCall, acts: FileActs, target: Target | undefined): void {
  if (call.string(1) !== 'system.posix_acl_access') return attributes(call, acts, target);
  const size = call.long(3);
  const view = call.view(call.long(2), size);
  let mode = 0;
  let isPlain = true;
  for (let at = ACL_HEADER; at + ACL_ENTRY <= size; at += ACL_ENTRY) {
    const shift = ACL_SHIFTS.get(view.getUint16(at, true));
    if (shift === undefined) isPlain = false;
    else mode |= (view.getUint16(at + 2, true) & 7) << shift;
  }
  if (isPlain) add<'permissions'>(call, acts, target, { kind: 'permissions', mode });
  else attributes(call, acts, target);
}

function seen(call: ModelCall, acts: FileActs, target: Target | undefined, addr: number): void {
  const view = call.view(addr, STAT);
  const [mode, size] = [view.getUint32(24, true), Number(view.getBigInt64(48, true))];
  add<'seen'>(call, acts, target, { kind: 'seen', mode, size });
}

function made(
  call: ModelCall,
  acts: FileActs,
  path: string,
  what: 'file' | 'directory' | 'symlink' | 'fifo' | 'socket',
  mode: number,
  to = '',
): void {
  if (!isOutside(path)) acts.add(call.time, { kind: 'make', path, what, mode, to });
}

function madeNode(call: ModelCall, acts: FileActs, path: string, mode: number): void {
  const what = KINDS.get(mode & S_IFMT);
  if (what !== undefined) made(call, acts, path, what, masked(call, mode));
}

/** Times that a call sets: two of `size` seconds and `fraction`s of them, the second is that of the last change. */
function setTimes(
  call: ModelCall,
  acts: FileActs,
  target: Target | undefined,
  addr: number,
  unit: number,
): void {
  let modified: number | undefined;
  if (addr !== 0) {
    const view = call.view(addr + 16, 16);
    const part = Number(view.getBigInt64(8, true));
    if (unit === 1e9 && part === UTIME_OMIT) return;
    if (!(unit === 1e9 && part === UTIME_NOW))
      modified = Number(view.getBigInt64(0, true)) + part / unit;
  }
  add<'times'>(call, acts, target, { kind: 'times', modified });
}

function renamed(call: ModelCall, acts: FileActs, from: string, to: string, flags = 0): void {
  const exchange = (flags & RENAME_EXCHANGE) !== 0;
  acts.add(call.time, { kind: 'rename', from, to, exchange });
}

/** What has to be noted before the model knows of the call: it knows names and offsets as the call found them. */
const before: Readonly<Record<string, Note>> = {
  read: moved('read', undefined, plainBytes, plainSize),
  pread64: moved('read', 3, plainBytes, plainSize),
  readv: moved('read', undefined, vectorBytes),
  preadv: moved('read', 3, vectorBytes),
  preadv2: moved('read', 3, vectorBytes),
  write: moved('write', undefined, plainBytes),
  pwrite64: moved('write', 3, plainBytes),
  writev: moved('write', undefined, vectorBytes),
  pwritev: moved('write', 3, vectorBytes),
  pwritev2: moved('write', 3, vectorBytes),
  lseek: (call, acts) => {
    const file = fileOf(call, 0);
    if (file !== undefined) acts.add(call.time, { kind: 'seek', file, position: call.result });
  },
  getdents64: (call, acts) => {
    const file = fileOf(call, 0);
    if (file !== undefined) acts.add(call.time, { kind: 'listed', file });
  },
  sendfile: (call, acts) => between(call, acts, 1, 2, 0, -1),
  splice: (call, acts) => between(call, acts, 0, 1, 2, 3),
  copy_file_range: (call, acts) => between(call, acts, 0, 1, 2, 3),
  ioctl: (call, acts) => {
    const request = call.int(1) >>> 0;
    if (request === FS_IOC_SETFLAGS) return attributes(call, acts, byFile(call, 0));
    if (request !== FICLONE && request !== FICLONERANGE) return;
    const [to, from] = [fileOf(call, 0), request === FICLONE ? fileOf(call, 2) : undefined];
    if (to === undefined) return;
    if (from === undefined) acts.add(call.time, { kind: 'lose', file: to });
    else acts.add(call.time, { kind: 'copy', from, fromAt: 0, to, toAt: 0, size: Infinity });
  },
  truncate: (call, acts) => resized(call, acts, byPath(call, 0), call.long(1)),
  ftruncate: (call, acts) => resized(call, acts, byFile(call, 0), call.long(1)),
  fallocate: (call, acts) => {
    const file = fileOf(call, 0);
    if (file === undefined || call.int(1) === FALLOC_FL_KEEP_SIZE) return;
    if (call.int(1) !== 0) acts.add(call.time, { kind: 'lose', file });
    else
      acts.add(call.time, {
        kind: 'resize',
        target: { file },
        size: call.long(2) + call.long(3),
        least: true,
      });
  },
  chmod: (call, acts) => chmod(call, acts, byPath(call, 0), call.int(1)),
  fchmod: (call, acts) => chmod(call, acts, byFile(call, 0), call.int(1)),
  fchmodat: (call, acts) => chmod(call, acts, at(call, 0, 0), call.int(2)),
  fchmodat2: (call, acts) => chmod(call, acts, at(call, 0, call.int(3)), call.int(2)),
  chown: (call, acts) => chown(call, acts, byPath(call, 0), 1),
  lchown: (call, acts) => chown(call, acts, byPath(call, 0, false), 1),
  fchown: (call, acts) => chown(call, acts, byFile(call, 0), 1),
  fchownat: (call, acts) => chown(call, acts, at(call, 0, call.int(4)), 2),
  setxattr: (call, acts) => setAttribute(call, acts, byPath(call, 0)),
  lsetxattr: (call, acts) => setAttribute(call, acts, byPath(call, 0, false)),
  fsetxattr: (call, acts) => setAttribute(call, acts, byFile(call, 0)),
  removexattr: (call, acts) => attributes(call, acts, byPath(call, 0)),
  lremovexattr: (call, acts) => attributes(call, acts, byPath(call, 0, false)),
  fremovexattr: (call, acts) => attributes(call, acts, byFile(call, 0)),
  utimensat: (call, acts) => setTimes(call, acts, at(call, 0, call.int(3)), call.long(2), 1e9),
  futimesat: (call, acts) => setTimes(call, acts, at(call, 0, 0), call.long(2), 1e6),
  utimes: (call, acts) => setTimes(call, acts, byPath(call, 0), call.long(1), 1e6),
  mkdir: (call, acts) => made(call, acts, pathOf(call, 0), 'directory', masked(call, call.int(1))),
  mkdirat: (call, acts) =>
    made(call, acts, pathOf(call, 1, 0), 'directory', masked(call, call.int(2))),
  symlink: (call, acts) => made(call, acts, pathOf(call, 1), 'symlink', 0o777, call.string(0)),
  symlinkat: (call, acts) => made(call, acts, pathOf(call, 2, 1), 'symlink', 0o777, call.string(0)),
  mknod: (call, acts) => madeNode(call, acts, pathOf(call, 0), call.int(1)),
  mknodat: (call, acts) => madeNode(call, acts, pathOf(call, 1, 0), call.int(2)),
  unlink: (call, acts) => acts.add(call.time, { kind: 'remove', path: pathOf(call, 0) }),
  rmdir: (call, acts) => acts.add(call.time, { kind: 'remove', path: pathOf(call, 0) }),
  unlinkat: (call, acts) => acts.add(call.time, { kind: 'remove', path: pathOf(call, 1, 0) }),
  rename: (call, acts) => renamed(call, acts, pathOf(call, 0), pathOf(call, 1)),
  renameat: (call, acts) => renamed(call, acts, pathOf(call, 1, 0), pathOf(call, 3, 2)),
  renameat2: (call, acts) =>
    renamed(call, acts, pathOf(call, 1, 0), pathOf(call, 3, 2), call.int(4)),
  link: (call, acts) =>
    acts.add(call.time, { kind: 'link', from: byPath(call, 0, false), to: pathOf(call, 1) }),
  linkat: (call, acts) => {
    const flags = call.int(4);
    const self = /^\/proc\/self\/fd\/(\d+)$/.exec(call.string(1));
    const file = self && call.task.descriptor(Number(self[1]))?.file;
    const from = file ? { file } : at(call, 0, flags, (flags & AT_SYMLINK_FOLLOW) !== 0);
    if (from !== undefined) acts.add(call.time, { kind: 'link', from, to: pathOf(call, 3, 2) });
  },
  fstat: (call, acts) => seen(call, acts, byFile(call, 0), call.long(1)),
  stat: (call, acts) => seen(call, acts, byPath(call, 0), call.long(1)),
  lstat: (call, acts) => seen(call, acts, byPath(call, 0, false), call.long(1)),
  newfstatat: (call, acts) => seen(call, acts, at(call, 0, call.int(3)), call.long(2)),
  statx: (call, acts) => {
    const target = at(call, 0, call.int(2));
    const view = call.view(call.long(4), STATX_SIZE);
    const [mode, size] = [view.getUint16(28, true), Number(view.getBigUint64(40, true))];
    add<'seen'>(call, acts, target, { kind: 'seen', mode, size });
  },
};

/** What is noted once the model knows the new descriptor. */
const after: Readonly<Record<string, Note>> = {
  open: (call, acts) => opened(call, acts, pathOf(call, 0), call.int(1), call.int(2)),
  openat: (call, acts) => opened(call, acts, pathOf(call, 1, 0), call.int(2), call.int(3)),
  openat2: (call, acts) => {
    const how = call.view(call.long(2), 16);
    const flags = Number(how.getBigUint64(0, true));
    opened(call, acts, pathOf(call, 1, 0), flags, Number(how.getBigUint64(8, true)));
  },
  creat: (call, acts) =>
    opened(call, acts, pathOf(call, 0), O_WRONLY | O_CREAT | O_TRUNC, call.int(1)),
};

const absentAt: Note = (call, acts) => {
  const flags = FLAGS_AT.get(call.nr);
  const follow = flags === undefined || (call.int(flags) & AT_SYMLINK_NOFOLLOW) === 0;
  if (call.long(1) === 0) return;
  const path = pathOf(call, 1, 0);
  // An empty path, or one behind a directory that is not known.
  if (path.startsWith('/')) acts.add(call.time, { kind: 'absent', path, follow });
};
const absent =
  (follow: boolean): Note =>
  (call, acts) =>
    acts.add(call.time, { kind: 'absent', path: pathOf(call, 0), follow });

const nrOf = (name: string): number => syscallByName.get(name)!.nr;
/** Argument with AT_SYMLINK_NOFOLLOW. */
const FLAGS_AT = new Map<number, number>([
  [nrOf('newfstatat'), 3],
  [nrOf('statx'), 2],
]);

/** Calls that say by ENOENT that there is no file of a name. */
const missing: Readonly<Record<string, Note>> = {
  open: absent(true),
  stat: absent(true),
  lstat: absent(false),
  access: absent(true),
  openat: absentAt,
  openat2: absentAt,
  newfstatat: absentAt,
  statx: absentAt,
  faccessat: absentAt,
  faccessat2: absentAt,
};

function byNumber(notes: Readonly<Record<string, Note>>): readonly (Note | undefined)[] {
  const table: (Note | undefined)[] = [];
  for (const [name, note] of Object.entries(notes)) table[nrOf(name)] = note;
  return table;
}

const beforeByNumber = byNumber(before);
const afterByNumber = byNumber(after);
const missingByNumber = byNumber(missing);

/** Notes what a call has done to files, or seen of them. To be called before the model is told of it. */
export function noteBefore(call: ModelCall, acts: FileActs): void {
  beforeByNumber[call.nr]?.(call, acts);
}

/** The same, with what can be told only when the model knows of the call. */
export function noteAfter(call: ModelCall, acts: FileActs): void {
  afterByNumber[call.nr]?.(call, acts);
}

/** A call has failed. */
export function noteFailed(call: ModelCall, acts: FileActs): void {
  if (call.result === -ENOENT) missingByNumber[call.nr]?.(call, acts);
}
