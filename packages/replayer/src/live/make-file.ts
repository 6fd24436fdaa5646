import { readlinkSync, type Stats, statSync, writeFileSync } from 'node:fs';
import { fillPipe, SocketFiller } from './fill-queue.js';
import { PosixQueueOpener } from './make-posix-queue.js';
import { PtyMaker } from './make-pty.js';
import type { ByteQueue } from './model/byte-queue.js';
import { type FileLocks, flockOf } from './model/file-locks.js';
import type { FileKind, OpenFile } from './model/open-file.js';
import type { Waiting } from './model/connections.js';
import { SocketMaker } from './make-socket.js';
import type { Remote } from './remote.js';
import { nameOfFile } from './state.js';
import { remaining } from './timers.js';

const ENOENT = 2;
const F_DUPFD = 0;
const F_SETFL = 4;
const F_SETSIG = 10;
const F_SETOWN_EX = 15;
const F_SETLEASE = 1024;
const F_ADD_SEALS = 1033;
const F_SETPIPE_SZ = 1031;
const F_OFD_SETLK = 37;
const LOCK_NB = 4;
const O_RDWR = 2;
const O_NOCTTY = 0o400;
const O_NOFOLLOW = 0o400000;
const O_PATH = 0o10000000;
const O_TMPFILE = 0o20200000;
const MFD_CLOEXEC = 1;
const O_NONBLOCK = 0o4000;
const O_DIRECT = 0o40000;
const SEEK_SET = 0;
const SEEK_END = 2;
const AF_UNIX = 1;
const SOCK_STREAM = 1;
const EFD_SEMAPHORE = 1;
const TFD_TIMER_ABSTIME = 1;
const TFD_IOC_SET_TICKS = 0x40085400;
const SIGNAL_SET = 8;
/** What a pipe holds if nothing else was said, bytes. */
const PIPE_SIZE = 0x10000;

type PathKind = Extract<FileKind, { kind: 'path' }>;

/** Something that is not as it was. For people. */
export type Tell = (text: string) => void;

/** A file whose content is known. */
export interface KnownFile {
  /** Tells files apart. */
  readonly file: object;
  readonly bytes: Uint8Array;
  /** Permissions; undefined: not known. */
  readonly mode: number | undefined;
}

/** Makes open files of the recording again, all in one process, at numbers from `base` on. */
export class FileMaker {
  private readonly pipes = new Map<ByteQueue, [number, number]>();
  private readonly fifos = new Map<ByteQueue, number>();
  private readonly sockets: SocketMaker;
  readonly ptys: PtyMaker;
  private readonly queues: PosixQueueOpener;
  private readonly settings: (() => void)[] = [];
  /** Files without a name. */
  private readonly nameless = new Map<object, number>();

  /**
   * `mapped` gives the file that stands for one that the program has mapped as shared memory, by its name. The process has what it was started with as standard input, output and error at `base`, `base` + 1 and `base` + 2.
   */
  constructor(
    private readonly remote: Remote,
    private readonly base: number,
    private readonly nowNs: number,
    private readonly ownPid: (pid: number) => number,
    private readonly mapped: (name: string) => string | undefined,
    private readonly contentOf: (file: OpenFile) => KnownFile | undefined,
    private readonly tell: Tell,
    waiting: readonly Waiting[],
  ) {
    this.sockets = new SocketMaker(remote, (fd) => this.moveUp(fd), waiting, tell);
    this.ptys = new PtyMaker(remote, (fd) => this.moveUp(fd));
    this.queues = new PosixQueueOpener(remote, (fd) => this.moveUp(fd), tell);
  }

  /** To a number that is out of the program's way. */
  moveUp(fd: number): number {
    if (fd < 0) return fd;
    const moved = this.remote.call('fcntl', fd, F_DUPFD, this.base);
    this.remote.call('close', fd);
    return moved;
  }

  /** Something on which the program meets ECONNRESET: a socket whose other end is gone, and left data unread. */
  broken(file: OpenFile): number {
    const { remote } = this;
    const kept = SOCK_STREAM | (file.flags & O_NONBLOCK);
    remote.call('socketpair', AF_UNIX, kept, 0, remote.words(0));
    const [one, other] = remote.pair();
    remote.call('write', one, remote.text('x'), 1);
    remote.call('close', other);
    return this.moveUp(one);
  }

  /** Returns its number, or a negative errno. `tell` gets what is not as it was, or why it cannot be. */
  make(file: OpenFile, tell: Tell): number {
    const made = this.makeUnlocked(file, tell);
    if (made < 0) return made;
    if (file.flock !== 0 && this.remote.call('flock', made, file.flock | LOCK_NB) < 0)
      tell('its lock is somebody else’s now');
    if (file.locks !== undefined)
      for (const reason of lockRanges(this.remote, made, F_OFD_SETLK, file.locks)) tell(reason);
    if (file.owner !== undefined || file.seals !== 0 || file.lease !== undefined)
      this.settings.push(() => this.setSignals(file, made));
    return made;
  }

  /** Who hears of what happens to a file, and what may not happen to it any more. */
  private setSignals(file: OpenFile, fd: number): void {
    const { remote, tell } = this;
    const control = (what: string, command: number, value: number): void => {
      const result = remote.call('fcntl', fd, command, value);
      if (result < 0) tell(`${nameOfFile(file)}: ${what}: errno ${-result}`);
    };
    if (file.seals !== 0) control('its seals', F_ADD_SEALS, file.seals);
    if (file.lease !== undefined) control('its lease', F_SETLEASE, file.lease);
    if (file.owner === undefined) return;
    const { type, pid } = file.owner;
    const owner = new Uint8Array(Int32Array.of(type, this.ownPid(pid)).buffer);
    if (file.ownerSignal !== 0) control('its signal', F_SETSIG, file.ownerSignal);
    control('its owner', F_SETOWN_EX, remote.put(owner));
    control('its flags', F_SETFL, file.flags);
  }

  private makeUnlocked(file: OpenFile, tell: Tell): number {
    const { remote } = this;
    const { what } = file;
    const nonBlocking = file.flags & O_NONBLOCK;
    switch (what.kind) {
      case 'standard':
        return this.base + what.number;
      case 'path':
        return this.openPath(file, what, tell);
      case 'pipe':
        return this.pipe(file, what.queue, tell)[what.end === 'read' ? 0 : 1];
      case 'eventfd': {
        const flags = nonBlocking | (what.semaphore ? EFD_SEMAPHORE : 0);
        const fd = this.moveUp(remote.call('eventfd2', 0, flags));
        if (what.count > 0n) remote.call('write', fd, remote.words(what.count), 8);
        return fd;
      }
      case 'epoll':
        return this.moveUp(remote.call('epoll_create1', 0));
      case 'timerfd': {
        const fd = this.moveUp(remote.call('timerfd_create', what.clock, nonBlocking));
        const { setting } = what;
        if (setting === undefined || fd < 0) return fd;
        const { value, interval, unseen } = remaining(setting, this.nowNs);
        const spec = remote.words(...timespec(interval), ...timespec(value));
        const flags = setting.absolute ? TFD_TIMER_ABSTIME : 0;
        remote.call('timerfd_settime', fd, flags, spec, 0);
        if (interval > 0 && unseen > 0) {
          const result = remote.call('ioctl', fd, TFD_IOC_SET_TICKS, remote.words(unseen));
          if (result < 0) tell('how often it has run out is forgotten');
        }
        return fd;
      }
      case 'signalfd':
        return this.moveUp(
          remote.call('signalfd4', -1, remote.words(what.mask), SIGNAL_SET, nonBlocking),
        );
      case 'inotify': {
        const fd = this.moveUp(remote.call('inotify_init1', nonBlocking));
        for (const [wd, { path, mask }] of [...what.watches].sort(([a], [b]) => a - b))
          if (remote.call('inotify_add_watch', fd, remote.text(path), mask) !== wd)
            tell(`the watch of ${path} has another number, or none`);
        if (what.watches.size > 0) tell('events that it had not read are lost');
        return fd;
      }
      case 'socket':
        return this.sockets.make(file, what.socket, tell);
      case 'memfd':
        return this.withContent(file, tell, () =>
          remote.call('memfd_create', remote.text(what.name), what.create & ~MFD_CLOEXEC),
        );
      case 'pidfd':
        return this.moveUp(remote.call('pidfd_open', this.ownPid(what.pid), nonBlocking));
      case 'pty':
        return this.ptys.make(file, what.end, what.pty, tell);
      case 'mqueue':
        return this.queues.open(file, what.queue);
      case 'other':
        tell('nothing that can be made again');
        return -1;
    }
  }

  private openPath(file: OpenFile, what: PathKind, tell: Tell): number {
    const { remote } = this;
    if (what.fifo !== undefined) return this.openFifo(file, what, what.fifo, tell);
    if (what.removed) return this.makeNameless(file, what.path, tell);
    if (isTerminal(what.path)) {
      tell('another terminal');
      return -1;
    }
    // Where there is none the open below says why.
    const stats = this.look(what.path);
    if (stats?.isFIFO() === true || stats?.isBlockDevice() === true) {
      tell('a FIFO or a block device');
      return -1;
    }
    const fd = this.moveUp(remote.call('open', remote.text(what.path), file.flags | O_NOCTTY, 0));
    if (fd === -ENOENT && this.known(file) !== undefined) {
      tell('the file is gone: it has its content, and no name');
      return this.makeNameless(file, what.path, tell);
    }
    if (fd < 0 || stats?.isCharacterDevice() === true) return fd;
    const { value } = file.offset;
    if (value === 'end') remote.call('lseek', fd, 0, SEEK_END);
    else if (value !== 0) {
      remote.call('lseek', fd, value, SEEK_SET);
      if (stats?.isFile() === true && stats.size < value)
        tell('the file is shorter than it was read');
    }
    return fd;
  }

  /** What the process itself finds there: it may have mounts of its own. */
  private look(path: string): Stats | undefined {
    const { remote } = this;
    const fd = remote.call('open', remote.text(path), O_PATH, 0);
    if (fd < 0) return undefined;
    const stats = statSync(`/proc/${remote.tid}/fd/${fd}`, { throwIfNoEntry: false });
    remote.call('close', fd);
    return stats;
  }

  /** One end of a FIFO; what is open already keeps the others from waiting for their opposites. */
  private openFifo(file: OpenFile, what: PathKind, queue: ByteQueue, tell: Tell): number {
    const { remote } = this;
    let holder = this.fifos.get(queue);
    if (holder === undefined) {
      holder = this.holdFifo(what, tell);
      if (holder < 0) return holder;
      this.fifos.set(queue, holder);
      if (queue.capacity !== undefined) remote.call('fcntl', holder, F_SETPIPE_SZ, queue.capacity);
      if (queue.isAhead) tell('others have written to it: what waits in it may be lost');
      else fillPipe(remote, holder, queue, tell);
    }
    const fd = this.openAgain(holder, file.flags | O_NONBLOCK);
    if (fd >= 0) remote.call('fcntl', fd, F_SETFL, file.flags);
    return fd;
  }

  /** A descriptor of both ends. */
  private holdFifo({ path, removed }: PathKind, tell: Tell): number {
    const { remote } = this;
    if (!removed && this.look(path)?.isFIFO() === true)
      return this.moveUp(remote.call('open', remote.text(path), O_RDWR | O_NONBLOCK, 0));
    if (!removed) tell('the FIFO is gone: it has what waits in it, and no name');
    const result = remote.call('pipe2', remote.words(0), 0);
    if (result < 0) return result;
    const ends = remote.pair();
    const both = remote.call('open', remote.text(`/proc/self/fd/${ends[0]}`), O_RDWR, 0);
    for (const fd of ends) remote.call('close', fd);
    return this.moveUp(both);
  }

  private makeNameless(file: OpenFile, path: string, tell: Tell): number {
    const { remote } = this;
    return this.withContent(file, tell, () => {
      const directory = path.replace(/\/[^/]*$/, '') || '/';
      const fd = remote.call('open', remote.text(directory), O_TMPFILE | O_RDWR, 0o600);
      return fd >= 0 ? fd : remote.call('memfd_create', remote.text('deleted'), 0);
    });
  }

  /** A file without a name: `create` makes an empty one. Those that had the same one have the same one. */
  private withContent(file: OpenFile, tell: Tell, create: () => number): number {
    const { remote } = this;
    const known = this.known(file);
    // What is mapped is shared with the mapping, where the replay keeps it.
    const object = this.mapped(nameOfFile(file));
    let fd =
      object === undefined && known !== undefined ? this.nameless.get(known.file) : undefined;
    if (object !== undefined) fd = this.moveUp(remote.call('open', remote.text(object), O_RDWR, 0));
    else if (fd === undefined) {
      if (known === undefined) {
        tell('what was in it is not known');
        return -1;
      }
      fd = this.moveUp(create());
      if (fd < 0) return fd;
      this.nameless.set(known.file, fd);
      writeFileSync(`/proc/${remote.tid}/fd/${fd}`, known.bytes, { flag: 'r+' });
      if (known.mode !== undefined) remote.call('fchmod', fd, known.mode);
    }
    if (fd < 0) return fd;
    const own = this.openAgain(fd, file.flags & ~O_TMPFILE);
    const { value } = file.offset;
    if (own >= 0) remote.call('lseek', own, value === 'end' ? 0 : value, value === 'end' ? 2 : 0);
    return own;
  }

  private known(file: OpenFile): KnownFile | undefined {
    const known = this.contentOf(file);
    if (known !== undefined) return known;
    const bytes = file.content?.known;
    return bytes && { file: file.content!, bytes, mode: undefined };
  }

  /** Another open file of the same object. */
  private openAgain(fd: number, flags: number): number {
    const { remote } = this;
    // What leads to it is a link.
    const path = remote.text(`/proc/self/fd/${fd}`);
    return this.moveUp(remote.call('open', path, flags & ~O_NOFOLLOW, 0));
  }

  /** Both ends; the one that the program does not have is closed in the end. */
  private pipe(file: OpenFile, queue: ByteQueue, tell: Tell): [number, number] {
    const known = this.pipes.get(queue);
    const { remote } = this;
    let ends = known;
    if (ends === undefined) {
      remote.call('pipe2', remote.words(0), file.flags & O_DIRECT);
      const [reader, writer] = remote.pair();
      ends = [this.moveUp(reader), this.moveUp(writer)];
      this.pipes.set(queue, ends);
      const capacity = Math.max(queue.capacity ?? PIPE_SIZE, queue.size);
      if (capacity !== PIPE_SIZE) remote.call('fcntl', ends[1], F_SETPIPE_SZ, capacity);
      fillPipe(remote, ends[1], queue, tell);
    }
    const end = file.what.kind === 'pipe' && file.what.end === 'read' ? 0 : 1;
    remote.call('fcntl', ends[end], F_SETFL, file.flags);
    return ends;
  }

  /** All files have been made: puts into sockets what waits in them. `made` gives a file's number. */
  finish(made: (file: OpenFile) => number | undefined): void {
    this.sockets.finish(new SocketFiller(this.remote, made, this.ownPid));
    for (const set of this.settings.splice(0)) set();
    this.ptys.finish(this.tell);
  }
}

/** Whether a path names a terminal that is none of ours: it may be somebody's by now. */
function isTerminal(path: string): boolean {
  if (path !== '/dev/ptmx' && !path.startsWith('/dev/pts/')) return false;
  const ours = [0, 1, 2].map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return '';
    }
  });
  return !ours.includes(path);
}

/** Takes locks of fcntl(2) through a descriptor. Returns what could not be had. */
export function lockRanges(
  remote: Remote,
  fd: number,
  command: number,
  locks: FileLocks,
): readonly string[] {
  const reasons = locks.isUncertain ? ['not all of its locks are known'] : [];
  for (const range of locks.ranges)
    if (remote.call('fcntl', fd, command, remote.put(flockOf(range))) < 0)
      reasons.push('its lock is somebody else’s now');
  return reasons;
}

/** Seconds and nanoseconds. */
export function timespec(ns: number): [number, number] {
  return [Math.floor(ns / 1e9), Math.round(ns % 1e9)];
}
