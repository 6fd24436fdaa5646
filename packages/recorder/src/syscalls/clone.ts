import { Clone, counters, Reg, Signal, Sys } from '@scribe-ts/core-native';
import type { MemoryWrite } from '@scribe-ts/tracelog';
import type { FileTable } from '../files.js';
import { recordSyscall } from '../record-call.js';
import type { Session } from '../session.js';
import { seesStores } from '../shared.js';
import { type AddressSpace, type Task, ThreadGroup } from '../tasks.js';
import type { EntryHook } from './hook.js';
import { int32, readInt, readWord } from './words.js';

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
  task.onSpawn = (tid) => {
    task.hasSpawned = true;
    spawn(session, task, tid, call);
  };
  task.hasSpawned = false;
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
    recordSyscall(session, task, writes);
  };
  return false;
}

function spawn(session: Session, parent: Task, tid: number, call: CloneCall): void {
  const sharesMemory = has(call, Clone.VM);
  const space = sharesMemory ? parent.space : session.cloneSpace(parent.space);
  const domain = sharesMemory || seesStores(session, space) ? parent.domain : session.newDomain();
  const files = has(call, Clone.FILES) ? parent.files : parent.files.copy();
  const handlers = has(call, Clone.SIGHAND) ? parent.handlers : parent.handlers.clone();
  if (space !== parent.space) agentOfCopy(parent, space, files, has(call, Clone.FILES));
  const group = has(call, Clone.THREAD) ? parent.group : new ThreadGroup(tid, parent.uid);
  const child = session.newTask(tid, group, space, domain, files, handlers);
  if (!has(call, Clone.VM) || has(call, Clone.VFORK)) child.altStack = { ...parent.altStack };
  child.cpus = parent.cpus;
  child.trapsTsc = parent.trapsTsc;
  child.ownMask = parent.ownMask;
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
    if (!session.early.has(tid)) session.early.meet(tid, session.tracer.waitFor(tid));
  }
}

/** A process was made whose address space is a copy of the parent's, its agent too. */
function agentOfCopy(
  parent: Task,
  space: AddressSpace,
  files: FileTable,
  sharesFiles: boolean,
): void {
  const { agent } = space;
  const parents = parent.space.agent;
  if (agent === undefined || parents === undefined) return;
  // What one agent is told of descriptors the other would not know.
  if (sharesFiles) agent.given = parents.given = true;
  if (parents.files === parent.files) agent.files = files;
}

export const cloneEntries: Readonly<Record<number, EntryHook>> = {
  [Sys.clone]: cloneEntry,
  [Sys.fork]: cloneEntry,
  [Sys.vfork]: cloneEntry,
  [Sys.clone3]: cloneEntry,
};
