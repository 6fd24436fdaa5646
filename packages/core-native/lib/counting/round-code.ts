import { PAGE_SIZE } from '../abi.js';
import type { ProcMapping } from '../binding.js';
import { type CodeAt, findLoop, type Loop, type Placed } from './loop.js';
import { MachineCode } from './machine-code.js';
import { coveredAt, moveCode, type MovedCode, movedSize } from './moved-code.js';
import { placesFor, type Room } from './room.js';
import { canUnroll, putGate, rowOf, type Unrolled, unroll, unrolledSize } from './unroll.js';

/** Bytes of the code that counts, and of what stops the task. */
const WAY = 128;
const WORD = 8;

/** Code that is run in place of what lies at a site: it counts down, stops the task at 0, and goes on as before. */
export interface RoundCode extends Room, MovedCode {
  /** The instruction whose rounds it counts. */
  readonly site: number;
  readonly entry: number;
  readonly bytes: Uint8Array;
  /** What to write over the site, and what is there. */
  readonly jump: Uint8Array;
  readonly own: Uint8Array;
  /** From here on rcx is in its slot; from there on this round is counted. */
  readonly saved: number;
  readonly counted: number;
  /** Where the task goes on in moved code. */
  readonly pass: number;
  /** The part that stops the task, and rip when it has. */
  readonly stop: number;
  readonly hit: number;
  /** Words: rcx while the code runs, and how many rounds are left. */
  readonly slot: number;
  readonly left: number;
  /** The loop around the site, so many rounds of it in a row that counting them costs next to nothing. */
  readonly unrolled: Unrolled | undefined;
  /** The program's code from the first instruction that is run elsewhere to the last, and where that is. */
  readonly copied: Uint8Array;
  readonly copiedFrom: number;
}

/**
 * Makes the code for a site, `code` being what lies there. `codeAt` tells of code that stays as it is: a loop in it runs as
 * a whole where its rounds are counted. Undefined if the code cannot be moved, or there is no place for it.
 */
export function makeRoundCode(
  code: Uint8Array,
  site: number,
  mappings: readonly ProcMapping[],
  codeAt: CodeAt,
): RoundCode | undefined {
  const covered = coveredAt(code, site);
  if (covered === undefined) return undefined;
  const loop = findLoop(codeAt, site);
  const codeSize = WAY + movedSize(covered, loop) + (loop === undefined ? 0 : unrolledSize(loop));
  // Two pages on, so that a page lies between for certain: a store near code that runs costs hundreds of cycles.
  const size = codeSize + 2 * PAGE_SIZE;
  const instructions = covered.map(({ instruction }) => instruction);
  for (const { entry, isReserved } of placesFor(site, instructions, size, mappings)) {
    const slot = (Math.floor((entry + codeSize) / PAGE_SIZE) + 1) * PAGE_SIZE;
    const made = assemble(code, site, covered, loop, entry, slot);
    if (made !== undefined) return { ...made, isReserved };
  }
  return undefined;
}

/** It uses neither stack nor flags, which are the program's: `lea` counts, and `jrcxz` tells of 0. */
function assemble(
  code: Uint8Array,
  site: number,
  covered: readonly Placed[],
  loop: Loop | undefined,
  entry: number,
  slot: number,
): Omit<RoundCode, 'isReserved'> | undefined {
  const [left, probe] = [slot + WORD, slot + 2 * WORD];
  const way = new MachineCode(entry);
  const store = (to: number): MachineCode => way.put(0x48, 0x89, 0x0d).to(to);
  const load = (from: number): MachineCode => way.put(0x48, 0x8b, 0x0d).to(from);
  store(slot);
  const saved = way.here;
  // lea rcx, [rcx - 1]
  load(left).put(0x48, 0x8d, 0x49, 0xff);
  store(left);
  const counted = way.here;
  // jrcxz over the short jump, to the long one
  way.put(0xe3, 2, 0xeb, 5, 0xe9).int32(0);
  const toStop = way.here;
  const inRow = loop !== undefined && canUnroll(loop, entry) ? loop : undefined;
  const gateEnd = inRow === undefined ? 0 : putGate(way, rowOf(inRow), probe);
  load(slot);
  const pass = way.here;
  const moved = moveCode(way, covered, loop, entry);
  if (moved === undefined) return undefined;
  const all =
    loop === undefined ? covered : [...covered, ...loop.before, loop.closing, ...loop.behind];
  const stop = way.here;
  way.arrive(toStop);
  load(slot).put(0xcc);
  const hit = way.here;
  // A task that is stopped where a row begins, with something else in rcx, would be taken for one that has been trapped.
  way.put(0xcc);
  const around = { moved: moved.moved, site, pass, slot, left, probe };
  const unrolled = inRow === undefined ? undefined : unroll(way, inRow, gateEnd, around);
  if (inRow !== undefined && unrolled === undefined) return undefined;
  return {
    ...moved,
    site,
    start: entry - (entry % PAGE_SIZE),
    end: slot + PAGE_SIZE,
    entry,
    bytes: way.finish(),
    jump: new MachineCode(site).put(0xe9).to(entry).finish(),
    own: code.slice(0, 5),
    saved,
    counted,
    pass,
    stop,
    hit,
    slot,
    left,
    unrolled,
    ...piece(all),
  };
}

function piece(all: readonly Placed[]): Pick<RoundCode, 'copied' | 'copiedFrom'> {
  const from = Math.min(...all.map(({ addr }) => addr));
  const to = Math.max(...all.map(({ addr, instruction }) => addr + instruction.length));
  const copied = new Uint8Array(to - from);
  for (const { addr, code, instruction } of all)
    copied.set(code.subarray(0, instruction.length), addr - from);
  return { copied, copiedFrom: from };
}
