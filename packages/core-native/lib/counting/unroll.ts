import { Flow } from '../x86.js';
import type { Loop, Placed } from './loop.js';
import type { MachineCode } from './machine-code.js';
import { conditionOf, type MovedCode, putMoved, REACH } from './moved-code.js';

/** Instructions that rounds in a row have together, about. */
const MANY = 256;
/** The distance of a `lea` that takes a row of rounds, and one more, off a word is a byte. */
const MAX_ROUNDS = 64;
/** Bytes of a moved instruction that is none of control's, of a jump with what counts before it is taken, and of a row's end. */
const MAX_MOVED = 16;
const EXIT = 48;
const END = 80;
/** The byte of a word that tells whether it is below 0. */
const SIGN = 7;

/** Where a task is that is stopped in unrolled code. */
export interface UnrolledPlace {
  /** Where it would be in the program's own code. */
  readonly rip: number;
  /** Rounds behind it that have not been counted yet. */
  readonly uncounted: number;
  /** The program's rcx is in its slot. */
  readonly inSlot: boolean;
  /** Since the site has been counted last the task has come to no instruction twice, and it has not left the loop. */
  readonly isInRound: boolean;
}

/** Rounds of a loop in a row, which are counted at their end, or when the loop is left. */
export interface Unrolled {
  readonly places: ReadonlyMap<number, UnrolledPlace>;
}

/** What is around unrolled code. */
export interface Surroundings {
  /** The code that counts each round: where instructions are there, by their own addresses. */
  readonly moved: MovedCode['moved'];
  /** The instruction whose rounds are counted, and where the task goes on there when one has been. */
  readonly site: number;
  readonly pass: number;
  /** Words: rcx while something else is in it, rounds left, and one more. */
  readonly slot: number;
  readonly left: number;
  readonly probe: number;
}

/** How many rounds of a loop come in a row. */
export function rowOf(loop: Loop): number {
  return Math.max(2, Math.min(MAX_ROUNDS, Math.floor(MANY / instructionsOf(loop).length)));
}

/** Bytes that `unroll` writes, at most. */
export function unrolledSize(loop: Loop): number {
  return rowOf(loop) * instructionsOf(loop).length * (MAX_MOVED + EXIT) + END;
}

/** Whether all jumps out of the loop reach where they go from code around `entry`. */
export function canUnroll(loop: Loop, entry: number): boolean {
  return instructionsOf(loop).every(
    (placed) =>
      placed.instruction.flow !== Flow.Conditional || Math.abs(targetOf(placed) - entry) < REACH,
  );
}

/**
 * Jumps to unrolled code if at least one round is left behind a row, else goes on behind. rcx, which is in its slot, has the
 * rounds left. It changes no flags. Returns where the jump ends, whose target is still to be told.
 */
export function putGate(way: MachineCode, row: number, probe: number): number {
  way.put(0x48, 0x8d, 0x49, 0x100 - (row + 1));
  way.put(0x48, 0x89, 0x0d).to(probe);
  // movzx ecx, the byte with the sign; jrcxz over the short jump, to the long one
  way.put(0x0f, 0xb6, 0x0d).to(probe + SIGN);
  way.put(0xe3, 2, 0xeb, 5, 0xe9).int32(0);
  return way.here;
}

/**
 * Writes a row of rounds of a loop, from behind the instruction whose rounds are counted. It is to be come to from a gate:
 * `gateEnd`. Undefined if an instruction cannot be moved.
 */
export function unroll(
  way: MachineCode,
  loop: Loop,
  gateEnd: number,
  around: Surroundings,
): Unrolled | undefined {
  const { site, slot, left } = around;
  const places = new Map<number, UnrolledPlace>();
  const isAt = (rip: number, uncounted: number, inSlot = false): void =>
    void places.set(way.here, { rip, uncounted, inSlot, isInRound: rip === site });
  const load = (from: number): MachineCode => way.put(0x48, 0x8b, 0x0d).to(from);
  const store = (to: number): MachineCode => way.put(0x48, 0x89, 0x0d).to(to);
  const count = (rip: number, rounds: number): void => {
    isAt(rip, rounds);
    store(slot);
    isAt(rip, rounds, true);
    load(left);
    isAt(rip, rounds, true);
    // lea rcx, [rcx - rounds]
    way.put(0x48, 0x8d, 0x49, 0x100 - rounds);
    isAt(rip, rounds, true);
    store(left);
  };
  const row = rowOf(loop);
  const exits: { end: number; target: number; uncounted: number }[] = [];
  const start = way.here;
  way.arrive(gateEnd);
  isAt(site, 0, true);
  load(slot);
  for (let round = 0; round < row; round++) {
    const onward = putRound(way, loop, site, (rip) => {
      places.set(way.here, { rip, uncounted: round, inSlot: false, isInRound: true });
    });
    if (onward === undefined) return undefined;
    for (const exit of onward) exits.push({ ...exit, uncounted: round });
  }
  count(site, row);
  const gateAt = way.here;
  const again = putGate(way, row, around.probe);
  way.arrive(again, start);
  for (let at = gateAt; at < way.here; at++)
    places.set(at, { rip: site, uncounted: 0, inSlot: true, isInRound: true });
  isAt(site, 0, true);
  load(slot);
  isAt(site, 0);
  way.put(0xe9).to(around.pass);
  for (const { end, target, uncounted } of exits) {
    way.arrive(end);
    if (uncounted > 0) {
      count(target, uncounted);
      isAt(target, 0, true);
      load(slot);
    }
    isAt(target, 0);
    way.put(0xe9).to(around.moved.get(target) ?? target);
  }
  return { places };
}

/** Jumps out of a round: where they end, and where they are to go. */
type Exits = { end: number; target: number }[];

/** Writes one round, which goes on behind itself. `isAt` is told of each instruction. Undefined if one cannot be moved. */
function putRound(
  way: MachineCode,
  loop: Loop,
  site: number,
  isAt: (rip: number) => void,
): Exits | undefined {
  const exits: Exits = [];
  const all = instructionsOf(loop);
  const order = new Map(all.map(({ addr }, index) => [addr, index]));
  // Jumps within the round, by the instruction that they go to; to the site: the next round.
  const ahead: number[][] = [...all, site].map(() => []);
  for (const [i, placed] of all.entries()) {
    for (const end of ahead[i]!) way.arrive(end);
    isAt(placed.addr);
    const { flow, length } = placed.instruction;
    const isClosing = placed === loop.closing;
    if (flow === Flow.Conditional) {
      // The opposite condition leaves the loop.
      way.put(0x0f, 0x80 | (conditionOf(placed) ^ (isClosing ? 1 : 0))).int32(0);
      const target = isClosing ? placed.addr + length : targetOf(placed);
      const index = target === site ? all.length : order.get(target);
      if (index !== undefined && index > i) ahead[index]!.push(way.here);
      else exits.push({ end: way.here, target });
    } else if (!isClosing && !putMoved(way, placed, new Map())) return undefined;
  }
  for (const end of ahead[all.length]!) way.arrive(end);
  return exits;
}

/** In the order in which a round has them, from the site on. */
function instructionsOf({ before, closing, behind }: Loop): Placed[] {
  return [...before, closing, ...behind];
}

function targetOf({ addr, instruction }: Placed): number {
  return addr + instruction.length + instruction.relative;
}
