import type { Session } from '../session.js';
import type { Task } from '../tasks.js';

/** A 64-bit word of a task's memory; undefined if it is not there. */
export function readWord(session: Session, task: Task, addr: number): number | undefined {
  const bytes = new Uint8Array(8);
  if (session.tracer.readMemory(task.tid, addr, bytes, 0, 8) !== 8) return undefined;
  return Number(new DataView(bytes.buffer).getBigInt64(0, true));
}

export function readInt(session: Session, task: Task, addr: number): number | undefined {
  const bytes = new Uint8Array(4);
  if (session.tracer.readMemory(task.tid, addr, bytes, 0, 4) !== 4) return undefined;
  return new DataView(bytes.buffer).getUint32(0, true);
}

export function int32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}
