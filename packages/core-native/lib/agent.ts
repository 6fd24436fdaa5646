import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  MapFlag,
  pageAlign,
  Prot,
  REMOTE_SCRATCH,
  REMOTE_SYSCALL,
  RESERVED_START,
  Sys,
} from './abi.js';
import { AgentReports, type Reported } from './agent-reports.js';
import type { NativeTracer, ProcMapping } from './binding.js';
import type { PatchedBytes } from './patched-space.js';
import { vdsoClockOffset } from './system.js';

// Where the agent's parts lie: the same numbers as in agent/layout.h.
const CODE = 0x71000000;
const DATA = 0x71100000;
const FDS = DATA + 0x1000;
/** Descriptors from this number on are the tracer's business. */
export const AGENT_FD_COUNT = 4096;
const ANSWERS = DATA + 0x3000;
const ANSWERS_MAX = 128;
const ANSWER_WORDS = 6;
const KEPT = DATA + 0x2000;
const KEPT_BYTES = KEPT + 0x40;
const STACK_TOP = DATA + 0x8000;
const RING = DATA + 0x8000;
const RING_SIZE = 0x40000;
/** The vDSO lives on here, out of the program's sight. */
const PARKED_VDSO = 0x71800000;
const PARKED_SIZE = 0x100000;
const ALLOWED = RESERVED_START + 0x100;
const MREMAP_MAYMOVE = 1;
const MREMAP_FIXED = 2;

/** Byte offsets of the words that agent and tracer share. */
const enum Block {
  Head = 0,
  Frames = 8,
  Calls = 16,
  Changes = 24,
  Time = 32,
  Ret = 40,
  Nr = 48,
  Result = 56,
  Rsp = 64,
  Halt = 72,
  Stage = 76,
  Details = 80,
  Writing = 84,
  Clock = 88,
  Changed = 96,
  Shared = 224,
  Luck = 228,
  Entry = 232,
  Reported = 240,
  Guards = 244,
  Connections = 248,
  Kept = 252,
  Precise = 256,
  Trap = 260,
}
const CHANGED_MAX = 32;
/** Of what is read at each stop. */
const BLOCK_SIZE = 264;

/** Why the agent is to leave the next call to the tracer. */
export enum Halt {
  None = 0,
  Off = 1,
  /** A signal waits. */
  Signal = 2,
}

/** What a task has in common with others of its domain, as far as it concerns the agent. */
export enum Shared {
  Nothing = 0,
  /** The baton: they may have to run before a call that waits can end. */
  Turn = 1,
  /** Dispositions of signals, too. */
  TurnAndActions = 3,
}

/** What the agent adds to the frames of its calls. */
export enum AgentDetail {
  Args = 1,
  Strings = 2,
  Data = 4,
  Durations = 8,
}

/** What the agent may do with a descriptor by itself. */
export enum FdUse {
  None = 0,
  Read = 1,
  Write = 2,
  /** No call on it waits. */
  Prompt = 4,
}

/** Addresses in the agent's code; what each is, is said in agent/agent.c. */
interface Symbols {
  readonly agent_entry: number;
  readonly agent_tail: number;
  readonly agent_tail_end: number;
  readonly agent_forward_end: number;
  readonly agent_take_end: number;
  readonly agent_exit_end: number;
  readonly agent_window: number;
  readonly agent_insn: number;
  readonly agent_aborted: number;
  readonly agent_pass: number;
  readonly agent_pass_end: number;
  readonly agent_cpuid: number;
  readonly agent_rdtsc: number;
  readonly agent_trap_left: number;
  readonly agent_trap_done: number;
}

const file = (name: string): string => fileURLToPath(new URL(`../build/${name}`, import.meta.url));

/** What the ring of an agent held. */
export interface Drained {
  /** Encoded frames of one task, valid until the next drain. */
  readonly bytes: Uint8Array;
  /** Where they end in the ring. */
  readonly head: number;
  /** Frames and calls since the ring was empty. */
  readonly frames: number;
  readonly calls: number;
  /** CLOCK_MONOTONIC of the last frame, ns. */
  readonly time: number;
  /** How many `connection` frames there have been in this address space, of which those here have no number yet. */
  readonly connections: number;
  /** Descriptors that were opened or closed; undefined: too many to tell. */
  readonly changed: readonly number[] | undefined;
}

/** The agent as the tracer knows it: its code, and the words it shares with each address space that has it. */
export class Agent {
  readonly symbols: Symbols;
  /** By system call: 1 if the agent makes it. */
  readonly calls = new Uint8Array(1024);
  private readonly code: Uint8Array;
  /** Bytes that are mapped for it. */
  private readonly codeSize: number;
  private readonly allowed: Uint8Array;
  private readonly block = new Uint8Array(BLOCK_SIZE);
  private readonly view = new DataView(this.block.buffer);
  private readonly ring = new Uint8Array(RING_SIZE);
  private readonly word = new Uint8Array(8);
  private readonly reset = new Uint8Array(Block.Ret);

  readonly reports: AgentReports;

  constructor(private readonly tracer: NativeTracer) {
    this.reports = new AgentReports(tracer);
    const { symbols, calls } = JSON.parse(readFileSync(file('agent.json'), 'utf8')) as {
      symbols: Symbols;
      calls: number[];
    };
    this.symbols = symbols;
    for (const nr of calls) this.calls[nr] = 1;
    this.code = readFileSync(file('agent.bin'));
    this.codeSize = pageAlign(this.code.length);
    this.allowed = readFileSync(file('agent-allowed.bin'));
  }

  /** Maps the agent into a fresh address space, whose reserved page is mapped. `details`: AgentDetail bits. */
  load(tid: number, details: number, time: number, clock: number): void {
    const { tracer } = this;
    const flags = MapFlag.PRIVATE | MapFlag.ANONYMOUS | MapFlag.FIXED;
    const map = (addr: number, size: number, prot: number): void => {
      const result = tracer.remoteSyscall(tid, REMOTE_SYSCALL, Sys.mmap, [
        addr,
        size,
        prot,
        flags,
        -1,
        0,
      ]);
      if (result !== addr) throw new Error(`cannot map the agent in task ${tid}: ${result}`);
    };
    map(CODE, this.codeSize, Prot.READ | Prot.EXEC);
    map(DATA, RING + RING_SIZE - DATA, Prot.READ | Prot.WRITE);
    tracer.writeMemory(tid, CODE, this.code, 0, this.code.length);
    tracer.writeMemory(tid, ALLOWED, this.allowed, 0, this.allowed.length);
    this.block.fill(0);
    this.view.setBigInt64(Block.Time, BigInt(Math.round(time)), true);
    this.view.setUint32(Block.Halt, Halt.Off, true);
    this.view.setUint32(Block.Details, details, true);
    this.view.setBigUint64(Block.Clock, BigInt(clock), true);
    this.view.setUint32(Block.Luck, Math.floor(Math.random() * 0x100000000), true);
    tracer.writeMemory(tid, DATA, this.block, 0, BLOCK_SIZE);
  }

  /** Takes the agent out of an address space again. */
  unload(tid: number): void {
    const { tracer } = this;
    const unmap = (addr: number, size: number): void => {
      tracer.remoteSyscall(tid, REMOTE_SYSCALL, Sys.munmap, [addr, size]);
    };
    unmap(CODE, this.codeSize);
    unmap(DATA, RING + RING_SIZE - DATA);
    unmap(PARKED_VDSO, PARKED_SIZE);
  }

  /** Moves the vDSO's pages out of the program's sight. Returns where clock_gettime is; 0 if there is none. */
  parkVdso(tid: number, pages: readonly ProcMapping[]): number {
    const { tracer } = this;
    const base = Math.min(...pages.map((page) => page.start));
    let vdso = 0;
    for (const { start, end, name } of pages) {
      const size = end - start;
      const target = PARKED_VDSO + (start - base);
      const args = [start, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, target];
      const moved = tracer.remoteSyscall(tid, REMOTE_SYSCALL, Sys.mremap, args) === target;
      if (!moved) tracer.remoteSyscall(tid, REMOTE_SYSCALL, Sys.munmap, [start, size]);
      else if (name === '[vdso]') vdso = target;
    }
    const offset = vdsoClockOffset();
    return vdso === 0 || offset === 0 ? 0 : vdso + offset;
  }

  /** Turns dispatch on or off for a stopped task. false if the task is gone. */
  dispatch(tid: number, on: boolean): boolean {
    return this.tracer.setDispatch(tid, RESERVED_START, on ? REMOTE_SCRATCH - RESERVED_START : 0);
  }

  /** True for an address in the agent's code, or in the vDSO, which only the agent calls. */
  contains(rip: number): boolean {
    if (rip < ALLOWED || rip >= PARKED_VDSO + PARKED_SIZE) return false;
    if (rip < REMOTE_SCRATCH || rip >= PARKED_VDSO) return true;
    return rip >= CODE && rip < CODE + this.codeSize;
  }

  /** True for an address in the vDSO. */
  isInVdso(rip: number): boolean {
    return rip >= PARKED_VDSO && rip < PARKED_VDSO + PARKED_SIZE;
  }

  /** Reads the block of a task's address space, for the getters below. false if it is gone. */
  look(tid: number): boolean {
    return this.tracer.readMemory(tid, DATA, this.block, 0, BLOCK_SIZE) === BLOCK_SIZE;
  }

  /** Address after the `syscall` instruction of the call under way. */
  get ret(): number {
    return Number(this.view.getBigUint64(Block.Ret, true));
  }
  get nr(): number {
    return Number(this.view.getBigInt64(Block.Nr, true));
  }
  get result(): bigint {
    return this.view.getBigInt64(Block.Result, true);
  }
  get rsp(): bigint {
    return this.view.getBigUint64(Block.Rsp, true);
  }
  /** Length that the call under way has overwritten, as it was before; -1 if there is none. */
  get entry(): number {
    return Number(this.view.getBigInt64(Block.Entry, true));
  }
  /** There is something in the reports. */
  get hasReports(): boolean {
    return this.view.getUint32(Block.Reported, true) !== 0;
  }
  /** Nothing has been recorded since the ring was last emptied. */
  get isEmpty(): boolean {
    return this.view.getBigUint64(Block.Head, true) === 0n;
  }
  /** Changes with every frame; odd while one is added. */
  get writing(): number {
    return this.view.getUint32(Block.Writing, true);
  }
  /** True once the call under way has been made. */
  get isMade(): boolean {
    return this.view.getUint32(Block.Stage, true) === 1;
  }

  /**
   * What is in the ring from byte `from` on, according to the block last looked at; undefined if nothing. A task that runs
   * may have changed it meanwhile: `look` and `isSame` tell.
   */
  drain(tid: number, from: number): Drained | undefined {
    const { view, ring } = this;
    const head = Number(view.getBigUint64(Block.Head, true));
    const changes = Number(view.getBigUint64(Block.Changes, true));
    if (head === from && changes === 0) return undefined;
    const size = head - from;
    if (head > RING_SIZE || this.tracer.readMemory(tid, RING + from, ring, 0, size) !== size)
      throw new Error(`the agent's ring in task ${tid} cannot be read`);
    let changed: number[] | undefined;
    if (changes <= CHANGED_MAX) {
      changed = [];
      for (let i = 0; i < changes; i++) changed.push(view.getInt32(Block.Changed + 4 * i, true));
    }
    return {
      bytes: ring.subarray(0, size),
      head,
      frames: Number(view.getBigUint64(Block.Frames, true)),
      calls: Number(view.getBigUint64(Block.Calls, true)),
      time: Number(view.getBigInt64(Block.Time, true)),
      connections: view.getUint32(Block.Connections, true),
      changed,
    };
  }

  /** Empties the ring of a stopped task. `time`: CLOCK_MONOTONIC of its last frame so far, ns. */
  empty(tid: number, time: number): void {
    new DataView(this.reset.buffer).setBigInt64(Block.Time, BigInt(Math.round(time)), true);
    this.tracer.writeMemory(tid, DATA, this.reset, 0, Block.Ret);
  }

  /** Frames that come next are at `time` at the earliest: CLOCK_MONOTONIC, ns. The ring of the stopped task is empty. */
  setTime(tid: number, time: number): void {
    const word = new BigInt64Array([BigInt(Math.round(time))]);
    this.tracer.writeMemory(tid, DATA + Block.Time, new Uint8Array(word.buffer), 0, 8);
  }

  /** Halt bits. */
  halt(tid: number, bits: number): void {
    this.word[0] = bits;
    this.tracer.writeMemory(tid, DATA + Block.Halt, this.word, 0, 4);
  }

  share(tid: number, shared: Shared): void {
    this.word[0] = shared;
    this.tracer.writeMemory(tid, DATA + Block.Shared, this.word, 0, 4);
  }

  /** Whether blocking SIGSYS is the tracer's. */
  guard(tid: number, on: boolean): void {
    this.word[0] = on ? 1 : 0;
    this.tracer.writeMemory(tid, DATA + Block.Guards, this.word, 0, 4);
  }

  /** The instruction under way was a cpuid, not an rdtsc. */
  get isCpuid(): boolean {
    return this.view.getUint32(Block.Trap, true) === TRAP_CPUID;
  }

  /** Adds what cpuid answers: words leaf, subleaf, eax, ebx, ecx, edx each. `known`: how many are known to the agent. */
  answers(tid: number, answers: readonly (readonly number[])[], known: number): void {
    const count = Math.min(answers.length, ANSWERS_MAX);
    if (count === known) return;
    const bytes = new Uint8Array(new Uint32Array(answers.slice(known, count).flat()).buffer);
    const addr = ANSWERS + 8 + 4 * ANSWER_WORDS * known;
    this.tracer.writeMemory(tid, addr, bytes, 0, bytes.length);
    this.word.fill(0);
    this.word[0] = count;
    this.tracer.writeMemory(tid, ANSWERS, this.word, 0, 8);
  }

  /** Whether the agent may read the time stamp counter: else it has the time of the last tick. */
  precise(tid: number, on: boolean): void {
    this.word[0] = on ? 1 : 0;
    this.tracer.writeMemory(tid, DATA + Block.Precise, this.word, 0, 4);
  }

  /**
   * What a call that was interrupted in the agent has changed so far is put back as it was before. Returns what was there
   * instead. The block has been looked at.
   */
  putBack(tid: number): readonly PatchedBytes[] {
    const count = this.view.getUint32(Block.Kept, true);
    if (count === 0) return [];
    const { tracer } = this;
    const words = new BigUint64Array(2 * count);
    tracer.readMemory(tid, KEPT, new Uint8Array(words.buffer), 0, 16 * count);
    const changed: PatchedBytes[] = [];
    let from = KEPT_BYTES;
    for (let i = 0; i < count; i++) {
      const addr = Number(words[2 * i]);
      const bytes = new Uint8Array(Number(words[2 * i + 1]));
      const before = new Uint8Array(bytes.length);
      tracer.readMemory(tid, addr, bytes, 0, bytes.length);
      tracer.readMemory(tid, from, before, 0, before.length);
      tracer.writeMemory(tid, addr, before, 0, before.length);
      changed.push({ addr, bytes });
      from += before.length;
    }
    return changed;
  }

  /** Takes what there is in the reports of a stopped task that was just looked at. */
  takeReports(tid: number): Reported {
    const reported = this.reports.read(tid);
    this.reports.clear(tid, reported);
    this.word.fill(0);
    this.tracer.writeMemory(tid, DATA + Block.Reported, this.word, 0, 4);
    this.view.setUint32(Block.Reported, 0, true);
    return reported;
  }

  /** FdUse bits of a descriptor. */
  allow(tid: number, fd: number, use: number): void {
    if (fd < 0 || fd >= AGENT_FD_COUNT) return;
    this.word[0] = use;
    this.tracer.writeMemory(tid, FDS + fd, this.word, 0, 1);
  }

  /** Nothing is known of any descriptor. */
  forgetFds(tid: number): void {
    this.tracer.writeMemory(tid, FDS, new Uint8Array(AGENT_FD_COUNT), 0, AGENT_FD_COUNT);
  }

  /** The registers the program had when it entered the agent, in the order of user_regs_struct's Reg numbers by `order`. */
  savedWords(tid: number): BigUint64Array {
    const bytes = new Uint8Array(SAVED_WORDS * 8);
    this.tracer.readMemory(tid, STACK_TOP - bytes.length, bytes, 0, bytes.length);
    return new BigUint64Array(bytes.buffer);
  }
}

/** As in `trap` frames. */
const TRAP_CPUID = 2;
/** Words that the agent's entry pushes. */
const SAVED_WORDS = 15;
