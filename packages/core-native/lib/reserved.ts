import {
  CALL_SCRATCH,
  CALL_SCRATCH_END,
  EXEC_SCRATCH_SIZE,
  MapFlag,
  Prot,
  REMOTE_LOOP,
  REMOTE_SCRATCH,
  REMOTE_SCRATCH_SIZE,
  REMOTE_SYSCALL,
  REMOTE_TABLE,
  REMOTE_TABLE_SIZE,
  RESERVED_START,
  Sys,
} from './abi.js';
import type { NativeTracer } from './binding.js';

/** `syscall; int3` */
const SYSCALL_INSN = Uint8Array.of(0x0f, 0x05, 0xcc);
/**
 * Makes the calls of a table from rbx to r12: a number, the addresses of six arguments, and room for them. Results take the
 * numbers' places (TableEntry in src/remote_syscall.cc).
 */
const LOOP = Buffer.from(
  [
    '488b03', // mov rax, [rbx]
    '488b7b08488b3f', // mov rdi, [rbx + 8]; mov rdi, [rdi]
    '488b7310488b36', // rsi
    '488b5318488b12', // rdx
    '4c8b53204d8b12', // r10
    '4c8b43284d8b00', // r8
    '4c8b4b304d8b09', // r9
    '0f05', // syscall
    '488903', // mov [rbx], rax
    '4883c368', // add rbx, 104
    '4c39e3', // cmp rbx, r12
    '75c5', // jne to the beginning
    'cc',
  ].join(''),
  'hex',
);
const CODE = Buffer.concat([SYSCALL_INSN], REMOTE_LOOP - REMOTE_SYSCALL + LOOP.length);
CODE.set(LOOP, REMOTE_LOOP - REMOTE_SYSCALL);
const PR_SET_TSC = 26;
const PR_TSC_ENABLE = 1;
const PR_TSC_SIGSEGV = 2;
const ARCH_SET_CPUID = 0x1012;
const CPUID_OFF = [Sys.arch_prctl, ARCH_SET_CPUID, 0];
const SCRATCH_SIZE = REMOTE_SCRATCH_SIZE + EXEC_SCRATCH_SIZE;
const FLAGS = MapFlag.PRIVATE | MapFlag.ANONYMOUS | MapFlag.FIXED;

/** Has `use` make remote calls by a `syscall` instruction written at `insn` for the moment. */
function borrowCode<T>(tracer: NativeTracer, tid: number, insn: number, use: () => T): T {
  const saved = new Uint8Array(SYSCALL_INSN.length);
  tracer.readMemory(tid, insn, saved, 0, saved.length);
  tracer.writeMemory(tid, insn, SYSCALL_INSN, 0, SYSCALL_INSN.length);
  const result = use();
  tracer.writeMemory(tid, insn, saved, 0, saved.length);
  return result;
}

/**
 * Maps the reserved pages of an address space, by a `syscall` instruction written at `insn` for the moment, after other calls
 * that are made there first.
 */
export function mapReserved(
  tracer: NativeTracer,
  tid: number,
  insn: number,
  first: readonly (readonly number[])[] = [],
): void {
  const size = REMOTE_SCRATCH - RESERVED_START;
  const results = borrowCode(tracer, tid, insn, () =>
    tracer.remoteSyscalls(tid, insn, [
      ...first,
      [Sys.mmap, RESERVED_START, size, Prot.READ | Prot.EXEC, FLAGS, -1, 0],
      [Sys.mmap, REMOTE_SCRATCH, SCRATCH_SIZE, Prot.READ | Prot.WRITE, FLAGS, -1, 0],
    ]),
  );
  const mapped = results[first.length];
  if (mapped !== RESERVED_START)
    throw new Error(`cannot map the reserved page in task ${tid}: ${mapped}`);
  tracer.writeMemory(tid, REMOTE_SYSCALL, CODE, 0, CODE.length);
}

/**
 * From now on remote calls stop a task once for all that are made together, instead of twice for each, or they do so no
 * longer. Only for tasks that have neither a handler for SIGTRAP nor ignore it.
 */
export function callByTraps(tracer: NativeTracer, on = true): void {
  const end = REMOTE_LOOP + LOOP.length;
  if (on) tracer.useTraps(REMOTE_SYSCALL, REMOTE_LOOP, end, REMOTE_TABLE, REMOTE_TABLE_SIZE);
  else tracer.useTraps(0, 0, 0, 0, 0);
}

/**
 * As mapReserved, and makes instructions trap in a fresh address space. cpuid comes first: while it traps in the tracer alone
 * (trapCpuidHere), each switch from one to the other costs as much as several stops. What is not to be made to trap is left
 * as it is.
 */
export function mapReservedAndTrap(
  tracer: NativeTracer,
  tid: number,
  insn: number,
  { cpuid = true, tsc = true }: { readonly cpuid?: boolean; readonly tsc?: boolean } = {},
): void {
  mapReserved(tracer, tid, insn, cpuid ? [CPUID_OFF] : []);
  if (tsc) trapTsc(tracer, tid, true);
}

/** Takes the reserved pages away again. */
export function unmapReserved(tracer: NativeTracer, tid: number): void {
  tracer.remoteSyscall(tid, REMOTE_SYSCALL, Sys.munmap, [
    CALL_SCRATCH,
    CALL_SCRATCH_END - CALL_SCRATCH,
  ]);
  tracer.remoteSyscall(tid, REMOTE_SYSCALL, Sys.munmap, [REMOTE_SCRATCH, SCRATCH_SIZE]);
  // This call unmaps the page it is made from: the step ends before the next fetch.
  tracer.remoteSyscall(tid, REMOTE_SYSCALL, Sys.munmap, [
    RESERVED_START,
    REMOTE_SCRATCH - RESERVED_START,
  ]);
}

/** Makes rdtsc and rdtscp trap in a task and its future children, or not. */
export function trapTsc(tracer: NativeTracer, tid: number, on: boolean): void {
  const mode = on ? PR_TSC_SIGSEGV : PR_TSC_ENABLE;
  tracer.remoteSyscall(tid, REMOTE_SYSCALL, Sys.prctl, [PR_SET_TSC, mode, 0, 0, 0]);
}

/**
 * Makes cpuid trap in a task and its future children, by a call made at `insn`. False if it cannot (a CPU without faulting).
 */
export function trapCpuid(tracer: NativeTracer, tid: number, insn = REMOTE_SYSCALL): boolean {
  return tracer.remoteSyscalls(tid, insn, [CPUID_OFF])[0] === 0;
}

/** Lets a task execute rdtsc, rdtscp and cpuid again. */
export function freeInstructions(tracer: NativeTracer, tid: number): void {
  trapTsc(tracer, tid, false);
  tracer.remoteSyscall(tid, REMOTE_SYSCALL, Sys.arch_prctl, [ARCH_SET_CPUID, 1]);
}

/** Maps `size` bytes at `start` in the part of the reserved range that is kept for calls that wait. False if that fails. */
export function mapCallScratch(
  tracer: NativeTracer,
  tid: number,
  start: number,
  size: number,
): boolean {
  const flags = MapFlag.PRIVATE | MapFlag.ANONYMOUS | MapFlag.FIXED | MapFlag.NORESERVE;
  const args = [start, size, Prot.READ | Prot.WRITE, flags, -1, 0];
  return tracer.remoteSyscall(tid, REMOTE_SYSCALL, Sys.mmap, args) === start;
}
