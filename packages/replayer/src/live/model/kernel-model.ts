import { UC_SIGMASK } from '@scribe-ts/core-native';
import type {
  ExitFrame,
  LogHeader,
  SignalFrame,
  SpawnFrame,
  TaskUid,
  Word,
} from '@scribe-ts/tracelog';
import { syscallByName, syscallTable } from '@scribe-ts/tracelog';
import { nameOf } from '../../words.js';
import { handlers } from './calls/index.js';
import { watchKey } from './calls/special-files.js';
import type { Attachment, ByteQueue } from './byte-queue.js';
import { Connections } from './connections.js';
import { DatagramSockets } from './datagrams.js';
import { DescriptorTable } from './descriptor-table.js';
import { Fifos } from './fifos.js';
import { FileNames } from './file-names.js';
import type { FileActs } from './files/file-acts.js';
import { noteAfter, noteBefore, noteFailed } from './files/note-calls.js';
import { LASTING } from './lasting.js';
import { MadeFiles } from './made-files.js';
import { type CallMemory, ModelCall } from './model-call.js';
import { type FileKind, OpenFile } from './open-file.js';
import { ownDescriptor } from './paths.js';
import { PosixQueues } from './posix-queue.js';
import { Pty, Ptys } from './pty.js';
import { SignalTraffic } from './signal-traffic.js';
import { copySettings, isInherited, outlivesExec } from './settings.js';
import { SysvIpc } from './sysv-ipc.js';
import type { TerminalState } from './terminal-state.js';
import { DEFAULT, Directories, ProcessState, SignalHandlers, TaskState } from './process-state.js';

const CLONE_FS = 0x200;
const CLONE_FILES = 0x400;
const CLONE_SIGHAND = 0x800;
const CLONE_PARENT = 0x8000;
const CLONE_THREAD = 0x10000;
const CLONE_PIDFD = 0x1000;
const CLONE_CHILD_CLEARTID = 0x200000;
const CLONE_CHILD_SETTID = 0x01000000;
const CLONE_CLEAR_SIGHAND = 0x100000000n;
const CLONE_VM = 0x100;
const CLONE_VFORK = 0x4000;
const O_RDWR = 2;
const SA_RESETHAND = 0x80000000n;
const SA_NODEFER = 0x40000000n;
const MAX_CONTRADICTIONS = 50;
const ERESTART_RESTARTBLOCK = -516;

const EBADF = 9;
const EINPROGRESS = 115;

const nrOf = (name: string): number => syscallByName.get(name)!.nr;
const NR = {
  rt_sigaction: nrOf('rt_sigaction'),
  rt_sigprocmask: nrOf('rt_sigprocmask'),
  restart_syscall: nrOf('restart_syscall'),
  close: nrOf('close'),
  connect: nrOf('connect'),
  fstat: nrOf('fstat'),
} as const;
/** Index of the first argument that is a descriptor, -1 without. */
const DESCRIPTOR = syscallTable.map(
  (row) => row?.args.findIndex(({ type }) => type.kind === 'fd') ?? -1,
);
/** Calls that block signals while they wait: argument with the mask. */
const WAIT_MASK = new Map<number, number>([
  [nrOf('rt_sigsuspend'), 0],
  [nrOf('ppoll'), 3],
  [nrOf('epoll_pwait'), 4],
  [nrOf('epoll_pwait2'), 4],
]);

/**
 * The kernel's side of a replayed program: what the kernel of the recording knew of each process, kept from the calls that
 * the log has. A replay asks no kernel for any of it; going live does.
 */
export class KernelModel {
  readonly tasks = new Map<TaskUid, TaskState>();
  readonly signals = new SignalTraffic(this.tasks);
  /** What results in the log say against the model: something happened that it does not know. For people. */
  readonly contradictions: string[] = [];
  readonly made = new MadeFiles();
  readonly names = new FileNames();
  /** Access bits of those that the recording may have made in memory (shm_open), by path. */
  readonly memoryFiles = new Map<string, number>();
  readonly fifos = new Fifos();
  readonly ipc = new SysvIpc();
  /** Those of POSIX. */
  readonly queues = new PosixQueues();
  readonly connections = new Connections(() => this.openFiles());
  readonly ptys = new Ptys();
  readonly datagrams = new DatagramSockets();
  readonly terminal: TerminalState = { modes: undefined, foreground: undefined };
  /** State that calls have made and the model does not keep: names of the calls. */
  readonly unknown = new Set<string>();
  /** What has been done to files, if that is wanted. */
  acts: FileActs | undefined;
  /** Effective user id at the start. */
  readonly uid: number;
  /** Seconds since 1970. */
  readonly startedAt: number;
  private readonly epollSets = new Set<Extract<FileKind, { kind: 'epoll' }>>();
  private readonly call: ModelCall;
  private readonly header: LogHeader;

  constructor(header: LogHeader, memory: (task: TaskUid) => CallMemory) {
    this.header = header;
    this.uid = header.machine.uid;
    this.startedAt = header.startedAt;
    this.call = new ModelCall(this, {
      read: (addr, length) => memory(this.call.task.uid).read(addr, length),
      string: (addr, limit) => memory(this.call.task.uid).string(addr, limit),
    });
  }

  /** The first task: it has what the recorder gave it. */
  begin(uid: TaskUid, tid: number, pid: number): void {
    const files = new DescriptorTable((file) => this.released(file));
    for (const { fd, kind } of this.header.stdio)
      if (kind !== 'closed')
        files.install(fd, new OpenFile({ kind: 'standard', number: fd }, O_RDWR), false);
    const { cwd, root } = this.header;
    const directories = new Directories(root === '/' ? cwd : '/', root, undefined);
    const process = new ProcessState(pid, undefined);
    this.signals.pids.add(pid);
    this.tasks.set(uid, new TaskState(uid, tid, process, files, directories));
  }

  /** A process that has not ended, by its id. */
  process(pid: number): ProcessState | undefined {
    for (const { process } of this.tasks.values()) if (process.pid === pid) return process;
    return undefined;
  }

  /** Whether a process that has not ended is in this process group. */
  hasGroup(group: number): boolean {
    for (const { process } of this.tasks.values()) if (process.group === group) return true;
    return false;
  }

  /** A task stands at a call: keeps what the call's answer is going to overwrite. */
  arrived(uid: TaskUid, nr: number, args: readonly Word[], memory: CallMemory): void {
    this.call.before = undefined;
    if (nr !== NR.rt_sigprocmask && nr !== NR.rt_sigaction) return;
    if (args[1] !== args[2] || args[1] === 0) return;
    this.call.before = memory.read(Number(args[1]), nr === NR.rt_sigaction ? 32 : 8).slice();
  }

  /** A call has ended, and its answer is in the task's memory. */
  called(uid: TaskUid, nr: number, args: readonly Word[], result: Word, time: number): void {
    const task = this.tasks.get(uid);
    if (task === undefined) return;
    const { call } = this;
    call.task = task;
    call.nr = nr;
    call.args = args;
    call.result = Number(result);
    call.time = time;
    task.waitMask = undefined;
    task.process.stoppedBy = 0;
    if (call.result < 0 && !(nr === NR.connect && call.result === -EINPROGRESS)) {
      this.checkBad(call);
      if (this.acts !== undefined) noteFailed(call, this.acts);
      if (call.result === ERESTART_RESTARTBLOCK && nr !== NR.restart_syscall) task.restart = nr;
      const mask = WAIT_MASK.get(nr);
      if (mask !== undefined && call.long(mask) !== 0)
        task.waitMask = call.signalSet(call.long(mask));
      return;
    }
    const fd = DESCRIPTOR[nr]! >= 0 ? call.int(DESCRIPTOR[nr]!) : -1;
    if (fd >= 0 && task.descriptor(fd) === undefined && handlers[nr] === undefined)
      this.contradict(call, `descriptor ${fd} was open`);
    if (this.acts !== undefined) noteBefore(call, this.acts);
    const handler = handlers[nr];
    if (handler !== undefined) handler(call);
    else if (LASTING.has(nr)) this.unknown.add(nameOf(nr));
    if (this.acts !== undefined) noteAfter(call, this.acts);
  }

  /** A descriptor that is not open must be none in the model. */
  private checkBad(call: ModelCall): void {
    if (call.result !== -EBADF || (call.nr !== NR.close && call.nr !== NR.fstat)) return;
    if (call.task.descriptor(call.int(0)) !== undefined)
      this.contradict(call, `descriptor ${call.int(0)} was not open`);
  }

  /** A task has been made. `clone3`: the first 64 bytes of that call's struct clone_args, else `args` are the arguments. */
  spawned(
    parentUid: TaskUid,
    frame: SpawnFrame,
    args: readonly Word[],
    clone3: DataView | undefined,
  ): void {
    const parent = this.tasks.get(parentUid)!;
    const { flags, child, tid, pid } = frame;
    const files = (flags & CLONE_FILES) !== 0 ? parent.files : parent.files.copy();
    const directories = (flags & CLONE_FS) !== 0 ? parent.directories : parent.directories.copy();
    let { process } = parent;
    if ((flags & CLONE_THREAD) === 0) {
      const above = (flags & CLONE_PARENT) !== 0 ? parent.process.parent : parent.process;
      process = new ProcessState(pid, above);
      this.signals.pids.add(pid);
      process.group = parent.process.group;
      process.session = parent.process.session;
      if ((flags & CLONE_VM) === 0)
        for (const command of parent.process.barriers) process.barriers.add(command);
      for (const [resource, limit] of parent.process.limits) process.limits.set(resource, limit);
      const { handlers: inherited } = parent.process;
      const clears = ((clone3?.getBigUint64(0, true) ?? 0n) & CLONE_CLEAR_SIGHAND) !== 0n;
      if ((flags & CLONE_SIGHAND) !== 0) process.handlers = inherited;
      else
        process.handlers = clears ? inherited.afterExec() : new SignalHandlers(inherited.actions);
    }
    const task = new TaskState(child, tid, process, files, directories);
    task.mask = parent.mask;
    task.name = parent.name;
    task.nice = parent.nice;
    task.affinity = parent.affinity;
    task.credentials = parent.credentials;
    copySettings(parent, task, isInherited);
    // A thread begins without, and so does whoever shares memory, unless its parent sleeps meanwhile.
    if ((flags & CLONE_VM) === 0 || (flags & CLONE_VFORK) !== 0) task.altStack = parent.altStack;
    const childTid = clone3 === undefined ? Number(args[3]) : Number(clone3.getBigUint64(16, true));
    if ((flags & CLONE_CHILD_CLEARTID) !== 0) task.clearTid = childTid;
    // Memory that the parent sees has it by the parent's own call.
    if ((flags & CLONE_CHILD_SETTID) !== 0 && (flags & CLONE_VM) === 0) task.setTid = childTid;
    this.tasks.set(child, task);
    if ((flags & CLONE_PIDFD) === 0) return;
    // Its number is stored when the call ends, which is later: it is the lowest that is free.
    const pidfd = new OpenFile({ kind: 'pidfd', pid }, O_RDWR);
    parent.files.install(parent.files.lowestFree(), pidfd, true);
  }

  /** A task has executed a program. */
  executed(uid: TaskUid, tid: number): void {
    const task = this.tasks.get(uid);
    if (task === undefined) return;
    const files = task.files.copy();
    this.dropTable(task);
    files.closeWhere((_, { closeOnExec }) => closeOnExec);
    const { process } = task;
    process.handlers = process.handlers.afterExec();
    process.posixTimers.clear();
    process.locked = [];
    process.barriers.clear();
    const after = new TaskState(uid, tid, process, files, task.directories.copy());
    after.mask = task.mask;
    after.nice = task.nice;
    after.affinity = task.affinity;
    copySettings(task, after, outlivesExec);
    after.credentials = task.credentials;
    after.pending = task.pending;
    after.parentDeathSignal = task.parentDeathSignal;
    this.tasks.set(uid, after);
  }

  /** `exit`: how, unless an exec has ended it. */
  ended(uid: TaskUid, exit?: ExitFrame): void {
    const task = this.tasks.get(uid);
    if (task === undefined) return;
    this.tasks.delete(uid);
    this.dropTable(task);
    if (exit?.last !== true) return;
    this.ipc.ended(task.process, exit.time);
    const terminal = this.ptys.of(task.process.pid);
    if (terminal !== undefined) terminal.session = undefined;
    this.signals.childEnded(task.process, exit);
  }

  /** A signal has been delivered; its handler begins, if it has one. */
  signalled(uid: TaskUid, frame: SignalFrame): void {
    const task = this.tasks.get(uid);
    if (task === undefined) return;
    this.signals.delivered(task, frame);
    if (frame.action !== 'handler') return;
    const { actions } = task.process.handlers;
    const action = actions[frame.signo] ?? DEFAULT;
    const blocked = task.waitMask ?? task.mask ?? 0n;
    task.waitMask = undefined;
    task.mask = blocked | action.mask;
    if ((action.flags & SA_NODEFER) === 0n) task.mask |= 1n << BigInt(frame.signo - 1);
    if ((action.flags & SA_RESETHAND) !== 0n) actions[frame.signo] = { ...action, handler: 0 };
  }

  /** A handler returns; `memory` still is as at the call, `rsp` points behind the return address. */
  signalReturned(uid: TaskUid, memory: CallMemory, rsp: number): void {
    const task = this.tasks.get(uid);
    if (task === undefined) return;
    const bytes = memory.read(rsp + UC_SIGMASK, 8);
    if (bytes.length < 8) return;
    task.mask = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  }

  // What handlers of calls need

  /** Puts a file at the number that the kernel chose: the lowest that is free, from `from` on. */
  install(call: ModelCall, fd: number, file: OpenFile, closeOnExec: boolean, from = 0): void {
    const { files } = call.task;
    const expected = files.lowestFree(from);
    // A thread that sleeps in open(2) has its number already, which comes to be known when the call ends.
    if (fd !== expected && !this.sharesTable(call.task))
      this.contradict(call, `descriptor ${expected} was not free, but ${fd} was`);
    if (file.what.kind === 'epoll') this.epollSets.add(file.what);
    files.install(fd, file, closeOnExec);
  }

  closed(task: TaskState, fd: number): void {
    const file = task.files.get(fd)?.file;
    if (file !== undefined) {
      // Closing any descriptor of a file lets go of all locks that the process has on it.
      for (const other of task.process.locks.keys())
        if (isSameFile(other, file)) task.process.locks.delete(other);
    }
    task.files.close(fd);
  }

  unshareFiles(task: TaskState): void {
    if (!this.sharesTable(task)) return;
    task.files = task.files.copy();
  }

  /** Whether calls of several streams move the offset. */
  isShared(file: OpenFile): boolean {
    if (file.uses <= 1) return false;
    let holders = 0;
    for (const table of this.tables())
      for (const entry of table.all.values()) {
        if (entry.file !== file) continue;
        if (++holders > 1) return true;
        break;
      }
    return false;
  }

  /** Whether reads and writes move the offset by as much as they transfer: not so for devices and /proc. */
  hasPlainOffset({ what }: OpenFile): boolean {
    return what.kind === 'path' && !/^\/(proc|dev|sys)\//.test(what.path);
  }

  describePath(task: TaskState, path: string, removed: boolean): FileKind {
    const own = ownDescriptor(path);
    if (own !== undefined) {
      const what = task.files.get(own)?.file.what;
      if (what !== undefined)
        return what.kind === 'path' ? { ...what, names: [...what.names] } : what;
    }
    if (path === '/dev/ptmx' || path === '/dev/pts/ptmx')
      return { kind: 'pty', end: 'master', pty: new Pty() };
    const pty = this.ptys.at(path, task.process.session);
    if (pty !== undefined) return { kind: 'pty', end: 'slave', pty };
    const fifo = removed ? undefined : this.fifos.at(path);
    return { kind: 'path', path, removed, names: [], ...(fifo && { fifo }) };
  }

  pathRemoved(path: string, time: number): void {
    this.names.removed(path);
    this.fifos.removed(path);
    this.made.removed(path, time);
    this.eachPath((what) => {
      if (what.path === path) lose(what);
    });
  }

  pathRenamed(from: string, to: string, time: number): void {
    this.names.renamed(from, to);
    this.fifos.renamed(from, to);
    this.made.renamed(from, to, time);
    this.eachPath((what) => {
      if (what.path === to) lose(what);
      else if (what.path === from) what.path = to;
      else if (what.path.startsWith(`${from}/`)) what.path = to + what.path.slice(from.length);
    });
  }

  /** Another name for a file: it outlives the first one. */
  pathLinked(from: string, to: string, time: number): void {
    this.names.linked(from, to);
    this.made.linked(from, to, time);
    this.eachPath((what) => {
      if (what.path === from && !what.removed) what.names.push(to);
    });
  }

  fileLinked(what: Extract<FileKind, { kind: 'path' }>, to: string): void {
    if (!what.removed) return;
    what.path = to;
    what.removed = false;
  }

  /** Descriptors were received before they were sent, in the order of the replay: `places` stood for them. */
  readonly settle = (attachment: Attachment, places: readonly OpenFile[]): void => {
    for (const [i, place] of places.entries())
      for (const table of this.tables())
        for (const [fd, entry] of table.all)
          if (entry.file === place)
            table.install(fd, attachment.files[i] ?? place, entry.closeOnExec);
    this.delivered(attachment);
  };

  /** A message has been read: what it carried is not under way any more. */
  delivered({ files }: Pick<Attachment, 'files'>): void {
    for (const file of files) if (--file.uses === 0) this.released(file);
  }

  contradict(call: ModelCall, text: string): void {
    if (this.contradictions.length >= MAX_CONTRADICTIONS) return;
    this.contradictions.push(`${nameOf(call.nr)} of task ${call.task.uid}: ${text}`);
  }

  private sharesTable(task: TaskState): boolean {
    for (const other of this.tasks.values())
      if (other !== task && other.files === task.files) return true;
    return false;
  }

  private dropTable(task: TaskState): void {
    for (const other of this.tasks.values())
      if (other !== task && other.files === task.files) return;
    task.files.closeWhere(() => true);
  }

  /** The last descriptor of a file is gone: epoll sets forget it. */
  private released(file: OpenFile): void {
    for (const set of this.epollSets)
      for (const watch of set.watches.values())
        if (watch.file === file) set.watches.delete(watchKey(watch.fd, file));
    if (file.what.kind === 'epoll') this.epollSets.delete(file.what);
    const queue = file.what.kind === 'path' ? file.what.fifo : undefined;
    if (queue !== undefined) this.fifoClosed(queue);
    if (file.what.kind === 'pty' && file.what.end === 'master') this.ptys.closed(file.what.pty);
    if (file.what.kind !== 'socket') return;
    const { socket } = file.what;
    // What waits to be received there never will be.
    this.delivered({ files: socket.files() });
    this.connections.released(socket);
    this.datagrams.released(socket);
  }

  private fifoClosed(queue: ByteQueue): void {
    for (const { what } of this.openFiles())
      if (what.kind === 'path' && what.fifo === queue) return;
    queue.clear();
  }

  private eachPath(look: (what: Extract<FileKind, { kind: 'path' }>) => void): void {
    for (const { what } of this.openFiles()) if (what.kind === 'path') look(what);
    for (const { directories } of this.tasks.values()) {
      const what = { kind: 'path' as const, path: directories.cwd, removed: false, names: [] };
      look(what);
      directories.cwd = what.path;
    }
  }

  /** Every open file once, those in messages that nobody has received yet as well. */
  readonly openFiles = (): Set<OpenFile> => {
    const found = new Set<OpenFile>();
    for (const table of this.tables()) for (const { file } of table.all.values()) found.add(file);
    // Those that are found on the way are looked at as well.
    for (const { what } of found)
      if (what.kind === 'socket') for (const file of what.socket.files()) found.add(file);
    return found;
  };

  private tables(): Set<DescriptorTable> {
    return new Set([...this.tasks.values()].map(({ files }) => files));
  }
}

function isSameFile({ what: one }: OpenFile, { what: other }: OpenFile): boolean {
  return one === other || (one.kind === 'path' && other.kind === 'path' && one.path === other.path);
}

/** A name of the file is gone. */
function lose(what: Extract<FileKind, { kind: 'path' }>): void {
  const other = what.names.pop();
  if (other === undefined) what.removed = true;
  else what.path = other;
}
