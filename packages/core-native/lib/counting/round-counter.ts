import { MAX_INSTRUCTION } from '../x86.js';
import { PAGE_SIZE, Prot, Signal } from '../abi.js';
import { EventKind, type NativeTracer, Reg } from '../binding.js';
import { NativeError } from '../errors.js';
import { PageOwner, pageOwner } from '../pagemap.js';
import { ReadPages } from '../read-pages.js';
import { Registers } from '../registers.js';
import { parseMaps } from '../system.js';
import { type CountedPoint, type CounterBackend, CounterStop } from './counter-backend.js';
import { leaveMovedCode } from './moved-code.js';
import { JUMP_SIZE, mapRoom, unmapRoom } from './room.js';
import { makeRoundCode, type RoundCode } from './round-code.js';

const WORD = 8;
/** Bytes of the instructions that a jump lies on, at most. */
const CODE_SIZE = JUMP_SIZE - 1 + MAX_INSTRUCTION;
/** Rounds that a counter counts at most: more than there are in a year. */
const MANY = 2 ** 52;
/** Code made for sites that is kept to be used again. */
const MAX_KNOWN = 256;
/** What it takes to count a round of a loop, by itself or in a row of them, ns. */
const ROUND_COST_NS = 1;
const ROW_COST_NS = 0.05;
/** Rounds that are left at least when a counter goes on with what it had left. */
const ENOUGH = 2 ** 51;
const NOTHING = new Uint8Array(0);

/** What `rest` has left of a counter. */
export interface RestingRounds {
  readonly code: RoundCode;
  /** The word of rounds left; undefined if it is to begin anew. */
  readonly left: number | undefined;
}

/** A task's counter. */
interface Counter {
  readonly code: RoundCode;
  /** What the word of rounds left began with. */
  readonly from: number;
  /** What it was when `now` read it. */
  left: number | undefined;
  /** The task's signal mask, if a trap of ours changes it. */
  readonly mask: Uint8Array | undefined;
  /** Where `stopAt` was called: how many rounds it is when the task stops. */
  stopsAt: number | undefined;
  /** Where it has stopped the task. */
  at: CountedPoint | undefined;
}

/**
 * Counts rounds in software: a jump over the five bytes at `place` leads to code that counts down a word, and runs what the
 * jump lies on. The code must be the process's own and unwritable for it, so a jump over it is undone without a trace, and
 * no store of the program's meets it. Both is taken out by `end`, pages of the code included.
 */
export class RoundCounter implements CounterBackend {
  readonly kind = 'rounds';
  private readonly regs: Registers;
  private readonly counters = new Map<number, Counter>();
  /** Code by its site, as it was made last. */
  private readonly known = new Map<number, RoundCode>();
  private readonly word = new DataView(new ArrayBuffer(WORD));
  private readonly wordBytes = new Uint8Array(this.word.buffer);

  constructor(private readonly tracer: NativeTracer) {
    this.regs = new Registers(tracer.regs);
  }

  /** `mask`: signals that the task blocks when it counts, if not those that it blocks now. */
  begin(tid: number, place: number, mask?: Uint8Array): boolean {
    const { tracer } = this;
    const own = this.read(tid, place, CODE_SIZE);
    if (own.length < JUMP_SIZE || !this.isConstant(tid, place, own.subarray(0, JUMP_SIZE)))
      return false;
    const code = this.reuse(tid, place, own) ?? this.make(tid, place, own);
    if (code === undefined) return false;
    tracer.writeMemory(tid, code.entry, code.bytes, 0, code.bytes.length);
    return this.wake(tid, { code, left: undefined }, mask);
  }

  /** As `begin`, with what `rest` has left in the same process, whose mappings have been the same since. */
  wake(tid: number, { code, left }: RestingRounds, mask?: Uint8Array): boolean {
    const { tracer } = this;
    const from = left !== undefined && left > ENOUGH ? left : MANY;
    if (from !== left) this.writeLeft(tid, code, MANY);
    if (tracer.writeMemory(tid, code.site, code.jump, 0, JUMP_SIZE) !== JUMP_SIZE) {
      unmapRoom(tracer, tid, code);
      return false;
    }
    this.counters.set(tid, {
      code,
      from,
      left: undefined,
      mask: withTrap(mask ?? tracer.getSigmask(tid)),
      stopsAt: undefined,
      at: undefined,
    });
    return true;
  }

  now(tid: number): CountedPoint | undefined {
    const counter = this.counters.get(tid);
    if (counter === undefined) return undefined;
    if (counter.at !== undefined) return counter.at;
    const { code, from } = counter;
    const { regs, tracer } = this;
    const rip = regs.address(Reg.rip);
    const place = code.unrolled?.places.get(rip);
    // Where the jump lies on, the next counter would trap the task on its way.
    const isCovered =
      place !== undefined && place.rip > code.site && place.rip < code.site + JUMP_SIZE;
    if (place?.isInRound && !isCovered) {
      if (place.inSlot) regs.set(Reg.rcx, this.readWord(tid, code.slot));
      regs.set(Reg.rip, place.rip);
      tracer.setRegs(tid);
      counter.left = this.readLeft(tid, code);
      return { rip: code.site, count: from - counter.left + place.uncounted };
    }
    if (!this.leaveRound(tid, counter) && rip !== code.site) return undefined;
    counter.left = this.readLeft(tid, code);
    // It has come there, and that is not counted yet.
    return { rip: code.site, count: from - counter.left + 1 };
  }

  stopAt(tid: number, point?: CountedPoint): boolean {
    const counter = this.counters.get(tid);
    if (counter === undefined || !this.tracer.getRegs(tid)) return false;
    const { code, from } = counter;
    // Else a round that is being counted would store what it has read, and a row of them would go on to its end.
    if (!this.leaveRound(tid, counter)) this.leaveRow(tid, counter);
    const left = this.readLeft(tid, code);
    const count = point?.count ?? from - left + 1;
    if (count <= from - left || (point !== undefined && point.rip !== code.site)) return false;
    this.writeLeft(tid, code, count - (from - left));
    counter.stopsAt = count;
    counter.left = undefined;
    return true;
  }

  /** What counting costs the task, which has a counter, each time that it comes to its site, about, ns. */
  roundCost(tid: number): number {
    const isInRow = this.counters.get(tid)?.code.unrolled !== undefined;
    return isInRow ? ROW_COST_NS : ROUND_COST_NS;
  }

  stopped(tid: number, kind: EventKind): CounterStop {
    const counter = this.counters.get(tid);
    if (counter === undefined) return CounterStop.Other;
    const { regs, tracer } = this;
    const { code } = counter;
    const rip = regs.address(Reg.rip);
    // The trap's signal comes next.
    if (kind === EventKind.InterruptStop && rip === code.hit) return CounterStop.GoOn;
    if (kind !== EventKind.Signal) return CounterStop.Other;
    const signo = tracer.event[2]!;
    if (signo === Signal.SIGTRAP && rip === code.hit) {
      regs.set(Reg.rip, code.site);
      tracer.setRegs(tid);
      if (counter.mask !== undefined) tracer.setSigmask(tid, counter.mask);
      counter.at = { rip: code.site, count: counter.stopsAt! };
      return CounterStop.There;
    }
    if (signo !== Signal.SIGTRAP && signo !== Signal.SIGSEGV && signo !== Signal.SIGILL)
      return CounterStop.Other;
    // A jump into the midst of what ours lies on: each instruction that began there is a trap.
    const from = signo === Signal.SIGTRAP ? rip - 1 : rip;
    const inside = from > code.site && from < code.site + JUMP_SIZE;
    const moved = inside ? code.moved.get(from) : undefined;
    if (moved === undefined) return CounterStop.Other;
    regs.set(Reg.rip, moved);
    tracer.setRegs(tid);
    return CounterStop.GoOn;
  }

  end(tid: number): boolean {
    const counter = this.counters.get(tid);
    if (counter === undefined) return false;
    const owesTrap = this.takeOut(tid, counter);
    this.unmap(tid, counter.code);
    return owesTrap;
  }

  /** A task that may have a counter has ended. */
  forget(tid: number): void {
    this.counters.delete(tid);
  }

  /**
   * Takes the counter of a task out that has come to its point, as `now` or `stopped` has told, all but the pages of its code:
   * they are to be used by `wake` or to be unmapped by `drop` before anybody maps, forks or looks at memory.
   */
  rest(tid: number): RestingRounds {
    const { code, left } = this.counters.get(tid)!;
    this.counters.delete(tid);
    this.putBack(tid, code);
    return { code, left };
  }

  /**
   * Unmaps what `rest` has left in a stopped task, unless it is no longer there. False if it is still there: at its end a task
   * makes no calls.
   */
  drop(tid: number, code: RoundCode): boolean {
    const isThere = isEqual(this.read(tid, code.entry, code.bytes.length), code.bytes);
    return !isThere || this.unmap(tid, code);
  }

  /** Takes out all but the pages. True if a trap is still to come. */
  private takeOut(tid: number, counter: Counter): boolean {
    this.counters.delete(tid);
    const { tracer, regs } = this;
    const { code } = counter;
    this.putBack(tid, code);
    if (!tracer.getRegs(tid)) return false;
    const rip = regs.address(Reg.rip);
    const isTrapping = rip === code.hit;
    if (isTrapping) {
      regs.set(Reg.rip, code.site);
      if (counter.mask !== undefined) tracer.setSigmask(tid, counter.mask);
    }
    const place = code.places.get(rip);
    if (place !== undefined) leaveMovedCode(regs, place);
    if (isTrapping || place !== undefined) tracer.setRegs(tid);
    else if (!this.leaveRound(tid, counter)) this.leaveRow(tid, counter, true);
    return isTrapping;
  }

  /** Takes the jump out. What the program has put there meanwhile stays. */
  private putBack(tid: number, code: RoundCode): void {
    if (isEqual(this.read(tid, code.site, JUMP_SIZE), code.jump))
      this.tracer.writeMemory(tid, code.site, code.own, 0, JUMP_SIZE);
  }

  /** False if the task is at its end. */
  private unmap(tid: number, code: RoundCode): boolean {
    try {
      unmapRoom(this.tracer, tid, code);
      return true;
    } catch (error) {
      if (!(error instanceof NativeError) || error.code !== 'ESRCH') throw error;
      return false;
    }
  }

  /** Takes a task that is in the code that counts back to its site, as if it had not come there yet. False if it is not. */
  private leaveRound(tid: number, { code }: Counter): boolean {
    const { regs, tracer } = this;
    const rip = regs.address(Reg.rip);
    const isCounting = rip >= code.entry && rip < code.pass;
    if (!isCounting && !(rip >= code.stop && rip < code.hit)) return false;
    if (rip >= code.saved) regs.set(Reg.rcx, this.readWord(tid, code.slot));
    if (rip >= code.counted) this.writeLeft(tid, code, this.readLeft(tid, code) + 1);
    regs.set(Reg.rip, code.site);
    tracer.setRegs(tid);
    return true;
  }

  /**
   * Takes a task that is in a row of rounds to where each is counted, or where there is no counter, with those counted that
   * are behind it. Nothing happens if it is not in one.
   */
  private leaveRow(tid: number, { code }: Counter, isLast = false): void {
    const { regs, tracer } = this;
    const place = code.unrolled?.places.get(regs.address(Reg.rip));
    if (place === undefined) return;
    const { rip, uncounted, inSlot } = place;
    if (inSlot) regs.set(Reg.rcx, this.readWord(tid, code.slot));
    if (uncounted > 0) this.writeLeft(tid, code, this.readLeft(tid, code) - uncounted);
    regs.set(Reg.rip, isLast ? rip : (code.moved.get(rip) ?? rip));
    tracer.setRegs(tid);
  }

  // Making code

  /** The code made for the site before, its pages mapped again; undefined if all is not as it was. */
  private reuse(tid: number, site: number, own: Uint8Array): RoundCode | undefined {
    const code = this.known.get(site);
    if (code === undefined || !isEqual(code.own, own.subarray(0, JUMP_SIZE))) return undefined;
    const [from, to] = [code.copiedFrom, code.copied.length];
    const copied = this.read(tid, from, to);
    if (!isEqual(copied, code.copied) || !this.isConstant(tid, from, copied)) return undefined;
    // In reserved memory only the mappings tell whether there is still room.
    if (code.isReserved) return undefined;
    return mapRoom(this.tracer, tid, code) ? code : undefined;
  }

  private make(tid: number, site: number, own: Uint8Array): RoundCode | undefined {
    const maps = parseMaps(tid);
    const mapping = maps.find(({ start, end }) => site >= start && site + JUMP_SIZE <= end);
    const isFit = mapping !== undefined && !mapping.shared && (mapping.prot & Prot.WRITE) === 0;
    if (!isFit) return undefined;
    const pages = new ReadPages(this.tracer, tid);
    const { start, end } = mapping;
    const code = makeRoundCode(own, site, maps, (addr) =>
      addr >= start && addr < end ? pages.code(addr) : NOTHING,
    );
    if (code === undefined || !mapRoom(this.tracer, tid, code)) return undefined;
    if (this.known.size === MAX_KNOWN) this.known.clear();
    this.known.set(site, code);
    return code;
  }

  /**
   * Whether the pages of some code are the process's own, so that its being written to changes nothing of what they are, and
   * the process cannot write to them.
   */
  private isConstant(tid: number, addr: number, bytes: Uint8Array): boolean {
    const end = addr + bytes.length;
    for (let at = addr; at < end; at += PAGE_SIZE - (at % PAGE_SIZE)) {
      if (pageOwner(tid, at) !== PageOwner.Process) return false;
      if (this.tracer.storeMemory(tid, at, bytes, at - addr, 1) !== 0) return false;
    }
    return true;
  }

  private read(tid: number, addr: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    return bytes.subarray(0, this.tracer.readMemory(tid, addr, bytes, 0, length));
  }

  private readLeft(tid: number, code: RoundCode): number {
    return Number(this.readWord(tid, code.left));
  }

  private writeLeft(tid: number, code: RoundCode, rounds: number): void {
    const { word } = this;
    word.setBigInt64(0, BigInt(rounds), true);
    this.tracer.writeMemory(tid, code.left, this.wordBytes, 0, WORD);
  }

  private readWord(tid: number, addr: number): bigint {
    const { word } = this;
    this.tracer.readMemory(tid, addr, this.wordBytes, 0, WORD);
    return word.getBigInt64(0, true);
  }
}

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}

/**
 * The signal mask of a stopped task if SIGTRAP is in it: the kernel takes it out when it forces the signal on the task, and it
 * is to be put back then.
 */
export function maskWithTrap(tracer: NativeTracer, tid: number): Uint8Array | undefined {
  return withTrap(tracer.getSigmask(tid));
}

function withTrap(mask: Uint8Array): Uint8Array | undefined {
  const isBlocked = ((mask[(Signal.SIGTRAP - 1) >> 3]! >> ((Signal.SIGTRAP - 1) & 7)) & 1) === 1;
  return isBlocked ? mask : undefined;
}
