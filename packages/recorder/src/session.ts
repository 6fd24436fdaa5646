import {
  ARGUMENT_REGS,
  type CpuPolicy,
  Errno,
  EventKind,
  hashRegisters,
  monotonicNs,
  PtraceEvent,
  Reg,
  Registers,
  Resume,
  Sys,
  type Tracer,
} from '@scribe-ts/core-native';
import {
  type Frame,
  hasEntry,
  hasOut,
  type LogWriter,
  type MemoryWrite,
  outRegions,
  readEntry,
  type SyscallRow,
  syscallTable,
  type TaskUid,
  type Word,
} from '@scribe-ts/tracelog';
import { Details } from './details.js';
import { FileRegistry, FileTable } from './files.js';
import { Freezer, settledRegisters } from './freeze.js';
import { OutputTracker } from './output.js';
import { SharedObjects } from './shared.js';
import { hideInterruption, onSignalStop } from './signals.js';
import type { ContentStore } from './store.js';
import { waitsForViewers } from './syscalls/file.js';
import { entryHooks, exitHooks } from './syscalls/index.js';
import { beginExit, reportDeath } from './syscalls/exit.js';
import { AddressSpace, Domain, SignalHandlers, Task, TaskState, ThreadGroup } from './tasks.js';
import type { Verbosity } from './verbosity.js';

export const NO_WRITES: readonly MemoryWrite[] = [];
/** How much of a buffer a call that failed with EFAULT may have filled, at most. */
const FAULTED_BYTES = 0x10000;
/** A woken task that has not come out of its call after so long was woken outside this recording. */
const WAKE_MS = 2;
/** A larger piece of memory does not go into a syscall frame, bytes. */
const LARGE_BYTES = 16 * 1024 * 1024;
const NO_ARGS: readonly Word[] = [];

/** A task that holds the baton longer than this gives it up at its next sync point if others wait. */
const SLICE_NS = 5_000_000;

export interface SessionConfig {
  readonly verbosity: Verbosity;
  readonly stateHashes: boolean;
}

/** What a session tells the thread that started it. */
export interface SessionEvents {
  onStopped(signal: number): void;
  /** Called between stops when somebody interrupted the wait. */
  onInterrupt(): void;
}

/**
 * One recording: every task of the tree, the domains they form and the stream each domain writes.
 *
 * The rule everything rests on: a task runs user code only while it holds its domain's baton, and a frame is appended
 * to a stream only by the holder, at a sync point.
 */
export class Session {
  readonly regs: Registers;
  readonly tasks = new Map<number, Task>();
  readonly registry = new FileRegistry();
  readonly objects: SharedObjects;
  readonly output = new OutputTracker();
  readonly details: Details;
  readonly freezer = new Freezer(this);
  /** Files (dev:ino) that the program has opened for writing. */
  readonly writtenFiles = new Set<string>();
  readonly notes = new Set<string>();
  readonly startNs: number;
  syscalls = 0;
  private stops = 0;
  tasksMade = 0;
  /** The command itself, and its wait status once it has ended. */
  root: Task | undefined;
  rootStatus: number | undefined;
  private nextUid: TaskUid = 2;
  private nextStream = 1;
  private nextSpace = 1;
  /** First stops of children whose parent's event has not been seen yet. */
  private readonly early = new Set<number>();
  private finished = false;
  private muted = false;

  constructor(
    readonly tracer: Tracer,
    readonly log: LogWriter,
    readonly store: ContentStore,
    readonly config: SessionConfig,
    readonly events: SessionEvents,
    readonly cpus: CpuPolicy,
  ) {
    this.regs = new Registers(tracer.regs);
    this.objects = new SharedObjects(store, (path) => this.nameOf(path));
    this.details = new Details(this);
    this.startNs = monotonicNs();
  }

  /** Nanoseconds since the recording began, as of the last stop. */
  get now(): number {
    const ns = this.tracer.values[1]! - this.startNs;
    return this.config.verbosity.nanoseconds ? ns : ns - (ns % 1000);
  }

  emit(task: Task, frame: Frame): void {
    this.emitTo(task.domain, frame);
  }

  emitTo(domain: Domain, frame: Frame): void {
    if (!this.muted) this.log.append(domain.stream, frame);
  }

  /** The log takes nothing any more: the recording goes on only until everything can be let go. */
  muteLog(): void {
    this.muted = true;
  }

  /** Name of a mapped file, if the log is to hold such names. */
  nameOf(path: string): string {
    return this.config.verbosity.mappedNames ? path : '';
  }

  note(task: Task, text: string): void {
    if (this.notes.has(text)) return;
    this.notes.add(text);
    this.emit(task, { type: 'note', task: task.uid, time: this.now, text });
  }

  newDomain(): Domain {
    return new Domain(this.nextStream++);
  }

  newSpace(): AddressSpace {
    return new AddressSpace(this.nextSpace++);
  }

  cloneSpace(space: AddressSpace): AddressSpace {
    return space.clone(this.nextSpace++);
  }

  newTask(
    tid: number,
    group: ThreadGroup,
    space: AddressSpace,
    domain: Domain,
    files: FileTable,
    handlers: SignalHandlers,
  ): Task {
    const task = new Task(this.nextUid++, tid, group, space, domain, files, handlers);
    this.tasks.set(tid, task);
    group.tasks.add(task);
    space.users++;
    domain.tasks.add(task);
    this.tasksMade++;
    return task;
  }

  /** The first task: stopped at its exec event by Tracer.spawn. */
  adoptRoot(tid: number): void {
    const task = this.newTask(
      tid,
      new ThreadGroup(tid, 1),
      this.newSpace(),
      this.newDomain(),
      new FileTable(this.registry),
      new SignalHandlers(),
    );
    this.root = task;
    this.output.learn(tid);
    task.domain.holder = task;
    task.state = TaskState.InKernel;
    task.nr = Sys.execve;
    task.execed = true;
    task.onExit = (root) => exitHooks[Sys.execve]!(this, root);
    task.started = true;
    this.emit(task, {
      type: 'task-start',
      task: task.uid,
      time: 0,
      parent: 1,
      tid,
      pid: tid,
      writes: NO_WRITES,
    });
    this.tracer.resume(tid, Resume.Syscall, 0);
  }

  /** Runs the recording to its end: every task gone, or `stop()` called. */
  run(): void {
    while (!this.finished && this.tasks.size > 0) this.dispatch(this.tracer.wait(-1));
  }

  stop(): void {
    this.finished = true;
  }

  /** Runs now and then while the recording is going on. */
  review(): void {
    let running = 0;
    for (const task of this.tasks.values()) if (task.state === TaskState.Running) running++;
    this.cpus.review(this.tracer.values[1]!, this.stops, running, () => this.tasks.keys());
  }

  /** Handles what `tracer.wait` has returned. */
  dispatch(kind: EventKind): void {
    this.stops++;
    if (kind === EventKind.None) {
      this.events.onInterrupt();
      return;
    }
    if (kind === EventKind.NoTracees) {
      this.tasks.clear();
      return;
    }
    const tid = this.tracer.event[0]!;
    const task = this.tasks.get(tid);
    if (task === undefined) {
      if (kind === EventKind.InterruptStop || kind === EventKind.GroupStop) this.early.add(tid);
      return;
    }
    this.handle(task, kind);
    if (this.freezer.active) this.freezer.check();
  }

  /** Handles one stop of a task; `tracer.event` and `tracer.regs` are those of this stop. */
  handle(task: Task, kind: EventKind): void {
    switch (kind) {
      case EventKind.Syscall:
        if (task.state === TaskState.InKernel) this.syscallExit(task);
        else this.syscallEntry(task);
        return;
      case EventKind.Signal:
        onSignalStop(this, task, this.tracer.event[2]!);
        return;
      case EventKind.Event:
        this.ptraceEvent(task, this.tracer.event[2]!, this.tracer.values[0]!);
        return;
      case EventKind.GroupStop:
        this.groupStop(task, this.tracer.event[2]!);
        return;
      case EventKind.InterruptStop:
        this.interruptStop(task);
        return;
      case EventKind.Exited:
        reportDeath(this, task, this.tracer.event[3]!);
        return;
    }
  }

  // System calls

  private syscallEntry(task: Task): void {
    const { regs } = this;
    task.exitRegs.set(regs.halves);
    task.exitRegsValid = false;
    const nr = regs.int(Reg.orig_rax);
    task.nr = nr;
    for (let i = 0; i < 6; i++) task.args[i] = regs.get(ARGUMENT_REGS[i]!);
    task.state = TaskState.InKernel;
    task.enteredAt = this.now;
    task.mayYield = false;
    const rip = regs.address(Reg.rip);
    if (!task.space.syscallSites.has(rip) && !this.checkSite(task, rip)) return;
    if (task.held.length > 0) {
      this.cancelSyscall(task, this.deliverHeld);
      return;
    }
    if (this.freezer.active) {
      // Replay has to bring the task to this very call.
      this.emit(task, { type: 'block', task: task.uid, time: this.now, nr });
      this.cancelSyscall(task, (still) => this.freezer.park(still, this.resumeUser));
      return;
    }
    if (waitsForViewers(this, task, () => this.enterSyscall(task))) return;
    this.enterSyscall(task);
  }

  private enterSyscall(task: Task): void {
    const { nr } = task;
    const row = syscallTable[nr];
    if (row === undefined || row.class === 'refused') {
      this.refuse(task, row);
      return;
    }
    task.mayYield = row.class === 'blocking';
    if (hasEntry(nr)) {
      this.peekTid = task.tid;
      readEntry(row, task.args, this.peek, task.regionContext.entry);
    }
    const hook = entryHooks[nr];
    if (hook !== undefined && hook(this, task)) return;
    this.goIntoKernel(task);
  }

  /** Lets the task do its call; others may have the baton meanwhile if the call may wait. */
  goIntoKernel(task: Task): void {
    // Only where somebody could come between.
    const mayEnter = this.tasks.size === 1 || this.output.enter(task);
    if (mayEnter && !this.tracer.resume(task.tid, Resume.Syscall, 0)) return;
    if (task.mayYield && task.domain.ready.length > 0) this.passBaton(task.domain);
  }

  private refuse(task: Task, row: SyscallRow | undefined): void {
    // rseq is asked for by every C library at its start: no news for anybody.
    if (row === undefined)
      this.note(task, `system call ${task.nr} is unknown here and was answered ENOSYS`);
    else if (row.name !== 'rseq') {
      this.note(
        task,
        `${row.name} was answered ENOSYS${row.reason === undefined ? '' : `: ${row.reason}`}`,
      );
    }
    this.answer(task, -Errno.ENOSYS);
  }

  /** Does not run the call the task is entering, and gives it `result` instead. */
  answer(task: Task, result: number): void {
    const { regs } = this;
    regs.set(Reg.orig_rax, -1);
    this.tracer.setRegs(task.tid);
    task.answered = result;
    task.onExit = () => {
      task.answered = undefined;
      this.tracer.getRegs(task.tid);
      regs.set(Reg.rax, result);
      this.tracer.setRegs(task.tid);
      task.exitRegs.set(regs.halves);
      task.result = result;
      this.recordSyscall(task);
    };
    this.tracer.resume(task.tid, Resume.Syscall, 0);
  }

  /** Takes the task out of the call it is entering, its `syscall` instruction to be run again; then calls `then`. */
  cancelSyscall(task: Task, then: (task: Task) => void): void {
    const { regs } = this;
    regs.set(Reg.orig_rax, -1);
    this.tracer.setRegs(task.tid);
    task.cancelled = true;
    task.onExit = () => {
      this.tracer.getRegs(task.tid);
      regs.set(Reg.rax, task.nr);
      regs.set(Reg.rip, regs.address(Reg.rip) - 2);
      regs.set(Reg.orig_rax, -1);
      this.tracer.setRegs(task.tid);
      task.exitRegs.set(regs.halves);
      task.exitRegsValid = true;
      task.cancelled = false;
      then(task);
    };
    this.tracer.resume(task.tid, Resume.Syscall, 0);
  }

  private readonly deliverHeld = (task: Task): void => {
    task.atEntry = true;
    task.carrier = task.held[0]!.signo;
    task.state = TaskState.Running;
    this.tracer.resume(task.tid, Resume.Syscall, task.carrier);
  };

  /** False if the entry was not made by a 64-bit `syscall` instruction: int $0x80 has other numbers and arguments. */
  private checkSite(task: Task, rip: number): boolean {
    const bytes = new Uint8Array(2);
    const got = this.tracer.readMemory(task.tid, rip - 2, bytes, 0, 2);
    if (got === 2 && bytes[0] === 0xcd && bytes[1] === 0x80) {
      this.note(task, '32-bit system calls (int $0x80) are not supported and were answered ENOSYS');
      task.mayYield = false;
      this.answer32(task);
      return false;
    }
    task.space.syscallSites.add(rip);
    return true;
  }

  private answer32(task: Task): void {
    // Recorded under the number -1: the 64-bit table has no row for it.
    task.nr = -1;
    this.answer(task, -Errno.ENOSYS);
  }

  private syscallExit(task: Task): void {
    task.result = this.regs.get(Reg.rax);
    task.exitRegs.set(this.regs.halves);
    task.exitRegsValid = true;
    if (task.result === -Errno.EINTR) hideInterruption(this, task);
    if (task.outputTurn !== undefined) this.endOutput(task, Number(task.result) > 0);
    if (task.domain.holder === task) this.finishSyscall(task);
    else this.request(task, this.finishSyscall);
  }

  /** The task does not write to the output any more: the next one may. */
  endOutput(task: Task, written: boolean): void {
    const next = this.output.leave(task, written);
    if (next !== undefined) this.tracer.resume(next.tid, Resume.Syscall, 0);
  }

  private readonly finishSyscall = (task: Task): void => {
    task.blocked = false;
    const special = task.onExit;
    if (special !== undefined) {
      const { cancelled } = task;
      task.onExit = undefined;
      special(task);
      if (cancelled || task.state === TaskState.Dead) return;
    } else {
      const hook = exitHooks[task.nr];
      if (hook !== undefined) hook(this, task);
      else this.recordSyscall(task);
    }
    if (task.proceedsLater) task.proceedsLater = false;
    else this.proceed(task);
  };

  /** Lets a task that has finished a call go on in user code, or gives the next one its turn. */
  proceed(task: Task): void {
    const { domain } = task;
    if (task.wokeOthers) {
      task.wokeOthers = false;
      this.awaitWoken(task);
    }
    if (this.freezer.active) {
      this.freezer.park(task, this.resumeUser);
      return;
    }
    if (
      domain.ready.length > 0 &&
      (task.nr === Sys.sched_yield || this.now - domain.since > SLICE_NS)
    ) {
      this.request(task, this.resumeUser);
      return;
    }
    this.resumeUser(task);
  }

  /**
   * The task has woken another one. On several CPUs the two would now race for what they wait for; under one baton the
   * waker would win for ever. So now and then let the woken one come out of its call and go first.
   */
  private awaitWoken(task: Task): void {
    const { domain } = task;
    while (domain.ready.length === 0) {
      const kind = this.tracer.wait(WAKE_MS);
      if (kind === EventKind.None) return;
      this.dispatch(kind);
    }
    domain.since = -SLICE_NS;
  }

  readonly resumeUser = (task: Task): void => {
    task.state = TaskState.Running;
    this.tracer.resume(task.tid, Resume.Syscall, 0);
  };

  readonly peek = (addr: number, length: number): Uint8Array | undefined => {
    const bytes = new Uint8Array(length);
    return this.tracer.readMemory(this.peekTid, addr, bytes, 0, length) === length
      ? bytes
      : undefined;
  };
  peekTid = 0;

  /** A 64-bit word of a task's memory; 0 if it is not there. */
  readWord(task: Task, addr: number): number {
    const bytes = new Uint8Array(8);
    this.tracer.readMemory(task.tid, addr, bytes, 0, 8);
    return Number(new DataView(bytes.buffer).getBigInt64(0, true));
  }

  /** Appends the frames of a finished call: details, result and what the kernel stored. */
  recordSyscall(task: Task, extra: readonly MemoryWrite[] = NO_WRITES): void {
    const { nr, result } = task;
    this.syscalls++;
    let row = syscallTable[nr];
    let args: readonly Word[] = task.args;
    let writes: MemoryWrite[] | readonly MemoryWrite[] = extra;
    if (result === -516) {
      if (nr !== Sys.restart_syscall) {
        task.restartNr = nr;
        task.restartArgs = task.args.slice();
      }
    }
    this.details.before(task, row);
    let shape = row;
    if (nr === Sys.restart_syscall && task.restartNr >= 0) {
      // The kernel goes on with the interrupted call: its out-buffers are that call's.
      shape = syscallTable[task.restartNr];
      args = task.restartArgs;
    }
    if (shape !== undefined && hasOut(shape.nr)) {
      this.peekTid = task.tid;
      const found: MemoryWrite[] = extra.slice();
      const keep = (addr: number, size: number): void => {
        if (size > LARGE_BYTES) {
          this.keepLarge(task, addr, size);
          return;
        }
        const bytes = new Uint8Array(size);
        const got = this.tracer.readMemory(task.tid, addr, bytes, 0, size);
        if (got > 0) found.push({ addr, bytes: got === size ? bytes : bytes.subarray(0, got) });
      };
      // A call that met a hole in the buffer may have filled what comes before it.
      const told = result === -Errno.EFAULT ? FAULTED_BYTES : result;
      outRegions(shape, args, told, this.peek, keep, task.regionContext);
      writes = found;
    }
    row = syscallTable[nr];
    this.emit(task, {
      type: 'syscall',
      task: task.uid,
      time: this.now,
      nr,
      args:
        this.config.verbosity.args && row !== undefined
          ? task.args.slice(0, row.args.length)
          : NO_ARGS,
      result,
      writes,
      duration: this.config.verbosity.durations ? this.now - task.enteredAt : undefined,
    });
    if (this.stores.length > 0) {
      // After the call: before it, the program's own instructions up to the call would still have to run in a replay.
      for (const { target, writes: stored } of this.stores.splice(0)) {
        this.emit(target, {
          type: 'kernel-write',
          task: target.uid,
          time: this.now,
          writes: stored,
        });
      }
    }
    if (this.config.verbosity.registerHashes && task.exitRegsValid) {
      const registers = hashRegisters(settledRegisters(task));
      this.emit(task, { type: 'state', task: task.uid, time: this.now, registers, memory: '' });
    }
  }

  /** What one call stored in one place can be more than a frame holds: most of it goes ahead in frames of its own. */
  private keepLarge(task: Task, addr: number, size: number): void {
    // Replay must have come to the call before it stores what the call stored.
    this.emit(task, { type: 'block', task: task.uid, time: this.now, nr: task.nr });
    for (let done = 0; done < size; done += LARGE_BYTES) {
      const bytes = new Uint8Array(Math.min(LARGE_BYTES, size - done));
      const got = this.tracer.readMemory(task.tid, addr + done, bytes, 0, bytes.length);
      if (got === 0) return;
      const writes = [{ addr: addr + done, bytes: bytes.subarray(0, got) }];
      this.emit(task, { type: 'kernel-write', task: task.uid, time: this.now, writes });
    }
  }

  private readonly stores: { readonly target: Task; readonly writes: readonly MemoryWrite[] }[] =
    [];

  /** The call that `task` is finishing has stored into the memory of a task of its domain. */
  storedBy(task: Task, target: Task, writes: readonly MemoryWrite[]): void {
    if (target.domain === task.domain) this.stores.push({ target, writes });
  }

  // The baton

  /** Queues a stopped task for its domain's baton; `then` runs when it has it. `force`: even while the holder is in a call that does not wait. */
  request(task: Task, then: (task: Task) => void, force = false): void {
    const { domain } = task;
    task.state = TaskState.Ready;
    task.onBaton = then;
    domain.ready.push(task);
    const { holder } = domain;
    if (holder === task || holder === undefined) {
      domain.holder = undefined;
      this.passBaton(domain);
    } else if (holder.state === TaskState.InKernel && (holder.mayYield || force))
      this.passBaton(domain);
  }

  /** Gives the baton to the first task that waits for it. */
  passBaton(domain: Domain): void {
    const next = domain.ready.shift();
    if (next === undefined) return;
    const { holder } = domain;
    if (holder !== undefined && holder.state === TaskState.InKernel && !holder.blocked) {
      // Replay must know that this call came before what the next task does.
      holder.blocked = true;
      this.emit(holder, { type: 'block', task: holder.uid, time: this.now, nr: holder.nr });
    }
    domain.holder = next;
    domain.since = this.now;
    if (next.state !== TaskState.Ready)
      throw new Error(`task ${next.uid} waits for the baton in state ${next.state}`);
    next.state = TaskState.InKernel;
    next.onBaton(next);
  }

  /** The task is asleep in a call: whatever comes next in its domain comes before that call's end. */
  giveWay(task: Task): void {
    const { domain } = task;
    if (!task.blocked) {
      task.blocked = true;
      this.emit(task, { type: 'block', task: task.uid, time: this.now, nr: task.nr });
    }
    if (domain.holder === task) domain.holder = undefined;
  }

  /** A task leaves its domain (exec, end). */
  leaveDomain(task: Task): void {
    const { domain } = task;
    domain.tasks.delete(task);
    const waiting = domain.ready.indexOf(task);
    if (waiting >= 0) domain.ready.splice(waiting, 1);
    if (domain.tasks.size === 0) {
      domain.holder = undefined;
      this.log.endStream(domain.stream);
    } else if (domain.holder === task) {
      domain.holder = undefined;
      this.passBaton(domain);
    }
  }

  // Other stops

  private ptraceEvent(task: Task, event: number, message: number): void {
    switch (event) {
      case PtraceEvent.Fork:
      case PtraceEvent.Vfork:
      case PtraceEvent.Clone:
        task.onSpawn?.(this, task, message);
        if (this.takeEarly(message)) this.childStarted(this.tasks.get(message)!);
        this.tracer.resume(task.tid, Resume.Syscall, 0);
        return;
      case PtraceEvent.Exec:
        this.rebindAfterExec(task, message);
        return;
      case PtraceEvent.Exit:
        beginExit(this, task, message);
        return;
      default:
        this.tracer.resume(task.tid, Resume.Syscall, 0);
    }
  }

  /** After exec the task has its thread group's id, whoever it was before. */
  private rebindAfterExec(leader: Task, formerTid: number): void {
    const task = this.tasks.get(formerTid) ?? leader;
    if (task !== leader) {
      this.tasks.delete(formerTid);
      leader.state = TaskState.Dead;
      leader.group.tasks.delete(leader);
      task.group.tasks.delete(task);
      leader.space.users--;
      task.replaced = leader;
      task.tid = leader.tid;
      task.group = leader.group;
      task.group.tasks.add(task);
      this.tasks.set(task.tid, task);
      this.leaveDomain(leader);
      if (this.root === leader) this.root = task;
    }
    task.execed = true;
    this.tracer.resume(task.tid, Resume.Syscall, 0);
  }

  /** True if a task's first stop was seen before its parent's event. */
  takeEarly(tid: number): boolean {
    return this.early.delete(tid);
  }

  /** Tasks whose first stop was seen, but not their parents' event. */
  unclaimed(): Iterable<number> {
    return this.early;
  }

  /** First stop of a new task. */
  childStarted(task: Task): void {
    const start = (child: Task): void => {
      const writes: MemoryWrite[] = [];
      // In shared memory the parent has recorded it already, and may have changed it since.
      if (child.setChildTid !== 0 && child.space.users === 1) {
        const bytes = new Uint8Array(4);
        if (this.tracer.readMemory(child.tid, child.setChildTid, bytes, 0, 4) === 4) {
          writes.push({ addr: child.setChildTid, bytes });
        }
      }
      this.emit(child, {
        type: 'task-start',
        task: child.uid,
        time: this.now,
        parent: child.group.parent,
        tid: child.tid,
        pid: child.pid,
        writes,
      });
      child.started = true;
      this.resumeUser(child);
    };
    if (this.freezer.active) this.freezer.park(task, start);
    else this.request(task, start);
  }

  private groupStop(task: Task, signo: number): void {
    if (task.state === TaskState.Starting) {
      this.childStarted(task);
      return;
    }
    const { domain } = task;
    const wasRunning = task.state === TaskState.Running;
    task.state = TaskState.Stopped;
    this.tracer.resume(task.tid, Resume.Listen, 0);
    // Away from a sync point it must keep the baton: nobody else may run before it goes on.
    if (
      domain.holder === task &&
      wasRunning &&
      task.exitRegsValid &&
      this.regs.equals(task.exitRegs)
    ) {
      domain.holder = undefined;
      this.passBaton(domain);
    }
    if (task.group === this.root?.group) this.events.onStopped(signo);
  }

  private interruptStop(task: Task): void {
    if (task.state === TaskState.Starting) this.childStarted(task);
    else if (task.state === TaskState.Stopped) {
      if (task.domain.holder === task) this.resumeUser(task);
      else this.request(task, this.resumeUser);
    } else this.tracer.resume(task.tid, Resume.Syscall, 0);
  }
}
