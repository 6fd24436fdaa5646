import type { ByteQueue } from './byte-queue.js';
import type { FileContent } from './file-content.js';
import type { FileLocks } from './file-locks.js';
import { FileOffset } from './file-offset.js';
import type { PosixQueue } from './posix-queue.js';
import type { Pty } from './pty.js';
import type { Socket } from './socket.js';

/** What was put into an epoll set. The kernel knows an entry by both number and open file. */
export interface EpollWatch {
  readonly fd: number;
  readonly file: OpenFile;
  events: number;
  data: bigint;
}

/** A timer's setting, as it was made. `value` and `interval` in ns; `time`: when it was made, ns since the recording began. */
export interface TimerSetting {
  readonly value: number;
  readonly interval: number;
  readonly absolute: boolean;
  readonly time: number;
  /** How often it has run out, as far as reads of a timerfd have told. */
  seen: number;
  /** Its clock does not run all the time: that of a process or thread. */
  readonly stands: boolean;
}

/** A timer is set at `time` by a call whose end was seen a bit later; signals may be delivered later still. */
const SLACK_NS = 1e7;

/** Whether a timer that runs out once has done so, if a signal of it came at `time`, and not of what it was set to before. */
export function hasRunOut(
  { value, interval, absolute, stands, ...set }: TimerSetting,
  time: number,
): boolean {
  return interval === 0 && (absolute || stands || set.time + value <= time + SLACK_NS);
}

/** What is behind a descriptor, as far as it takes to make it again. */
export type FileKind =
  /** One of the three that the program was started with. */
  | { readonly kind: 'standard'; readonly number: number }
  /** Opened by a path: regular files, directories, devices, FIFOs. `path` is absolute. */
  | {
      readonly kind: 'path';
      path: string;
      /** Other names that it has been given. */
      readonly names: string[];
      /** It has no name any more, or never had one. */
      removed: boolean;
      /** It is a FIFO: what waits in it. */
      readonly fifo?: ByteQueue;
    }
  | { readonly kind: 'pipe'; readonly end: 'read' | 'write'; readonly queue: ByteQueue }
  | { readonly kind: 'socket'; readonly socket: Socket }
  | { readonly kind: 'eventfd'; count: bigint; readonly semaphore: boolean }
  | { readonly kind: 'epoll'; readonly watches: Map<string, EpollWatch> }
  | { readonly kind: 'timerfd'; readonly clock: number; setting: TimerSetting | undefined }
  | { readonly kind: 'signalfd'; mask: bigint }
  | {
      readonly kind: 'inotify';
      /** By watch descriptor. */
      readonly watches: Map<number, { readonly path: string; readonly mask: number }>;
    }
  | { readonly kind: 'memfd'; readonly name: string; readonly create: number }
  | { readonly kind: 'pty'; readonly end: 'master' | 'slave'; readonly pty: Pty }
  | { readonly kind: 'mqueue'; readonly queue: PosixQueue }
  | { readonly kind: 'pidfd'; readonly pid: number }
  /** Nothing that can be made again; `what` says what it is. */
  | { readonly kind: 'other'; readonly what: string };

let nextId = 1;

/** An open file (the kernel's struct file): what descriptors that came from each other by dup and fork have in common. */
export class OpenFile {
  /** Tells open files apart. */
  readonly id = nextId++;
  readonly offset = new FileOffset();
  /** Descriptors that refer to it, in all tables and in messages under way. */
  uses = 0;
  /** Operation of the lock that flock(2) has put on it, 0 if there is none. */
  flock = 0;
  /** What has been locked by fcntl(2) with F_OFD_SETLK. */
  locks: FileLocks | undefined;
  /** Who gets its signals (F_SETOWN_EX), which (F_SETSIG), and its lease. */
  owner: { readonly type: number; readonly pid: number } | undefined;
  ownerSignal = 0;
  lease: number | undefined;
  /** Of a memfd, as F_ADD_SEALS has added them. */
  seals = 0;
  /** Its flags have been set by fcntl(2) or ioctl(2). */
  hasNewFlags = false;
  /** What is in it, if it was made in the recording and is a regular file. */
  content: FileContent | undefined;

  /** `flags`: access mode and status flags (O_*), without those that matter only while opening. */
  constructor(
    readonly what: FileKind,
    public flags: number,
  ) {}
}
