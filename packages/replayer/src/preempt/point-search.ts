import {
  clearStopTraces,
  type CodeAt,
  EventKind,
  hashPieces,
  hashVectors,
  isBreakpointStop,
  JUMP_SIZE,
  leaveMovedCode,
  mapRoom,
  PAGE_SIZE,
  parseMaps,
  Prot,
  ReadPages,
  Reg,
  REGISTER_ORDER,
  REMOTE_SYSCALL,
  Signal,
  sseRegisters,
  SUM_SIZE,
  sumPieces,
  Sys,
  unmapRoom,
} from '@scribe-ts/core-native';
import type { PreemptFrame } from '@scribe-ts/tracelog';
import type { Mismatch } from '../divergence.js';
import type { Engine } from '../engine.js';
import type { ReplayTask } from '../tasks.js';
import { hex, isFault, nameOf } from '../words.js';
import { type CheckCode, type Condition, makeCheck, type PageSum } from './check-code.js';
import { Patience } from './patience.js';

/** The task has passed the point so often when stopping it there each time becomes dearer than a check of its own. */
const BREAKPOINT_HITS = 4;
/** After a try that has failed, or a check that had to be taken out, so many times as many. */
const MORE_HITS = 4;
/** How many of these hits tell which conditions are met seldom. */
const SAMPLES = 2;
/** A check has stopped the task at so many wrong states when sums of pages are compared as well, and then at so many more. */
const CHECK_HITS = 2;
const MORE_CHECK_HITS = 16;
/** Jumps into the midst of the patched code that are put up with. */
const MAX_JUMPS_INSIDE = 256;
/** Carry, parity, adjust, zero, sign and overflow flag. */
const ARITHMETIC_FLAGS = 0x8d5;
const WORD = 8;
/** An XSAVE header lies at such addresses, and what it says of components in use depends on the processor. */
const XSAVE_ALIGNMENT = 64;
/** Components that dynamic linkers save; the flag of the compact form. */
const XSTATE_SAVED = 0xeen;
const COMPACT = 1n << 63n;

/**
 * Finds the point in user code at which a task was stopped in the recording: the first one whose state is that of the
 * frame. First a debug register stops the task each time that it comes to the address. If it comes there often, a check
 * is put into its code, which compares at full speed and stops the task only where everything it knows is equal.
 */
export class PointSearch {
  private readonly registers: Uint32Array;
  private check: CheckCode | undefined;
  /** A page that was made unwritable while the check is in it, and its PROT_*. */
  private guarded:
    { readonly start: number; readonly size: number; readonly prot: number } | undefined;
  private mayPatch: boolean;
  private known: { readonly condition: Condition; unmet: number }[] | undefined;
  /** Times that the task stood at the address with another state, as far as it was stopped there. */
  private passed = 0;
  /** When a check is tried, in such times. */
  private nextTry = BREAKPOINT_HITS;
  private jumpsInside = 0;
  /** Sums of pages that the check compares, and when more of them are looked for, in wrong states that it stopped at. */
  private sums: readonly PageSum[] = [];
  private checkHits = 0;
  private nextSums = CHECK_HITS;
  private readonly patience: Patience;

  constructor(
    private readonly engine: Engine,
    private readonly task: ReplayTask,
    private readonly frame: PreemptFrame,
  ) {
    this.registers = new Uint32Array(frame.regs.slice().buffer);
    this.mayPatch = frame.patchable;
    this.patience = new Patience(engine.tracer, task.tid, frame.ran);
  }

  /** True if the task stands at the point; else the search is prepared, and the task may be let go. */
  begin(): boolean {
    const { engine, task, frame } = this;
    const { tracer } = engine;
    if (frame.patchable) {
      // The recording has made this page the process's own.
      const code = this.read(frame.rip, JUMP_SIZE);
      if (code !== undefined) tracer.writeMemory(task.tid, frame.rip, code, 0, code.length);
    }
    engine.load(task);
    if (engine.regs.address(Reg.rip) === frame.rip && this.matches()) return true;
    tracer.setBreakpoint(task.tid, frame.rip);
    return false;
  }

  /** Handles a stop of the task. True if it stands at the point; false if it has been let go again. Throws Mismatch. */
  stopped(kind: EventKind): boolean {
    const { engine, task, frame } = this;
    const { tracer, regs } = engine;
    const signo = tracer.event[2]!;
    if (kind === EventKind.Syscall) throw this.missed(nameOf(regs.int(Reg.orig_rax)));
    // Not of the program's making; its siginfo looks like a trap's.
    if (kind === EventKind.InterruptStop || kind === EventKind.GroupStop) {
      if (this.patience.isOver) throw this.missed(`ran for ${this.patience.seconds} s`);
      return this.goOn();
    }
    const siginfo = new DataView(tracer.getSiginfo(task.tid).buffer);
    const code = siginfo.getInt32(8, true);
    if (!isFault(signo) || code <= 0) return this.goOn();
    const rip = regs.address(Reg.rip);
    const { check } = this;
    const mayBeThere = signo === Signal.SIGTRAP && rip === frame.rip && check === undefined;
    if (mayBeThere && isBreakpointStop(tracer, task.tid, rip)) return this.atBreakpoint();
    if (check !== undefined) {
      if (signo === Signal.SIGTRAP && rip === check.hit) return this.atCheck(check);
      if (
        signo !== Signal.SIGTRAP &&
        rip >= check.entry &&
        rip < check.hit &&
        !check.places.has(rip)
      ) {
        // What the check compares cannot be read by the program itself (protection keys, the end of a file).
        if (rip !== check.entry) engine.regs.set(Reg.rcx, this.savedRcx(check));
        engine.regs.set(Reg.rip, frame.rip);
        tracer.setRegs(task.tid);
        this.remove();
        tracer.setBreakpoint(task.tid, frame.rip);
        return this.goOn();
      }
      // A jump into the midst of what the jump to the check lies on.
      const from = signo === Signal.SIGTRAP ? rip - 1 : rip;
      const inside = from < frame.rip + JUMP_SIZE ? check.moved.get(from) : undefined;
      if (inside !== undefined && from > frame.rip) {
        if (++this.jumpsInside < MAX_JUMPS_INSIDE) return this.goOnAt(inside);
        // The place inside is in the midst of a loop, the point itself more likely is not.
        engine.regs.set(Reg.rip, inside);
        tracer.setRegs(task.tid);
        this.remove();
        tracer.setBreakpoint(task.tid, frame.rip);
        return this.goOn();
      }
      if (signo === Signal.SIGSEGV && this.isGuarded(Number(siginfo.getBigUint64(16, true)))) {
        // The program writes where its code is: nothing of ours may lie there. It may have a page of data there, or its
        // compiler may be done with it in a moment.
        this.remove();
        tracer.setBreakpoint(task.tid, frame.rip);
        return this.goOn();
      }
    }
    throw this.missed(`signal ${signo}, code ${code}, at ${hex(rip)}`);
  }

  private savedRcx(check: CheckCode): bigint {
    const bytes = this.read(check.slots, WORD)!;
    return new DataView(bytes.buffer).getBigInt64(0, true);
  }

  checkTime(nowNs: number): void {
    this.patience.check(nowNs);
  }

  /** The task stands at the address with another state. */
  private pass(): void {
    this.passed++;
    if (!this.patience.passed()) throw this.missed('go on for longer than it had run');
  }

  private missed(instead: string): Mismatch {
    const { engine, task, frame } = this;
    this.end();
    const seen = this.passed === 0 ? '' : `, ${this.passed} times there with another state`;
    return engine.mismatch(
      'preempt',
      task,
      frame,
      instead + seen,
      `be at ${hex(frame.rip)} in the recorded state`,
    );
  }

  private atBreakpoint(): boolean {
    if (this.matches()) {
      this.end();
      return true;
    }
    this.pass();
    if (this.mayPatch && this.passed > this.nextTry - SAMPLES) this.learn();
    if (this.mayPatch && this.passed >= this.nextTry) {
      this.nextTry = this.passed * MORE_HITS;
      const check = this.install();
      if (check !== undefined) {
        this.engine.tracer.setBreakpoint(this.task.tid, 0);
        return this.goOnAt(check.pass);
      }
    }
    return this.goOn();
  }

  private atCheck(check: CheckCode): boolean {
    const { engine, task, frame } = this;
    const { regs, tracer } = engine;
    regs.set(Reg.rip, frame.rip);
    if (check.losesFlags) {
      const flags = regs.int(Reg.eflags) & ~ARITHMETIC_FLAGS;
      regs.set(Reg.eflags, flags | (this.registers[Reg.eflags * 2]! & ARITHMETIC_FLAGS));
    }
    this.writeCode(frame.code.subarray(0, JUMP_SIZE));
    if (!this.matches()) {
      this.writeCode(check.jump);
      this.pass();
      return this.addSum() ? this.renew() : this.goOnAt(check.pass);
    }
    tracer.setRegs(task.tid);
    this.writeCode(check.jump);
    this.end();
    return true;
  }

  /**
   * Has one more page compared where all that the check compares was equal, and the page was not: what varies from round to
   * round lies deeper in memory than the words of the frame, as the variables of some interpreters do.
   */
  private addSum(): boolean {
    if (++this.checkHits < this.nextSums) return false;
    this.nextSums *= MORE_CHECK_HITS;
    const wrong = this.wrongSum();
    if (wrong === undefined) return false;
    this.sums = [...this.sums, wrong];
    return true;
  }

  /** Has the task, which a check has stopped in a wrong state, go on with a new one. */
  private renew(): false {
    const { engine, task, frame } = this;
    this.remove();
    engine.regs.set(Reg.rip, frame.rip);
    engine.tracer.setRegs(task.tid);
    const check = this.install();
    if (check !== undefined) return this.goOnAt(check.pass);
    engine.tracer.setBreakpoint(task.tid, frame.rip);
    return this.goOn();
  }

  /** A page that has another sum than in the recording. */
  private wrongSum(): PageSum | undefined {
    const { engine, task, frame } = this;
    const { summed, sums } = frame;
    const recorded = new DataView(sums.buffer, sums.byteOffset, sums.length);
    const found = sumPieces(engine.tracer, task.tid, summed);
    if (found === undefined) return undefined;
    const actual = new DataView(found.buffer);
    let at = 0;
    for (let i = 0; i < summed.length; i += 2)
      for (let page = summed[i]!; page < summed[i]! + summed[i + 1]!; page += PAGE_SIZE) {
        const value = recorded.getBigUint64(at, true);
        // A page that the jump to the check lies on has never the recorded sum.
        const isCode = page < frame.rip + JUMP_SIZE && page + PAGE_SIZE > frame.rip;
        if (!isCode && actual.getBigUint64(at, true) !== value) return { page, value };
        at += SUM_SIZE;
      }
    return undefined;
  }

  private goOn(): false {
    this.engine.tracer.resume(this.task.tid, this.engine.towardsCall(this.task), 0);
    return false;
  }

  private goOnAt(rip: number): false {
    const { engine, task } = this;
    engine.regs.set(Reg.rip, rip);
    engine.regs.set(Reg.orig_rax, -1);
    engine.tracer.setRegs(task.tid);
    return this.goOn();
  }

  // Comparing

  /** Whether the task, whose registers are loaded, has the recorded state. */
  private matches(): boolean {
    const { engine, task, frame } = this;
    const { tracer } = engine;
    const actual = engine.regs.save();
    clearStopTraces(actual);
    for (let i = 0; i < actual.length; i++) if (actual[i] !== this.registers[i]) return false;
    for (const { addr, bytes } of frame.memory)
      if (Buffer.compare(this.read(addr, bytes.length) ?? NOTHING, bytes) !== 0) return false;
    return (
      this.stackMatches() &&
      hashVectors(tracer.getXstate(task.tid)) === frame.vector &&
      hashPieces(tracer, task.tid, frame.pages) === frame.pagesHash &&
      this.sumsMatch()
    );
  }

  private sumsMatch(): boolean {
    const { engine, task, frame } = this;
    const { summed, sums } = frame;
    if (summed.length === 0) return true;
    const actual = sumPieces(engine.tracer, task.tid, summed);
    return actual !== undefined && Buffer.compare(actual, sums) === 0;
  }

  private stackMatches(): boolean {
    const { stack } = this.frame;
    const start = this.engine.regs.address(Reg.rsp);
    const actual = this.read(start, stack.length);
    if (actual === undefined) return stack.length === 0;
    for (let i = 0; i < stack.length; i++) {
      if (actual[i] === stack[i]) continue;
      const word = i - ((start + i) % WORD);
      if (!isXstateMask(stack, word, start) || !isXstateMask(actual, word, start)) return false;
    }
    return true;
  }

  private read(addr: number, length: number): Uint8Array | undefined {
    const bytes = new Uint8Array(length);
    const { tracer } = this.engine;
    const got = tracer.readMemory(this.task.tid, addr, bytes, 0, length);
    return got === length ? bytes : undefined;
  }

  /** What can tell states apart without a stop: all that can be read for as long as the search goes on. */
  private conditions(): Condition[] {
    const { frame, registers } = this;
    const found: Condition[] = REGISTER_ORDER.map((reg, register) => ({
      register,
      value: wordOf(registers, reg),
    }));
    const pages = new ReadPages(this.engine.tracer, this.task.tid);
    const seen = new Set<number>();
    const add = (addr: number, bytes: Uint8Array): void => {
      // The check lies over the code itself.
      const onCode = addr + WORD > frame.rip && addr < frame.rip + JUMP_SIZE;
      if (onCode || seen.has(addr) || pages.word(addr) === undefined) return;
      seen.add(addr);
      const view = new DataView(bytes.buffer, bytes.byteOffset, WORD);
      found.push({ addr, value: view.getBigUint64(0, true) });
    };
    const sse = new DataView(frame.sse.buffer, frame.sse.byteOffset, frame.sse.length);
    for (let at = 0; at < sse.byteLength; at += 2 * WORD)
      found.push({ xmm: at / (2 * WORD), value: sse.getBigUint64(at, true) });
    for (const { addr, bytes } of frame.memory)
      for (let i = 0; i + WORD <= bytes.length; i += WORD)
        add(addr + i, bytes.subarray(i, i + WORD));
    const start = Number(wordOf(registers, Reg.rsp));
    for (let i = (WORD - (start % WORD)) % WORD; i + WORD <= frame.stack.length; i += WORD) {
      const bytes = frame.stack.subarray(i, i + WORD);
      if (!isXstateMask(frame.stack, i, start)) add(start + i, bytes);
    }
    return found;
  }

  /** Notes which conditions this wrong state meets: those that it doesn't are the ones to compare first. */
  private learn(): void {
    this.known ??= this.conditions().map((condition) => ({ condition, unmet: 0 }));
    const sse = sseRegisters(this.engine.tracer.getXstate(this.task.tid));
    const pages = new ReadPages(this.engine.tracer, this.task.tid);
    for (const entry of this.known) if (!this.isMet(entry.condition, sse, pages)) entry.unmet++;
  }

  private isMet(condition: Condition, sse: Uint8Array, pages: ReadPages): boolean {
    const { value } = condition;
    if ('xmm' in condition)
      return new DataView(sse.buffer).getBigUint64(condition.xmm * 2 * WORD, true) === value;
    if ('register' in condition)
      return wordOf(this.engine.regs.halves, REGISTER_ORDER[condition.register]!) === value;
    return pages.word(condition.addr) === value;
  }

  // The check

  /** Puts the check into the program's code, if that is possible. */
  private install(): CheckCode | undefined {
    const { engine, task, frame } = this;
    const { tracer, regs } = engine;
    const { tid } = task;
    const code = this.read(frame.rip, frame.code.length);
    // Code that the program has yet to write.
    if (code === undefined || Buffer.compare(code, frame.code) !== 0) return undefined;
    const maps = parseMaps(tid);
    const known = this.known!.sort((one, other) => other.unmet - one.unmet);
    const conditions = known.map(({ condition }) => condition);
    const readable = maps.filter(({ prot }) => (prot & Prot.READ) !== 0);
    const isReadable = (addr: number): boolean =>
      readable.some(({ start, end }) => addr >= start && addr + WORD <= end);
    const usable = conditions.filter(
      (condition) => !('addr' in condition) || isReadable(condition.addr),
    );
    const sums = this.sums.filter(({ page }) => isReadable(page));
    const check = makeCheck(code, frame.rip, usable, maps, this.constantCode(maps), sums);
    if (check === undefined) return undefined;
    const saved = regs.save();
    if (!mapRoom(tracer, tid, check)) {
      engine.regs.load(saved);
      return undefined;
    }
    this.check = check;
    tracer.writeMemory(tid, check.entry, check.bytes, 0, check.bytes.length);
    this.guard(maps);
    this.writeCode(check.jump);
    regs.load(saved);
    return check;
  }

  /** The code around the point, if nobody can write to it. */
  private constantCode(maps: ReturnType<typeof parseMaps>): CodeAt | undefined {
    const { rip } = this.frame;
    const mapping = maps.find(({ start, end }) => rip >= start && rip < end);
    if (mapping === undefined || mapping.shared || (mapping.prot & Prot.WRITE) !== 0)
      return undefined;
    const pages = new ReadPages(this.engine.tracer, this.task.tid);
    return (addr) => (addr >= mapping.start && addr < mapping.end ? pages.code(addr) : NOTHING);
  }

  /** Makes the code's pages unwritable for the program, so that it doesn't write over the jump unseen. */
  private guard(maps: ReturnType<typeof parseMaps>): void {
    const { rip } = this.frame;
    const mapping = maps.find(({ start, end }) => rip >= start && rip < end);
    if (mapping === undefined || (mapping.prot & Prot.WRITE) === 0) return;
    const start = rip - (rip % PAGE_SIZE);
    const size = Math.ceil((rip + JUMP_SIZE - start) / PAGE_SIZE) * PAGE_SIZE;
    this.guarded = { start, size, prot: mapping.prot };
    this.call(Sys.mprotect, start, size, mapping.prot & ~Prot.WRITE);
  }

  private isGuarded(addr: number): boolean {
    const { guarded } = this;
    return guarded !== undefined && addr >= guarded.start && addr < guarded.start + guarded.size;
  }

  /** Takes everything away that the search has put into the process. */
  private end(): void {
    this.engine.tracer.setBreakpoint(this.task.tid, 0);
    if (this.check !== undefined) this.remove();
  }

  private remove(): void {
    const { engine, task, frame, guarded } = this;
    const check = this.check!;
    const code = this.read(frame.rip, JUMP_SIZE);
    if (code === undefined || Buffer.compare(code, check.jump) !== 0)
      throw engine.internal(task, `the code at ${hex(frame.rip)} has changed under a check`);
    this.writeCode(frame.code.subarray(0, JUMP_SIZE));
    // A task that has been stopped in the moved instructions goes on in their old place.
    engine.load(task);
    const place = check.places.get(engine.regs.address(Reg.rip));
    if (place !== undefined) {
      leaveMovedCode(engine.regs, place);
      engine.tracer.setRegs(task.tid);
    }
    const saved = engine.regs.save();
    if (guarded !== undefined) this.call(Sys.mprotect, guarded.start, guarded.size, guarded.prot);
    unmapRoom(engine.tracer, task.tid, check);
    engine.regs.load(saved);
    this.check = undefined;
    this.guarded = undefined;
  }

  private writeCode(bytes: Uint8Array): void {
    const { tracer } = this.engine;
    tracer.writeMemory(this.task.tid, this.frame.rip, bytes, 0, bytes.length);
  }

  private call(nr: number, ...args: readonly number[]): number {
    return this.engine.tracer.remoteSyscall(this.task.tid, REMOTE_SYSCALL, nr, args);
  }
}

function wordOf(halves: Uint32Array, reg: number): bigint {
  return (BigInt(halves[reg * 2 + 1]!) << 32n) | BigInt(halves[reg * 2]!);
}

const NOTHING = new Uint8Array(0);

/**
 * True if the word at `offset` of the stack may be the mask of components in use in an XSAVE header, which dynamic linkers
 * leave there: what it says depends on the processor.
 */
function isXstateMask(stack: Uint8Array, offset: number, start: number): boolean {
  if (offset < 0 || offset + 3 * WORD > stack.length || (start + offset) % XSAVE_ALIGNMENT !== 0)
    return false;
  const view = new DataView(stack.buffer, stack.byteOffset + offset, 3 * WORD);
  if ((view.getBigUint64(0, true) & ~XSTATE_SAVED) !== 0n) return false;
  const form = view.getBigUint64(WORD, true) & ~XSTATE_SAVED;
  return (form === 0n || form === COMPACT) && view.getBigUint64(2 * WORD, true) === 0n;
}
