import { readdirSync, readFileSync } from 'node:fs';
import type { Session } from './session.js';
import type { Task } from './tasks.js';

/**
 * The task that `task` has made in the call that it was killed in, if there was no event to tell of it: none stops for
 * that event once SIGKILL is there (ptrace_stop). Its memory and registers are still there.
 */
export function untoldChild(session: Session, task: Task): number | undefined {
  const id = Number(task.result);
  if (task.hasSpawned || id <= 0) return undefined;
  // In a pid namespace of its own it has been given an id that means nothing here.
  if (idsOf(task.tid).length <= 1) return id;
  const isIt = (tid: number): boolean => idsOf(tid).at(-1) === id;
  const early = [...session.early.tids].find(isIt);
  return early ?? [...threadsOf(task.tid), ...childrenOf(task.tid)].find(isIt);
}

/** A task's ids in the pid namespaces it is in, ours first. */
function idsOf(tid: number): number[] {
  const ids = /^NSpid:\t(.*)/m.exec(readIfThere(`/proc/${tid}/status`))?.[1];
  return ids === undefined ? [] : ids.split('\t').map(Number);
}

function threadsOf(tid: number): number[] {
  try {
    return readdirSync(`/proc/${tid}/task`).map(Number);
  } catch {
    return [];
  }
}

function childrenOf(tid: number): number[] {
  const list = readIfThere(`/proc/${tid}/task/${tid}/children`).trim();
  return list === '' ? [] : list.split(' ').map(Number);
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
