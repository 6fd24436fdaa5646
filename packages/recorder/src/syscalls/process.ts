import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import {
  Clone,
  counters,
  Errno,
  EventKind,
  Reg,
  RESERVED_END,
  RESERVED_START,
  Resume,
  Signal,
  Sys,
} from '@scribe-ts/core-native';
import { hasOut, type MemoryWrite, outRegions, syscallTable, type Word } from '@scribe-ts/tracelog';
import { captureImage } from '../image.js';
import { NO_WRITES, type Session } from '../session.js';
import { seesStores } from '../shared.js';
import { type Task, TaskState, ThreadGroup } from '../tasks.js';
import type { EntryHook, ExitHook } from './index.js';

const FUTEX_WAITERS = 0x80000000;
const FUTEX_OWNER_DIED = 0x40000000;
const FUTEX_TID_MASK = 0x3fffffff;
/** The kernel follows at most this many entries of a robust list (ROBUST_LIST_LIMIT). */
const ROBUST_LIST_LIMIT = 2048;

const PR_GET_DUMPABLE = 3;
const PR_SET_DUMPABLE = 4;
const PR_SET_SECCOMP = 22;
const PR_GET_TSC = 25;
const PR_SET_TSC = 26;
const PR_SET_SYSCALL_USER_DISPATCH = 59;
const ARCH_GET_CPUID = 0x1011;
const ARCH_SET_CPUID = 0x1012;

function readWord(session: Session, task: Task, addr: number): number | undefined {
  const bytes = new Uint8Array(8);
  if (session.tracer.readMemory(task.tid, addr, bytes, 0, 8) !== 8) return undefined;
  return Number(new DataView(bytes.buffer).getBigInt64(0, true));
}

function readInt(session: Session, task: Task, addr: number): number | undefined {
  const bytes = new Uint8Array(4);
  if (session.tracer.readMemory(task.tid, addr, bytes, 0, 4) !== 4) return undefined;
  return new DataView(bytes.buffer).getUint32(0, true);
}

function int32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

// clone, fork, vfork

interface CloneCall {
  flags: number;
  parentTid: number;
  childTid: number;
  pidfd: number;
}

function cloneCall(session: Session, task: Task): CloneCall {
  const { nr, args } = task;
  if (nr === Sys.fork) return { flags: Signal.SIGCHLD, parentTid: 0, childTid: 0, pidfd: 0 };
  if (nr === Sys.vfork) {
    return { flags: Clone.VM | Clone.VFORK | Signal.SIGCHLD, parentTid: 0, childTid: 0, pidfd: 0 };
  }
  if (nr === Sys.clone) {
    const flags = Number(args[0]);
    const parentTid = Number(args[2]);
    return { flags, parentTid, childTid: Number(args[3]), pidfd: parentTid };
  }
  // struct clone_args: flags, pidfd, child_tid, parent_tid, exit_signal …
  const at = (index: number): number => readWord(session, task, Number(args[0]) + index * 8) ?? 0;
  return { flags: at(0) + at(4), pidfd: at(1), childTid: at(2), parentTid: at(3) };
}

/** CLONE_* bits lie above the exit signal; clone3 has flags beyond 32 bits that do not matter here. */
const has = (call: CloneCall, bit: number): boolean => (call.flags & bit) !== 0;

function cloneEntry(session: Session, task: Task): boolean {
  const call = cloneCall(session, task);
  if (task.nr === Sys.clone && has(call, Clone.UNTRACED)) {
    // An untraced child would run unrecorded.
    session.regs.set(Reg.rdi, call.flags - Clone.UNTRACED);
    session.tracer.setRegs(task.tid);
  }
  task.mayYield = has(call, Clone.VFORK);
  task.onSpawn = (_session, parent, tid) => spawn(session, parent, tid, call);
  task.onExit = () => {
    task.onSpawn = undefined;
    const writes: MemoryWrite[] = [];
    if (typeof task.result === 'number' && task.result > 0) {
      const stored = new Set<number>();
      if (has(call, Clone.PARENT_SETTID)) stored.add(call.parentTid);
      if (has(call, Clone.PIDFD)) stored.add(call.pidfd);
      if (has(call, Clone.CHILD_SETTID) && has(call, Clone.VM) && !has(call, Clone.VFORK))
        stored.add(call.childTid);
      for (const addr of stored) {
        const value = readInt(session, task, addr);
        if (value !== undefined) writes.push({ addr, bytes: int32(value) });
      }
    }
    session.recordSyscall(task, writes);
  };
  return false;
}

function spawn(session: Session, parent: Task, tid: number, call: CloneCall): void {
  const sharesMemory = has(call, Clone.VM);
  const space = sharesMemory ? parent.space : session.cloneSpace(parent.space);
  const domain = sharesMemory || seesStores(session, space) ? parent.domain : session.newDomain();
  const files = has(call, Clone.FILES) ? parent.files : parent.files.copy();
  const handlers = has(call, Clone.SIGHAND) ? parent.handlers : parent.handlers.clone();
  const group = has(call, Clone.THREAD) ? parent.group : new ThreadGroup(tid, parent.uid);
  const child = session.newTask(tid, group, space, domain, files, handlers);
  if (!has(call, Clone.VM) || has(call, Clone.VFORK)) child.altStack = { ...parent.altStack };
  child.cpus = parent.cpus;
  if (has(call, Clone.CHILD_SETTID)) child.setChildTid = call.childTid;
  if (has(call, Clone.CHILD_CLEARTID)) child.clearChildTid = call.childTid;
  if (session.config.verbosity.counters) child.counters = counters.open(tid);
  session.emit(parent, {
    type: 'spawn',
    task: parent.uid,
    time: session.now,
    child: child.uid,
    stream: domain.stream,
    flags: call.flags,
    tid,
    pid: group.tgid,
  });
  if (child.setChildTid !== 0 && sharesMemory && !has(call, Clone.VFORK)) {
    // The child's tid appears in memory that the parent sees as soon as the child is scheduled: have it happen now.
    if (!session.takeEarly(tid)) session.tracer.waitFor(tid);
    session.childStarted(child);
  }
}

// execve

const EI_CLASS_32 = 1;

/** A 32-bit program would make system calls of another table: it is refused before it starts. */
function execveEntry(session: Session, task: Task): boolean {
  const pathArg = task.nr === Sys.execve ? 0 : 1;
  const addr = Number(task.args[pathArg]);
  const path = Buffer.from(session.tracer.readString(task.tid, addr, 4096)).toString('latin1');
  if (session.config.verbosity.strings) {
    const bytes = Buffer.from(path, 'latin1');
    session.emit(task, {
      type: 'data',
      task: task.uid,
      time: session.now,
      arg: pathArg,
      size: bytes.length,
      bytes,
    });
  }
  const base = path.startsWith('/') ? `/proc/${task.tid}/root` : `/proc/${task.tid}/cwd/`;
  if (task.nr === Sys.execve && is32Bit(base + path)) {
    session.note(
      task,
      `${path} is a 32-bit program, which is not supported: its execve was answered ENOEXEC`,
    );
    session.answer(task, -Errno.ENOEXEC);
    return true;
  }
  return false;
}

function is32Bit(path: string): boolean {
  const head = new Uint8Array(5);
  try {
    const fd = openSync(path, 'r');
    try {
      readSync(fd, head, 0, 5, 0);
    } finally {
      closeSync(fd);
    }
  } catch {
    return false;
  }
  return (
    head[0] === 0x7f &&
    head[1] === 0x45 &&
    head[2] === 0x4c &&
    head[3] === 0x46 &&
    head[4] === EI_CLASS_32
  );
}

function execveExit(session: Session, task: Task): void {
  if (!task.execed) {
    session.recordSyscall(task);
    return;
  }
  task.execed = false;
  const oldDomain = task.domain;
  const first = session.root === task && session.syscalls === 0;
  const alone = oldDomain.tasks.size === 1;
  const domain = alone ? oldDomain : session.newDomain();
  task.space.users--;
  task.space = session.newSpace();
  task.space.users = 1;
  task.files = task.files.copy();
  task.files.forgetAll();
  task.handlers = task.handlers.clone();
  task.handlers.resetCaught();
  task.altStack = { start: 0, size: 0 };
  task.robustList = 0;
  task.clearChildTid = 0;
  if (!first) {
    const ended = task.replaced === undefined ? [] : [task.replaced.uid];
    session.emit(task, {
      type: 'exec',
      task: task.uid,
      time: session.now,
      stream: domain.stream,
      ended,
    });
    session.syscalls++;
    session.emit(task, {
      type: 'syscall',
      task: task.uid,
      time: session.now,
      nr: task.nr,
      args: session.config.verbosity.args ? task.args.slice(0, task.nr === Sys.execve ? 3 : 5) : [],
      result: 0,
      writes: NO_WRITES,
    });
  }
  task.replaced = undefined;
  if (!alone) {
    session.leaveDomain(task);
    task.domain = domain;
    domain.tasks.add(task);
    domain.holder = task;
  }
  captureImage(session, task);
}

// prctl, arch_prctl and the like: what would undo the recording is answered, not done.

function prctlEntry(session: Session, task: Task): boolean {
  switch (task.args[0]) {
    case PR_SET_DUMPABLE: {
      // An undumpable process would close its memory to the recorder.
      const value = Number(task.args[1]);
      if (value === 0 || value === 1) task.space.dumpable = value;
      session.answer(task, value === 0 || value === 1 ? 0 : -Errno.EINVAL);
      return true;
    }
    case PR_GET_DUMPABLE:
      session.answer(task, task.space.dumpable);
      return true;
    case PR_SET_SECCOMP:
    case PR_SET_SYSCALL_USER_DISPATCH:
      session.note(
        task,
        `prctl(${task.args[0]}): system call filters are not supported and were answered EINVAL`,
      );
      session.answer(task, -Errno.EINVAL);
      return true;
    case PR_GET_TSC: {
      const one = int32(1);
      session.tracer.writeMemory(task.tid, Number(task.args[1]), one, 0, 4);
      session.answer(task, 0);
      return true;
    }
    case PR_SET_TSC:
      session.answer(task, task.args[1] === 1 ? 0 : -Errno.EINVAL);
      return true;
    default:
      return false;
  }
}

function archPrctlEntry(session: Session, task: Task): boolean {
  if (task.args[0] === ARCH_GET_CPUID) {
    session.answer(task, 1);
    return true;
  }
  if (task.args[0] === ARCH_SET_CPUID) {
    session.answer(task, task.args[1] === 1 ? 0 : -Errno.ENODEV);
    return true;
  }
  return false;
}

function setTidAddressExit(session: Session, task: Task): void {
  task.clearChildTid = Number(task.args[0]);
  session.recordSyscall(task);
}

function setRobustListExit(session: Session, task: Task): void {
  if (task.result === 0) task.robustList = Number(task.args[0]);
  session.recordSyscall(task);
}

// Endings

function exitEntry(session: Session, task: Task): boolean {
  // Without this frame a replay could not tell a task that ends itself from one that is killed where it is.
  session.emit(task, { type: 'block', task: task.uid, time: session.now, nr: task.nr });
  task.blocked = true;
  task.mayYield = task.nr === Sys.exit_group;
  return false;
}

/** PTRACE_EVENT_EXIT: the task will run no more user code; its memory is still there. */
export function beginExit(session: Session, task: Task, status: number): void {
  task.exitStatus = status;
  task.exiting = true;
  // Killed while it ran: how far it got is in no log, so its memory cannot be verified.
  if (task.state === TaskState.Running) task.space.unverifiable = true;
  // Its call has ended, and what the kernel stored for it will never be recorded.
  if (task.state === TaskState.Ready && hasOut(task.nr)) task.space.unverifiable = true;
  task.diesInCall = task.state === TaskState.InKernel;
  if (task.domain.holder === task) die(session, task);
  else {
    leaveQueue(task);
    session.request(task, (dying) => die(session, dying), true);
  }
}

function die(session: Session, task: Task): void {
  const { tracer } = session;
  if (task.diesInCall && !task.blocked && task.nr >= 0) {
    // Killed in a call: replay has to bring it there.
    session.emit(task, { type: 'block', task: task.uid, time: session.now, nr: task.nr });
  }
  if (task.diesInCall) {
    const writes = lastWords(session, task);
    if (writes.length > 0)
      session.emit(task, { type: 'kernel-write', task: task.uid, time: session.now, writes });
  }
  const alone = task.space.users === 1;
  if (task.counters >= 0) {
    const values = counters.read(task.counters);
    counters.close(task.counters);
    session.emit(task, { type: 'counters', task: task.uid, time: session.now, values });
  }
  if (alone && session.config.stateHashes && !task.space.unverifiable) {
    session.emit(task, {
      type: 'state',
      task: task.uid,
      time: session.now,
      registers: '',
      memory: tracer.hashMemory(task.tid, RESERVED_START, RESERVED_END),
    });
  }
  const writes = robustWrites(session, task);
  if (
    task.clearChildTid !== 0 &&
    !alone &&
    readInt(session, task, task.clearChildTid) !== undefined
  ) {
    writes.push({ addr: task.clearChildTid, bytes: int32(0) });
  }
  if (writes.length > 0)
    session.emit(task, { type: 'kernel-write', task: task.uid, time: session.now, writes });
  const leads = task.tid === task.group.tgid;
  const last = task.group.tasks.size === 1;
  session.emit(task, {
    type: 'exit',
    task: task.uid,
    time: session.now,
    status: task.exitStatus,
    last,
  });
  task.state = TaskState.Dead;
  if (!tracer.resume(task.tid, Resume.Cont, 0) && leads) {
    forget(session, task);
    return;
  }
  if (!alone || task.domain.tasks.size > 1) {
    // The kernel's stores into shared memory must be done before anybody else runs.
    if (leads && !last) waitForZombie(task.tid);
    else {
      const kind = tracer.waitFor(task.tid);
      if (kind === EventKind.Exited) noteRootStatus(session, task, tracer.event[3]!);
    }
    if (!(leads && !last)) {
      forget(session, task);
      return;
    }
  }
  retire(session, task);
}

/** What a call stores even if it is interrupted, here for good: the time that was left to sleep. */
function lastWords(session: Session, task: Task): MemoryWrite[] {
  const { tracer, peek } = session;
  const again = task.nr === Sys.restart_syscall && task.restartNr >= 0;
  const row = syscallTable[again ? task.restartNr : task.nr];
  const writes: MemoryWrite[] = [];
  if (row === undefined || !hasOut(row.nr)) return writes;
  const keep = (addr: number, size: number): void => {
    const bytes = new Uint8Array(size);
    const got = tracer.readMemory(task.tid, addr, bytes, 0, size);
    if (got > 0) writes.push({ addr, bytes: got === size ? bytes : bytes.subarray(0, got) });
  };
  session.peekTid = task.tid;
  const args = again ? task.restartArgs : task.args;
  outRegions(row, args, -Errno.EINTR, peek, keep, task.regionContext);
  return writes;
}

/** State letter of a task as /proc shows it; 'X' if it is gone. */
function stateOf(tid: number): string {
  try {
    const stat = readFileSync(`/proc/${tid}/stat`, 'latin1');
    return stat[stat.lastIndexOf(')') + 2] ?? 'X';
  } catch {
    return 'X';
  }
}

function waitForZombie(tid: number): void {
  for (;;) {
    const state = stateOf(tid);
    // 't': its place has been taken by a thread that executes a program.
    if (state === 'Z' || state === 'X' || state === 'x' || state === 't') return;
  }
}

/** What the kernel will store for the robust futexes the task still holds (handle_futex_death). */
function robustWrites(session: Session, task: Task): MemoryWrite[] {
  const writes: MemoryWrite[] = [];
  const head = task.robustList;
  if (head === 0) return writes;
  const offset = readWord(session, task, head + 8) ?? 0;
  const pending = readWord(session, task, head + 16) ?? 0;
  let entry = readWord(session, task, head) ?? 0;
  const mark = (node: number): void => {
    if (node === 0) return;
    const addr = node - (node % 2) + offset;
    const value = readInt(session, task, addr);
    if (value === undefined || (value & FUTEX_TID_MASK) !== task.tid) return;
    if (writes.some((write) => write.addr === addr)) return;
    writes.push({ addr, bytes: int32(((value & FUTEX_WAITERS) | FUTEX_OWNER_DIED) >>> 0) });
  };
  for (let count = 0; count < ROBUST_LIST_LIMIT && entry !== 0 && entry !== head; count++) {
    if (entry !== pending) mark(entry);
    entry = readWord(session, task, entry - (entry % 2)) ?? 0;
    if (entry % 2 === 1 && entry - 1 === head) break;
  }
  mark(pending);
  return writes;
}

/** Takes a task that has ended out of everything but the table of tids. */
function retire(session: Session, task: Task): void {
  task.space.users--;
  task.group.tasks.delete(task);
  session.leaveDomain(task);
}

function forget(session: Session, task: Task): void {
  retire(session, task);
  session.tasks.delete(task.tid);
}

function noteRootStatus(session: Session, task: Task, status: number): void {
  if (
    session.root !== undefined &&
    session.root.group === task.group &&
    task.tid === task.group.tgid
  ) {
    session.rootStatus = status;
  }
}

/** The task is gone. */
export function reportDeath(session: Session, task: Task, status: number): void {
  noteRootStatus(session, task, status);
  if (task.state === TaskState.Dead) {
    session.tasks.delete(task.tid);
    return;
  }
  // No PTRACE_EVENT_EXIT came first: SIGKILL can overtake it.
  leaveQueue(task);
  const last = task.group.tasks.size === 1;
  if (task.lastWrites.length > 0) {
    session.emit(task, {
      type: 'kernel-write',
      task: task.uid,
      time: session.now,
      writes: task.lastWrites,
    });
  }
  session.emit(task, { type: 'exit', task: task.uid, time: session.now, status, last });
  task.state = TaskState.Dead;
  forget(session, task);
}

const FUTEX_COMMANDS_THAT_WAIT: ReadonlySet<number> = new Set([0, 6, 9, 11, 13]);
const FUTEX_COMMANDS_THAT_WAIT_FOR_OWNERS: ReadonlySet<number> = new Set([6, 11, 13]);
const FUTEX_COMMAND_MASK = 0x7f;

/**
 * A task that waits for a lock of the priority-inheriting kind marks the lock's word before it sleeps: others see that
 * with no call of theirs. So let it happen before they run, and tell replay.
 */
function futexEntry(session: Session, task: Task): boolean {
  const command = Number(task.args[1]) & FUTEX_COMMAND_MASK;
  // Those that do not wait may store into a word that others look at: nobody may run before that is recorded.
  if (!FUTEX_COMMANDS_THAT_WAIT.has(command)) task.mayYield = false;
  if (task.domain.tasks.size === 1 || !FUTEX_COMMANDS_THAT_WAIT_FOR_OWNERS.has(command))
    return false;
  // WAIT_REQUEUE_PI waits on one word and locks another.
  const addr = Number(command === 11 ? task.args[4] : task.args[0]);
  session.tracer.resume(task.tid, Resume.Syscall, 0);
  if (!sleeps(task.tid)) return true;
  const value = readInt(session, task, addr);
  if (value !== undefined) {
    session.emit(task, { type: 'block', task: task.uid, time: session.now, nr: task.nr });
    task.blocked = true;
    session.emit(task, {
      type: 'kernel-write',
      task: task.uid,
      time: session.now,
      writes: [{ addr, bytes: int32(value) }],
    });
    session.passBaton(task.domain);
  }
  return true;
}

/** Waits until a task that was let into a call sleeps in it (true), or has come out (false). */
function sleeps(tid: number): boolean {
  for (;;) {
    const state = stateOf(tid);
    if (state !== 'R') return state === 'S' || state === 'D';
  }
}

// CPU affinity: the recorder decides where tasks run; the program sees the CPUs it would have.

function taskOf(session: Session, task: Task, tid: Word): Task | undefined {
  return tid === 0 ? task : session.tasks.get(Number(tid));
}

function setAffinityEntry(session: Session, task: Task): boolean {
  const target = taskOf(session, task, task.args[0]!);
  if (target === undefined) return false;
  const mask = new Uint8Array(Math.min(Number(task.args[1]), 1024));
  session.tracer.readMemory(task.tid, Number(task.args[2]), mask, 0, mask.length);
  const wanted = cpusIn(mask).filter((cpu) => session.cpus.allowed.includes(cpu));
  if (wanted.length > 0) target.cpus = wanted;
  session.answer(task, wanted.length > 0 ? 0 : -Errno.EINVAL);
  return true;
}

function getAffinityExit(session: Session, task: Task): void {
  const { result } = task;
  const target = taskOf(session, task, task.args[0]!);
  if (target !== undefined && typeof result === 'number' && result > 0) {
    const mask = new Uint8Array(result);
    for (const cpu of target.cpus ?? session.cpus.allowed) {
      if (cpu < result * 8) mask[cpu >> 3]! |= 1 << (cpu & 7);
    }
    session.tracer.writeMemory(task.tid, Number(task.args[2]), mask, 0, result);
  }
  session.recordSyscall(task);
}

function cpusIn(mask: Uint8Array): number[] {
  const cpus: number[] = [];
  for (let cpu = 0; cpu < mask.length * 8; cpu++) {
    if ((mask[cpu >> 3]! & (1 << (cpu & 7))) !== 0) cpus.push(cpu);
  }
  return cpus;
}

/**
 * SIGKILL among tasks that share memory: what the kernel then stores for the victim's robust futexes is seen by the
 * killer with no call of its own. Note it while the victim's memory is there.
 */
function killEntry(session: Session, task: Task): boolean {
  const { nr, args } = task;
  const signo = nr === Sys.tgkill || nr === Sys.rt_tgsigqueueinfo ? args[2] : args[1];
  if (signo !== Signal.SIGKILL || task.domain.tasks.size === 1) return false;
  const target = Number(args[0]) | 0;
  const victims = [...task.domain.tasks].filter((other) => {
    if (other.group === task.group || other.state === TaskState.Running) return false;
    return target <= 0 || other.pid === target || other.tid === target;
  });
  for (const victim of victims) victim.lastWrites = robustWrites(session, victim);
  task.onExit = () => {
    session.recordSyscall(task);
    if (task.result !== 0) return;
    for (const victim of victims) {
      if (victim.state === TaskState.Dead || (target <= 0 && stateOf(victim.tid) !== 'Z')) continue;
      const kind = session.tracer.waitFor(victim.tid);
      if (kind === EventKind.Exited) reportDeath(session, victim, session.tracer.event[3]!);
      else if (kind === EventKind.Event) {
        victim.exitStatus = session.tracer.values[0]!;
        leaveQueue(victim);
        die(session, victim);
      }
    }
  };
  return false;
}

function leaveQueue(task: Task): void {
  const { ready } = task.domain;
  const waiting = ready.indexOf(task);
  if (waiting >= 0) ready.splice(waiting, 1);
}

export const processEntry: Readonly<Record<number, EntryHook>> = {
  [Sys.clone]: cloneEntry,
  [Sys.fork]: cloneEntry,
  [Sys.vfork]: cloneEntry,
  [Sys.clone3]: cloneEntry,
  [Sys.execve]: execveEntry,
  [Sys.execveat]: execveEntry,
  [Sys.exit]: exitEntry,
  [Sys.exit_group]: exitEntry,
  [Sys.futex]: futexEntry,
  [Sys.sched_setaffinity]: setAffinityEntry,
  [Sys.kill]: killEntry,
  [Sys.tkill]: killEntry,
  [Sys.tgkill]: killEntry,
  [Sys.rt_sigqueueinfo]: killEntry,
  [Sys.rt_tgsigqueueinfo]: killEntry,
  [Sys.prctl]: prctlEntry,
  [Sys.arch_prctl]: archPrctlEntry,
};

const FUTEX_WAKE = 1;
const FUTEX_WAKE_BITSET = 10;
/** How often a woken task goes first. */
const WOKEN_FIRST = 0.25;

function futexExit(session: Session, task: Task): void {
  session.recordSyscall(task);
  const command = Number(task.args[1]) & FUTEX_COMMAND_MASK;
  const woke = (command === FUTEX_WAKE || command === FUTEX_WAKE_BITSET) && Number(task.result) > 0;
  task.wokeOthers = woke && task.domain.tasks.size > 1 && Math.random() < WOKEN_FIRST;
}

export const processExit: Readonly<Record<number, ExitHook>> = {
  [Sys.execve]: execveExit,
  [Sys.execveat]: execveExit,
  [Sys.futex]: futexExit,
  [Sys.sched_getaffinity]: getAffinityExit,
  [Sys.set_tid_address]: setTidAddressExit,
  [Sys.set_robust_list]: setRobustListExit,
};
