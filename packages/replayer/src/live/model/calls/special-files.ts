import { ByteQueue } from '../byte-queue.js';
import { FileContent } from '../file-content.js';
import type { ModelCall } from '../model-call.js';
import { type EpollWatch, type FileKind, OpenFile, type TimerSetting } from '../open-file.js';
import { pathOf } from '../paths.js';
import type { Handlers } from './handler.js';
import { O_CLOEXEC } from './open.js';

const O_NONBLOCK = 0o4000;
const O_RDWR = 2;
const O_WRONLY = 1;
const O_LARGEFILE = 0o100000;
const O_DIRECT = 0o40000;
const EFD_SEMAPHORE = 1;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLLONESHOT = 1 << 30;
const EPOLL_EVENT = 12;
const TFD_TIMER_ABSTIME = 1;
const MFD_CLOEXEC = 1;
const IN_MASK_ADD = 0x20000000;

function made(call: ModelCall, what: FileKind, flags: number, access = O_RDWR): void {
  const file = new OpenFile(what, access | (flags & O_NONBLOCK));
  call.model.install(call, call.result, file, (flags & O_CLOEXEC) !== 0);
}

const other = (what: string, flags: (call: ModelCall) => number) => (call: ModelCall) =>
  made(call, { kind: 'other', what }, flags(call));

function makePipe(call: ModelCall, flags: number): void {
  const numbers = call.view(call.long(0), 8);
  const queue = new ByteQueue((flags & O_DIRECT) !== 0);
  const kept = flags & (O_NONBLOCK | O_DIRECT);
  const closeOnExec = (flags & O_CLOEXEC) !== 0;
  const reader = new OpenFile({ kind: 'pipe', end: 'read', queue }, kept);
  const writer = new OpenFile({ kind: 'pipe', end: 'write', queue }, O_WRONLY | kept);
  call.model.install(call, numbers.getInt32(0, true), reader, closeOnExec);
  call.model.install(call, numbers.getInt32(4, true), writer, closeOnExec);
}

function makeEventfd(call: ModelCall, flags: number): void {
  const semaphore = (flags & EFD_SEMAPHORE) !== 0;
  made(call, { kind: 'eventfd', count: BigInt(call.int(0) >>> 0), semaphore }, flags);
}

/** With a descriptor it only changes that one's mask. */
function makeSignalfd(call: ModelCall, flags: number): void {
  const mask = call.signalSet(call.long(1));
  if (call.int(0) === -1) {
    made(call, { kind: 'signalfd', mask }, flags);
    return;
  }
  const what = call.descriptor(0)?.file.what;
  if (what?.kind === 'signalfd') what.mask = mask;
}

/** How epoll sets name their entries. */
export const watchKey = (fd: number, file: OpenFile): string => `${fd}:${file.id}`;

function controlEpoll(call: ModelCall): void {
  const set = call.descriptor(0)?.file.what;
  const fd = call.int(2);
  const file = call.descriptor(2)?.file;
  if (set?.kind !== 'epoll' || file === undefined) return;
  const key = watchKey(fd, file);
  const operation = call.int(1);
  if (operation === EPOLL_CTL_DEL) {
    set.watches.delete(key);
    return;
  }
  const event = call.view(call.long(3), EPOLL_EVENT);
  const events = event.getUint32(0, true);
  const data = event.getBigUint64(4, true);
  const watch = set.watches.get(key);
  if (operation === EPOLL_CTL_ADD || watch === undefined)
    set.watches.set(key, { fd, file, events, data });
  else {
    watch.events = events;
    watch.data = data;
  }
}

/** An entry that is wanted once is switched off when it has been reported. */
function reported(call: ModelCall): void {
  const set = call.descriptor(0)?.file.what;
  if (set?.kind !== 'epoll' || call.result === 0) return;
  const isOnce = ({ events }: EpollWatch): boolean => (events & EPOLLONESHOT) !== 0;
  if (![...set.watches.values()].some(isOnce)) return;
  const events = call.view(call.long(1), call.result * EPOLL_EVENT);
  for (let i = 0; i < call.result; i++) {
    const data = events.getBigUint64(i * EPOLL_EVENT + 4, true);
    for (const watch of set.watches.values())
      if (watch.data === data && isOnce(watch)) watch.events = EPOLLONESHOT >>> 0;
  }
}

/** Clocks of system time, and of its like: all others are those of processes and threads. */
const RUNNING: ReadonlySet<number> = new Set([0, 1, 4, 5, 6, 7, 8, 9, 11]);

/** A struct itimerspec, as it was set. */
export function timerSetting(
  call: ModelCall,
  addr: number,
  absolute: boolean,
  clock: number,
): TimerSetting {
  const interval = call.timespec(addr);
  const value = call.timespec(addr + 16);
  return { value, interval, absolute, time: call.time, seen: 0, stands: !RUNNING.has(clock) };
}

function addWatch(call: ModelCall): void {
  const what = call.descriptor(0)?.file.what;
  if (what?.kind !== 'inotify') return;
  const path = pathOf(call, 1);
  const known = what.watches.get(call.result);
  let mask = call.int(2) >>> 0;
  if (known !== undefined && (mask & IN_MASK_ADD) !== 0) mask |= known.mask;
  what.watches.set(call.result, { path, mask });
}

/** Descriptors that are no files. */
export const specialFileCalls: Handlers = {
  pipe: (call) => makePipe(call, 0),
  pipe2: (call) => makePipe(call, call.int(1)),
  eventfd: (call) => makeEventfd(call, 0),
  eventfd2: (call) => makeEventfd(call, call.int(1)),
  signalfd: (call) => makeSignalfd(call, 0),
  signalfd4: (call) => makeSignalfd(call, call.int(3)),
  epoll_create: (call) => made(call, { kind: 'epoll', watches: new Map() }, 0),
  epoll_create1: (call) => made(call, { kind: 'epoll', watches: new Map() }, call.int(0)),
  epoll_ctl: controlEpoll,
  epoll_wait: reported,
  epoll_pwait: reported,
  epoll_pwait2: reported,
  timerfd_create: (call) =>
    made(call, { kind: 'timerfd', clock: call.int(0), setting: undefined }, call.int(1)),
  timerfd_settime: (call) => {
    const what = call.descriptor(0)?.file.what;
    if (what?.kind !== 'timerfd') return;
    const absolute = (call.int(1) & TFD_TIMER_ABSTIME) !== 0;
    const setting = timerSetting(call, call.long(2), absolute, what.clock);
    what.setting = setting.value === 0 ? undefined : setting;
  },
  inotify_init: (call) => made(call, { kind: 'inotify', watches: new Map() }, 0, 0),
  inotify_init1: (call) => made(call, { kind: 'inotify', watches: new Map() }, call.int(0), 0),
  inotify_add_watch: addWatch,
  inotify_rm_watch: (call) => {
    const what = call.descriptor(0)?.file.what;
    if (what?.kind === 'inotify') what.watches.delete(call.int(1));
  },
  memfd_create: (call) => {
    const create = call.int(1);
    const what: FileKind = { kind: 'memfd', name: call.string(0), create };
    made(call, what, (create & MFD_CLOEXEC) !== 0 ? O_CLOEXEC : 0, O_RDWR | O_LARGEFILE);
    call.task.descriptor(call.result)!.file.content = new FileContent();
  },
  pidfd_open: (call) => made(call, { kind: 'pidfd', pid: call.int(0) }, call.int(1) | O_CLOEXEC),
  pidfd_getfd: other('a descriptor of another process', () => O_CLOEXEC),
  fanotify_init: other('a fanotify group', (call) => ((call.int(0) & 1) !== 0 ? O_CLOEXEC : 0)),
  fsopen: other('a file system being set up', (call) => ((call.int(1) & 1) !== 0 ? O_CLOEXEC : 0)),
  fspick: other('a file system being set up', (call) => ((call.int(2) & 1) !== 0 ? O_CLOEXEC : 0)),
  fsmount: other('a mount', (call) => ((call.int(1) & 1) !== 0 ? O_CLOEXEC : 0)),
  open_tree: other('a mount', (call) => call.int(2)),
  landlock_create_ruleset: (call) => {
    if ((call.int(2) & 1) === 0)
      made(call, { kind: 'other', what: 'a landlock ruleset' }, O_CLOEXEC);
  },
};
