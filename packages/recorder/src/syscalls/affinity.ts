import { Errno, Sys } from '@scribe-ts/core-native';
import type { Word } from '@scribe-ts/tracelog';
import { answer } from '../calls.js';
import { recordSyscall } from '../record-call.js';
import type { Session } from '../session.js';
import type { Task } from '../tasks.js';
import type { EntryHook, ExitHook } from './hook.js';

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
  answer(session, task, wanted.length > 0 ? 0 : -Errno.EINVAL);
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
  recordSyscall(session, task);
}

function cpusIn(mask: Uint8Array): number[] {
  const cpus: number[] = [];
  for (let cpu = 0; cpu < mask.length * 8; cpu++) {
    if ((mask[cpu >> 3]! & (1 << (cpu & 7))) !== 0) cpus.push(cpu);
  }
  return cpus;
}

export const affinityEntries: Readonly<Record<number, EntryHook>> = {
  [Sys.sched_setaffinity]: setAffinityEntry,
};

export const affinityExits: Readonly<Record<number, ExitHook>> = {
  [Sys.sched_getaffinity]: getAffinityExit,
};
