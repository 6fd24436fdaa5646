import { EventKind, type NativeTracer, Reg, Resume } from '../binding.js';
import { NativeError } from '../errors.js';
import { Registers } from '../registers.js';
import { OVERFLOW_SIGNAL } from './event-counter.js';

/** What a loop has stopped for. */
export enum LoopStop {
  /** It has come to its end. */
  End,
  /** A counter's overflow. */
  Overflow,
}

/** A task that runs loops of as many conditional branches as one likes. */
export interface CountedLoop {
  readonly tid: number;
  /** Has the task stand before a loop of so many branches, at least 1. */
  prepare(branches: number): void;
  /** Lets it run to its next stop. */
  run(): LoopStop;
  end(): void;
}

/** What a `BranchLoop` asks of a tracer. */
export type LoopTracer = Pick<
  NativeTracer,
  'spawn' | 'event' | 'regs' | 'getRegs' | 'setRegs' | 'resume' | 'waitFor' | 'writeMemory' | 'kill'
>;

/**
 * 1: lock addl $1, -8(%rsp); dec %rcx; jnz 1b; int3. With a locked instruction, as some processors count wrong behind those.
 */
const LOOP = Uint8Array.of(
  ...[0xf0, 0x83, 0x44, 0x24, 0xf8, 0x01],
  ...[0x48, 0xff, 0xc9],
  ...[0x75, 0xf5],
  0xcc,
);
const SIGTRAP = 5;
const SIGKILL = 9;

/** A real task that runs such loops: `program` (any), stopped before its first instruction, with its code written over. */
export class BranchLoop implements CountedLoop {
  readonly tid: number;
  private readonly regs: Registers;
  private readonly entry: number;

  constructor(
    private readonly tracer: LoopTracer,
    program: string,
  ) {
    this.tid = tracer.spawn({ file: program, argv: [program], envp: [] }).tid;
    this.regs = new Registers(tracer.regs);
    tracer.getRegs(this.tid);
    this.entry = this.regs.address(Reg.rip);
    tracer.writeMemory(this.tid, this.entry, LOOP, 0, LOOP.length);
  }

  prepare(branches: number): void {
    const { tracer, tid, regs } = this;
    tracer.getRegs(tid);
    regs.set(Reg.rip, this.entry);
    regs.set(Reg.rcx, branches);
    regs.set(Reg.orig_rax, -1);
    tracer.setRegs(tid);
  }

  run(): LoopStop {
    const { tracer, tid } = this;
    for (;;) {
      tracer.resume(tid, Resume.Cont, 0);
      const kind = tracer.waitFor(tid);
      const signo = tracer.event[2];
      const isTrap = kind === EventKind.Signal && signo === SIGTRAP;
      // A step out of the call that it was started by is a SIGTRAP, too.
      if (isTrap && this.regs.address(Reg.rip) === this.entry + LOOP.length) return LoopStop.End;
      if (kind === EventKind.Signal && signo === OVERFLOW_SIGNAL) return LoopStop.Overflow;
      // Whoever stops this process (job control) may stop its children with it.
      if (kind === EventKind.Exited || kind === EventKind.NoTracees)
        throw new NativeError(ESRCH, 'ptrace');
    }
  }

  end(): void {
    const { tracer, tid } = this;
    tracer.kill(0, tid, SIGKILL);
    tracer.resume(tid, Resume.Cont, 0);
    while (tracer.waitFor(tid) !== EventKind.NoTracees) tracer.resume(tid, Resume.Cont, 0);
  }
}

const ESRCH = 3;
