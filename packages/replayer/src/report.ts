import { ARGUMENT_REGS, Reg } from '@scribe-ts/core-native';
import type { Engine } from './engine.js';
import type { Mismatch } from './divergence.js';
import type { Divergence, ReplayOptions } from './options.js';
import { At } from './tasks.js';

const REGISTER_NAMES = [
  'rip',
  'rsp',
  'rbp',
  'rax',
  'rbx',
  'rcx',
  'rdx',
  'rsi',
  'rdi',
  'r8',
  'r9',
  'r10',
  'r11',
  'r12',
  'r13',
  'r14',
  'r15',
  'orig_rax',
  'eflags',
  'fs_base',
  'gs_base',
] as const;

const hex = (value: number | bigint): string =>
  `0x${BigInt.asUintN(64, BigInt(value)).toString(16)}`;

/** Everything a person needs to see why a replay went another way. The diverged tasks are still there, stopped. */
export function describeDivergence(
  engine: Engine,
  mismatch: Mismatch,
  _options: ReplayOptions,
): Divergence {
  const { task } = mismatch;
  const { regs, tracer } = engine;
  const registers: Record<string, string> = {};
  const alive = task.at !== At.Dead && tracer.getRegs(task.tid);
  if (alive) for (const name of REGISTER_NAMES) registers[name] = hex(regs.get(Reg[name]));
  const atEntry = alive && task.at === At.Entry;
  return {
    kind: mismatch.kind,
    message: mismatch.message,
    task: task.uid,
    pid: task.pid,
    tid: task.recordedTid,
    expected: mismatch.frame,
    actual: {
      event: mismatch.actual,
      nr: atEntry ? regs.int(Reg.orig_rax) : undefined,
      args: atEntry ? ARGUMENT_REGS.map((reg) => regs.get(reg)) : undefined,
      signo: task.at === At.Fault ? task.signo : undefined,
      rip: registers.rip ?? '',
    },
    registers,
    backtrace: [],
    history: [...engine.tasks.values()].map((other) => ({
      task: other.uid,
      frames: other.history,
    })),
    core: '',
  };
}
