import { ByteReader } from '@scribe-ts/core-native';

/** What an expression may look at. Both give undefined for what is not known. */
export interface ExpressionContext {
  register(number: number): bigint | undefined;
  /** `size` bytes at an address, little-endian. */
  read(address: bigint, size: number): bigint | undefined;
}

const MAX_STEPS = 1000;
const MAX_DEPTH = 64;

/**
 * Value of a DWARF expression (DWARF 5, 2.5.1), undefined if it needs something that is not known or not supported.
 * `initial` is on its stack at the start.
 */
export function evaluateExpression(
  code: Uint8Array,
  context: ExpressionContext,
  initial?: bigint,
): bigint | undefined {
  const stack: bigint[] = initial === undefined ? [] : [initial];
  try {
    const reader = new ByteReader(code);
    for (let steps = 0; !reader.atEnd; steps++) {
      if (steps >= MAX_STEPS || stack.length > MAX_DEPTH) return undefined;
      step(reader, stack, context);
    }
    return stack.pop();
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function step(reader: ByteReader, stack: bigint[], context: ExpressionContext): void {
  const pop = (): bigint => known(stack.pop());
  const push = (value: bigint): void => void stack.push(BigInt.asUintN(64, value));
  const signed = (): bigint => BigInt.asIntN(64, pop());
  /** An operator with two operands, the first one pushed first. */
  const binary = (operator: (first: bigint, second: bigint) => bigint): void => {
    const second = pop();
    push(operator(pop(), second));
  };
  const compare = (relation: (first: bigint, second: bigint) => boolean): void => {
    const second = signed();
    push(relation(signed(), second) ? 1n : 0n);
  };
  const jump = (distance: number): void => {
    const target = reader.position + distance;
    if (target < 0 || target > reader.end) throw new RangeError('a jump out of the expression');
    reader.position = target;
  };
  const op = reader.u8();
  if (op >= 0x30 && op <= 0x4f) return push(BigInt(op - 0x30)); // lit
  if (op >= 0x70 && op <= 0x8f) return push(known(context.register(op - 0x70)) + reader.sleb()); // breg
  switch (op) {
    case 0x06: // deref
      return push(known(context.read(pop(), 8)));
    case 0x08:
      return push(BigInt(reader.u8()));
    case 0x09:
      return push(BigInt(reader.i8()));
    case 0x0a:
      return push(BigInt(reader.u16()));
    case 0x0b:
      return push(BigInt(reader.i16()));
    case 0x0c:
      return push(BigInt(reader.u32()));
    case 0x0d:
      return push(BigInt(reader.i32()));
    case 0x0e:
      return push(reader.u64());
    case 0x0f:
      return push(reader.i64());
    case 0x10:
      return push(reader.uleb());
    case 0x11:
      return push(reader.sleb());
    case 0x12: // dup
      return push(known(stack.at(-1)));
    case 0x13: // drop
      return void pop();
    case 0x14: // over
      return push(known(stack.at(-2)));
    case 0x15: // pick
      return push(known(stack.at(-1 - reader.u8())));
    case 0x16: // swap
      return void stack.push(pop(), pop());
    case 0x17: {
      // rot
      const [top, second, third] = [pop(), pop(), pop()];
      return void stack.push(top, third, second);
    }
    case 0x19: {
      // abs
      const value = signed();
      return push(value < 0n ? -value : value);
    }
    case 0x1a:
      return binary((a, b) => a & b);
    case 0x1b: {
      const divisor = signed();
      return push(signed() / divisor);
    }
    case 0x1c:
      return binary((a, b) => a - b);
    case 0x1d:
      return binary((a, b) => a % b);
    case 0x1e:
      return binary((a, b) => a * b);
    case 0x1f:
      return push(-pop());
    case 0x20:
      return push(~pop());
    case 0x21:
      return binary((a, b) => a | b);
    case 0x22:
      return binary((a, b) => a + b);
    case 0x23: // plus_uconst
      return push(pop() + reader.uleb());
    case 0x24: // shl
      return binary((a, b) => (b > 63n ? 0n : a << b));
    case 0x25: // shr
      return binary((a, b) => (b > 63n ? 0n : a >> b));
    case 0x26: // shra
      return binary((a, b) => BigInt.asIntN(64, a) >> (b > 63n ? 63n : b));
    case 0x27:
      return binary((a, b) => a ^ b);
    case 0x28: {
      // bra
      const distance = reader.i16();
      return pop() === 0n ? undefined : jump(distance);
    }
    case 0x29:
      return compare((a, b) => a === b);
    case 0x2a:
      return compare((a, b) => a >= b);
    case 0x2b:
      return compare((a, b) => a > b);
    case 0x2c:
      return compare((a, b) => a <= b);
    case 0x2d:
      return compare((a, b) => a < b);
    case 0x2e:
      return compare((a, b) => a !== b);
    case 0x2f: // skip
      return jump(reader.i16());
    case 0x92: {
      // bregx
      const register = Number(reader.uleb());
      return push(known(context.register(register)) + reader.sleb());
    }
    case 0x94: // deref_size
      return push(known(context.read(pop(), reader.u8())));
    case 0x96: // nop
      return;
    default:
      throw new RangeError(`operation 0x${op.toString(16)}`);
  }
}

function known(value: bigint | undefined): bigint {
  if (value === undefined) throw new RangeError('a value that is not known');
  return value;
}
