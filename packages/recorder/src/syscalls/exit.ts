import {
  counters,
  Errno,
  EventKind,
  isRestart,
  PtraceEvent,
  Reg,
  Resume,
  Signal,
  stateOf,
  Sys,
} from '@scribe-ts/core-native';
import { hasOut, type MemoryWrite, outRegions, syscallTable } from '@scribe-ts/tracelog';
import { endOutput } from '../calls.js';
import { copyBack, releaseScratch } from '../moved-buffers.js';
import { recordSyscall } from '../record-call.js';
import { untoldChild } from '../untold-child.js';
import type { Session } from '../session.js';
import { recordStops } from '../signals.js';
import { type AddressSpace, type Task, TaskState } from '../tasks.js';
import type { EntryHook } from './hook.js';
import { int32, readInt, readWord } from './words.js';

const FUTEX_WAITERS = 0x80000000;
const FUTEX_OWNER_DIED = 0x40000000;
const FUTEX_TID_MASK = 0x3fffffff;
/** The kernel follows at most this many entries of a robust list (ROBUST_LIST_LIMIT). */
const ROBUST_LIST_LIMIT = 2048;

function exitEntry(session: Session, task: Task): boolean {
  // Without this frame a replay could not tell a task that ends itself from one that is killed where it is.
  session.emit(task, { type: 'block', task: task.uid, time: session.now, nr: task.nr });
  task.blocked = true;
  if (task.nr === Sys.exit_group) task.group.ending = true;
  return false;
}

/** PTRACE_EVENT_EXIT: the task will run no more user code; its memory is still there. */
export function beginExit(session: Session, task: Task, status: number): void {
  noteExit(session, task, status);
  if (task.domain.holder === task) die(session, task);
  else {
    leaveQueue(task);
    session.baton.request(task, (dying) => die(session, dying), true);
  }
}

/** Notes where the task has been met by its end. */
function noteExit(session: Session, task: Task, status: number): void {
  task.exitStatus = status;
  task.exiting = true;
  task.diesInCall = task.state === TaskState.InKernel;
  // But by exit(2) a task ends only with its whole group, or when another one executes a program.
  if (task.nr !== Sys.exit || !task.diesInCall) task.group.ending = true;
  const ended = task.unrecorded || (task.diesInCall && findResult(session, task));
  // One that was making another task: what its call has done is known.
  const makes = task.onSpawn !== undefined && !task.cancelled;
  const plain = makes || (task.onExit === undefined && !task.hooked && task.nr >= 0);
  task.unrecorded = ended && plain;
  if (task.outputTurn !== undefined)
    endOutput(session, task, task.unrecorded && Number(task.result) > 0);
  if (isLost(task) || (ended && !plain && changesMemory(task.nr))) spoil(session, task.space);
}

/** What a task has stored last is not known, here and in memory that others have in common with it. */
function spoil(session: Session, space: AddressSpace): void {
  space.unverifiable = true;
  const objects = space.shared.flatMap(({ object, writable }) => (writable ? [object] : []));
  for (const other of session.tasks.values())
    if (other.space.shared.some(({ object }) => objects.includes(object)))
      other.space.unverifiable = true;
}

/** Whether the call that the task is killed in has ended. Its result is in `task.result` then. */
function findResult({ tracer, regs }: Session, task: Task): boolean {
  if (task.nr === Sys.exit || task.nr === Sys.exit_group || !tracer.getRegs(task.tid)) return false;
  const result = regs.get(Reg.rax);
  // Every call begins with ENOSYS for its result.
  if (result === -Errno.ENOSYS || isRestart(result)) return false;
  task.result = result;
  return true;
}

/** Whether the task has come to where no replay can follow it exactly. */
function isLost(task: Task): boolean {
  // An exec that failed when the old program was gone already has left parts of the new one.
  if (task.nr === Sys.execve || task.nr === Sys.execveat) return true;
  // It has run nothing: only the kernel has, or has not, stored its number.
  if (!task.started) return task.setChildTid !== 0;
  switch (task.state) {
    case TaskState.Running:
      return !task.endsHere;
    case TaskState.Stopped:
      return task.domain.holder === task;
    default:
      return false;
  }
}

function changesMemory(nr: number): boolean {
  const kind = syscallTable[nr]?.class;
  return hasOut(nr) || kind === 'memory' || kind === 'process';
}

/** rsp of a stopped task; 0 if it is gone. */
function stackPointer(session: Session, task: Task): number {
  return session.tracer.getRegs(task.tid) ? session.regs.address(Reg.rsp) : 0;
}

/** The command itself, killed before its first instruction: it never stood at a call of its own. */
function isStarting(session: Session, task: Task): boolean {
  return session.root === task && session.syscalls === 0 && task.nr === Sys.execve;
}

function die(session: Session, task: Task): void {
  const child = recordEnd(session, task);
  end(session, task);
  // Not before: it would be given the baton.
  if (child !== undefined) session.stops.adopt(child);
}

/** Writes all that comes before the end of a task. Returns the tid of one it has made that did not become known before. */
function recordEnd(session: Session, task: Task): number | undefined {
  recordStops(session, task);
  const makes = task.unrecorded && task.onSpawn !== undefined;
  const child = makes ? untoldChild(session, task) : undefined;
  if (makes) {
    if (child !== undefined) task.onSpawn!(child);
    task.onExit!(task);
  } else if (task.unrecorded || task.outputSerial >= 0) {
    if (task.moved !== undefined) copyBack(session, task);
    recordSyscall(session, task);
  } else if (task.diesInCall && !task.blocked && task.nr >= 0 && !isStarting(session, task)) {
    // Killed in a call: replay has to bring it there.
    session.emit(task, { type: 'block', task: task.uid, time: session.now, nr: task.nr });
  }
  if (task.diesInCall && !task.unrecorded && task.moved === undefined) {
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
  if (session.agent !== undefined && task.started) {
    const values = task.paths.values();
    session.emit(task, { type: 'counters', task: task.uid, time: session.now, values });
  }
  const points = task.points.values();
  if (points !== undefined)
    session.emit(task, { type: 'counters', task: task.uid, time: session.now, values: points });
  // A process has, or has not, its own id in its memory before it begins; a thread has what the others left.
  const isKnown = task.started || task.tid !== task.group.tgid;
  if (session.config.stateHashes && alone && isKnown && !task.space.unverifiable) {
    session.emit(task, {
      type: 'state',
      task: task.uid,
      time: session.now,
      registers: '',
      memory: session.hashMemory(task, stackPointer(session, task)),
    });
  }
  return child;
}

/** Lets a task end. */
function end(session: Session, task: Task): void {
  const { tracer } = session;
  const alone = task.space.users === 1;
  const writes = robustWrites(session, task);
  writes.push(...clearedTid(session, task));
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
    let isGone = false;
    if (leads && !last) waitForZombie(task.tid);
    else {
      const kind = tracer.waitFor(task.tid);
      if (kind === EventKind.Exited) noteRootStatus(session, task, tracer.event[3]!);
      isGone = kind !== EventKind.Zombie;
    }
    if (isGone) {
      forget(session, task);
      return;
    }
  }
  retire(session, task);
}

/** The kernel's store at the end of a task whose memory others go on using (CLONE_CHILD_CLEARTID). */
function clearedTid(session: Session, task: Task): MemoryWrite[] {
  if (task.clearChildTid === 0 || task.space.users === 1) return [];
  for (const other of [task, ...session.tasks.values()]) {
    if (other.space !== task.space) continue;
    try {
      if (readInt(session, other, task.clearChildTid) !== undefined)
        return [{ addr: task.clearChildTid, bytes: int32(0) }];
    } catch {
      // Gone already: the memory is to be seen through another one.
    }
  }
  return [];
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
  releaseScratch(task);
  session.branches?.forget(task);
  session.early.release();
  task.space.leave();
  task.group.tasks.delete(task);
  session.baton.leave(task);
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
  // What its agent has recorded outlives it.
  session.agent?.ring.drain(task);
  recordStops(session, task);
  // No PTRACE_EVENT_EXIT came first: SIGKILL can overtake it. What its last call has done is not known then.
  if (task.outputTurn !== undefined) endOutput(session, task, false);
  const inCall = task.unrecorded || task.state === TaskState.InKernel;
  if (isLost(task) || (inCall && task.moved === undefined && changesMemory(task.nr)))
    spoil(session, task.space);
  leaveQueue(task);
  const last = task.group.tasks.size === 1;
  const writes = [...task.lastWrites, ...clearedTid(session, task)];
  if (writes.length > 0)
    session.emit(task, { type: 'kernel-write', task: task.uid, time: session.now, writes });
  session.emit(task, { type: 'exit', task: task.uid, time: session.now, status, last });
  task.state = TaskState.Dead;
  forget(session, task);
}

/**
 * The leader of a group that has threads left is heard of no more once it has gone through its exit event unseen: a task
 * that is killed is at that event before the resume from the stop at which it was killed. True if its end is noted here.
 */
export function noteSilentEnd(session: Session, leader: Task): boolean {
  const { group } = leader;
  if (!group.ending || leader.exiting || leader.tid !== group.tgid) return false;
  const other = [...group.tasks].find(({ exiting }) => exiting);
  if (other === undefined || stateOf(leader.tid) !== 'Z') return false;
  reportZombie(session, leader, other.exitStatus);
  return true;
}

/** A leader has ended, and threads of its group are left: the kernel tells of its end when the last of them is gone. */
export function reportZombie(session: Session, leader: Task, status: number): void {
  if (leader.state === TaskState.Dead) return;
  reportDeath(session, leader, status);
  session.tasks.set(leader.tid, leader);
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
    recordSyscall(session, task);
    if (task.result !== 0) return;
    for (const victim of victims) {
      if (victim.state === TaskState.Dead || (target <= 0 && stateOf(victim.tid) !== 'Z')) continue;
      awaitEnd(session, victim);
    }
  };
  return false;
}

/** Has a task that has been sent SIGKILL end before anybody else runs. */
function awaitEnd(session: Session, victim: Task): void {
  const { event, values } = session.tracer;
  // At its exit event already it only waits for its turn, and nothing more is to be heard of it.
  while (!victim.exiting) {
    const kind = session.tracer.waitFor(victim.tid);
    if (kind === EventKind.NoTracees) return;
    if (kind === EventKind.Exited) {
      reportDeath(session, victim, event[3]!);
      return;
    }
    if (kind === EventKind.Zombie) {
      reportZombie(session, victim, event[3]!);
      return;
    }
    if (kind === EventKind.Event && event[2] === PtraceEvent.Exit && values[0]! >= 0)
      noteExit(session, victim, values[0]!);
  }
  leaveQueue(victim);
  die(session, victim);
}

function leaveQueue(task: Task): void {
  const { ready } = task.domain;
  const waiting = ready.indexOf(task);
  if (waiting >= 0) ready.splice(waiting, 1);
}

export const exitEntries: Readonly<Record<number, EntryHook>> = {
  [Sys.exit]: exitEntry,
  [Sys.exit_group]: exitEntry,
  [Sys.kill]: killEntry,
  [Sys.tkill]: killEntry,
  [Sys.tgkill]: killEntry,
  [Sys.rt_sigqueueinfo]: killEntry,
  [Sys.rt_tgsigqueueinfo]: killEntry,
};
