/** What arithmetic instructions do, by bits 3 to 5 of opcode or ModRM byte. */
export enum Operation {
  Add,
  Or,
  AddWithCarry,
  SubtractWithBorrow,
  And,
  Subtract,
  Xor,
  Compare,
}

/** A value as an operand of that size has it: a signed number of 64 bits, or an unsigned one of 32; no smaller ones. */
export function fit(value: number, size: number): number {
  if (size === 4) return Number.isNaN(value) ? value : value >>> 0;
  return size === 8 && Number.isSafeInteger(value) ? value : NaN;
}

export function signed(value: number): number {
  return Number.isNaN(value) ? value : value | 0;
}

export function multiply(one: number, other: number, size: number): number {
  if (size === 4 && !Number.isNaN(one) && !Number.isNaN(other)) return Math.imul(one, other);
  return one * other;
}

export function calculate(operation: Operation, one: number, other: number, size: number): number {
  switch (operation) {
    case Operation.Add:
      return one + other;
    case Operation.Subtract:
      return one - other;
    case Operation.And:
    case Operation.Or:
    case Operation.Xor: {
      if (Number.isNaN(one) || Number.isNaN(other)) return NaN;
      const low = bitwise(operation, one, other) >>> 0;
      if (size < 8) return low;
      const upper = (value: number): number => Math.floor(value / 0x100000000);
      return bitwise(operation, upper(one), upper(other)) * 0x100000000 + low;
    }
    default:
      return NaN;
  }
}

function bitwise(operation: Operation, one: number, other: number): number {
  if (operation === Operation.And) return one & other;
  return operation === Operation.Or ? one | other : one ^ other;
}

/** By bits 3 to 5 of the ModRM byte: 4 and 6 to the left, 5 to the right, 7 with the sign. */
export function shift(kind: number, value: number, by: number, size: number): number {
  if (kind === 4 || kind === 6) return value * 2 ** by;
  if (kind === 7 && size === 4) return signed(value) >> by;
  if (kind === 7 || (kind === 5 && value >= 0)) return Math.floor(value / 2 ** by);
  return NaN;
}
