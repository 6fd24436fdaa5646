import { Reg, type Registers, type Tracer } from '@scribe-ts/core-native';
import type { CodeLocation, StackFrame } from '../session/types.js';
import type { AddressMap, Place } from './address-map.js';
import type { CfaRule, RegisterRule, UnwindRow } from './call-frame-rows.js';
import { evaluateExpression, type ExpressionContext } from './dwarf-expression.js';

/** More is a runaway recursion, of which this shows enough. */
const MAX_FRAMES = 256;
const SYSCALL_INSN_SIZE = 2;
const WORD = 8n;

/** Registers as DWARF numbers them (System V ABI for x86-64, figure 3.36); 16 is the return address. */
const DWARF_REGISTERS = [
  Reg.rax,
  Reg.rdx,
  Reg.rcx,
  Reg.rbx,
  Reg.rsi,
  Reg.rdi,
  Reg.rbp,
  Reg.rsp,
  Reg.r8,
  Reg.r9,
  Reg.r10,
  Reg.r11,
  Reg.r12,
  Reg.r13,
  Reg.r14,
  Reg.r15,
  Reg.rip,
] as const;
const RBP = 6;
const RSP = 7;
const RIP = 16;

/** `mov $15, %rax; syscall` or `mov $15, %eax; syscall`: what a signal handler returns to. */
const RESTORERS = [
  [0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05],
  [0xb8, 0x0f, 0, 0, 0, 0x0f, 0x05],
] as const;
/** How functions with a frame pointer begin: `endbr64` perhaps, and `push %rbp`. */
const ENDBR = [0xf3, 0x0f, 0x1e, 0xfa] as const;
const PUSH_RBP = [0x55] as const;
/** Registers of a ucontext by their DWARF numbers, from this offset on. */
const UCONTEXT_REGISTERS_AT = 40n;
const UCONTEXT_REGISTERS = [8, 9, 10, 11, 12, 13, 14, 15, 5, 4, 6, 3, 1, 0, 2, 7, 16] as const;

/** Registers of one frame, by DWARF number; undefined for what is not known. */
type FrameRegisters = readonly (bigint | undefined)[];

interface Caller {
  readonly registers: FrameRegisters;
  /** The caller was interrupted by a signal: its address is that of the next instruction, not after a call. */
  readonly interrupted: boolean;
}

/** Names of code that is in no file. */
export type JitNames = (
  address: number,
) => { readonly name: string; readonly start: number } | undefined;

/**
 * The calls that led a stopped task to where it is, innermost first. Where a file has call frame information it is
 * followed, elsewhere the chain of frame pointers.
 *
 * Every frame lies above the one it called, except across a signal handler; so there is an end, also on a stack that
 * the program has destroyed.
 */
export function backtrace(
  tracer: Tracer,
  tid: number,
  stopped: Registers,
  map: AddressMap,
  point: 'syscall' | 'instruction',
  jitNames?: JitNames,
): readonly StackFrame[] {
  const walk = new StackWalk(tracer, tid, map);
  let registers: FrameRegisters = DWARF_REGISTERS.map((register) =>
    BigInt.asUintN(64, BigInt(stopped.get(register))),
  );
  // The instruction that each frame is at: the one before the return address.
  let before = point === 'syscall' ? SYSCALL_INSN_SIZE : 0;
  // The frame did not call anything, so it may be anywhere, also where no code is.
  let interrupted = true;
  const frames: StackFrame[] = [];
  while (frames.length < MAX_FRAMES) {
    const pc = registers[RIP];
    if (pc === undefined) break;
    const address = Number(pc);
    const instruction = address - before;
    if (!interrupted && !map.isExecutable(instruction)) break;
    const caller = walk.caller(registers, instruction, interrupted);
    frames.push({
      address,
      ...locate(map, address, instruction, jitNames),
      isSignalFrame: caller?.interrupted === true,
    });
    if (caller === undefined) break;
    const [lower, higher] = [registers[RSP], caller.registers[RSP]];
    if (higher === undefined) break;
    ({ interrupted } = caller);
    if (!interrupted && lower !== undefined && higher <= lower) break;
    ({ registers } = caller);
    before = interrupted ? 0 : 1;
  }
  return frames;
}

/** What the instruction at an address belongs to; the offset in its function is that of `address`. */
export function locate(
  map: AddressMap,
  address: number,
  instruction = address,
  jitNames?: JitNames,
): CodeLocation {
  const place = map.placeOf(instruction);
  if (place === undefined) {
    const made = jitNames?.(instruction);
    if (made === undefined) return NOWHERE;
    return { ...NOWHERE, symbol: made.name, offset: address - made.start };
  }
  const { file, fileAddress } = place;
  if (fileAddress === undefined) return { ...NOWHERE, object: file.path };
  const found = file.functionAt(fileAddress);
  const source = file.lineAt(fileAddress);
  return {
    object: file.path,
    symbol: found?.name ?? '',
    offset: found === undefined ? 0 : address - instruction + fileAddress - found.start,
    file: source?.file ?? '',
    line: source?.line ?? 0,
  };
}

const NOWHERE: CodeLocation = { object: '', symbol: '', offset: 0, file: '', line: 0 };

class StackWalk {
  private readonly word = new DataView(new ArrayBuffer(8));
  private readonly wordBytes = new Uint8Array(this.word.buffer);

  constructor(
    private readonly tracer: Tracer,
    private readonly tid: number,
    private readonly map: AddressMap,
  ) {}

  caller(registers: FrameRegisters, instruction: number, interrupted: boolean): Caller | undefined {
    const place = this.map.placeOf(instruction);
    const row = place?.fileAddress === undefined ? undefined : place.file.rowAt(place.fileAddress);
    if (row !== undefined) return this.byRow(row, registers);
    if (this.isRestorer(instruction)) return this.bySignalFrame(registers);
    if (interrupted && !this.map.isExecutable(instruction)) return this.byWildCall(registers);
    if (interrupted) {
      const caller = this.byPrologue(registers, instruction, place);
      if (caller !== undefined) return caller;
    }
    return this.byFramePointer(registers);
  }

  private byRow(row: UnwindRow, registers: FrameRegisters): Caller | undefined {
    const context: ExpressionContext = {
      register: (number) => registers[number],
      read: (address, size) => this.read(address, size),
    };
    const cfa = canonicalAddress(row.cfa, context);
    if (cfa === undefined) return undefined;
    const found = registers.map((value, number) => {
      const rule = row.rules.get(number);
      if (rule !== undefined) return this.apply(rule, value, cfa, registers, context);
      // The canonical frame address is what rsp was before the call; a return address is never kept in rip.
      if (number === RSP) return cfa;
      return number === RIP ? undefined : value;
    });
    if (row.returnRegister !== RIP) found[RIP] = found[row.returnRegister];
    return { registers: found, interrupted: row.isSignalFrame };
  }

  private apply(
    rule: RegisterRule,
    value: bigint | undefined,
    cfa: bigint,
    registers: FrameRegisters,
    context: ExpressionContext,
  ): bigint | undefined {
    switch (rule.kind) {
      case 'undefined':
        return undefined;
      case 'same':
        return value;
      case 'saved':
        return this.read(BigInt.asUintN(64, cfa + rule.offset), 8);
      case 'value':
        return BigInt.asUintN(64, cfa + rule.offset);
      case 'register':
        return registers[rule.register];
      case 'saved-expression': {
        const at = evaluateExpression(rule.code, context, cfa);
        return at === undefined ? undefined : this.read(at, 8);
      }
      case 'value-expression':
        return evaluateExpression(rule.code, context, cfa);
    }
  }

  private isRestorer(instruction: number): boolean {
    return RESTORERS.some((code) => this.has(instruction, code));
  }

  /** What the kernel put on the stack for a handler; rsp points to its ucontext once the handler has returned. */
  private bySignalFrame(registers: FrameRegisters): Caller | undefined {
    const rsp = registers[RSP];
    if (rsp === undefined) return undefined;
    const found: (bigint | undefined)[] = new Array(RIP + 1).fill(undefined);
    UCONTEXT_REGISTERS.forEach((number, i) => {
      found[number] = this.read(rsp + UCONTEXT_REGISTERS_AT + BigInt(i) * WORD, 8);
    });
    return { registers: found, interrupted: true };
  }

  /** A call to where no code is: the return address is the last thing that was pushed. */
  private byWildCall(registers: FrameRegisters): Caller | undefined {
    const rsp = registers[RSP];
    if (rsp === undefined) return undefined;
    return this.returning(registers, this.read(rsp, 8), rsp + WORD, registers[RBP]);
  }

  /**
   * A function that did not call anything need not have made a frame yet, or ever. undefined if it has one, or if nobody
   * knows where it begins.
   */
  private byPrologue(
    registers: FrameRegisters,
    instruction: number,
    place: Place | undefined,
  ): Caller | undefined {
    const { file, fileAddress } = place ?? {};
    const rsp = registers[RSP];
    if (file === undefined || fileAddress === undefined || rsp === undefined) return undefined;
    const start = file.functionAt(fileAddress)?.start;
    if (start === undefined) return undefined;
    const begin = instruction - (fileAddress - start);
    const push = this.has(begin, ENDBR) ? begin + ENDBR.length : begin;
    const pushes = this.has(push, PUSH_RBP);
    if (!pushes || instruction <= push)
      return this.returning(registers, this.read(rsp, 8), rsp + WORD, registers[RBP]);
    if (instruction > push + PUSH_RBP.length) return undefined;
    const saved = this.read(rsp, 8);
    return this.returning(registers, this.read(rsp + WORD, 8), rsp + 2n * WORD, saved);
  }

  private has(address: number, code: readonly number[]): boolean {
    return code.every((byte, i) => this.read(BigInt(address + i), 1) === BigInt(byte));
  }

  private byFramePointer(registers: FrameRegisters): Caller | undefined {
    const rbp = registers[RBP];
    const rsp = registers[RSP];
    if (rbp === undefined || rsp === undefined || rbp % WORD !== 0n || rbp < rsp) return undefined;
    const saved = this.read(rbp, 8);
    return this.returning(registers, this.read(rbp + WORD, 8), rbp + 2n * WORD, saved);
  }

  private returning(
    registers: FrameRegisters,
    rip: bigint | undefined,
    rsp: bigint,
    rbp: bigint | undefined,
  ): Caller | undefined {
    if (rip === undefined || !this.map.isExecutable(Number(rip) - 1)) return undefined;
    const found = [...registers];
    found[RIP] = rip;
    found[RSP] = rsp;
    found[RBP] = rbp;
    return { registers: found, interrupted: false };
  }

  private read(address: bigint, size: number): bigint | undefined {
    const at = Number(address);
    if (!Number.isSafeInteger(at) || size < 1 || size > 8) return undefined;
    this.word.setBigUint64(0, 0n, true);
    const got = this.tracer.readMemory(this.tid, at, this.wordBytes, 0, size);
    return got === size ? this.word.getBigUint64(0, true) : undefined;
  }
}

function canonicalAddress(rule: CfaRule, context: ExpressionContext): bigint | undefined {
  if (rule.kind === 'expression') return evaluateExpression(rule.code, context);
  const base = context.register(rule.register);
  return base === undefined ? undefined : BigInt.asUintN(64, base + rule.offset);
}
