import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { ByteReader } from './byte-reader.js';

const ELF_MAGIC = 0x464c457f;
const ELFCLASS64 = 2;
const ELFDATA2LSB = 1;
const EHDR_SIZE = 64;
const PHDR_SIZE = 56;
const SHDR_SIZE = 64;
const SHT_NOBITS = 8;
const SHF_COMPRESSED = 0x800;
const ELFCOMPRESS_ZLIB = 1;
const NT_GNU_BUILD_ID = 3;
const COMPRESSION_HEADER = 24;
/** More of one section than any real program has; a damaged file must not take all memory. */
const MAX_SECTION = 512 * 1024 * 1024;

export const PT_LOAD = 1;
export const PT_GNU_EH_FRAME = 0x6474e550;

/** A program header; addresses as the file has them, before it is loaded anywhere. */
export interface ElfSegment {
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  readonly vaddr: number;
  readonly fileSize: number;
}

export interface ElfSection {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly addr: number;
  readonly offset: number;
  readonly size: number;
  /** Index of the section that belongs to this one: the strings of a symbol table. */
  readonly link: number;
}

/** A 64-bit little-endian ELF file, of which only the parts asked for are read. */
export class ElfFile {
  readonly segments: readonly ElfSegment[];
  readonly sections: readonly ElfSection[];

  private constructor(
    private readonly fd: number,
    private readonly size: number,
  ) {
    const header = new ByteReader(this.read(0, EHDR_SIZE));
    if (header.u32() !== ELF_MAGIC || header.u8() !== ELFCLASS64 || header.u8() !== ELFDATA2LSB)
      throw new RangeError('not an ELF file of 64 bits');
    header.position = 32;
    const segmentsAt = Number(header.u64());
    const sectionsAt = Number(header.u64());
    header.position = 56;
    const segmentCount = header.u16();
    header.position = 60;
    const sectionCount = header.u16();
    const nameSection = header.u16();
    this.segments = this.readSegments(segmentsAt, segmentCount);
    this.sections = this.readSections(sectionsAt, sectionCount, nameSection);
  }

  /** undefined if there is no such file, or it is no ELF file. */
  static open(path: string): ElfFile | undefined {
    let fd = -1;
    try {
      fd = openSync(path, 'r');
      const stat = fstatSync(fd);
      if (stat.isFile()) return new ElfFile(fd, stat.size);
    } catch {
      // Missing, unreadable or not ELF: its addresses stay without names.
    }
    if (fd >= 0) closeSync(fd);
    return undefined;
  }

  close(): void {
    closeSync(this.fd);
  }

  section(name: string): ElfSection | undefined {
    return this.sections.find((section) => section.name === name);
  }

  /** Content of a section, decompressed; undefined if it has none, or in a form unknown here. */
  content(section: ElfSection | undefined): Uint8Array | undefined {
    if (section === undefined || section.type === SHT_NOBITS) return undefined;
    const bytes = this.read(section.offset, section.size);
    if ((section.flags & SHF_COMPRESSED) === 0) return bytes;
    const header = new ByteReader(bytes);
    if (header.u32() !== ELFCOMPRESS_ZLIB) return undefined;
    // Few files need it, and loading it takes longer than reading those that do not.
    const { inflateSync } = process.getBuiltinModule('node:zlib');
    return inflateSync(bytes.subarray(COMPRESSION_HEADER), { maxOutputLength: MAX_SECTION });
  }

  /** Build id, hexadecimal; undefined if the file has none. */
  buildId(): string | undefined {
    try {
      const notes = this.content(this.section('.note.gnu.build-id'));
      if (notes === undefined) return undefined;
      const reader = new ByteReader(notes);
      const nameSize = reader.u32();
      const size = reader.u32();
      if (reader.u32() !== NT_GNU_BUILD_ID) return undefined;
      reader.block(nameSize);
      return Buffer.from(reader.block(size)).toString('hex');
    } catch {
      return undefined;
    }
  }

  /** Bytes of the file. Throws RangeError if it does not have them all. */
  read(offset: number, length: number): Uint8Array {
    if (!(length >= 0 && length <= MAX_SECTION && offset >= 0 && offset + length <= this.size))
      throw new RangeError('the file is shorter');
    const bytes = new Uint8Array(length);
    let done = 0;
    while (done < length) {
      const got = readSync(this.fd, bytes, done, length - done, offset + done);
      if (got === 0) throw new RangeError('the file is shorter');
      done += got;
    }
    return bytes;
  }

  /** Address, as the file has it, of a byte of the file that is loaded; undefined if it is not. */
  addressOf(offset: number): number | undefined {
    for (const segment of this.segments) {
      if (segment.type !== PT_LOAD) continue;
      const into = offset - segment.offset;
      if (into >= 0 && into < segment.fileSize) return segment.vaddr + into;
    }
    return undefined;
  }

  /** Where in the file the byte with this address is; undefined if it is not in it. */
  offsetOf(address: number): number | undefined {
    for (const segment of this.segments) {
      if (segment.type !== PT_LOAD) continue;
      const into = address - segment.vaddr;
      if (into >= 0 && into < segment.fileSize) return segment.offset + into;
    }
    return undefined;
  }

  private readSegments(offset: number, count: number): readonly ElfSegment[] {
    const reader = new ByteReader(this.read(offset, count * PHDR_SIZE));
    const segments: ElfSegment[] = [];
    for (let i = 0; i < count; i++) {
      reader.position = i * PHDR_SIZE;
      const type = reader.u32();
      const flags = reader.u32();
      const at = Number(reader.u64());
      const vaddr = Number(reader.u64());
      reader.u64();
      segments.push({ type, flags, offset: at, vaddr, fileSize: Number(reader.u64()) });
    }
    return segments;
  }

  /** Sections are for tools alone: a file whose table is missing or damaged has none. */
  private readSections(offset: number, count: number, names: number): readonly ElfSection[] {
    try {
      const reader = new ByteReader(this.read(offset, count * SHDR_SIZE));
      const sections: (ElfSection & { readonly nameAt: number })[] = [];
      for (let i = 0; i < count; i++) {
        reader.position = i * SHDR_SIZE;
        const nameAt = reader.u32();
        const type = reader.u32();
        const flags = Number(reader.u64());
        const addr = Number(reader.u64());
        const at = Number(reader.u64());
        const size = Number(reader.u64());
        sections.push({
          nameAt,
          name: '',
          type,
          flags,
          addr,
          offset: at,
          size,
          link: reader.u32(),
        });
      }
      const table = sections[names];
      if (table === undefined) return [];
      const text = new ByteReader(this.read(table.offset, table.size));
      return sections.map((section) => {
        text.position = section.nameAt;
        return { ...section, name: text.text() };
      });
    } catch {
      return [];
    }
  }
}
