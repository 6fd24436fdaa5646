import type { MemoryWrite } from '@scribe-ts/tracelog';
import type { Session } from './session.js';
import type { Task } from './tasks.js';

/** First stop of a new task. */
export function childStarted(session: Session, task: Task): void {
  const start = (child: Task): void => {
    const writes: MemoryWrite[] = [];
    // In shared memory the parent has recorded it already, and may have changed it since.
    if (child.setChildTid !== 0 && child.space.users === 1) {
      const bytes = new Uint8Array(4);
      if (session.tracer.readMemory(child.tid, child.setChildTid, bytes, 0, 4) === 4) {
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
    session.resumeUser(child);
  };
  if (session.parking.active) session.parking.park(task, start);
  else session.baton.request(task, start);
}
