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
import { type AgentMemory, AgentPart, RING_SIZE, unmapAgentMemory } from './agent-memory.js';
import { AgentReports, type Reported } from './agent-reports.js';
import type { NativeTracer, ProcMapping } from './binding.js';
import type { PatchedBytes } from './patched-space.js';
import { vdsoClockOffset } from './system.js';

// Where the agent's parts lie: the same numbers as in agent/layout.h.
const CODE = 0x71000000;
/** Descriptors from this number on are the tracer's business. */
export const AGENT_FD_COUNT = 4096;
/** Offset from a list of what is kept to the bytes of that. */
const KEPT_BYTES = 0x40;
const ANSWERS_MAX = 128;
const ANSWER_WORDS = 6;
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
  Mapped = 288,
  Full = 292,
  Serial = 296,
  Solo = 304,
}
const CHANGED_MAX = 32;
/** Of what is told of a file that has been mapped. */
const MAPPED_BYTES = 0x2f8;
/** Of what is read at each stop. */
const BLOCK_SIZE = 304;

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
  /** Writes, as long as nobody else is recorded: it is the recorded output. See `outputUse`. */
  Output = 16,
}

const TARGET_SHIFT = 5;

/** FdUse bits for the recorded output; `target` as `output` frames have it. */
export const outputUse = (target: number): number => FdUse.Output | (target << TARGET_SHIFT);

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
  readonly agent_called: number;
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
  /** Encoded frames of one task, in the ring itself: valid until that is emptied. */
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

  readonly reports = new AgentReports();

  constructor(private readonly tracer: NativeTracer) {
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

  /** Puts the agent into a fresh address space that has room for it. `details`: AgentDetail bits. */
  load(tid: number, memory: AgentMemory, details: number, time: number, clock: number): void {
    const { tracer } = this;
    tracer.writeMemory(tid, CODE, this.code, 0, this.code.length);
    tracer.writeMemory(tid, ALLOWED, this.allowed, 0, this.allowed.length);
    const { view } = memory;
    view.setBigInt64(Block.Time, BigInt(Math.round(time)), true);
    view.setUint32(Block.Halt, Halt.Off, true);
    view.setUint32(Block.Details, details, true);
    view.setBigUint64(Block.Clock, BigInt(clock), true);
    view.setUint32(Block.Luck, Math.floor(Math.random() * 0x100000000), true);
  }

  /** Takes the agent out of an address space again. */
  unload(tid: number): void {
    const { tracer } = this;
    const unmap = (addr: number, size: number): void => {
      tracer.remoteSyscall(tid, REMOTE_SYSCALL, Sys.munmap, [addr, size]);
    };
    unmap(CODE, this.codeSize);
    unmapAgentMemory(tracer, tid);
    unmap(PARKED_VDSO, PARKED_SIZE);
  }

  /**
   * Makes room for the agent's code, and moves the vDSO's pages out of the program's sight. Returns where clock_gettime is; 0 if
   * there is none.
   */
  makeRoom(tid: number, pages: readonly ProcMapping[]): number {
    const { tracer } = this;
    const flags = MapFlag.PRIVATE | MapFlag.ANONYMOUS | MapFlag.FIXED;
    const base = Math.min(...pages.map((page) => page.start));
    const park = PARKED_VDSO - base;
    const calls = pages.map(({ start, end }) => {
      const size = end - start;
      return [Sys.mremap, start, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, start + park];
    });
    const [mapped, ...moved] = tracer.remoteSyscalls(tid, REMOTE_SYSCALL, [
      [Sys.mmap, CODE, this.codeSize, Prot.READ | Prot.EXEC, flags, -1, 0],
      ...calls,
    ]);
    if (mapped !== CODE) throw new Error(`cannot map the agent in task ${tid}: ${mapped}`);
    let vdso = 0;
    for (const [i, { start, end, name }] of pages.entries()) {
      if (moved[i] !== start + park)
        tracer.remoteSyscall(tid, REMOTE_SYSCALL, Sys.munmap, [start, end - start]);
      else if (name === '[vdso]') vdso = start + park;
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

  /** Reads the block of an address space, for the getters below. */
  look(memory: AgentMemory): void {
    this.block.set(memory.block.subarray(0, BLOCK_SIZE));
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
  /** The call under way is left to the tracer for want of room alone: the agent can make it once the ring is empty. */
  get isFull(): boolean {
    return this.view.getUint32(Block.Full, true) !== 0;
  }
  /** Place of the next output in the order of all output, for whom `solo` was told it. */
  get serial(): number {
    return Number(this.view.getBigUint64(Block.Serial, true));
  }
  /** Changes with every frame; odd while one is added. */
  get writing(): number {
    return this.view.getUint32(Block.Writing, true);
  }
  /** True once the call under way has been made, until it is recorded. */
  get isMade(): boolean {
    return this.view.getUint32(Block.Stage, true) === 1;
  }

  /**
   * What is in the ring from byte `from` on, according to the block last looked at; undefined if nothing. A task that runs
   * may have changed it meanwhile: `look` and `writing` tell.
   */
  drain(memory: AgentMemory, from: number): Drained | undefined {
    const { view } = this;
    const head = Number(view.getBigUint64(Block.Head, true));
    const changes = Number(view.getBigUint64(Block.Changes, true));
    if (head === from && changes === 0) return undefined;
    if (head < from || head > RING_SIZE) throw new Error(`the agent's ring has ${head} bytes`);
    let changed: number[] | undefined;
    if (changes <= CHANGED_MAX) {
      changed = [];
      for (let i = 0; i < changes; i++) changed.push(view.getInt32(Block.Changed + 4 * i, true));
    }
    return {
      bytes: memory.bytes.subarray(AgentPart.Ring + from, AgentPart.Ring + head),
      head,
      frames: Number(view.getBigUint64(Block.Frames, true)),
      calls: Number(view.getBigUint64(Block.Calls, true)),
      time: Number(view.getBigInt64(Block.Time, true)),
      connections: view.getUint32(Block.Connections, true),
      changed,
    };
  }

  /** Empties the ring of a stopped task. `time`: CLOCK_MONOTONIC of its last frame so far, ns. */
  empty(memory: AgentMemory, time: number): void {
    memory.block.fill(0, 0, Block.Ret);
    this.setTime(memory, time);
  }

  /** Frames that come next are at `time` at the earliest: CLOCK_MONOTONIC, ns. The ring of the stopped task is empty. */
  setTime({ view }: AgentMemory, time: number): void {
    view.setBigInt64(Block.Time, BigInt(Math.round(time)), true);
  }

  /** Whether nobody else is recorded who could put something out; `serial`: place of the next output in the order of all output. */
  solo({ view }: AgentMemory, solo: boolean, serial: number): void {
    view.setBigUint64(Block.Serial, BigInt(serial), true);
    view.setUint32(Block.Solo, solo ? 1 : 0, true);
  }

  /** The task is about to make the call for which there was no room. */
  hasRoom({ view }: AgentMemory): void {
    view.setUint32(Block.Full, 0, true);
  }

  /** Whoever was adding a frame has been killed. */
  endWriting({ view }: AgentMemory): void {
    view.setUint32(Block.Writing, view.getUint32(Block.Writing, true) + 1, true);
  }

  /** The call under way, which has been made, is the tracer's to record. */
  endCall({ view }: AgentMemory): void {
    view.setUint32(Block.Stage, 0, true);
  }

  /** Halt bits. */
  halt({ view }: AgentMemory, bits: number): void {
    view.setUint32(Block.Halt, bits, true);
  }

  share({ view }: AgentMemory, shared: Shared): void {
    view.setUint32(Block.Shared, shared, true);
  }

  /** Whether blocking SIGSYS is the tracer's. */
  guard({ view }: AgentMemory, on: boolean): void {
    view.setUint32(Block.Guards, on ? 1 : 0, true);
  }

  /** The instruction under way was a cpuid, not an rdtsc. */
  get isCpuid(): boolean {
    return this.view.getUint32(Block.Trap, true) === TRAP_CPUID;
  }

  /** Adds what cpuid answers: words leaf, subleaf, eax, ebx, ecx, edx each. `known`: how many are known to the agent. */
  answers({ view }: AgentMemory, answers: readonly (readonly number[])[], known: number): void {
    const count = Math.min(answers.length, ANSWERS_MAX);
    if (count === known) return;
    let at = AgentPart.Answers + 8 + 4 * ANSWER_WORDS * known;
    for (let i = known; i < count; i++) {
      for (const word of answers[i]!) {
        view.setUint32(at, word, true);
        at += 4;
      }
    }
    view.setUint32(AgentPart.Answers, count, true);
  }

  /**
   * Has the agent map other parts of a private file by itself, if the next call of the task that is about to go on does so.
   * `before` and `after`: what a frame says of the file before the offset and after it.
   */
  mapsOn(memory: AgentMemory, fd: number, before: Uint8Array, after: Uint8Array): void {
    const { view, bytes } = memory;
    if (before.length + after.length > MAPPED_BYTES) {
      this.mapsNothing(memory);
      return;
    }
    const start = AgentPart.Mapped;
    view.setUint32(start, before.length, true);
    view.setUint32(start + 4, after.length, true);
    bytes.set(before, start + 8);
    bytes.set(after, start + 8 + before.length);
    view.setUint32(Block.Mapped, fd + 1, true);
  }

  /** The next call is to map no file without the tracer. */
  mapsNothing({ view }: AgentMemory): void {
    view.setUint32(Block.Mapped, 0, true);
  }

  /** Whether the agent may read the time stamp counter: else it has the time of the last tick. */
  precise({ view }: AgentMemory, on: boolean): void {
    view.setUint32(Block.Precise, on ? 1 : 0, true);
  }

  /**
   * What a call that was interrupted in the agent has changed so far is put back as it was before. Returns what was there
   * instead. The block has been looked at.
   */
  putBack(tid: number, memory: AgentMemory): readonly PatchedBytes[] {
    const count = this.view.getUint32(Block.Kept, true);
    const { tracer } = this;
    const changed: PatchedBytes[] = [];
    let from = AgentPart.Kept + KEPT_BYTES;
    for (let i = 0; i < count; i++) {
      const piece = AgentPart.Kept + 16 * i;
      const addr = Number(memory.view.getBigUint64(piece, true));
      const bytes = new Uint8Array(Number(memory.view.getBigUint64(piece + 8, true)));
      tracer.readMemory(tid, addr, bytes, 0, bytes.length);
      tracer.writeMemory(tid, addr, memory.bytes, from, bytes.length);
      changed.push({ addr, bytes });
      from += bytes.length;
    }
    return changed;
  }

  /** Takes what there is in the reports of a stopped task that was just looked at. */
  takeReports(memory: AgentMemory): Reported {
    const reported = this.reports.read(memory);
    this.reports.clear(memory, reported);
    memory.view.setUint32(Block.Reported, 0, true);
    this.view.setUint32(Block.Reported, 0, true);
    return reported;
  }

  /** FdUse bits of a descriptor. */
  allow({ fds }: AgentMemory, fd: number, use: number): void {
    if (fd >= 0 && fd < AGENT_FD_COUNT) fds[fd] = use;
  }

  /** Nothing is known of any descriptor. */
  forgetFds({ fds }: AgentMemory): void {
    fds.fill(0);
  }

  /** The registers the program had when it entered the agent, in the order of SAVED_REGS. */
  savedWords({ view }: AgentMemory): bigint[] {
    const first = AgentPart.Ring - 8 * SAVED_WORDS;
    return Array.from({ length: SAVED_WORDS }, (_, i) => view.getBigUint64(first + 8 * i, true));
  }
}

/** As in `trap` frames. */
const TRAP_CPUID = 2;
/** Words that the agent's entry pushes. */
const SAVED_WORDS = 15;
