import {
  cpuid,
  MAX_TRAP_BYTES,
  Reg,
  readTsc,
  type TrapInstruction,
  trapInstruction,
} from '@scribe-ts/core-native';
import type { Session } from './session.js';
import type { Task } from './tasks.js';

/** CPUID bits hidden from programs, because what they offer cannot be replayed: [leaf, subleaf or -1, register 0…3 = eax…edx, mask]. */
const HIDDEN: readonly (readonly [number, number, number, number])[] = [
  [0x1, -1, 2, 1 << 30], // RDRAND
  [0x7, 0, 1, (1 << 4) | (1 << 11) | (1 << 18)], // HLE, RTM, RDSEED
  [0x7, 0, 2, (1 << 22) | (1 << 5)], // RDPID, WAITPKG (umwait reads the time stamp counter)
  [0x7, 0, 3, (1 << 16) | (1 << 13) | (1 << 11)], // TSXLDTRK, RTM_FORCE_ABORT, RTM_ALWAYS_ABORT
];

/** Answers so far: in a virtual machine the instruction takes tens of microseconds. */
const answers = new Map<number, CpuidValues>();
/** The same as words leaf, subleaf, eax, ebx, ecx, edx each, in the order in which they were found out. */
export const cpuidAnswers: (readonly number[])[] = [];
/** Programs ask for a few dozen; a subleaf may be anything where there are none. */
const MAX_ANSWERS = 4096;

type CpuidValues = [number, number, number, number];

/** What the program is told about its CPU: the same every time, on whichever CPU it asks. */
export function maskedCpuid(leaf: number, subleaf: number): CpuidValues {
  const key = leaf * 2 ** 32 + subleaf;
  let values = answers.get(key);
  if (values === undefined) {
    values = askCpu(leaf, subleaf);
    if (answers.size < MAX_ANSWERS) {
      answers.set(key, values);
      cpuidAnswers.push([leaf, subleaf, ...values]);
    }
  }
  return values;
}

function askCpu(leaf: number, subleaf: number): CpuidValues {
  const values = cpuid(leaf, subleaf);
  for (const [hiddenLeaf, hiddenSubleaf, register, mask] of HIDDEN) {
    if (leaf === hiddenLeaf && (hiddenSubleaf < 0 || subleaf === hiddenSubleaf)) {
      values[register] = (values[register]! & ~mask) >>> 0;
    }
  }
  return values;
}

/** The instruction at which a task was stopped. */
const code = new Uint8Array(MAX_TRAP_BYTES);

/** Answers rdtsc, rdtscp or cpuid if that is what the task was stopped at with a SIGSEGV of its own making. */
export function answerTrap(session: Session, task: Task): boolean {
  const rip = session.regs.address(Reg.rip);
  const instruction = instructionAt(session, task.tid, rip);
  if (instruction === undefined) return false;
  answer(session, task, instruction.name, rip + instruction.code.length);
  return true;
}

/** Answers the instruction before `ret` for a stopped task whose registers are loaded, and lets the task go on. */
export function answer(
  session: Session,
  task: Task,
  insn: TrapInstruction['name'],
  ret: number,
): void {
  const { tracer, regs } = session;
  const rip = ret - (insn === 'rdtscp' ? 3 : 2);
  let values: CpuidValues;
  if (insn === 'cpuid') values = maskedCpuid(regs.halves[Reg.rax * 2]!, regs.halves[Reg.rcx * 2]!);
  else {
    const tsc = readTsc();
    values = [tsc.low, 0, 0, tsc.high];
  }
  if (session.agent !== undefined) task.paths.stopped(insn);
  session.emit(task, { type: 'trap', task: task.uid, time: session.now, insn, rip, values });
  regs.set(Reg.rax, values[0]);
  regs.set(Reg.rdx, values[3]);
  if (insn !== 'rdtsc') regs.set(Reg.rcx, values[2]);
  if (insn === 'cpuid') regs.set(Reg.rbx, values[1]);
  regs.set(Reg.rip, ret);
  tracer.setRegs(task.tid);
  task.exitRegsValid = false;
  session.agent?.answered(task, insn, ret);
  session.resumeUser(task);
}

/** True if a task that was stopped with SIGSEGV stands at an instruction that recording has made trap. */
export function isTrap(session: Session, tid: number): boolean {
  const { tracer, regs } = session;
  return tracer.getRegs(tid) && instructionAt(session, tid, regs.address(Reg.rip)) !== undefined;
}

function instructionAt({ tracer }: Session, tid: number, rip: number): TrapInstruction | undefined {
  const got = tracer.readMemory(tid, rip, code, 0, MAX_TRAP_BYTES);
  return trapInstruction(code.subarray(0, got));
}
