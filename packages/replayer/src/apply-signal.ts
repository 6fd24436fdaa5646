import { Reg, Signal } from '@scribe-ts/core-native';
import type { SignalFrame, TrapFrame } from '@scribe-ts/tracelog';
import type { Engine } from './engine.js';
import { At, type ReplayTask } from './tasks.js';
import { hex, nameOf } from './words.js';

const TRAP_TRACE = 2;
/** Registers that the kernel leaves as they are when it begins a handler. */
const KEPT = (['rbx', 'rbp', 'r8', 'r9', 'r10', 'r12', 'r13', 'r14', 'r15'] as const).map(
  (name) => ({ name, reg: Reg[name] }),
);

/** si_code. */
function codeOf(siginfo: Uint8Array): number {
  return siginfo.length < 12
    ? 0
    : new DataView(siginfo.buffer, siginfo.byteOffset).getInt32(8, true);
}

/** True if the signal has been given to the task; false if it is on its way to where that happens. */
export function applySignal(engine: Engine, task: ReplayTask, frame: SignalFrame): boolean {
  if (frame.action !== 'handler' && frame.action !== 'terminate') {
    engine.kernel?.signalled(task, frame);
    return true;
  }
  if (frame.action === 'terminate') task.isTerminating = true;
  switch (frame.point) {
    case 'fault':
      if (task.at === At.User) {
        // Single steps of the program's would be seen in code that is not its own.
        if (frame.signo === Signal.SIGTRAP && codeOf(frame.siginfo) === TRAP_TRACE)
          engine.agent?.giveUp(task);
        return engine.go(task);
      }
      if (task.at === At.Running) return engine.wait(task);
      if (task.at !== At.Fault || task.signo !== frame.signo) {
        const actual = task.at === At.Fault ? `signal ${task.signo}` : describeEntry(engine, task);
        throw engine.mismatch('signal', task, frame, actual, `signal ${frame.signo}`);
      }
      engine.load(task);
      compareRip(engine, task, frame, frame.rip);
      break;
    case 'syscall-entry':
      if (!engine.reachEntry(task, frame)) return false;
      engine.load(task);
      engine.regs.set(Reg.rip, engine.regs.address(Reg.rip) - 2);
      compareRip(engine, task, frame, frame.rip);
      break;
    case 'syscall-exit':
      if (task.at !== At.User)
        throw engine.internal(task, `signal after a call for a task that is ${At[task.at]}`);
      engine.load(task);
      break;
    case 'anywhere':
      return true;
  }
  engine.hooks?.arrived(task, frame);
  if (frame.action === 'terminate') return true;
  const { tracer, regs } = engine;
  compareKept(engine, task, frame);
  engine.writeAll(task, frame.writes);
  tracer.regsBytes.set(frame.regs);
  regs.set(Reg.orig_rax, -1);
  tracer.setRegs(task.tid);
  tracer.initXstate(task.tid);
  engine.kernel?.signalled(task, frame);
  task.at = At.User;
  return true;
}

/** What a handler begins with besides its arguments is what the program has computed. */
function compareKept(engine: Engine, task: ReplayTask, frame: SignalFrame): void {
  const { halves } = engine.regs;
  const recorded = new Uint32Array(frame.regs.slice().buffer);
  for (const { reg, name } of KEPT) {
    const at = reg * 2;
    if (halves[at] === recorded[at] && halves[at + 1] === recorded[at + 1]) continue;
    const told = (of: Uint32Array): string => {
      const value = (BigInt(of[at + 1]!) << 32n) | BigInt(of[at]!);
      return `signal ${frame.signo} with ${name} = 0x${value.toString(16)}`;
    };
    throw engine.mismatch('signal', task, frame, told(halves), told(recorded));
  }
}

function describeEntry(engine: Engine, task: ReplayTask): string {
  engine.load(task);
  return nameOf(engine.regs.int(Reg.orig_rax));
}

function compareRip(
  engine: Engine,
  task: ReplayTask,
  frame: SignalFrame | TrapFrame,
  expected: number,
): void {
  const rip = engine.regs.address(Reg.rip);
  if (rip === expected) return;
  const what = frame.type === 'trap' ? frame.insn : `signal ${frame.signo}`;
  throw engine.mismatch(
    frame.type,
    task,
    frame,
    `${what} at ${hex(rip)}`,
    `${what} at ${hex(expected)}`,
  );
}

/** The same for an instruction that traps. */
export function applyTrap(engine: Engine, task: ReplayTask, frame: TrapFrame): boolean {
  if (task.at === At.User) return engine.go(task);
  if (task.at === At.Running) return engine.wait(task);
  if (task.at !== At.Fault || task.signo !== Signal.SIGSEGV) {
    const actual = task.at === At.Entry ? describeEntry(engine, task) : `signal ${task.signo}`;
    throw engine.mismatch('trap', task, frame, actual, frame.insn);
  }
  engine.load(task);
  compareRip(engine, task, frame, frame.rip);
  engine.hooks?.arrived(task, frame);
  const { regs, tracer } = engine;
  const [rax, rbx, rcx, rdx] = frame.values;
  regs.set(Reg.rax, rax);
  regs.set(Reg.rdx, rdx);
  if (frame.insn !== 'rdtsc') regs.set(Reg.rcx, rcx);
  if (frame.insn === 'cpuid') regs.set(Reg.rbx, rbx);
  regs.set(Reg.rip, frame.rip + (frame.insn === 'rdtscp' ? 3 : 2));
  regs.set(Reg.orig_rax, -1);
  tracer.setRegs(task.tid);
  engine.agent?.answered(task, frame.insn, regs.address(Reg.rip));
  task.at = At.User;
  return true;
}
