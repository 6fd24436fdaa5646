import { ARGUMENT_REGS, Reg } from '@scribe-ts/core-native';
import { syscallTable } from '@scribe-ts/tracelog';
import type { Engine } from '../engine.js';
import { At, type ReplayTask } from '../tasks.js';
import type { Tell } from './make-file.js';
import { queueToWrite } from './model/calls/transfer.js';
import type { ByteQueue } from './model/byte-queue.js';

const IOVEC = 16;
const MAX_VECTOR = 1024;

/**
 * Ends the writes that were asleep with a part of their bytes taken already: made again they would hand those over twice.
 * What is left of them waits in the pipe then.
 */
export function endPartialWrites(engine: Engine, tasks: readonly ReplayTask[], tell: Tell): void {
  const { regs, tracer } = engine;
  const { model } = engine.kernel!;
  const ended = new Set<ByteQueue>();
  for (const task of tasks) {
    if (task.at !== At.Entry || !tracer.getRegs(task.tid)) continue;
    const args = ARGUMENT_REGS.map((register) => regs.get(register));
    const file = model.tasks.get(task.uid)?.descriptor(Number(args[0]))?.file;
    const queue = file === undefined ? undefined : queueToWrite(file);
    if (queue === undefined || !queue.isAhead) continue;
    const nr = regs.int(Reg.orig_rax);
    const size = sizeOf(engine, task, syscallTable[nr]?.name, args.map(Number));
    if (size === undefined) continue;
    if (ended.has(queue))
      tell(`several tasks wrote to one pipe: whose bytes were taken is a guess`);
    ended.add(queue);
    regs.set(Reg.rax, size);
    regs.set(Reg.orig_rax, -1);
    tracer.setRegs(task.tid);
    task.at = At.User;
    engine.kernel!.called(task, { nr, result: size, time: engine.bookmarkTime }, args);
  }
}

/** Bytes that a call hands over; undefined if it is none that writes. */
function sizeOf(
  { tracer }: Engine,
  { tid }: ReplayTask,
  name: string | undefined,
  args: readonly number[],
): number | undefined {
  if (name === 'write' || name === 'sendto') return args[2];
  if (name !== 'writev') return undefined;
  const count = Math.min(args[2]!, MAX_VECTOR);
  const bytes = new Uint8Array(count * IOVEC);
  tracer.readMemory(tid, args[1]!, bytes, 0, bytes.length);
  const view = new DataView(bytes.buffer);
  let size = 0;
  for (let i = 0; i < count; i++) size += Number(view.getBigUint64(i * IOVEC + 8, true));
  return size;
}
