import { statfsSync } from 'node:fs';
import { statFd, Sys } from '@scribe-ts/core-native';
import { specialRegions, type Word } from '@scribe-ts/tracelog';
import { type FileInfo, isBlockDevice, isRegular, isSocket } from './files.js';
import type { Session } from './session.js';
import type { Task } from './tasks.js';

const MSG_DONTWAIT = 0x40;
const WNOHANG = 1;
const IPC_NOWAIT = 0o4000;
const O_NONBLOCK = 0o4000;
const F_SETFL = 4;
const FIONBIO = 0x5421;

/**
 * File systems whose reads wait for nothing but the device (statfs's f_type): ext4, xfs, btrfs, f2fs, zfs, tmpfs, ramfs,
 * hugetlbfs, overlayfs, squashfs, erofs. Others may ask a process for the bytes (FUSE), or wait for events (tracefs).
 */
const PLAIN_FILE_SYSTEMS: ReadonlySet<number> = new Set([
  0xef53, 0x58465342, 0x9123683e, 0xf2f52010, 0x2fc12fc1, 0x01021994, 0x858458f6, 0x958458f6,
  0x794c7630, 0x73717368, 0xe0f5e1e2,
]);

const has = (word: Word | undefined, flag: number): boolean => (Number(word) & flag) !== 0;

/**
 * Whether a call of class blocking, made while others could run, may really wait. One that does not keeps the baton, so
 * nobody sees what it stores before it has ended.
 */
export function mayWait(session: Session, task: Task): boolean {
  const { nr, args } = task;
  switch (nr) {
    case Sys.read:
    case Sys.readv:
      return !isPlain(task) && !isNonBlocking(session, task);
    case Sys.accept:
    case Sys.accept4:
      return !isNonBlocking(session, task);
    case Sys.pread64:
    case Sys.preadv:
    case Sys.preadv2:
      return !isPlain(task);
    case Sys.getrandom:
      return false;
    case Sys.recvfrom:
      return !has(args[3], MSG_DONTWAIT) && !isNonBlocking(session, task);
    case Sys.recvmmsg:
      return !has(args[3], MSG_DONTWAIT);
    case Sys.recvmsg:
      return !has(args[2], MSG_DONTWAIT) && !isNonBlocking(session, task);
    case Sys.poll:
      return (Number(args[2]) | 0) !== 0;
    case Sys.epoll_wait:
    case Sys.epoll_pwait:
      return (Number(args[3]) | 0) !== 0;
    case Sys.wait4:
      return !has(args[2], WNOHANG);
    case Sys.waitid:
      return !has(args[3], WNOHANG);
    case Sys.msgrcv:
      return !has(args[4], IPC_NOWAIT);
    case Sys.ioctl:
      return !stores(session, task, 'ioctl');
    case Sys.fcntl:
      return !stores(session, task, 'fcntl');
    default:
      return true;
  }
}

function stores(session: Session, task: Task, decoder: string): boolean {
  session.peekTid = task.tid;
  return specialRegions(decoder, task.nr, task.args, 2, session.peek).some(
    (region) => region.dir !== 'in',
  );
}

function isPlain(task: Task): boolean {
  const fd = Number(task.args[0]) | 0;
  const file = task.files.get(task.tid, fd);
  if (file === undefined) return false;
  file.plain ??= isPlainFile(task.tid, fd, file);
  return file.plain;
}

function isPlainFile(tid: number, fd: number, file: FileInfo): boolean {
  if (isBlockDevice(file)) return true;
  if (!isRegular(file)) return false;
  try {
    return PLAIN_FILE_SYSTEMS.has(statfsSync(`/proc/${tid}/fd/${fd}`).type);
  } catch {
    return false;
  }
}

/** True for a call that may change whether its file is non-blocking. */
export function setsMode({ nr, args }: Task): boolean {
  if (nr === Sys.fcntl) return args[1] === F_SETFL;
  return nr === Sys.ioctl && args[1] === FIONBIO;
}

/**
 * Whether the call's descriptor is a non-blocking socket or eventfd: what else there is may have been opened by somebody
 * who is not recorded, and changes it unseen. So does the agent.
 */
function isNonBlocking(session: Session, task: Task): boolean {
  if (session.agent !== undefined) return false;
  const fd = Number(task.args[0]) | 0;
  const file = task.files.get(task.tid, fd);
  if (file === undefined || !(isSocket(file) || file.path === 'anon_inode:[eventfd]')) return false;
  const { modes } = session.registry;
  if (file.modesAt !== modes) {
    file.nonBlocking = ((statFd(task.tid, fd)?.flags ?? 0) & O_NONBLOCK) !== 0;
    file.modesAt = modes;
  }
  return file.nonBlocking;
}
