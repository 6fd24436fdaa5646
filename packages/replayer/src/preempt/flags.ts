import { type CodeAt, decode, Flow } from '@scribe-ts/core-native';

/** Instructions looked at, at most. */
const MAX_LOOKED_AT = 16;
/** What an arithmetic instruction does, by bits 3 to 5 of opcode or ModRM byte: adc and sbb look at the carry flag. */
const WITH_CARRY = 2;
const WITH_BORROW = 3;

const enum Effect {
  /** Neither reads the arithmetic flags nor stores all of them. */
  None,
  Stores,
  /** Reads them, or nobody knows. */
  Reads,
}

/** Whether the code from `addr` on stores all arithmetic flags before it reads any, so that it is all one what they are. */
export function flagsAreFree(codeAt: CodeAt, addr: number): boolean {
  for (let looked = 0; looked < MAX_LOOKED_AT; looked++) {
    const code = codeAt(addr);
    const instruction = decode(code);
    if (instruction === undefined) return false;
    const { flow, length, relative, opcodeAt, modrmAt } = instruction;
    addr += length;
    if (flow === Flow.Jump) {
      addr += relative;
      continue;
    }
    if (flow !== Flow.Next) return false;
    const effect = effectOf(code, opcodeAt, modrmAt < 0 ? 0 : code[modrmAt]!);
    if (effect !== Effect.None) return effect === Effect.Stores;
  }
  return false;
}

function effectOf(code: Uint8Array, opcodeAt: number, modrm: number): Effect {
  const opcode = code[opcodeAt]!;
  const extension = (modrm >> 3) & 7;
  for (let at = 0; at < opcodeAt; at++) {
    // VEX and EVEX instructions read no flags.
    if (code[at] === 0xc4 || code[at] === 0xc5 || code[at] === 0x62) return Effect.None;
    if (code[at] !== 0x0f) continue;
    if (at === opcodeAt - 1) return twoByte(opcode);
    return opcode === 0xf6 ? Effect.Reads : Effect.None;
  }
  return oneByte(opcode, extension);
}

function oneByte(opcode: number, extension: number): Effect {
  if (opcode < 0x40) return arithmetic(opcode >> 3);
  if (opcode < 0x60) return Effect.None;
  if (opcode >= 0x88 && opcode < 0x9a && opcode !== 0x8f && opcode !== 0x8e) return Effect.None;
  if (opcode >= 0xb0 && opcode < 0xc0) return Effect.None;
  switch (opcode) {
    case 0x80:
    case 0x81:
    case 0x83:
      return arithmetic(extension);
    case 0x84:
    case 0x85:
    case 0xa8:
    case 0xa9:
      return Effect.Stores;
    case 0xf6:
    case 0xf7:
      if (extension === 2) return Effect.None;
      return extension < 4 ? Effect.Stores : Effect.Reads;
    case 0xc0:
    case 0xc1:
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3:
      // Rotates through the carry flag.
      return extension === 2 || extension === 3 ? Effect.Reads : Effect.None;
    case 0x63:
    case 0x68:
    case 0x69:
    case 0x6a:
    case 0x6b:
    case 0x86:
    case 0x87:
    case 0xc6:
    case 0xc7:
    case 0xc9:
    case 0xfe:
    case 0xff:
      return Effect.None;
    default:
      return Effect.Reads;
  }
}

function arithmetic(operation: number): Effect {
  return operation === WITH_CARRY || operation === WITH_BORROW ? Effect.Reads : Effect.Stores;
}

function twoByte(opcode: number): Effect {
  // ucomis and comis.
  if (opcode === 0x2e || opcode === 0x2f) return Effect.Stores;
  // Vector registers, prefetches, nop, extending moves, imul, bswap.
  const isPlain =
    opcode === 0x0d ||
    (opcode >= 0x10 && opcode < 0x20) ||
    (opcode >= 0x28 && opcode < 0x2e) ||
    (opcode >= 0x50 && opcode < 0x80) ||
    opcode === 0xaf ||
    opcode === 0xb6 ||
    opcode === 0xb7 ||
    opcode === 0xbe ||
    opcode === 0xbf ||
    opcode === 0xc2 ||
    opcode >= 0xc4;
  return isPlain && opcode !== 0xc7 && opcode !== 0xff ? Effect.None : Effect.Reads;
}
