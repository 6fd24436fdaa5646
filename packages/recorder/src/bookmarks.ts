import {
  hashRegisters,
  Reg,
  Registers,
  RESERVED_END,
  RESERVED_START,
} from '@scribe-ts/core-native';
import { settledRegisters } from './freeze.js';
import type { Session } from './session.js';
import type { AddressSpace, Domain } from './tasks.js';

function stackOf(regs: Uint32Array): number {
  return new Registers(regs).address(Reg.rsp);
}

/** Everything stands still: writes each task's state and a bookmark into every stream. */
export function writeBookmark(session: Session, id: number): void {
  const time = session.now;
  const spaces = new Set<AddressSpace>();
  const domains = new Set<Domain>();
  for (const task of session.freezer.tasks) {
    const fresh = !spaces.has(task.space);
    spaces.add(task.space);
    domains.add(task.domain);
    const started = task.started;
    session.emit(task, {
      type: 'state',
      task: task.uid,
      time,
      registers: started ? hashRegisters(settledRegisters(task)) : '',
      memory:
        fresh && started
          ? session.tracer.hashMemory(
              task.tid,
              RESERVED_START,
              RESERVED_END,
              stackOf(task.exitRegs),
            )
          : '',
    });
  }
  for (const domain of domains) {
    const task = domain.tasks.values().next().value!;
    session.emit(task, { type: 'bookmark', task: task.uid, time, id });
  }
  session.log.flush();
}
