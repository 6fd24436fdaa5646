import { ByteReader } from './byte-reader.js';
import { type ElfFile, PT_GNU_EH_FRAME, PT_LOAD } from './elf-file.js';

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

interface CommonEntry {
  readonly codeAlign: bigint;
  readonly dataAlign: bigint;
  readonly returnRegister: number;
  readonly pointerEncoding: number;
  readonly hasAugmentation: boolean;
  readonly isSignalFrame: boolean;
  readonly instructions: Uint8Array;
}

interface Entry {
  readonly start: number;
  readonly end: number;
  readonly common: CommonEntry;
  /** Its instructions: these of the bytes it was read from. A view of its own for each of a hundred thousand costs too much. */
  readonly bytes: Uint8Array;
  readonly codeStart: number;
  readonly codeEnd: number;
}

type Form = 'eh_frame' | 'debug_frame';

const LONG_LENGTH = 0xffffffff;
const ENCODING_OMIT = 0xff;
const ENCODING_PCREL = 0x10;

/** The call frame information of one file: .eh_frame, and .debug_frame where there is such a thing (Go). */
export class CallFrameInfo {
  /** Each ascending by address. */
  private readonly tables: readonly (readonly Entry[])[];

  constructor(elf: ElfFile) {
    const { bytes, address } = ehFrame(elf);
    this.tables = [
      readEntries(bytes, address, 'eh_frame'),
      readEntries(contentOf(elf, '.debug_frame'), 0, 'debug_frame'),
    ];
  }

  /** What is known at an address of the file; undefined if nothing is. */
  rowAt(address: number): UnwindRow | undefined {
    for (const table of this.tables) {
      const entry = entryAt(table, address);
      if (entry === undefined) continue;
      try {
        return runInstructions(entry, address);
      } catch (error) {
        // Damaged, or made of instructions that are not known here.
        if (!(error instanceof RangeError)) throw error;
      }
    }
    return undefined;
  }
}

function entryAt(entries: readonly Entry[], address: number): Entry | undefined {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (entries[middle]!.start <= address) low = middle + 1;
    else high = middle;
  }
  const entry = entries[low - 1];
  return entry !== undefined && address < entry.end ? entry : undefined;
}

/** A file whose section headers were stripped still has .eh_frame, found as the program itself finds it. */
function ehFrame(elf: ElfFile): { readonly bytes: Uint8Array; readonly address: number } {
  const section = elf.section('.eh_frame');
  if (section !== undefined) return { bytes: contentOf(elf, '.eh_frame'), address: section.addr };
  const nothing = { bytes: new Uint8Array(0), address: 0 };
  try {
    const segment = elf.segments.find(({ type }) => type === PT_GNU_EH_FRAME);
    if (segment === undefined) return nothing;
    const header = new ByteReader(elf.read(segment.offset, Math.min(segment.fileSize, 64)));
    header.u8();
    const encoding = header.u8();
    header.position = 4;
    const address = readPointer(header, encoding, segment.vaddr);
    const offset = address === undefined ? undefined : elf.offsetOf(address);
    const holder = elf.segments.find(
      ({ type, offset: from, fileSize }) =>
        type === PT_LOAD && offset !== undefined && offset >= from && offset < from + fileSize,
    );
    if (address === undefined || offset === undefined || holder === undefined) return nothing;
    return { bytes: elf.read(offset, holder.offset + holder.fileSize - offset), address };
  } catch {
    return nothing;
  }
}

function contentOf(elf: ElfFile, name: string): Uint8Array {
  try {
    return elf.content(elf.section(name)) ?? new Uint8Array(0);
  } catch {
    return new Uint8Array(0);
  }
}

/** Collects all FDEs up to the end, or to what cannot be read. */
function readEntries(bytes: Uint8Array, address: number, form: Form): readonly Entry[] {
  const entries: Entry[] = [];
  const commons = new Map<number, CommonEntry | undefined>();
  const common = (at: number): CommonEntry | undefined => {
    if (!commons.has(at)) commons.set(at, readCommon(bytes, at, form));
    return commons.get(at);
  };
  try {
    const reader = new ByteReader(bytes);
    while (!reader.atEnd) {
      const record = readRecord(reader, form);
      // Zero ends .eh_frame.
      if (record === undefined) break;
      reader.position = record.end;
      if (record.commonAt === undefined) continue;
      const entry = readEntry(bytes, address, record, common(record.commonAt));
      if (entry !== undefined) entries.push(entry);
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return entries.sort((one, other) => one.start - other.start);
}

interface Record {
  /** Position after length and kind, and of the next record. */
  readonly start: number;
  readonly end: number;
  /** Position of the CIE that this FDE refers to; undefined if it is a CIE itself. */
  readonly commonAt: number | undefined;
}

function readRecord(reader: ByteReader, form: Form): Record | undefined {
  let length = reader.u32();
  if (length === 0) return undefined;
  const isLong = length === LONG_LENGTH;
  if (isLong) length = Number(reader.u64());
  const from = reader.position;
  const end = from + length;
  if (end > reader.end) throw new RangeError('a record that is cut off');
  if (form === 'eh_frame') {
    // Four bytes also in a long record, counted back from here.
    const id = reader.u32();
    return { start: reader.position, end, commonAt: id === 0 ? undefined : from - id };
  }
  const id = isLong ? reader.i64() : BigInt(reader.i32());
  return { start: reader.position, end, commonAt: id === -1n ? undefined : Number(id) };
}

function readCommon(bytes: Uint8Array, at: number, form: Form): CommonEntry | undefined {
  if (at < 0 || at >= bytes.length) return undefined;
  try {
    const head = readRecord(new ByteReader(bytes, at), form);
    if (head === undefined || head.commonAt !== undefined) return undefined;
    const reader = new ByteReader(bytes, head.start, head.end);
    const version = reader.u8();
    const augmentation = reader.text();
    if (version >= 4) {
      // Size of an address and of a segment selector.
      if (reader.u8() !== 8 || reader.u8() !== 0) return undefined;
    }
    const codeAlign = reader.uleb();
    const dataAlign = reader.sleb();
    const returnRegister = version === 1 ? reader.u8() : Number(reader.uleb());
    const hasAugmentation = augmentation.startsWith('z');
    if (augmentation !== '' && !hasAugmentation) return undefined;
    let pointerEncoding = 0;
    let isSignalFrame = false;
    if (hasAugmentation) {
      const end = Number(reader.uleb()) + reader.position;
      for (const letter of augmentation.slice(1)) {
        if (letter === 'R') pointerEncoding = reader.u8();
        else if (letter === 'S') isSignalFrame = true;
        else if (letter === 'L') reader.u8();
        else if (letter === 'P') readPointer(reader, reader.u8(), 0);
        else if (letter !== 'B') break;
      }
      reader.position = end;
    }
    return {
      codeAlign,
      dataAlign,
      returnRegister,
      pointerEncoding,
      hasAugmentation,
      isSignalFrame,
      instructions: bytes.subarray(reader.position, head.end),
    };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function readEntry(
  bytes: Uint8Array,
  address: number,
  record: Record,
  common: CommonEntry | undefined,
): Entry | undefined {
  if (common === undefined) return undefined;
  const reader = new ByteReader(bytes, record.start, record.end);
  const start = readPointer(reader, common.pointerEncoding, address);
  // The length has the pointer's size, but is relative to nothing.
  const length = readPointer(reader, common.pointerEncoding & 0x0f, 0);
  if (start === undefined || length === undefined) return undefined;
  if (common.hasAugmentation) reader.block(Number(reader.uleb()));
  const { position: codeStart } = reader;
  return { start, end: start + length, common, bytes, codeStart, codeEnd: record.end };
}

/** A pointer as DW_EH_PE_* encodes it; undefined for a kind that FDEs do not use. `address` is that of the bytes' start. */
function readPointer(reader: ByteReader, encoding: number, address: number): number | undefined {
  if (encoding === ENCODING_OMIT) return undefined;
  const place = address + reader.position;
  const value = readEncoded(reader, encoding & 0x0f);
  const base = (encoding & 0x70) === ENCODING_PCREL ? place : 0;
  if ((encoding & 0x80) !== 0 || (encoding & 0x70) > ENCODING_PCREL) return undefined;
  return base + value;
}

function readEncoded(reader: ByteReader, format: number): number {
  switch (format) {
    case 0x0:
    case 0x4:
      return Number(reader.u64());
    case 0x1:
      return Number(reader.uleb());
    case 0x2:
      return reader.u16();
    case 0x3:
      return reader.u32();
    case 0x9:
      return Number(reader.sleb());
    case 0xa:
      return reader.i16();
    case 0xb:
      return reader.i32();
    case 0xc:
      return Number(reader.i64());
    default:
      throw new RangeError(`pointer format ${format}`);
  }
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

function runInstructions(entry: Entry, address: number): UnwindRow {
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
