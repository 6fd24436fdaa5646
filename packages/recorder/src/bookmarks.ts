import { hashRegisters, Reg, Registers } from '@scribe-ts/core-native';
import { settledRegisters } from './settled.js';
import type { Session } from './session.js';
import { type AddressSpace, type Domain, type Task, TaskState } from './tasks.js';

interface TaskStateHash {
  readonly task: Task;
  readonly registers: string;
  readonly memory: string;
}

/** Hashes of all that stands still: registers of each task, memory of each address space once. */
export function describeState(session: Session): readonly TaskStateHash[] {
  const spaces = new Set<AddressSpace>();
  const states: TaskStateHash[] = [];
  for (const task of session.tasks.values()) {
    if (!task.started || task.exiting || task.state === TaskState.Dead) continue;
    // A task that was stopped while it computed is at no sync point.
    if (task.state === TaskState.Stopped && task.domain.holder === task) continue;
    const fresh = !spaces.has(task.space);
    spaces.add(task.space);
    const regs = settledRegisters(task);
    const stack = new Registers(regs).address(Reg.rsp);
    states.push({
      task,
      registers: hashRegisters(regs),
      memory: fresh && !task.space.unverifiable ? session.hashMemory(task, stack) : '',
    });
  }
  return states;
}

/** Writes the tasks' states and a bookmark into every stream. */
export function writeBookmark(
  session: Session,
  id: number,
  states: readonly TaskStateHash[],
): void {
  const time = session.now;
  for (const { task, registers, memory } of states) {
    session.emit(task, { type: 'state', task: task.uid, time, registers, memory });
  }
  const domains = new Set<Domain>();
  for (const task of session.tasks.values()) {
    if (task.state === TaskState.Dead || domains.has(task.domain)) continue;
    domains.add(task.domain);
    session.emit(task, { type: 'bookmark', task: task.uid, time, id });
  }
  session.log.flush();
}
