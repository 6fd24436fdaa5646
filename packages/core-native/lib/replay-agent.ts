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
import { Reg, type NativeTracer } from './binding.js';
import { coverRanges, type Range, rangeWords } from './code-ranges.js';
import type { SiteEntries } from './patcher.js';
import { SAVED_REGS } from './saved-registers.js';

// Where the agent's parts lie: the same numbers as in agent/replay-layout.h.
const ALLOWED = RESERVED_START + 0x100;
const CODE = 0x71000000;
const DATA = 0x71100000;
const CODE_RANGES = DATA + 0x200;
const CODE_RANGES_MAX = 24;
const ROWS = DATA + 0x1000;
/** Rows that ReplayAgent.load takes: a byte for each call. */
export const REPLAY_ROW_COUNT = 1024;
/** Files that ReplayAgent.tellContents takes. */
export const REPLAY_CONTENTS_MAX = 128;
/** What it takes of each: the hash, the path, how long the name is, and that. */
const enum Content {
  Hash = 0,
  Path = 16,
  Named = 128,
  Name = 136,
  End = 256,
}
const STACK_TOP = DATA + 0x8000;
const WINDOW = DATA + 0x8000;
const WINDOW_SIZE = 0x40000;
/** Reading a frame's head may go on for some bytes behind what is there. */
const SLACK = 64;
/** Bytes of a log that fit into the window. */
export const REPLAY_WINDOW = WINDOW_SIZE - SLACK;
const CONTENTS = WINDOW + WINDOW_SIZE;
const DATA_END = CONTENTS + 0x9000;
/** In a call's row, beside the bits of those arguments whose bytes are compared: the agent answers the call. */
export const REPLAY_ROW_ANSWERED = 0x80;
/** The same, and makes it again: what it did to the process is done, too. */
export const REPLAY_ROW_MADE = 0x40;
/** Calls that may have that bit. */
export const REPLAY_CALLS_MADE: ReadonlySet<number> = new Set([
  Sys.arch_prctl,
  Sys.mmap,
  Sys.mprotect,
  Sys.munmap,
  Sys.brk,
  Sys.madvise,
]);

/** Byte offsets of the words that agent and tracer share. */
const enum Block {
  Position = 0,
  End = 8,
  Time = 16,
  Frames = 24,
  Calls = 32,
  Task = 40,
  Armed = 48,
  Break = 56,
  Ret = 64,
}
/** What the tracer writes, and what it reads. */
const ARMED_SIZE = Block.Ret;
const BLOCK_SIZE = Block.Ret + 16;
const RSP = Block.Ret + 8;

/** Addresses in the agent's code; what each is, is said in agent/replay.c. */
interface Symbols {
  readonly agent_entry: number;
  readonly agent_forward: number;
  readonly agent_stop: number;
  readonly agent_cpuid: number;
  readonly agent_rdtsc: number;
  readonly agent_trap_left: number;
  readonly agent_trap_done: number;
}

/** Bytes of a `syscall` instruction. */
const SYSCALL_BYTES = 2;
const file = (name: string): string => fileURLToPath(new URL(`../build/${name}`, import.meta.url));

/** The agent of a replay as the tracer knows it: its code, and the words it shares with each address space that has it. */
export class ReplayAgent {
  /** Where patched sites lead to. */
  readonly entries: SiteEntries;
  /** rip when the agent leaves a call to the tracer, and when it has answered one and something else comes next. */
  readonly forwarded: number;
  readonly stopped: number;
  /** The same where it is asked for by a fault, as it was entered from cpuid or rdtsc. */
  readonly trapLeft: number;
  readonly trapDone: number;
  private readonly code: Uint8Array;
  private readonly allowed: Uint8Array;
  /** Bytes that are mapped for it. */
  private readonly codeSize: number;
  private readonly block = new Uint8Array(BLOCK_SIZE);
  private readonly view = new DataView(this.block.buffer);
  private readonly saved = new Uint32Array(SAVED_REGS.length * 2);
  private readonly savedBytes = new Uint8Array(this.saved.buffer);

  constructor(private readonly tracer: NativeTracer) {
    const symbols = JSON.parse(readFileSync(file('replay-agent.json'), 'utf8')) as Symbols;
    const { agent_entry: call, agent_cpuid: cpuid, agent_rdtsc: rdtsc } = symbols;
    this.entries = { call, cpuid, rdtsc };
    this.forwarded = symbols.agent_forward + SYSCALL_BYTES;
    this.stopped = symbols.agent_stop + SYSCALL_BYTES;
    this.trapLeft = symbols.agent_trap_left;
    this.trapDone = symbols.agent_trap_done;
    this.code = readFileSync(file('replay-agent.bin'));
    this.codeSize = pageAlign(this.code.length);
    this.allowed = readFileSync(file('replay-agent-allowed.bin'));
  }

  /** Maps the agent into the address space of a stopped task, unarmed. `rows`: of REPLAY_ROW_COUNT calls. */
  load(tid: number, rows: Uint8Array): void {
    const { tracer } = this;
    const flags = MapFlag.PRIVATE | MapFlag.ANONYMOUS | MapFlag.FIXED;
    const map = (addr: number, size: number, prot: number): void => {
      const args = [addr, size, prot, flags, -1, 0];
      const result = tracer.remoteSyscall(tid, REMOTE_SYSCALL, Sys.mmap, args);
      if (result !== addr) throw new Error(`cannot map the agent in task ${tid}: ${result}`);
    };
    map(CODE, this.codeSize, Prot.READ | Prot.EXEC);
    map(DATA, DATA_END - DATA, Prot.READ | Prot.WRITE);
    tracer.writeMemory(tid, CODE, this.code, 0, this.code.length);
    tracer.writeMemory(tid, ALLOWED, this.allowed, 0, this.allowed.length);
    tracer.writeMemory(tid, ROWS, rows, 0, REPLAY_ROW_COUNT);
  }

  /** Tells where there is code that the agent must neither unmap nor cover. */
  keepOff(tid: number, ranges: Iterable<Range>): void {
    const words = rangeWords(coverRanges(ranges, CODE_RANGES_MAX));
    this.tracer.writeMemory(tid, CODE_RANGES, words, 0, words.length);
  }

  /** Tells where files with contents of the log's are: those from number `from` on are new. */
  tellContents(tid: number, contents: readonly Uint8Array[], from: number): void {
    const count = Buffer.alloc(8);
    count.writeUInt32LE(contents.length);
    const files = Buffer.concat(contents.slice(from));
    const at = CONTENTS + count.length + from * Content.End;
    this.tracer.writeMemory(tid, at, files, 0, files.length);
    this.tracer.writeMemory(tid, CONTENTS, count, 0, count.length);
  }

  /**
   * From now on a stopped task is stopped by SIGSYS at every call that neither the agent nor the tracer makes, or it is not.
   * false if the task is gone.
   */
  dispatch(tid: number, on: boolean): boolean {
    return this.tracer.setDispatch(tid, RESERVED_START, on ? REMOTE_SCRATCH - RESERVED_START : 0);
  }

  /** Puts encoded frames, at most REPLAY_WINDOW bytes, into the window. */
  fill(tid: number, bytes: Uint8Array): void {
    this.tracer.writeMemory(tid, WINDOW, bytes, 0, bytes.length);
  }

  /**
   * Has the agent answer calls from the window: `start` is the offset of the next frame, `end` that of the end of what is
   * there, bytes; `time` that of the frame before, ns; `brk` the program break.
   */
  arm(tid: number, start: number, end: number, task: number, time: number, brk: number): void {
    const { block, view } = this;
    block.fill(0, 0, ARMED_SIZE);
    view.setUint32(Block.Position, WINDOW + start, true);
    view.setUint32(Block.End, WINDOW + end, true);
    setWord(view, Block.Time, time);
    setWord(view, Block.Task, task);
    view.setUint32(Block.Armed, 1, true);
    setWord(view, Block.Break, brk);
    this.tracer.writeMemory(tid, DATA, block, 0, ARMED_SIZE);
  }

  /** From now on every call is the tracer's. */
  disarm(tid: number): void {
    this.block.fill(0, Block.Armed, Block.Armed + 8);
    this.tracer.writeMemory(tid, DATA + Block.Armed, this.block, Block.Armed, 8);
  }

  /** True for an address in the agent's code. */
  contains(rip: number): boolean {
    return rip >= CODE && rip < CODE + this.codeSize;
  }

  /** Reads the block of a task's address space, for the getters below. false if it is gone. */
  look(tid: number): boolean {
    return this.tracer.readMemory(tid, DATA, this.block, 0, BLOCK_SIZE) === BLOCK_SIZE;
  }

  /** Offset in the window of the next frame. */
  get position(): number {
    return getWord(this.view, Block.Position) - WINDOW;
  }
  /** Of the frame before, ns. */
  get time(): number {
    return getWord(this.view, Block.Time);
  }
  /** Frames and calls replayed since it was armed. */
  get frames(): number {
    return getWord(this.view, Block.Frames);
  }
  get calls(): number {
    return getWord(this.view, Block.Calls);
  }
  get programBreak(): number {
    return getWord(this.view, Block.Break);
  }
  /** Address after the instruction of the last site that has come in. */
  get ret(): number {
    return getWord(this.view, Block.Ret);
  }

  /**
   * A pointer of the program's led the agent to nowhere: puts the registers of the program, as they were before the call,
   * into `halves`, with rip such that resuming leads to the stop at `forwarded`. `look` has been called.
   */
  restore(tid: number, halves: Uint32Array): void {
    const { saved, savedBytes, view } = this;
    this.tracer.readMemory(tid, STACK_TOP - savedBytes.length, savedBytes, 0, savedBytes.length);
    SAVED_REGS.forEach((reg, index) => {
      halves[reg * 2] = saved[index * 2]!;
      halves[reg * 2 + 1] = saved[index * 2 + 1]!;
    });
    halves[Reg.rsp * 2] = view.getUint32(RSP, true);
    halves[Reg.rsp * 2 + 1] = view.getUint32(RSP + 4, true);
    halves[Reg.rip * 2] = this.forwarded - SYSCALL_BYTES;
    halves[Reg.rip * 2 + 1] = 0;
    halves[Reg.orig_rax * 2] = halves[Reg.orig_rax * 2 + 1] = 0xffffffff;
  }
}

/**
 * A file at `path` with the content of this hash, for ReplayAgent.tellContents. `name`: what the recording mapped, as frames have
 * it. undefined if the agent cannot be told of it.
 */
export function contentEntry(hash: string, path: string, name: Uint8Array): Uint8Array | undefined {
  const entry = Buffer.alloc(Content.End);
  const hashed = Buffer.from(hash, 'hex');
  const bytes = Buffer.from(path);
  // A zero byte must be left behind the path.
  const fits =
    hashed.length === Content.Path - Content.Hash &&
    bytes.length < Content.Named - Content.Path &&
    name.length <= Content.End - Content.Name;
  if (!fits) return undefined;
  hashed.copy(entry, Content.Hash);
  bytes.copy(entry, Content.Path);
  entry.writeUInt32LE(name.length, Content.Named);
  entry.set(name, Content.Name);
  return entry;
}

/** Words below 2^53. */
function getWord(view: DataView, offset: number): number {
  return view.getUint32(offset + 4, true) * 0x100000000 + view.getUint32(offset, true);
}

function setWord(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, value, true);
  view.setUint32(offset + 4, Math.floor(value / 0x100000000), true);
}
