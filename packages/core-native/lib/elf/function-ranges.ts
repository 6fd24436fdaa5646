import { ByteReader } from './byte-reader.js';
import { type ElfFile, PT_GNU_EH_FRAME } from './elf-file.js';
import { ehFrame, entryAt, type FrameEntry, readEntries, readEntryAt } from './frame-entries.js';
import { readPointer } from './encoded-pointer.js';

/** Number of entries: four bytes, unsigned. */
const COUNT_ENCODING = 0x03;
/** Of the table: four bytes, signed, relative to its segment. */
const TABLE_ENCODING = 0x3b;
const ROW_SIZE = 8;

export interface FunctionRange {
  /** Addresses, as the file has them. */
  readonly start: number;
  readonly end: number;
  /** Exceptions may go on in it, at places that only its tables name. */
  readonly catches: boolean;
}

/** Where functions begin and end, as a file's .eh_frame tells: also of files without symbols. */
export class FunctionRanges {
  private readonly frames: ReturnType<typeof ehFrame>;
  /** Its table that is searched by halves, as the program itself would; undefined if there is none. */
  private readonly table: DataView | undefined;
  private readonly tableAddress: number = 0;
  private entries: readonly FrameEntry[] | undefined;

  constructor(elf: ElfFile) {
    this.frames = ehFrame(elf);
    const segment = elf.segments.find(({ type }) => type === PT_GNU_EH_FRAME);
    if (segment === undefined) return;
    try {
      const bytes = elf.read(segment.offset, segment.fileSize);
      const reader = new ByteReader(bytes);
      reader.u8();
      const encoding = reader.u8();
      if (reader.u8() !== COUNT_ENCODING || reader.u8() !== TABLE_ENCODING) return;
      readPointer(reader, encoding, segment.vaddr);
      const count = reader.u32();
      const rows = reader.block(count * ROW_SIZE);
      this.table = new DataView(rows.buffer, rows.byteOffset, rows.length);
      this.tableAddress = segment.vaddr;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }

  /** The function that has this address, as the file has it; undefined if none has. */
  at(address: number): FunctionRange | undefined {
    const entry = this.table === undefined ? this.search(address) : this.lookUp(address);
    if (entry === undefined || address < entry.start || address >= entry.end) return undefined;
    return { start: entry.start, end: entry.end, catches: entry.common.catches };
  }

  private lookUp(address: number): FrameEntry | undefined {
    const { table, tableAddress, frames } = this;
    let low = 0;
    let high = table!.byteLength / ROW_SIZE;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (tableAddress + table!.getInt32(middle * ROW_SIZE, true) <= address) low = middle + 1;
      else high = middle;
    }
    if (low === 0) return undefined;
    const at = tableAddress + table!.getInt32((low - 1) * ROW_SIZE + 4, true) - frames.address;
    return at < 0 || at >= frames.bytes.length
      ? undefined
      : readEntryAt(frames.bytes, frames.address, at);
  }

  private search(address: number): FrameEntry | undefined {
    const { bytes, address: base } = this.frames;
    return entryAt((this.entries ??= readEntries(bytes, base, 'eh_frame')), address);
  }
}
