import {
  Flow,
  type Instruction,
  type ReadPages,
  Reg,
  REGISTER_ORDER,
  type Registers,
} from '@scribe-ts/core-native';
import { calculate, fit, multiply, Operation, shift, signed } from './arithmetic.js';

/** Some of them. */
const enum R {
  ax,
  cx,
  dx,
  bx,
  sp,
  bp,
  si,
  di,
}

/** Registers that a function need not keep. */
const SCRATCH = [R.ax, R.cx, R.dx, R.si, R.di, 8, 9, 10, 11];
const WORD = 8;
/** Bits of a REX prefix. */
const REX_W = 8;
const REX_R = 4;
const REX_B = 1;

/**
 * Follows what general registers hold through instructions that have yet to run, as far as simple ones go: moves,
 * arithmetic on addresses, the stack. What is not known is NaN, as is what is no safe integer. What the instructions would
 * store is kept aside, to be there when they load it.
 */
export class Values {
  /** Of the instruction at hand. */
  private code: Uint8Array = NOTHING;
  private rex = 0;
  private modrm = 0;
  private size = 4;
  private addr = NaN;

  private constructor(
    private readonly memory: ReadPages,
    private readonly segments: { readonly fs: number; readonly gs: number },
    private readonly registers: Float64Array,
    private readonly stored: Map<number, number>,
  ) {}

  /** Those of a stopped task. */
  static of(regs: Registers, memory: ReadPages): Values {
    const known = (reg: number): number => {
      const value = regs.get(reg);
      return typeof value === 'number' ? value : NaN;
    };
    const segments = { fs: known(Reg.fs_base), gs: known(Reg.gs_base) };
    return new Values(memory, segments, Float64Array.from(REGISTER_ORDER, known), new Map());
  }

  /** For another way from here on. */
  copy(): Values {
    return new Values(this.memory, this.segments, this.registers.slice(), new Map(this.stored));
  }

  /** Where an instruction's memory operand lies, if it has one; `next`: the address of the instruction behind it. */
  addressOf({ memory }: Instruction, next: number): number {
    if (memory === undefined) return NaN;
    let addr = memory.displacement;
    if (memory.ripRelative) addr += next;
    if (memory.segment !== 'none') addr += this.segments[memory.segment];
    if (memory.base >= 0) addr += this.registers[memory.base]!;
    if (memory.index >= 0) addr += this.registers[memory.index]! * memory.scale;
    return addr;
  }

  /**
   * Has the registers hold what they will after an instruction, whose bytes are `code`. Where it goes: if it is
   * conditional, where it jumps to.
   */
  follow(code: Uint8Array, instruction: Instruction, next: number): number {
    const { opcodeAt, modrmAt, flow } = instruction;
    let short = false;
    let at = 0;
    this.code = code.subarray(0, instruction.length);
    this.rex = 0;
    this.modrm = modrmAt < 0 ? 0 : code[modrmAt]!;
    this.addr = this.addressOf(instruction, next);
    for (; at < opcodeAt; at++) {
      const byte = code[at]!;
      if (byte === 0x0f || byte === 0xc4 || byte === 0xc5 || byte === 0x62 || byte === 0x8f) break;
      if (byte === 0x66) short = true;
      if ((byte & 0xf0) === 0x40) this.rex = byte;
    }
    this.size = (this.rex & REX_W) !== 0 ? 8 : short ? 2 : 4;
    switch (flow) {
      case Flow.Jump:
      case Flow.Conditional:
        return next + instruction.relative;
      case Flow.Loop:
        this.forget(R.cx);
        return next + instruction.relative;
      case Flow.Return: {
        const target = this.pop();
        if (code[opcodeAt] === 0xc2) this.forget(R.sp);
        return target;
      }
      case Flow.IndirectJump:
        return this.operand(WORD);
      case Flow.Call:
        this.push(next);
        return next + instruction.relative;
      case Flow.IndirectCall: {
        const target = this.operand(WORD);
        this.push(next);
        return target;
      }
    }
    const opcode = code[opcodeAt]!;
    if (at === opcodeAt) this.oneByte(opcode);
    else if (code[at] === 0x0f && at === opcodeAt - 1) this.twoByte(opcode);
    else this.longer(at, opcode);
    return next;
  }

  /** Behind a call of a function of which nothing is known. */
  afterCall(): this {
    this.forget(...SCRATCH);
    return this;
  }

  // Operands

  private get reg(): number {
    return ((this.modrm >> 3) & 7) | ((this.rex & REX_R) !== 0 ? 8 : 0);
  }

  /** The register that the ModRM byte names where it could name memory; -1 if it does. */
  private get rm(): number {
    return this.modrm < 0xc0 ? -1 : (this.modrm & 7) | ((this.rex & REX_B) !== 0 ? 8 : 0);
  }

  /** What a register holds; NaN: not known. */
  get(register: number, size = this.size): number {
    return fit(this.registers[register]!, size);
  }

  private set(register: number, value: number, size = this.size): void {
    this.registers[register] = fit(value, size);
  }

  private forget(...registers: readonly number[]): void {
    for (const register of registers) if (register >= 0) this.registers[register] = NaN;
  }

  /** Of bytes: without a REX prefix registers 4 to 7 are the second bytes of 0 to 3. */
  private forgetByte(register: number): void {
    this.forget(register >= 4 && register < 8 && this.rex === 0 ? register - 4 : register);
  }

  private operand(size = this.size): number {
    const { rm } = this;
    return rm >= 0 ? this.get(rm, size) : this.load(this.addr, size);
  }

  /** An operand of one or two bytes, unsigned; `end`: what it is smaller than. */
  private part(end: number): number {
    const { rm } = this;
    if (rm < 0) return this.load(this.addr, end === 0x100 ? 1 : 2);
    const isSecondByte = end === 0x100 && rm >= 4 && rm < 8 && this.rex === 0;
    return isSecondByte ? NaN : fit(this.registers[rm]!, 4) % end;
  }

  private setOperand(value: number): void {
    const { rm } = this;
    if (rm >= 0) this.set(rm, value);
    else this.store(this.addr, value, this.size);
  }

  /** The 32-bit number that an instruction ends with. */
  private immediate(): number {
    const { code } = this;
    const at = code.length - 4;
    if (this.size === 2) return NaN;
    return code[at]! | (code[at + 1]! << 8) | (code[at + 2]! << 16) | (code[at + 3]! << 24);
  }

  private byteImmediate(): number {
    return (this.code.at(-1)! << 24) >> 24;
  }

  private load(addr: number, size: number): number {
    if (Number.isNaN(addr)) return NaN;
    return this.stored.get(addr * 16 + size) ?? this.memory.value(addr, size) ?? NaN;
  }

  private store(addr: number, value: number, size: number): void {
    if (Number.isNaN(addr)) return;
    this.stored.set(addr * 16 + 4, size < 4 ? NaN : fit(value, 4));
    this.stored.set(addr * 16 + 8, size < 8 ? NaN : fit(value, 8));
  }

  private push(value: number): void {
    const top = this.registers[R.sp]! - WORD;
    this.registers[R.sp] = top;
    this.store(top, value, WORD);
  }

  private pop(): number {
    const top = this.registers[R.sp]!;
    this.registers[R.sp] = top + WORD;
    return this.load(top, WORD);
  }

  // Instructions

  private oneByte(opcode: number): void {
    const { reg, rm, size } = this;
    const extension = (this.modrm >> 3) & 7;
    const low = (opcode & 7) | ((this.rex & REX_B) !== 0 ? 8 : 0);
    if (opcode < 0x40) this.arithmetic(opcode >> 3, opcode & 7);
    else if (opcode < 0x58) this.push(this.get(low, WORD));
    else if (opcode < 0x60) this.registers[low] = this.pop();
    else if (opcode >= 0xb8 && opcode < 0xc0)
      this.set(low, size === 8 ? this.wide() : this.immediate());
    else if (opcode >= 0xb0 && opcode < 0xb8) this.forgetByte(low);
    else if (opcode >= 0x91 && opcode < 0x98) this.forget(R.ax, low);
    else if (opcode === 0xa8 || opcode === 0xa9) return;
    else if (opcode >= 0xa0 && opcode < 0xb0) this.forget(R.ax, R.cx, R.si, R.di);
    else {
      switch (opcode) {
        case 0x63:
          this.set(reg, signed(this.operand(4)));
          break;
        case 0x68:
          this.push(this.immediate());
          break;
        case 0x6a:
          this.push(this.byteImmediate());
          break;
        case 0x69:
        case 0x6b: {
          const by = opcode === 0x69 ? this.immediate() : this.byteImmediate();
          this.set(reg, multiply(this.operand(), by, size));
          break;
        }
        case 0x80:
          if (extension !== Operation.Compare) this.changeByte();
          break;
        case 0x81:
        case 0x83: {
          const by = opcode === 0x81 ? this.immediate() : this.byteImmediate();
          if (extension !== Operation.Compare)
            this.setOperand(calculate(extension, this.operand(), fit(by, size), size));
          break;
        }
        case 0x84:
        case 0x85:
        case 0x90:
          break;
        case 0x86:
        case 0x87:
          this.forget(reg);
          this.forgetOperand();
          break;
        case 0x89:
          this.setOperand(this.get(reg));
          break;
        case 0x8a:
          this.forgetByte(reg);
          break;
        case 0x8b:
          this.set(reg, this.operand());
          break;
        case 0x8c:
          this.forgetOperand();
          break;
        case 0x8d:
          this.set(reg, this.addr);
          break;
        case 0x8f:
          this.pop();
          this.forget(rm);
          break;
        case 0x98:
          this.set(R.ax, size === 8 ? signed(this.get(R.ax, 4)) : NaN);
          break;
        case 0x99:
          this.forget(R.dx);
          break;
        case 0xc1:
        case 0xd1:
          this.setOperand(
            shift(extension, this.operand(), opcode === 0xd1 ? 1 : this.byteImmediate(), size),
          );
          break;
        case 0xd3:
          this.setOperand(
            shift(extension, this.operand(), this.get(R.cx, 4) & (size === 8 ? 63 : 31), size),
          );
          break;
        case 0x88:
        case 0xc0:
        case 0xc6:
        case 0xd0:
        case 0xd2:
        case 0xfe:
          this.changeByte();
          break;
        case 0xc7:
          this.setOperand(this.immediate());
          break;
        case 0xc8:
          this.forget(R.sp, R.bp);
          break;
        case 0xc9:
          this.registers[R.sp] = this.registers[R.bp]!;
          this.registers[R.bp] = this.pop();
          break;
        case 0xf6:
        case 0xf7:
          if (extension >= 4) this.forget(R.ax, R.dx);
          else if (extension >= 2) this.setOperand(NaN);
          break;
        case 0xff:
          if (extension === 6) this.push(this.operand(WORD));
          else this.setOperand(this.operand() + (extension === 0 ? 1 : -1));
          break;
        default:
          this.forget(R.ax);
      }
    }
  }

  /** add, or, and, sub, xor, cmp in one of their six forms. */
  private arithmetic(operation: Operation, form: number): void {
    const { reg, rm, size } = this;
    if (operation === Operation.Compare) return;
    if (form === 0) this.changeByte();
    else if (form === 2) this.forgetByte(reg);
    else if (form === 4) this.forget(R.ax);
    else if (form === 5)
      this.set(R.ax, calculate(operation, this.get(R.ax), fit(this.immediate(), size), size));
    else {
      const clears = operation === Operation.Xor || operation === Operation.Subtract;
      const [one, other] = [this.operand(), this.get(reg)];
      if (form === 3)
        this.set(reg, clears && rm === reg ? 0 : calculate(operation, other, one, size));
      else this.setOperand(clears && rm === reg ? 0 : calculate(operation, one, other, size));
    }
  }

  private forgetOperand(): void {
    const { rm } = this;
    if (rm >= 0) this.forget(rm);
    else this.store(this.addr, NaN, WORD);
  }

  /** The operand that the ModRM byte names is a byte, and becomes another. */
  private changeByte(): void {
    const { rm } = this;
    if (rm >= 0) this.forgetByte(rm);
    else this.store(this.addr, NaN, 1);
  }

  /** The number that `mov` to a 64-bit register ends with. */
  private wide(): number {
    const { code } = this;
    const view = new DataView(code.buffer, code.byteOffset + code.length - WORD, WORD);
    return view.getInt32(4, true) * 0x100000000 + view.getUint32(0, true);
  }

  private twoByte(opcode: number): void {
    const { reg, rm } = this;
    if (opcode === 0xb6 || opcode === 0xb7)
      this.set(reg, this.part(opcode === 0xb6 ? 0x100 : 0x10000));
    else if (opcode === 0xaf) this.set(reg, multiply(this.get(reg), this.operand(), this.size));
    else if (opcode >= 0x40 && opcode < 0x50) this.forget(reg);
    else if (opcode >= 0x90 && opcode < 0xa0) this.changeByte();
    else if (opcode >= 0xa0 && opcode < 0xc2) {
      this.forget(reg);
      if (opcode < 0xb2) this.forget(R.ax);
      this.forgetOperand();
    } else if (opcode === 0xc7) this.forget(R.ax, R.dx, rm);
    else if (opcode >= 0xc8 && opcode < 0xd0)
      this.forget((opcode & 7) | ((this.rex & REX_B) !== 0 ? 8 : 0));
    else this.fromVector(opcode, reg, rm);
  }

  /** Of the instructions for vector registers those that change general ones. */
  private fromVector(opcode: number, reg: number, rm: number): void {
    switch (opcode) {
      case 0x2c:
      case 0x2d:
      case 0x50:
      case 0x78:
      case 0x79:
      case 0x93:
      case 0xc5:
      case 0xd7:
        this.forget(reg);
        break;
      case 0x7e:
        this.forget(rm);
    }
  }

  /** With an opcode of three bytes, or a VEX or EVEX prefix at `at`. */
  private longer(at: number, opcode: number): void {
    const { code } = this;
    const [prefix, first] = [code[at]!, code[at + 1]!];
    const isLegacy = prefix === 0x0f;
    // The R and B bits of these prefixes are upside down.
    const reg =
      ((this.modrm >> 3) & 7) | ((isLegacy ? this.rex & REX_R : ~first & 0x80) !== 0 ? 8 : 0);
    const hasB = isLegacy ? (this.rex & REX_B) !== 0 : prefix !== 0xc5 && (first & 0x20) === 0;
    const rm = this.modrm < 0xc0 ? -1 : (this.modrm & 7) | (hasB ? 8 : 0);
    const map = isLegacy ? (first === 0x38 ? 2 : 3) : prefix === 0xc5 ? 1 : first & 7;
    if (map === 1) this.fromVector(opcode, reg, rm);
    else if (map === 2 && opcode < 0xf0) return;
    else if (map === 3 && opcode >= 0x14 && opcode < 0x18) this.forget(rm);
    else if (map === 3 && opcode >= 0x60 && opcode < 0x64) this.forget(R.cx);
    else if (map === 3 && opcode !== 0xf0) return;
    else this.forget(reg, rm, isLegacy ? -1 : (~code[at + 2]! >> 3) & 15);
  }
}

const NOTHING = new Uint8Array(0);
