import {
  ARGUMENT_REGS,
  Errno,
  EventKind,
  isRestart,
  Reg,
  REMOTE_SYSCALL,
  Resume,
  Sys,
} from '@scribe-ts/core-native';
import {
  type ArgType,
  type Frame,
  type SyscallFrame,
  syscallTable,
  type Word,
} from '@scribe-ts/tracelog';
import type { Engine } from './engine.js';
import { replayMemory } from './syscalls/memory.js';
import { collectZombies, replayExec } from './syscalls/process.js';
import { At, type ReplayTask } from './tasks.js';
import { hex, nameOf, quote } from './words.js';

const ARCH_SET_GS = 0x1001;
const ARCH_SET_FS = 0x1002;

/** Arguments of the call at hand. */
const args: Word[] = [0, 0, 0, 0, 0, 0];

/** The task stands at the entry of the frame's call: compares, and gives it what the call gave. */
export function applySyscall(engine: Engine, task: ReplayTask, frame: SyscallFrame): boolean {
  const { regs } = engine;
  const { nr, result } = frame;
  engine.checkNumber(task, frame, nr);
  for (let i = 0; i < 6; i++) args[i] = regs.get(ARGUMENT_REGS[i]!);
  for (let i = 0; i < frame.args.length; i++) {
    if (frame.args[i] !== args[i]) {
      throw engine.mismatch(
        'arguments',
        task,
        frame,
        `${nameOf(nr)} with argument ${i} = ${hex(args[i]!)}`,
        `${nameOf(nr)} with argument ${i} = ${hex(frame.args[i]!)}`,
      );
    }
  }
  engine.syscalls++;
  const { details } = task;
  checkData(engine, task, nr);
  engine.hooks?.arrived(task, frame);
  engine.kernel?.arrived(task, nr, args);
  for (const write of details.sharedWrites) engine.shared.write(write);
  const row = syscallTable[nr];
  if (details.exec !== undefined) {
    const { stream, ended } = details.exec;
    for (const uid of ended) engine.kernel?.ended(uid);
    details.clear();
    const former = task.domain;
    if (former.stream !== stream) {
      former.tasks.delete(task);
      task.domain = engine.domain(stream);
      task.domain.tasks.add(task);
      engine.freshDomains.push(task.domain);
    }
    replayExec(engine, task);
    return true;
  }
  if (row?.class === 'memory') {
    const saved = regs.save();
    replayMemory(engine, task, frame, args);
    regs.load(saved);
  } else if (nr === Sys.rt_sigreturn) {
    engine.kernel?.signalReturns(task);
    returnFromSignal(engine, task);
    details.clear();
    return true;
  } else if (
    engine.live === undefined &&
    (nr === Sys.wait4 || nr === Sys.waitid) &&
    typeof result === 'number' &&
    result > 0
  ) {
    const saved = regs.save();
    collectZombies(engine, task);
    regs.load(saved);
  }
  if (result === -Errno.EFAULT) engine.writeChanged(task, frame.writes);
  else engine.writeAll(task, frame.writes);
  if (details.mapping !== undefined) engine.agent?.mapped(task, details.mapping.mapping);
  if (isRestart(result)) {
    regs.set(Reg.rip, regs.address(Reg.rip) - 2);
    regs.set(Reg.rax, result === -516 ? Sys.restart_syscall : nr);
  } else {
    regs.set(Reg.rax, result);
    if (nr === Sys.arch_prctl && result === 0) {
      if (args[0] === ARCH_SET_FS) regs.set(Reg.fs_base, args[1]!);
      else if (args[0] === ARCH_SET_GS) regs.set(Reg.gs_base, args[1]!);
    }
  }
  regs.set(Reg.orig_rax, -1);
  engine.tracer.setRegs(task.tid);
  task.at = At.User;
  task.hasSpawned = false;
  engine.kernel?.called(task, frame, args);
  engine.live?.called(task, nr, args, result);
  if (details.output !== undefined) engine.output.push(details.output);
  details.clear();
  return true;
}

/** What the program hands to the kernel must be what it handed over in the recording. */
function checkData(engine: Engine, task: ReplayTask, nr: number): void {
  const { data, output } = task.details;
  if (data.length === 0 && output === undefined) return;
  const row = syscallTable[nr];
  if (output !== undefined && row !== undefined && row.args[1]?.type.kind === 'buffer') {
    compare(engine, task, output, Number(args[1]), output.bytes);
  }
  // Each once: by the end of a call in which others had their turn the bytes may have changed.
  for (; task.details.checked < data.length; task.details.checked++) {
    const frame = data[task.details.checked]!;
    const type = row?.args[frame.arg]?.type;
    if (type !== undefined && isCompared(type))
      compare(engine, task, frame, Number(args[frame.arg]), frame.bytes);
  }
}

/** Whether the bytes of a `data` frame for such an argument are what the program has there. */
export function isCompared(type: ArgType): boolean {
  return type.kind === 'string' || (type.kind === 'buffer' && type.dir === 'in');
}

/** The task stands at the entry of a call in which others get their turn, who may change what it hands over. */
export function checkBlocked(engine: Engine, task: ReplayTask, nr: number): void {
  const { regs } = engine;
  for (let i = 0; i < 6; i++) args[i] = regs.get(ARGUMENT_REGS[i]!);
  checkData(engine, task, nr);
}

function compare(
  engine: Engine,
  task: ReplayTask,
  frame: Frame,
  addr: number,
  expected: Uint8Array,
): void {
  const actual = new Uint8Array(expected.length);
  const got = engine.tracer.readMemory(task.tid, addr, actual, 0, actual.length);
  for (let i = 0; i < expected.length; i++) {
    if (i < got && actual[i] === expected[i]) continue;
    throw engine.mismatch(
      'output',
      task,
      frame,
      `other bytes from offset ${i} on: ${quote(actual.subarray(i, got))}`,
      'hand over the recorded bytes',
    );
  }
}

/** rt_sigreturn is the kernel's own work: everything it restores, it restores from memory that is as recorded. */
function returnFromSignal(engine: Engine, task: ReplayTask): void {
  const { tracer, regs } = engine;
  regs.set(Reg.rip, REMOTE_SYSCALL);
  regs.set(Reg.rax, Sys.rt_sigreturn);
  regs.set(Reg.orig_rax, -1);
  tracer.setRegs(task.tid);
  // Not by steps: they would hide a trap flag that the frame restores.
  const run = (): void => {
    if (engine.runToStop(task, Resume.Syscall) !== EventKind.Syscall)
      throw engine.internal(task, 'rt_sigreturn did not return');
  };
  // From the entry of a call that is not run, first comes that call's end.
  do run();
  while (regs.address(Reg.rip) === REMOTE_SYSCALL);
  run();
  task.at = At.User;
}
