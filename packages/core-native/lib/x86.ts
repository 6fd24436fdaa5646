/**
 * Decodes x86-64 instructions as far as patching and watching code needs: their length, where control goes afterwards,
 * and which memory they name. It is not a disassembler: what an instruction computes is of no interest here.
 */

/** Where control goes after an instruction. */
export enum Flow {
  /** To the next instruction. */
  Next,
  /** Direct jump. */
  Jump,
  /** Direct conditional jump (Jcc). */
  Conditional,
  /** loop, loope, loopne, jrcxz: conditional, and without a form that reaches far. */
  Loop,
  /** Direct call. */
  Call,
  Return,
  /** jmp through a register or memory. */
  IndirectJump,
  /** call through a register or memory. */
  IndirectCall,
  /**
   * Into the kernel, a trap, or what depends on its own address otherwise (syscall, int, rdtsc, cpuid, hlt, xbegin, far
   * transfers …): to be run at its own place only.
   */
  System,
}

/** Registers as instructions number them: 0 rax, 1 rcx, 2 rdx, 3 rbx, 4 rsp, 5 rbp, 6 rsi, 7 rdi, 8 to 15. */
export type RegisterNumber = number;

/** A memory operand: segment + base + index * scale + displacement. */
export interface MemoryOperand {
  /** -1: none. */
  readonly base: RegisterNumber;
  /** -1: none. */
  readonly index: RegisterNumber;
  readonly scale: number;
  /** Bytes; for a rip-relative operand counted from the end of the instruction. */
  readonly displacement: number;
  readonly ripRelative: boolean;
  readonly segment: 'none' | 'fs' | 'gs';
}

export interface Instruction {
  /** Bytes, 1 to 15. */
  readonly length: number;
  readonly flow: Flow;
  /** For direct jumps and calls: where to, counted from the end of the instruction; else 0. */
  readonly relative: number;
  /** The memory operand of its ModRM byte, if there is one whose address these fields give. */
  readonly memory: MemoryOperand | undefined;
  /** Offset of the 32-bit displacement of a rip-relative operand in the instruction's bytes; else -1. */
  readonly ripDisplacementAt: number;
  /** Offset of the ModRM byte; -1 if there is none. */
  readonly modrmAt: number;
  /** Offset of the opcode's last byte. */
  readonly opcodeAt: number;
  /** A string instruction with a repeat prefix: it can be interrupted in its middle. */
  readonly repeats: boolean;
  /** It has a lock prefix, which old code jumps over. */
  readonly locked: boolean;
}

export const MAX_INSTRUCTION = 15;

/** What follows the opcode. */
const enum Immediate {
  None = 0,
  Byte = 1,
  Word = 2,
  /** 4 bytes, 2 with an operand size prefix. */
  Full = 3,
  /** As Full, but 8 bytes with REX.W (mov r, imm). */
  Wide = 4,
  /** An absolute address: 8 bytes, 4 with an address size prefix. */
  Address = 5,
  /** enter. */
  WordAndByte = 6,
  /** A 32-bit branch displacement, whatever the prefixes. */
  Branch = 7,
  ModRm = 8,
  Invalid = 16,
}

const IMMEDIATE_MASK = 7;

const ONE_BYTE = oneByteTable();
const TWO_BYTE = twoByteTable();

function oneByteTable(): Uint8Array {
  const table = new Uint8Array(256);
  const put = (from: number, to: number, value: number): void => {
    table.fill(value, from, to + 1);
  };
  for (let row = 0; row < 0x40; row += 8) {
    put(row, row + 3, Immediate.ModRm);
    table[row + 4] = Immediate.Byte;
    table[row + 5] = Immediate.Full;
    put(row + 6, row + 7, Immediate.Invalid);
  }
  put(0x60, 0x62, Immediate.Invalid);
  table[0x63] = Immediate.ModRm;
  table[0x68] = Immediate.Full;
  table[0x69] = Immediate.ModRm | Immediate.Full;
  table[0x6a] = Immediate.Byte;
  table[0x6b] = Immediate.ModRm | Immediate.Byte;
  put(0x70, 0x7f, Immediate.Byte);
  table[0x80] = Immediate.ModRm | Immediate.Byte;
  table[0x81] = Immediate.ModRm | Immediate.Full;
  table[0x82] = Immediate.Invalid;
  table[0x83] = Immediate.ModRm | Immediate.Byte;
  put(0x84, 0x8f, Immediate.ModRm);
  table[0x9a] = Immediate.Invalid;
  put(0xa0, 0xa3, Immediate.Address);
  table[0xa8] = Immediate.Byte;
  table[0xa9] = Immediate.Full;
  put(0xb0, 0xb7, Immediate.Byte);
  put(0xb8, 0xbf, Immediate.Wide);
  put(0xc0, 0xc1, Immediate.ModRm | Immediate.Byte);
  table[0xc2] = Immediate.Word;
  table[0xc6] = Immediate.ModRm | Immediate.Byte;
  table[0xc7] = Immediate.ModRm | Immediate.Full;
  table[0xc8] = Immediate.WordAndByte;
  table[0xca] = Immediate.Word;
  table[0xcd] = Immediate.Byte;
  table[0xce] = Immediate.Invalid;
  put(0xd0, 0xd3, Immediate.ModRm);
  put(0xd4, 0xd6, Immediate.Invalid);
  put(0xd8, 0xdf, Immediate.ModRm);
  put(0xe0, 0xe7, Immediate.Byte);
  put(0xe8, 0xe9, Immediate.Branch);
  table[0xea] = Immediate.Invalid;
  table[0xeb] = Immediate.Byte;
  put(0xf6, 0xf7, Immediate.ModRm);
  put(0xfe, 0xff, Immediate.ModRm);
  return table;
}

function twoByteTable(): Uint8Array {
  const table = new Uint8Array(256).fill(Immediate.ModRm);
  const put = (from: number, to: number, value: number): void => {
    table.fill(value, from, to + 1);
  };
  table[0x04] = Immediate.Invalid;
  put(0x05, 0x09, Immediate.None);
  table[0x0a] = Immediate.Invalid;
  table[0x0b] = Immediate.None;
  table[0x0c] = Immediate.Invalid;
  table[0x0e] = Immediate.None;
  table[0x0f] = Immediate.ModRm | Immediate.Byte;
  put(0x24, 0x27, Immediate.Invalid);
  put(0x30, 0x37, Immediate.None);
  table[0x36] = Immediate.Invalid;
  put(0x39, 0x3f, Immediate.Invalid);
  put(0x70, 0x73, Immediate.ModRm | Immediate.Byte);
  table[0x77] = Immediate.None;
  put(0x80, 0x8f, Immediate.Branch);
  put(0xa0, 0xa2, Immediate.None);
  table[0xa4] = Immediate.ModRm | Immediate.Byte;
  put(0xa8, 0xaa, Immediate.None);
  table[0xac] = Immediate.ModRm | Immediate.Byte;
  table[0xba] = Immediate.ModRm | Immediate.Byte;
  table[0xc2] = Immediate.ModRm | Immediate.Byte;
  put(0xc4, 0xc6, Immediate.ModRm | Immediate.Byte);
  put(0xc8, 0xcf, Immediate.None);
  return table;
}

/** Opcode maps as VEX and EVEX number them; 8 to 10 are XOP's. */
const enum OpcodeMap {
  OneByte = 0,
  TwoByte = 1,
  F38 = 2,
  F3A = 3,
}

/**
 * Decodes the instruction at `at`. Undefined if it is none, or if the bytes end before it does: what follows `at` must be
 * 15 bytes, or all there are.
 */
export function decode(code: Uint8Array, at = 0): Instruction | undefined {
  const end = Math.min(code.length, at + MAX_INSTRUCTION);
  let pos = at;
  let operandSize = false;
  let addressSize = false;
  let locked = false;
  let repeat = false;
  let segment: MemoryOperand['segment'] = 'none';
  let rex = 0;
  let byte: number;
  prefixes: for (; ; pos++) {
    if (pos >= end) return undefined;
    byte = code[pos]!;
    switch (byte) {
      case 0x66:
        operandSize = true;
        break;
      case 0x67:
        addressSize = true;
        break;
      case 0xf0:
        locked = true;
        break;
      case 0xf2:
      case 0xf3:
        repeat = true;
        break;
      case 0x64:
        segment = 'fs';
        break;
      case 0x65:
        segment = 'gs';
        break;
      case 0x26:
      case 0x2e:
      case 0x36:
      case 0x3e:
        break;
      default:
        if ((byte & 0xf0) !== 0x40) break prefixes;
        // A REX prefix counts only right before the opcode.
        rex = byte;
        continue;
    }
    rex = 0;
  }

  let map: number = OpcodeMap.OneByte;
  let layout: number;
  let compressed = false;
  let extendIndex = (rex & 2) !== 0;
  let extendBase = (rex & 1) !== 0;
  const isXop = byte === 0x8f && pos + 1 < end && (code[pos + 1]! & 0x1f) >= 8;
  if (byte === 0xc4 || byte === 0xc5 || byte === 0x62 || isXop) {
    const first = code[pos + 1];
    if (first === undefined) return undefined;
    if (byte === 0xc5) {
      map = OpcodeMap.TwoByte;
      pos += 2;
    } else {
      extendIndex = (first & 0x40) === 0;
      extendBase = (first & 0x20) === 0;
      compressed = byte === 0x62;
      map = first & (compressed ? 7 : 0x1f);
      pos += compressed ? 4 : 3;
    }
    if (pos >= end) return undefined;
    byte = code[pos]!;
    layout = vectorLayout(map, byte);
  } else if (byte === 0x0f) {
    pos++;
    if (pos >= end) return undefined;
    byte = code[pos]!;
    map = OpcodeMap.TwoByte;
    layout = TWO_BYTE[byte]!;
    if (byte === 0x38 || byte === 0x3a) {
      map = byte === 0x38 ? OpcodeMap.F38 : OpcodeMap.F3A;
      pos++;
      if (pos >= end) return undefined;
      layout = Immediate.ModRm | (byte === 0x3a ? Immediate.Byte : Immediate.None);
      byte = code[pos]!;
    }
  } else layout = ONE_BYTE[byte]!;
  if ((layout & Immediate.Invalid) !== 0) return undefined;

  const opcodeAt = pos - at;
  pos++;
  let modrm = 0;
  let modrmAt = -1;
  let memory: MemoryOperand | undefined;
  let ripDisplacementAt = -1;
  if ((layout & Immediate.ModRm) !== 0) {
    if (pos >= end) return undefined;
    modrmAt = pos - at;
    modrm = code[pos++]!;
    const mod = modrm >> 6;
    const rm = modrm & 7;
    // mov to and from control and debug registers has registers only, whatever mod says.
    if (mod !== 3 && !(map === OpcodeMap.TwoByte && (byte & 0xfc) === 0x20)) {
      let base = rm;
      let index = -1;
      let scale = 1;
      let size = mod === 1 ? 1 : mod === 2 ? 4 : 0;
      let ripRelative = false;
      if (rm === 4) {
        if (pos >= end) return undefined;
        const sib = code[pos++]!;
        scale = 1 << (sib >> 6);
        index = ((sib >> 3) & 7) | (extendIndex ? 8 : 0);
        if (index === 4) index = -1;
        base = sib & 7;
        if (base === 5 && mod === 0) {
          base = -1;
          size = 4;
        }
      } else if (rm === 5 && mod === 0) {
        ripRelative = true;
        ripDisplacementAt = pos - at;
        base = -1;
        size = 4;
      }
      if (base >= 0 && extendBase) base |= 8;
      if (pos + size > end) return undefined;
      const displacement =
        size === 1 ? (code[pos]! << 24) >> 24 : size === 4 ? readInt32(code, pos) : 0;
      pos += size;
      // An EVEX byte displacement counts in units that depend on the instruction; a 32-bit address is cut off.
      if (!addressSize && !(compressed && size === 1))
        memory = { base, index, scale, displacement, ripRelative, segment };
    }
  }

  let immediate = layout & IMMEDIATE_MASK;
  // Intel's processors ignore the prefix, AMD's take 16 bits.
  if (immediate === Immediate.Branch && operandSize && (rex & 8) === 0) return undefined;
  const reg = (modrm >> 3) & 7;
  if (map === OpcodeMap.OneByte && (byte === 0xf6 || byte === 0xf7) && reg < 2)
    immediate = byte === 0xf6 ? Immediate.Byte : Immediate.Full;
  const immediateAt = pos;
  pos += immediateSize(immediate, (rex & 8) !== 0, operandSize, addressSize);
  if (map === 10 && isXop) pos += 4;
  if (pos > end) return undefined;

  const flow = flowOf(map, byte, modrm, isXop);
  let relative = 0;
  if (flow === Flow.Jump || flow === Flow.Conditional || flow === Flow.Loop || flow === Flow.Call)
    relative =
      immediate === Immediate.Byte
        ? (code[immediateAt]! << 24) >> 24
        : readInt32(code, immediateAt);
  const isString =
    map === OpcodeMap.OneByte && ((byte >= 0xa4 && byte <= 0xa7) || (byte >= 0xaa && byte <= 0xaf));
  return {
    length: pos - at,
    flow,
    relative,
    memory,
    ripDisplacementAt,
    modrmAt,
    opcodeAt,
    repeats: repeat && isString,
    locked,
  };
}

/** The instructions that cover the first `size` bytes of `code`; undefined if one of them cannot be decoded. */
export function instructionsOver(code: Uint8Array, size: number): Instruction[] | undefined {
  const found: Instruction[] = [];
  for (let at = 0; at < size;) {
    const instruction = decode(code, at);
    if (instruction === undefined) return undefined;
    found.push(instruction);
    at += instruction.length;
  }
  return found;
}

function vectorLayout(map: number, opcode: number): number {
  switch (map) {
    case OpcodeMap.TwoByte:
      return opcode === 0x77 ? Immediate.None : TWO_BYTE[opcode]! & ~Immediate.Invalid;
    case OpcodeMap.F38:
    case 5:
    case 6:
    case 9:
    case 10:
      return Immediate.ModRm;
    case OpcodeMap.F3A:
    case 8:
      return Immediate.ModRm | Immediate.Byte;
    default:
      return Immediate.Invalid;
  }
}

function immediateSize(
  immediate: number,
  wide: boolean,
  operandSize: boolean,
  addressSize: boolean,
): number {
  switch (immediate) {
    case Immediate.Byte:
      return 1;
    case Immediate.Word:
      return 2;
    case Immediate.Full:
      return operandSize && !wide ? 2 : 4;
    case Immediate.Wide:
      return wide ? 8 : operandSize ? 2 : 4;
    case Immediate.Address:
      return addressSize ? 4 : 8;
    case Immediate.WordAndByte:
      return 3;
    case Immediate.Branch:
      return 4;
    default:
      return 0;
  }
}

function flowOf(map: number, opcode: number, modrm: number, isXop: boolean): Flow {
  if (isXop) return Flow.Next;
  if (map === OpcodeMap.OneByte) return oneByteFlow(opcode, modrm);
  if (map !== OpcodeMap.TwoByte) return Flow.Next;
  if (opcode >= 0x80 && opcode <= 0x8f) return Flow.Conditional;
  switch (opcode) {
    case 0x00: // sldt, ltr …
    case 0x01: // rdtscp, xgetbv, swapgs …
    case 0x05: // syscall
    case 0x06:
    case 0x07: // sysret
    case 0x08:
    case 0x09:
    case 0x0b: // ud2
    case 0x20: // mov from and to control and debug registers
    case 0x21:
    case 0x22:
    case 0x23:
    case 0x30: // wrmsr
    case 0x31: // rdtsc
    case 0x32: // rdmsr
    case 0x33: // rdpmc
    case 0x34: // sysenter
    case 0x35:
    case 0x37:
    case 0xa2: // cpuid
    case 0xaa: // rsm
    case 0xb9: // ud1
    case 0xff: // ud0
      return Flow.System;
    default:
      return Flow.Next;
  }
}

function oneByteFlow(opcode: number, modrm: number): Flow {
  if (opcode >= 0x70 && opcode <= 0x7f) return Flow.Conditional;
  switch (opcode) {
    case 0xe0:
    case 0xe1:
    case 0xe2:
    case 0xe3:
      return Flow.Loop;
    case 0xe8:
      return Flow.Call;
    case 0xe9:
    case 0xeb:
      return Flow.Jump;
    case 0xc2:
    case 0xc3:
      return Flow.Return;
    case 0xff: {
      const reg = (modrm >> 3) & 7;
      if (reg === 2) return Flow.IndirectCall;
      if (reg === 4) return Flow.IndirectJump;
      return reg === 3 || reg === 5 ? Flow.System : Flow.Next;
    }
    case 0xc6: // xabort
    case 0xc7: // xbegin
      return modrm === 0xf8 ? Flow.System : Flow.Next;
    case 0x6c: // ins, outs
    case 0x6d:
    case 0x6e:
    case 0x6f:
    case 0x8e: // mov to a segment register
    case 0x9c: // pushf and popf: what they move depends on how the task is traced
    case 0x9d:
    case 0xca: // far return
    case 0xcb:
    case 0xcc: // int3, int, iret
    case 0xcd:
    case 0xcf:
    case 0xe4: // in, out
    case 0xe5:
    case 0xe6:
    case 0xe7:
    case 0xec:
    case 0xed:
    case 0xee:
    case 0xef:
    case 0xf1: // int1
    case 0xf4: // hlt
    case 0xfa: // cli, sti
    case 0xfb:
      return Flow.System;
    default:
      return Flow.Next;
  }
}

function readInt32(code: Uint8Array, at: number): number {
  return code[at]! | (code[at + 1]! << 8) | (code[at + 2]! << 16) | (code[at + 3]! << 24);
}
