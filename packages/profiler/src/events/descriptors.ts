/** Follows what calls do to descriptors and the working directory. */
import { posix } from 'node:path';
import { syscallByName, syscallTable } from '@scribe-ts/tracelog';
import { i32, u64 } from '../decode/words.js';
import type { Descriptor } from './fd-table.js';
import { addressText, newSocket, socketMeaning } from './sockets.js';
import type { SyscallEvent } from './syscall-event.js';
import type { TaskState } from './task-info.js';

type Follow = (event: SyscallEvent, state: TaskState) => void;

const AT_FDCWD = -100;
const O_CLOEXEC = 0x80000;
const FD_CLOEXEC = 1;
const MFD_CLOEXEC = 1;
const CLONE_FILES = 0x400;
const CLOSE_RANGE_CLOEXEC = 4;

const enum Fcntl {
  Dupfd = 0,
  Setfd = 2,
  DupfdCloexec = 1030,
}

/** Index of each argument that is a descriptor, by number of the call. */
export const descriptorArguments: readonly (readonly number[])[] = syscallTable.map((row) => {
  const found: number[] = [];
  row?.args.forEach(({ type }, i) => {
    if (type.kind === 'fd' || type.kind === 'dirfd') found.push(i);
  });
  return found;
});

function closesOnExec(flags: number): boolean {
  return (flags & O_CLOEXEC) !== 0;
}

/** `path` as the call saw it, `base` being the descriptor it starts from. '' if that is not known. */
function absolute(state: TaskState, at: number, base: number, path: string): string {
  if (path.startsWith('/')) return posix.normalize(path);
  const from = base === AT_FDCWD ? state.cwd : state.table.get(base, at)?.path;
  if (from === undefined || from === '') return '';
  return posix.normalize(`${from}/${path}`);
}

function opens(event: SyscallEvent, state: TaskState, base: number, arg: number, cloexec: boolean) {
  const name = event.stringArgument(arg);
  const path = name === undefined ? '' : absolute(state, event.index, base, name);
  const meaning: Descriptor =
    path === ''
      ? { text: name ?? '', closeOnExec: cloexec }
      : { text: path, path, closeOnExec: cloexec };
  state.table.set(Number(event.result), event.after, meaning);
}

/** A call whose result is a descriptor of something without a path. */
function makes(text: string, flags: number, cloexec = O_CLOEXEC): Follow {
  return (event, state) => {
    const closeOnExec = flags >= 0 && (event.int(flags) & cloexec) !== 0;
    state.table.set(Number(event.result), event.after, { text, closeOnExec });
  };
}

function copies(event: SyscallEvent, state: TaskState, to: number, closeOnExec: boolean): void {
  const from = event.int(0);
  if (from === to) return;
  const meaning = state.table.get(from, event.index);
  state.table.set(to, event.after, { text: '', ...meaning, closeOnExec });
}

function pair(event: SyscallEvent, arg: number): readonly [number, number] | undefined {
  const bytes = event.stored(arg);
  return bytes === undefined || bytes.length < 8 ? undefined : [i32(bytes, 0), i32(bytes, 4)];
}

const pipes: Follow = (event, state) => {
  const ends = pair(event, 0);
  if (ends === undefined) return;
  const closeOnExec = event.name === 'pipe2' && closesOnExec(event.int(1));
  for (const end of ends) state.table.set(end, event.after, { text: 'pipe', closeOnExec });
};

function renames(which: 'local' | 'peer', bytes: (event: SyscallEvent) => Uint8Array | undefined) {
  return (event: SyscallEvent, state: TaskState): void => {
    const fd = event.int(0);
    const now = state.table.get(fd, event.index);
    const raw = bytes(event);
    if (now?.socket === undefined || raw === undefined) return;
    const text = addressText(raw);
    if (text === '' || now.socket[which] === text) return;
    const socket = { ...now.socket, [which]: text };
    state.table.set(fd, event.after, socketMeaning(socket, now.closeOnExec));
  };
}

const learnsPeer = renames('peer', (event) => event.taken(1));
const learnsLocal = renames('local', (event) => event.taken(1));

function accepts(event: SyscallEvent, state: TaskState): void {
  const listener = state.table.get(event.int(0), event.index)?.socket;
  const closeOnExec = event.name === 'accept4' && closesOnExec(event.int(3));
  const stored = event.stored(1);
  const { family = 0, type = 0, protocol = 0, local = '' } = listener ?? {};
  const peer = stored === undefined ? '' : addressText(stored);
  const socket = { family, type, protocol, link: '', local, peer };
  const fd = Number(event.result);
  if (listener === undefined) state.table.set(fd, event.after, { text: 'socket', closeOnExec });
  else state.table.set(fd, event.after, socketMeaning(socket, closeOnExec));
}

const handlers: Readonly<Record<string, Follow>> = {
  open: (event, state) => opens(event, state, AT_FDCWD, 0, closesOnExec(event.int(1))),
  creat: (event, state) => opens(event, state, AT_FDCWD, 0, false),
  openat: (event, state) => opens(event, state, event.int(0), 1, closesOnExec(event.int(2))),
  openat2(event, state) {
    const how = event.taken(2);
    const flags = how === undefined || how.length < 8 ? 0 : Number(u64(how, 0));
    opens(event, state, event.int(0), 1, closesOnExec(flags));
  },
  open_tree: (event, state) => opens(event, state, event.int(0), 1, closesOnExec(event.int(2))),
  close: (event, state) => state.table.set(event.int(0), event.after, undefined),
  close_range(event, state) {
    const first = event.uint(0);
    const last = event.uint(1);
    const onExec = (event.int(2) & CLOSE_RANGE_CLOEXEC) !== 0;
    for (const [fd, meaning] of [...state.table.open()]) {
      if (fd < first || fd > last) continue;
      state.table.set(fd, event.after, onExec ? { ...meaning, closeOnExec: true } : undefined);
    }
  },
  dup: (event, state) => copies(event, state, Number(event.result), false),
  dup2: (event, state) => copies(event, state, event.int(1), false),
  dup3: (event, state) => copies(event, state, event.int(1), closesOnExec(event.int(2))),
  fcntl(event, state) {
    const command = event.int(1);
    if (command === Fcntl.Dupfd || command === Fcntl.DupfdCloexec) {
      copies(event, state, Number(event.result), command === Fcntl.DupfdCloexec);
    } else if (command === Fcntl.Setfd) {
      const now = state.table.get(event.int(0), event.index);
      const closeOnExec = (event.int(2) & FD_CLOEXEC) !== 0;
      if (now !== undefined) state.table.set(event.int(0), event.after, { ...now, closeOnExec });
    }
  },
  pipe: pipes,
  pipe2: pipes,
  socket(event, state) {
    const type = event.int(1);
    const socket = newSocket(event.int(0), type, event.int(2));
    const meaning = socketMeaning(socket, closesOnExec(type));
    state.table.set(Number(event.result), event.after, meaning);
  },
  socketpair(event, state) {
    const type = event.int(1);
    const meaning = socketMeaning(newSocket(event.int(0), type, event.int(2)), closesOnExec(type));
    for (const end of pair(event, 3) ?? []) state.table.set(end, event.after, meaning);
  },
  accept: accepts,
  accept4: accepts,
  bind: learnsLocal,
  connect: learnsPeer,
  getsockname: renames('local', (event) => event.stored(1)),
  getpeername: renames('peer', (event) => event.stored(1)),
  epoll_create: makes('anon_inode:[eventpoll]', -1),
  epoll_create1: makes('anon_inode:[eventpoll]', 0),
  eventfd: makes('anon_inode:[eventfd]', -1),
  eventfd2: makes('anon_inode:[eventfd]', 1),
  timerfd_create: makes('anon_inode:[timerfd]', 1),
  signalfd: makes('anon_inode:[signalfd]', -1),
  signalfd4: makes('anon_inode:[signalfd]', 3),
  inotify_init: makes('anon_inode:inotify', -1),
  inotify_init1: makes('anon_inode:inotify', 0),
  fanotify_init: makes('anon_inode:[fanotify]', 0, 1),
  pidfd_open: makes('anon_inode:[pidfd]', 0, O_CLOEXEC),
  perf_event_open: makes('anon_inode:[perf_event]', 4, 8),
  memfd_create(event, state) {
    const name = event.stringArgument(0) ?? '';
    const closeOnExec = (event.int(1) & MFD_CLOEXEC) !== 0;
    state.table.set(Number(event.result), event.after, { text: `/memfd:${name}`, closeOnExec });
  },
  chdir(event, state) {
    const path = event.stringArgument(0);
    state.cwd = path === undefined ? '' : absolute(state, event.index, AT_FDCWD, path);
  },
  fchdir(event, state) {
    state.cwd = state.table.get(event.int(0), event.index)?.path ?? '';
  },
  unshare(event, state) {
    if ((event.int(0) & CLONE_FILES) !== 0) state.table = state.table.copy();
  },
};

const followers: (Follow | undefined)[] = [];
for (const [name, handler] of Object.entries(handlers)) {
  const row = syscallByName.get(name);
  if (row === undefined) throw new Error(`no call ${name}`);
  followers[row.nr] = handler;
}

const EINPROGRESS = -115;
const EINTR = -4;
const NR_CLOSE = syscallByName.get('close')!.nr;
const NR_CONNECT = syscallByName.get('connect')!.nr;

/**
 * What the recorder says of descriptors before the call changes them. Returns what it says of the one that the call has
 * made; undefined if nothing.
 */
function learn(event: SyscallEvent, state: TaskState): string | undefined {
  const args = descriptorArguments[event.nr];
  const { details } = event;
  if (args === undefined || event.frame.args.length === 0) return undefined;
  let next = 0;
  for (let i = 0; i < details.length; i++) {
    const detail = details[i]!;
    if (detail.type !== 'resource' || detail.kind !== 'file') continue;
    let fd = -1;
    while (fd < 0 && next < args.length) fd = event.int(args[next++]!);
    if (fd < 0) return detail.desc;
    state.table.set(fd, event.index, merged(state.table.get(fd, event.index), detail.desc));
    // dup2 names the copy as it is afterwards.
    if (event.row?.returns === 'fd' && event.result === event.int(args[1] ?? -1)) return undefined;
  }
  return undefined;
}

/** What the recorder says of the descriptor that the call has made. */
function learnMade(event: SyscallEvent, state: TaskState, desc: string): void {
  if (event.failed || event.row?.returns !== 'fd') return;
  const fd = Number(event.result);
  state.table.set(fd, event.after, merged(state.table.get(fd, event.after), desc));
}

/** What is known of a descriptor, together with how /proc shows it. */
function merged(known: Descriptor | undefined, desc: string): Descriptor {
  if (known?.text === desc) return known;
  const closeOnExec = known?.closeOnExec ?? false;
  if (desc.startsWith('socket:') && known?.socket !== undefined) {
    if (known.socket.link === desc) return known;
    return socketMeaning({ ...known.socket, link: desc }, closeOnExec);
  }
  return desc.startsWith('/')
    ? { text: desc, path: desc, closeOnExec }
    : { text: desc, closeOnExec };
}

/** What the call has done to descriptors. */
function followCall(event: SyscallEvent, state: TaskState): void {
  const handler = followers[event.nr];
  if (handler === undefined || event.frame.args.length === 0) return;
  if (event.failed) {
    const { nr, result } = event;
    // A descriptor is closed even so, and a connection under way has its peer.
    const done =
      (nr === NR_CLOSE && result === EINTR) || (nr === NR_CONNECT && result === EINPROGRESS);
    if (!done) return;
  }
  handler(event, state);
}

/** All that a call tells of descriptors. */
export function follow(event: SyscallEvent, state: TaskState): void {
  const made = event.details.length === 0 ? undefined : learn(event, state);
  followCall(event, state);
  if (made !== undefined) learnMade(event, state, made);
}

/** After exec. */
export function followExec(state: TaskState, at: number): void {
  state.table = state.table.copy();
  for (const [fd, meaning] of [...state.table.open()]) {
    if (meaning.closeOnExec) state.table.set(fd, at, undefined);
  }
}
