import { readlinkSync } from 'node:fs';
import {
  decode,
  Flow,
  MAX_INSTRUCTION,
  parseMaps,
  Prot,
  Reg,
  type Registers,
  type Tracer,
} from '@scribe-ts/core-native';
import { NOWHERE, type Task } from '../tasks.js';
import type { Chance } from './chance.js';

/** Bytes of the stack that are searched for addresses of code. */
const STACK_BYTES = 2048;
/** Addresses of code kept of one program. */
const MAX_KNOWN = 256;
/** Instructions between a known address and the chosen one, at most. */
const MAX_WALK = 60;
/** Numbers of registers. */
const RSP = 4;
const RBP = 5;
const WORD = 8;
const DEBUG_REGISTERS = 4;
const ENDBR64 = [0xf3, 0x0f, 0x1e, 0xfa];

/** The ranges of the program's own code: its binary, without the C library, whose code is in every stack. */
interface OwnCode {
  readonly exe: string;
  readonly ranges: readonly { readonly start: number; readonly end: number }[];
}

/**
 * Chooses instructions at which to stop a task: such that it is likely to come to. Stopping it after a random time would
 * nearly always hit the loop that takes the program's time, and hardly ever the two instructions between a check and
 * the use of what was checked.
 */
export class Places {
  private own: OwnCode | undefined;
  /** Addresses in own code that have been seen in stacks: return addresses, functions that threads begin with. */
  private known: number[] = [];

  constructor(
    private readonly tracer: Tracer,
    private readonly chance: Chance,
  ) {}

  /** Instructions that `task`, whose registers are `regs`, may come to; four at most. */
  choose(task: Task, regs: Registers): readonly number[] {
    const { chance } = this;
    const own = this.ownCode(task.tid);
    if (own === undefined) return NOWHERE;
    const isOwn = (addr: number): boolean =>
      own.ranges.some(({ start, end }) => addr >= start && addr < end);
    const near = this.addressesOn(task.tid, regs.address(Reg.rsp)).filter(isOwn);
    for (const addr of near) {
      if (this.known.includes(addr)) continue;
      if (this.known.length < MAX_KNOWN) this.known.push(addr);
      else this.known[chance.below(MAX_KNOWN)] = addr;
    }
    const places = new Set<number>();
    for (let i = 0; i < DEBUG_REGISTERS; i++) {
      const starts = near.length > 0 && chance.happens(0.5) ? near : this.known;
      if (starts.length === 0) break;
      const place = this.walk(task.tid, chance.pick(starts), isOwn);
      if (place !== undefined) places.add(place);
    }
    return [...places];
  }

  /** Another program is run: what was known of the last one is of no use. */
  private ownCode(tid: number): OwnCode | undefined {
    let exe: string;
    try {
      exe = readlinkSync(`/proc/${tid}/exe`);
    } catch {
      return undefined;
    }
    if (this.own?.exe === exe) return this.own;
    const ranges = parseMaps(tid).filter(
      ({ prot, name }) => name === exe && (prot & Prot.EXEC) !== 0,
    );
    this.known = [];
    this.own = { exe, ranges };
    return this.own;
  }

  /** Words of the stack. */
  private addressesOn(tid: number, stackPointer: number): number[] {
    const bytes = new Uint8Array(STACK_BYTES);
    const got = this.tracer.readMemory(tid, stackPointer, bytes, 0, STACK_BYTES);
    const view = new DataView(bytes.buffer);
    const words: number[] = [];
    for (let at = 0; at + WORD <= got; at += WORD) {
      const high = view.getUint32(at + 4, true);
      if (high < 0x8000) words.push(high * 0x100000000 + view.getUint32(at, true));
    }
    return words;
  }

  /**
   * Goes a random way through the code as the task might, and chooses an instruction on it. In which order tasks run is
   * seen only by those that look at memory others may look at as well.
   */
  private walk(tid: number, from: number, isOwn: (addr: number) => boolean): number | undefined {
    const { chance, tracer } = this;
    const code = new Uint8Array(MAX_INSTRUCTION);
    const found: number[] = [];
    let at = from;
    for (let left = MAX_WALK; left > 0; left--) {
      const got = tracer.readMemory(tid, at, code, 0, code.length);
      const instruction = decode(code.subarray(0, got));
      if (instruction === undefined) break;
      const { flow, memory } = instruction;
      if (memory !== undefined && memory.base !== RSP && memory.base !== RBP) found.push(at);
      const next = at + instruction.length;
      const target = next + instruction.relative;
      if (flow === Flow.Return || flow === Flow.IndirectJump || flow === Flow.System) break;
      const mayTurn =
        flow === Flow.Conditional ||
        flow === Flow.Loop ||
        (flow === Flow.Call && isOwn(target) && !this.isStub(tid, target));
      const turns = flow === Flow.Jump || (mayTurn && chance.happens(0.5));
      at = turns ? target : next;
      if (!isOwn(at)) break;
    }
    return found.length === 0 ? undefined : chance.pick(found);
  }

  /** A stub that jumps into a library. */
  private isStub(tid: number, addr: number): boolean {
    const code = new Uint8Array(2 * MAX_INSTRUCTION);
    const got = this.tracer.readMemory(tid, addr, code, 0, code.length);
    // Behind endbr64, if the program has that.
    const offset = ENDBR64.every((byte, i) => code[i] === byte) ? ENDBR64.length : 0;
    return decode(code.subarray(0, got), offset)?.flow === Flow.IndirectJump;
  }
}
