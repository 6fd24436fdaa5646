import {
  decode,
  Flow,
  MAX_INSTRUCTION,
  type ReadPages,
  REGISTER_ORDER,
  type Registers,
  RESERVED_END,
  RESERVED_START,
} from '@scribe-ts/core-native';
import { Values } from './values.js';

/** Instructions looked at, at most. */
const MAX_LOOKED_AT = 128;
/** Then it is another way's turn: of a loop's ways out each may be longer than all that is looked at. */
const TURN = 24;
const LOWEST_ADDRESS = 0x10000;
const ADDRESS_END = 0x7ffffffff000;

/** Code of the task in one piece, found where it was read from. */
export interface Code {
  readonly start: number;
  readonly bytes: Uint8Array;
}

interface Way {
  at: number;
  readonly values: Values;
}

/**
 * Addresses that the code from `rip` on names in its memory operands, in the order in which it comes to them. Registers are
 * followed as far as simple instructions go, through memory, calls and jumps; of a branch both ways are. An address may be
 * one that is never used: for telling states apart all that counts is that most are.
 */
export function lookAhead(memory: ReadPages, rip: number, regs: Registers): Set<number> {
  const operands = new Set<number>();
  const seen = new Set<number>();
  const ways: Way[] = [{ at: rip, values: Values.of(regs, memory) }];
  for (let way = ways.shift(); way !== undefined; way = ways.shift()) {
    for (let turn = 0; isUserAddress(way.at) && !seen.has(way.at); turn++) {
      if (seen.size === MAX_LOOKED_AT) return operands;
      if (turn === TURN) {
        ways.push(way);
        break;
      }
      seen.add(way.at);
      if (!takeOn(way, memory, operands, ways)) break;
    }
  }
  return operands;
}

/** Takes a way on by one instruction. False if it ends there. */
function takeOn(way: Way, memory: ReadPages, operands: Set<number>, ways: Way[]): boolean {
  const code = memory.code(way.at);
  const instruction = decode(code);
  if (instruction === undefined) return false;
  const { values } = way;
  const { flow } = instruction;
  const next = way.at + instruction.length;
  const addr = values.addressOf(instruction, next);
  if (isUserAddress(addr)) operands.add(addr);
  if (flow === Flow.System) return false;
  // The function first, and what comes behind it.
  if (flow === Flow.Call || flow === Flow.IndirectCall)
    ways.push({ at: next, values: values.copy().afterCall() });
  const target = values.follow(code, instruction, next);
  way.at = target;
  if (flow === Flow.Conditional || flow === Flow.Loop) {
    // A loop's body comes before what follows the loop.
    const isBack = target < next;
    ways.push({ at: isBack ? next : target, values: values.copy() });
    if (!isBack) way.at = next;
  }
  return true;
}

/** Where direct jumps go in the code from `rip` on, as far as `code` has it. */
export function jumpTargets(code: Code, rip: number): ReadonlySet<number> {
  const targets = new Set<number>();
  const seen = new Set<number>();
  const ways = [rip];
  while (ways.length > 0) {
    let at = ways.shift()!;
    while (!seen.has(at) && seen.size < MAX_LOOKED_AT) {
      const offset = at - code.start;
      if (offset < 0 || offset > code.bytes.length - MAX_INSTRUCTION) break;
      const instruction = decode(code.bytes, offset);
      if (instruction === undefined) break;
      seen.add(at);
      const next = at + instruction.length;
      const { flow } = instruction;
      const target = next + instruction.relative;
      if (flow === Flow.Jump) {
        targets.add(target);
        at = target;
      } else if (flow === Flow.Return || flow === Flow.IndirectJump || flow === Flow.System) break;
      else {
        at = next;
        if (flow === Flow.Conditional || flow === Flow.Loop) {
          targets.add(target);
          // A loop's body comes before what follows the loop.
          ways.push(target < next ? next : target);
          if (target < next) at = target;
        }
      }
    }
  }
  return targets;
}

/** What registers point to, if it is pointers that they hold. */
export function pointedTo(regs: Registers): number[] {
  return REGISTER_ORDER.map((reg) => Number(regs.get(reg))).filter(isUserAddress);
}

/** Whether that may be an address of the program's own; NaN is none. */
export function isUserAddress(addr: number): boolean {
  return addr >= LOWEST_ADDRESS && addr < ADDRESS_END && !isReserved(addr);
}

export function isReserved(addr: number): boolean {
  return addr >= RESERVED_START && addr < RESERVED_END;
}
