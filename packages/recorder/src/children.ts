import { Resume } from '@scribe-ts/core-native';
import type { MemoryWrite } from '@scribe-ts/tracelog';
import type { Session } from './session.js';
import { type Task, TaskState } from './tasks.js';
import { unblock } from './timer-signals.js';

/** First stop of a new task. */
export function childStarted(session: Session, task: Task): void {
  const start = starter(session, task);
  if (session.parking.active) session.parking.park(task, start);
  else session.baton.request(task, start);
}

/** The same of one whose group is in group-stop: it begins when that is over. */
export function childStopped(session: Session, task: Task): void {
  task.afterStop = starter(session, task);
  task.state = TaskState.Stopped;
  session.tracer.resume(task.tid, Resume.Listen, 0);
}

function starter(session: Session, task: Task): (child: Task) => void {
  const { tracer, regs } = session;
  // It may be stopped again before its first instruction, which is no place in the middle of anything.
  if (tracer.getRegs(task.tid)) {
    task.exitRegs.set(regs.halves);
    task.exitRegsValid = true;
  }
  return (child) => {
    unblock(session, child);
    const writes: MemoryWrite[] = [];
    // In shared memory the parent has recorded it already, and may have changed it since.
    if (child.setChildTid !== 0 && child.space.users === 1) {
      const bytes = new Uint8Array(4);
      if (tracer.readMemory(child.tid, child.setChildTid, bytes, 0, 4) === 4) {
        writes.push({ addr: child.setChildTid, bytes });
      }
    }
    session.emit(child, {
      type: 'task-start',
      task: child.uid,
      time: session.now,
      parent: child.group.parent,
      tid: child.tid,
      pid: child.pid,
      writes,
    });
    child.started = true;
    session.agent?.start(child);
    if (session.chaos === undefined) session.resumeUser(child);
    else session.chaos.goOn(child);
  };
}
