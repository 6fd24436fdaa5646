import { ByteReader, type ElfFile } from '@scribe-ts/core-native';

/** A line of source. */
export interface SourceLine {
  /** Path as the compiler knew it; relative to its directory where the table does not tell that one. */
  readonly file: string;
  readonly line: number;
}

/** The part of the table that one compilation made. */
interface Unit {
  readonly start: number;
  readonly end: number;
}

/** Instructions one after the other, from `low` up to `high`. */
interface Sequence {
  readonly low: number;
  readonly high: number;
  readonly unit: Unit;
}

interface Header {
  readonly program: ByteReader;
  readonly minimumLength: number;
  readonly lineBase: number;
  readonly lineRange: number;
  readonly opcodeBase: number;
  /** How many operands each standard opcode has, from opcode 1. */
  readonly operands: readonly number[];
  readonly fileAt: (index: number) => string;
}

/** A row of the table; `end` where the sequence ends, behind its last instruction. */
type RowSink = (address: number, file: number, line: number, end: boolean) => void;

const LONG_LENGTH = 0xffffffff;
const CONTENT_PATH = 1;
const CONTENT_DIRECTORY = 2;

/**
 * Line numbers of one file, from .debug_line (DWARF 2 to 5). Only the places of its sequences are kept: a unit is run
 * again when an address in it is asked for.
 */
export class LineTable {
  private readonly lines: Uint8Array;
  private readonly lineStrings: Uint8Array;
  private readonly strings: Uint8Array;
  private found: readonly Sequence[] | undefined;

  constructor(elf: ElfFile) {
    this.lines = contentOf(elf, '.debug_line');
    this.lineStrings = this.lines.length === 0 ? this.lines : contentOf(elf, '.debug_line_str');
    this.strings = this.lines.length === 0 ? this.lines : contentOf(elf, '.debug_str');
  }

  /** The line that the instruction at an address of the file is from; undefined if nothing tells. */
  find(address: number): SourceLine | undefined {
    if (this.lines.length === 0) return undefined;
    const sequence = sequenceAt((this.found ??= this.sequences()), address);
    if (sequence === undefined) return undefined;
    try {
      return this.lineIn(sequence, address);
    } catch (error) {
      if (error instanceof RangeError) return undefined;
      throw error;
    }
  }

  private lineIn({ unit, low, high }: Sequence, address: number): SourceLine | undefined {
    const header = this.header(unit);
    let best: SourceLine | undefined;
    let at = { address: -1, file: 0, line: 0 };
    let first = -1;
    run(header, (next, file, line, end) => {
      if (first < 0) first = next;
      const isHere = first === low && next > address && at.address >= 0 && at.address <= address;
      if (isHere && next <= high && best === undefined)
        best = { file: header.fileAt(at.file), line: at.line };
      at = { address: next, file, line };
      if (end) {
        first = -1;
        at = { address: -1, file: 0, line: 0 };
      }
    });
    return best;
  }

  /** Ascending; what cannot be read ends it. */
  private sequences(): readonly Sequence[] {
    const sequences: Sequence[] = [];
    try {
      const reader = new ByteReader(this.lines);
      while (!reader.atEnd) {
        const start = reader.position;
        let length = reader.u32();
        if (length === LONG_LENGTH) length = Number(reader.u64());
        const end = reader.position + length;
        reader.block(length);
        this.collect({ start, end }, sequences);
      }
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
    return sequences.sort((one, other) => one.low - other.low);
  }

  private collect(unit: Unit, into: Sequence[]): void {
    try {
      let low = -1;
      run(this.header(unit), (address, _file, _line, end) => {
        if (low < 0) low = address;
        if (!end) return;
        // What the linker has thrown away begins at 0.
        if (low > 0 && address > low) into.push({ low, high: address, unit });
        low = -1;
      });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }

  private header({ start, end }: Unit): Header {
    const reader = new ByteReader(this.lines, start, end);
    const isLong = reader.u32() === LONG_LENGTH;
    if (isLong) reader.u64();
    const version = reader.u16();
    if (version < 2 || version > 5) throw new RangeError(`line table version ${version}`);
    if (version >= 5 && (reader.u8() !== 8 || reader.u8() !== 0))
      throw new RangeError('addresses of another size');
    const headerLength = isLong ? Number(reader.u64()) : reader.u32();
    const programAt = reader.position + headerLength;
    const minimumLength = reader.u8();
    if (version >= 4) reader.u8();
    reader.u8();
    const lineBase = reader.i8();
    const lineRange = reader.u8();
    const opcodeBase = reader.u8();
    if (lineRange === 0) throw new RangeError('no lines');
    const operands = Array.from({ length: opcodeBase - 1 }, () => reader.u8());
    const fileAt = version >= 5 ? this.files5(reader, isLong) : files2(reader);
    const program = new ByteReader(this.lines, programAt, end);
    return { program, minimumLength, lineBase, lineRange, opcodeBase, operands, fileAt };
  }

  private files5(reader: ByteReader, isLong: boolean): Header['fileAt'] {
    const directories = this.entries(reader, isLong);
    const files = this.entries(reader, isLong);
    return (index) => {
      const file = files[index];
      if (file === undefined) return '';
      const directory = directories[file.directory]?.path ?? '';
      return join(directories[0]?.path ?? '', join(directory, file.path));
    };
  }

  private entries(
    reader: ByteReader,
    isLong: boolean,
  ): readonly { readonly path: string; readonly directory: number }[] {
    const format = Array.from({ length: reader.u8() }, () => [
      Number(reader.uleb()),
      Number(reader.uleb()),
    ]);
    const count = Number(reader.uleb());
    if (count > this.lines.length) throw new RangeError('more entries than bytes');
    const entries: { path: string; directory: number }[] = [];
    for (let i = 0; i < count; i++) {
      const entry = { path: '', directory: 0 };
      for (const [content, form] of format) {
        const value = this.value(reader, form!, isLong);
        if (content === CONTENT_PATH) entry.path = String(value);
        else if (content === CONTENT_DIRECTORY) entry.directory = Number(value);
      }
      entries.push(entry);
    }
    return entries;
  }

  /** A value in one of the forms that line tables use (DWARF 5, 6.2.4.1). */
  private value(reader: ByteReader, form: number, isLong: boolean): string | number {
    const offset = (): number => (isLong ? Number(reader.u64()) : reader.u32());
    switch (form) {
      case 0x05: // data2
        return reader.u16();
      case 0x06: // data4
        return reader.u32();
      case 0x08: // string
        return reader.text();
      case 0x09: // block
        reader.block(Number(reader.uleb()));
        return 0;
      case 0x0b: // data1
        return reader.u8();
      case 0x0e: // strp
        return new ByteReader(this.strings, offset()).text();
      case 0x0f: // udata
        return Number(reader.uleb());
      case 0x1e: // data16
        reader.block(16);
        return 0;
      case 0x1f: // line_strp
        return new ByteReader(this.lineStrings, offset()).text();
      default:
        throw new RangeError(`form ${form}`);
    }
  }
}

/** Directories and files as DWARF 2 to 4 have them. */
function files2(reader: ByteReader): Header['fileAt'] {
  const directories = [''];
  for (let text = reader.text(); text !== ''; text = reader.text()) directories.push(text);
  const files = [''];
  for (let text = reader.text(); text !== ''; text = reader.text()) {
    files.push(join(directories[Number(reader.uleb())] ?? '', text));
    reader.uleb();
    reader.uleb();
  }
  return (index) => files[index] ?? '';
}

function join(directory: string, path: string): string {
  return path.startsWith('/') || directory === '' ? path : `${directory}/${path}`;
}

/** Runs the program of a unit (DWARF 5, 6.2.5). Each instruction takes a byte or more, and none jumps. */
function run(header: Header, sink: RowSink): void {
  const { program, minimumLength, lineBase, lineRange, opcodeBase, operands } = header;
  let address = 0;
  let file = 1;
  let line = 1;
  while (!program.atEnd) {
    const opcode = program.u8();
    if (opcode >= opcodeBase) {
      const adjusted = opcode - opcodeBase;
      address += Math.floor(adjusted / lineRange) * minimumLength;
      line += lineBase + (adjusted % lineRange);
      sink(address, file, line, false);
      continue;
    }
    switch (opcode) {
      case 0: {
        const length = Number(program.uleb());
        const extended = new ByteReader(program.block(length));
        if (length === 0) break;
        const kind = extended.u8();
        if (kind === 1) {
          sink(address, file, line, true);
          address = 0;
          file = line = 1;
        } else if (kind === 2) address = Number(extended.u64());
        break;
      }
      case 1:
        sink(address, file, line, false);
        break;
      case 2:
        address += Number(program.uleb()) * minimumLength;
        break;
      case 3:
        line += Number(program.sleb());
        break;
      case 4:
        file = Number(program.uleb());
        break;
      case 8: // const_add_pc
        address += Math.floor((255 - opcodeBase) / lineRange) * minimumLength;
        break;
      case 9: // fixed_advance_pc
        address += program.u16();
        break;
      default:
        for (let i = operands[opcode - 1] ?? 0; i > 0; i--) program.uleb();
    }
  }
}

function sequenceAt(sequences: readonly Sequence[], address: number): Sequence | undefined {
  let low = 0;
  let high = sequences.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sequences[middle]!.low <= address) low = middle + 1;
    else high = middle;
  }
  const sequence = sequences[low - 1];
  return sequence !== undefined && address < sequence.high ? sequence : undefined;
}

function contentOf(elf: ElfFile, name: string): Uint8Array {
  try {
    return elf.content(elf.section(name)) ?? new Uint8Array(0);
  } catch {
    return new Uint8Array(0);
  }
}
