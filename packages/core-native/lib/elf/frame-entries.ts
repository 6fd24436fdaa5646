/** Call frame information: which instructions belong to one function, and what describes each function. */
import { ByteReader } from './byte-reader.js';
import { type ElfFile, PT_GNU_EH_FRAME, PT_LOAD } from './elf-file.js';
import { readPointer } from './encoded-pointer.js';

/** .eh_frame is part of the program, .debug_frame for debuggers alone. */
export type FrameForm = 'eh_frame' | 'debug_frame';

const LONG_LENGTH = 0xffffffff;

/** What several functions have in common (a CIE). */
export interface CommonEntry {
  readonly codeAlign: bigint;
  readonly dataAlign: bigint;
  readonly returnRegister: number;
  readonly pointerEncoding: number;
  readonly hasAugmentation: boolean;
  readonly isSignalFrame: boolean;
  /** Exceptions may go on in it, at places that only its tables name. */
  readonly catches: boolean;
  readonly instructions: Uint8Array;
}

/** What is known of one function (an FDE). */
export interface FrameEntry {
  readonly start: number;
  readonly end: number;
  readonly common: CommonEntry;
  /** Its instructions: these of the bytes it was read from. A view of its own for each of a hundred thousand costs too much. */
  readonly bytes: Uint8Array;
  readonly codeStart: number;
  readonly codeEnd: number;
}

/** The entry of the function that has an address, of entries by ascending address. */
export function entryAt(entries: readonly FrameEntry[], address: number): FrameEntry | undefined {
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

/**
 * .eh_frame, and its address as the file has it. A file whose section headers were stripped still has it, found as the
 * program itself finds it.
 */
export function ehFrame(elf: ElfFile): { readonly bytes: Uint8Array; readonly address: number } {
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

/** Content of a section; nothing if there is none, or it cannot be read. */
export function contentOf(elf: ElfFile, name: string): Uint8Array {
  try {
    return elf.content(elf.section(name)) ?? new Uint8Array(0);
  } catch {
    return new Uint8Array(0);
  }
}

/** All entries, ascending by address, up to the end or to what cannot be read. `address`: that of the bytes. */
export function readEntries(
  bytes: Uint8Array,
  address: number,
  form: FrameForm,
): readonly FrameEntry[] {
  const entries: FrameEntry[] = [];
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

/** The entry at a position of .eh_frame, whose address is `address`; undefined if there is none that can be read. */
export function readEntryAt(
  bytes: Uint8Array,
  address: number,
  at: number,
): FrameEntry | undefined {
  try {
    const record = readRecord(new ByteReader(bytes, at), 'eh_frame');
    if (record?.commonAt === undefined) return undefined;
    return readEntry(bytes, address, record, readCommon(bytes, record.commonAt, 'eh_frame'));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

interface Record {
  /** Position after length and kind, and of the next record. */
  readonly start: number;
  readonly end: number;
  /** Position of the CIE that this FDE refers to; undefined if it is a CIE itself. */
  readonly commonAt: number | undefined;
}

function readRecord(reader: ByteReader, form: FrameForm): Record | undefined {
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

function readCommon(bytes: Uint8Array, at: number, form: FrameForm): CommonEntry | undefined {
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
    let catches = false;
    if (hasAugmentation) {
      const end = Number(reader.uleb()) + reader.position;
      for (const letter of augmentation.slice(1)) {
        if (letter === 'R') pointerEncoding = reader.u8();
        else if (letter === 'S') isSignalFrame = true;
        else if (letter === 'L') {
          catches = true;
          reader.u8();
        } else if (letter === 'P') readPointer(reader, reader.u8(), 0);
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
      catches,
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
): FrameEntry | undefined {
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
