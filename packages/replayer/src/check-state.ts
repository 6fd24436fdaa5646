import { hashRegisters, Reg, RESERVED_END, RESERVED_START } from '@scribe-ts/core-native';
import type { StateFrame } from '@scribe-ts/tracelog';
import type { Engine } from './engine.js';
import { At, type ReplayTask } from './tasks.js';

/** Registers and memory must be those that the log has hashes of. */
export function checkState(engine: Engine, task: ReplayTask, frame: StateFrame): void {
  const { tracer } = engine;
  if (frame.registers !== '') {
    engine.load(task);
    const { regs } = engine;
    if (task.at === At.Entry) {
      // The recording took the task out of the call it was about to make.
      regs.set(Reg.rip, regs.address(Reg.rip) - 2);
      regs.set(Reg.rax, regs.int(Reg.orig_rax));
    }
    regs.set(Reg.orig_rax, -1);
    const actual = hashRegisters(regs.halves);
    if (actual !== frame.registers) {
      throw engine.mismatch(
        'state',
        task,
        frame,
        `registers with hash ${actual}`,
        `registers with hash ${frame.registers}`,
      );
    }
  }
  if (frame.memory === '') return;
  engine.load(task);
  const patched = engine.agent?.changedPages(task.space) ?? [];
  const traps = engine.hashesTraps ? [] : engine.cpuid.sites.pagesIn(tracer, task.tid);
  tracer.leaveOut(Float64Array.from(new Set([...traps, ...patched])));
  const stackPointer = engine.regs.address(Reg.rsp) - engine.hashedBelowStack;
  const actual = tracer.hashMemory(task.tid, RESERVED_START, RESERVED_END, stackPointer);
  if (actual !== frame.memory) {
    throw engine.mismatch(
      'state',
      task,
      frame,
      `memory with hash ${actual}`,
      `memory with hash ${frame.memory}`,
    );
  }
  engine.endStates.push(`${frame.task}:${actual}`);
}
