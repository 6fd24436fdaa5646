/** Rows of call frame information: the instructions of an entry, run up to an address. */
import { ByteReader, type CommonEntry, type FrameEntry, readPointer } from '@scribe-ts/core-native';

/** How a register of the caller is found (DWARF 5, 6.4.1). Offsets are relative to the canonical frame address. */
export type RegisterRule =
  | { readonly kind: 'undefined' }
  | { readonly kind: 'same' }
  /** Saved at, or itself, the canonical frame address plus an offset. */
  | { readonly kind: 'saved' | 'value'; readonly offset: bigint }
  | { readonly kind: 'register'; readonly register: number }
  /** Saved at, or itself, what an expression gives. */
  | { readonly kind: 'saved-expression' | 'value-expression'; readonly code: Uint8Array };

export type CfaRule =
  | { readonly kind: 'register'; readonly register: number; readonly offset: bigint }
  | { readonly kind: 'expression'; readonly code: Uint8Array };

/** What call frame information says about one instruction: how to get from its frame to the caller's. */
export interface UnwindRow {
  readonly cfa: CfaRule;
  readonly rules: ReadonlyMap<number, RegisterRule>;
  /** Number of the register that stands for the return address. */
  readonly returnRegister: number;
  /** The frame is one the kernel made for a signal handler: its caller was interrupted, it did not call. */
  readonly isSignalFrame: boolean;
}

class RowState {
  cfa: CfaRule | undefined;
  rules = new Map<number, RegisterRule>();

  copy(): RowState {
    const other = new RowState();
    other.cfa = this.cfa;
    other.rules = new Map(this.rules);
    return other;
  }
}

/** The row for an address of the entry. Throws RangeError for what is damaged or not known. */
export function runInstructions(entry: FrameEntry, address: number): UnwindRow {
  const { start, common } = entry;
  const instructions = entry.bytes.subarray(entry.codeStart, entry.codeEnd);
  const initial = run(common.instructions, common, start, Infinity, new RowState());
  const { cfa, rules } = run(instructions, common, start, address, initial.copy(), initial);
  if (cfa === undefined) throw new RangeError('no canonical frame address');
  const { returnRegister, isSignalFrame } = common;
  return { cfa, rules, returnRegister, isSignalFrame };
}

/** Runs instructions up to those for code after `address`. Each takes a byte or more, and none jumps. */
function run(
  code: Uint8Array,
  common: CommonEntry,
  start: number,
  address: number,
  begin: RowState,
  initial?: RowState,
): RowState {
  const reader = new ByteReader(code);
  const remembered: RowState[] = [];
  let row = begin;
  let location = start;
  const register = (): number => Number(reader.uleb());
  const factored = (offset: bigint): bigint => offset * common.dataAlign;
  const advance = (delta: number): void => void (location += delta * Number(common.codeAlign));
  const expression = (): Uint8Array => reader.block(Number(reader.uleb()));
  const set = (number: number, rule: RegisterRule): void => void row.rules.set(number, rule);
  const restore = (number: number): void => {
    const rule = initial?.rules.get(number);
    if (rule === undefined) row.rules.delete(number);
    else row.rules.set(number, rule);
  };
  const change = (part: { readonly register?: number; readonly offset?: bigint }): void => {
    if (row.cfa?.kind !== 'register') throw new RangeError('no register to change');
    row.cfa = { ...row.cfa, ...part };
  };
  while (!reader.atEnd) {
    const op = reader.u8();
    const operand = op & 0x3f;
    if (op >= 0xc0) restore(operand);
    else if (op >= 0x80) set(operand, { kind: 'saved', offset: factored(reader.uleb()) });
    else if (op >= 0x40) advance(operand);
    else {
      switch (op) {
        case 0x00: // nop
          break;
        case 0x01: {
          // set_loc
          const target = readPointer(reader, common.pointerEncoding & 0x0f, 0);
          if ((common.pointerEncoding & 0x70) !== 0 || target === undefined)
            throw new RangeError('a location relative to its place');
          location = target;
          break;
        }
        case 0x02:
          advance(reader.u8());
          break;
        case 0x03:
          advance(reader.u16());
          break;
        case 0x04:
          advance(reader.u32());
          break;
        case 0x05: // offset_extended
          set(register(), { kind: 'saved', offset: factored(reader.uleb()) });
          break;
        case 0x06: // restore_extended
          restore(register());
          break;
        case 0x07:
          set(register(), { kind: 'undefined' });
          break;
        case 0x08:
          set(register(), { kind: 'same' });
          break;
        case 0x09:
          set(register(), { kind: 'register', register: register() });
          break;
        case 0x0a: // remember_state
          remembered.push(row.copy());
          break;
        case 0x0b: {
          // restore_state
          const state = remembered.pop();
          if (state === undefined) throw new RangeError('no state to restore');
          row = state;
          break;
        }
        case 0x0c: // def_cfa
          row.cfa = { kind: 'register', register: register(), offset: reader.uleb() };
          break;
        case 0x0d: // def_cfa_register
          change({ register: register() });
          break;
        case 0x0e: // def_cfa_offset
          change({ offset: reader.uleb() });
          break;
        case 0x0f: // def_cfa_expression
          row.cfa = { kind: 'expression', code: expression() };
          break;
        case 0x10:
          set(register(), { kind: 'saved-expression', code: expression() });
          break;
        case 0x11: // offset_extended_sf
          set(register(), { kind: 'saved', offset: factored(reader.sleb()) });
          break;
        case 0x12: // def_cfa_sf
          row.cfa = { kind: 'register', register: register(), offset: factored(reader.sleb()) };
          break;
        case 0x13: // def_cfa_offset_sf
          change({ offset: factored(reader.sleb()) });
          break;
        case 0x14: // val_offset
          set(register(), { kind: 'value', offset: factored(reader.uleb()) });
          break;
        case 0x15: // val_offset_sf
          set(register(), { kind: 'value', offset: factored(reader.sleb()) });
          break;
        case 0x16:
          set(register(), { kind: 'value-expression', code: expression() });
          break;
        case 0x2e: // GNU_args_size
          reader.uleb();
          break;
        case 0x2f: // GNU_negative_offset_extended
          set(register(), { kind: 'saved', offset: factored(-reader.uleb()) });
          break;
        default:
          throw new RangeError(`call frame instruction 0x${op.toString(16)}`);
      }
    }
    if (location > address) {
      // The instruction just run moved on beyond the address, and changed nothing else.
      break;
    }
  }
  return row;
}
