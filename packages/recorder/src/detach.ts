import { freeInstructions, unmapReserved } from '@scribe-ts/core-native';
import { settledRegisters } from './freeze.js';
import type { Session } from './session.js';
import { TaskState } from './tasks.js';

/** Everything stands still: takes out of every task what recording put in, and lets it run on by itself. */
export function detachAll(session: Session): void {
  const { tracer, regs } = session;
  const spaces = new Map<number, number>();
  for (const task of session.freezer.tasks) {
    spaces.set(task.space.id, (spaces.get(task.space.id) ?? 0) + 1);
  }
  for (const task of session.freezer.tasks) {
    const { tid } = task;
    session.emit(task, { type: 'detach', task: task.uid, time: session.now });
    const settled = task.started ? settledRegisters(task) : undefined;
    if (settled !== undefined) {
      regs.load(settled);
      tracer.setRegs(tid);
    }
    freeInstructions(tracer, tid);
    session.cpus.release(tid);
    const users = spaces.get(task.space.id)! - 1;
    spaces.set(task.space.id, users);
    if (users === 0) unmapReserved(tracer, tid);
    const signal = task.held[0]?.signo ?? 0;
    tracer.detach(tid, signal);
    task.state = TaskState.Dead;
  }
  for (const task of session.tasks.values()) {
    // In group-stop or on its way out.
    if (task.state !== TaskState.Dead) tracer.detach(task.tid, 0);
  }
  session.tasks.clear();
  session.stop();
}
