import {
  closeSync,
  ftruncateSync,
  lstatSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import {
  PAGE_SIZE,
  pageAlign,
  type ProcMapping,
  Prot,
  PT_LOAD,
  type Tracer,
} from '@scribe-ts/core-native';
import { coreNotes, type CoreProcess } from './core-notes.js';

const EHDR_SIZE = 64;
const PHDR_SIZE = 56;
const ET_CORE = 4;
const EM_X86_64 = 62;
const PT_NOTE = 4;
/** e_phnum has 16 bits; one header is the notes'. */
const MAX_SEGMENTS = 0xfffe - 1;

const MEBI = 1024 * 1024;
const GIBI = 1024 * MEBI;
/** What a core file holds at most, where nothing else is said. */
const MAX_BYTES = 512 * MEBI;
/** Larger mappings are reservations (the shadow memory of sanitizers), too large to look through. */
const MAX_MAPPING = 64 * GIBI;
/** Address space looked through by pagemap for all mappings together. */
const MAX_SCANNED = 128 * GIBI;
/** Memory read for all mappings together, most of it zeros where it is more than the file takes. */
const MAX_READ = 4 * GIBI;
/** A mapping of this size is stored up to its last page in use, a smaller one whole: a hole of some MiB costs nothing. */
const TRIM_FROM = 64 * MEBI;
/** Bytes read at a time; a multiple of the page size. */
const WINDOW = MEBI;

const PAGEMAP_ENTRY = 8;
/** Present or swapped (bits 63 and 62 of an entry, here in its last byte), and a file's page (bit 61). */
const PAGEMAP_IN_USE = 0xc0;
const PAGEMAP_OF_FILE = 0x20;

const ZERO_PAGE = Buffer.alloc(PAGE_SIZE);

export interface CoreRequest {
  readonly tracer: Tracer;
  /** A stopped task of the process. */
  readonly tid: number;
  readonly process: CoreProcess;
  readonly mappings: readonly ProcMapping[];
  readonly path: string;
  /** Bytes of memory that the file holds at most; default: 512 MiB. */
  readonly maxBytes?: number;
  /** Told what the file does not hold. */
  readonly note: (text: string) => void;
}

interface Segment {
  readonly mapping: ProcMapping;
  offset: number;
  fileSize: number;
}

/** Writes a core file of a stopped process. Throws if it cannot be written, and leaves nothing then. */
export function writeCoreFile(request: CoreRequest): void {
  const { path } = request;
  if (lstatSync(path, { throwIfNoEntry: false })?.isFile() === false)
    throw new Error(`${path} is there, and not a plain file`);
  const part = `${path}.part`;
  rmSync(part, { force: true });
  // It holds all that the program had in memory: nobody else's business.
  const fd = openSync(part, 'wx', 0o600);
  try {
    new CoreWriter(request, fd).write();
    renameSync(part, path);
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  } finally {
    closeSync(fd);
  }
}

class CoreWriter {
  private readonly window = Buffer.alloc(WINDOW);
  private readonly pagemap: number;
  private scanLeft = MAX_SCANNED;
  private readLeft = MAX_READ;
  private bytesLeft: number;
  private end = 0;

  constructor(
    private readonly request: CoreRequest,
    private readonly fd: number,
  ) {
    this.bytesLeft = request.maxBytes ?? MAX_BYTES;
    this.pagemap = openQuietly(`/proc/${request.tid}/pagemap`);
  }

  write(): void {
    const { process, mappings, note } = this.request;
    const notes = coreNotes(process, PAGE_SIZE);
    const readable = mappings.filter(({ prot }) => prot !== Prot.NONE);
    if (readable.length > MAX_SEGMENTS)
      note(`the core file holds ${MAX_SEGMENTS} of ${readable.length} mappings`);
    const segments = readable
      .slice(0, MAX_SEGMENTS)
      .map((mapping): Segment => ({ mapping, offset: 0, fileSize: 0 }));
    const notesAt = EHDR_SIZE + PHDR_SIZE * (segments.length + 1);
    this.end = pageAlign(notesAt + notes.length);
    try {
      this.writeMemory(segments);
    } finally {
      if (this.pagemap >= 0) closeSync(this.pagemap);
    }
    ftruncateSync(this.fd, this.end);
    writeAt(this.fd, fileHeaders(segments, notesAt, notes.length), 0);
    writeAt(this.fd, notes, notesAt);
  }

  /**
   * When there is too much, the contents of mapped files are left out first, which are elsewhere as well; and large
   * mappings before small ones: without stacks and the libraries' data a debugger finds nothing in the rest.
   */
  private writeMemory(segments: readonly Segment[]): void {
    const unchanged = new Set(segments.filter(({ mapping }) => this.isUnchangedFile(mapping)));
    const inOrder = [...segments].sort(
      (one, other) =>
        Number(unchanged.has(one)) - Number(unchanged.has(other)) || sizeOf(one) - sizeOf(other),
    );
    const leftOut: string[] = [];
    for (const segment of inOrder) {
      segment.offset = this.end;
      const complete = this.writeMapping(segment);
      this.end += pageAlign(segment.fileSize);
      if (!complete) leftOut.push(rangeOf(segment.mapping));
    }
    if (leftOut.length === 0) return;
    const some = leftOut.slice(0, 4).join(', ');
    const more = leftOut.length > 4 ? ` and ${leftOut.length - 4} more` : '';
    const { note, maxBytes = MAX_BYTES } = this.request;
    note(
      `the core file holds no more than ${maxBytes / MEBI} MiB, nor mappings above ` +
        `${MAX_MAPPING / GIBI} GiB: not all of ${some}${more}`,
    );
  }

  /** False if not all of it could be stored. */
  private writeMapping(segment: Segment): boolean {
    const { mapping, offset } = segment;
    const size = mapping.end - mapping.start;
    // Pages of anonymous memory that were never touched need not be read. A file's have contents all the same.
    const scan = mapping.inode === 0 && this.pagemap >= 0;
    if (size > MAX_MAPPING || (scan && size > this.scanLeft)) return false;
    if (scan) this.scanLeft -= size;
    // Reading a hole of shared memory through the process would fill it.
    const file = mapping.shared && mapping.inode !== 0 ? openQuietly(mapping.name) : -1;
    let used = 0;
    try {
      for (let from = 0; from < size; from += WINDOW) {
        if (this.bytesLeft <= 0 || this.readLeft <= 0) {
          segment.fileSize = from;
          return false;
        }
        const length = Math.min(WINDOW, size - from);
        if (scan && !this.hasPage(mapping.start + from, length)) continue;
        this.readLeft -= length;
        if (file >= 0) this.readFile(file, mapping.offset + from, length);
        else this.readMemory(mapping.start + from, length);
        used = Math.max(used, from + this.storeWindow(length, offset + from));
      }
    } finally {
      if (file >= 0) closeSync(file);
    }
    segment.fileSize = size > TRIM_FROM ? used : size;
    return true;
  }

  /**
   * Whether a mapping shows a file as it is. Pages that were written to and made read-only after that are the process's
   * own: from such a one a debugger learns which libraries are loaded.
   */
  private isUnchangedFile({ start, end, inode, prot }: ProcMapping): boolean {
    if (inode === 0 || (prot & Prot.WRITE) !== 0 || end - start > MAX_MAPPING) return false;
    for (let at = start; this.pagemap >= 0 && at < end; at += WINDOW)
      if (this.hasPage(at, Math.min(WINDOW, end - at), PAGEMAP_OF_FILE)) return false;
    return true;
  }

  /** Whether a page of a range is in use, and has none of the bits in `without`. */
  private hasPage(addr: number, length: number, without = 0): boolean {
    const size = (length / PAGE_SIZE) * PAGEMAP_ENTRY;
    const entries = this.window.subarray(0, size);
    const got = readSync(this.pagemap, entries, 0, size, (addr / PAGE_SIZE) * PAGEMAP_ENTRY);
    for (let i = PAGEMAP_ENTRY - 1; i < got; i += PAGEMAP_ENTRY) {
      const flags = entries[i]!;
      if ((flags & PAGEMAP_IN_USE) !== 0 && (flags & without) === 0) return true;
    }
    return false;
  }

  private readMemory(addr: number, length: number): void {
    const { tracer, tid } = this.request;
    for (let at = 0; at < length;) {
      at += tracer.readMemory(tid, addr + at, this.window, at, length - at);
      if (at >= length) return;
      // A page behind the end of a mapped file.
      this.window.fill(0, at, at + PAGE_SIZE);
      at += PAGE_SIZE;
    }
  }

  private readFile(file: number, offset: number, length: number): void {
    const got = readSync(file, this.window, 0, length, offset);
    this.window.fill(0, got, length);
  }

  /** Stores the pages of the window that are not zeros; returns the end of the last one, 0 if there is none. */
  private storeWindow(length: number, offset: number): number {
    const { window } = this;
    const isZero = (at: number): boolean =>
      window.compare(ZERO_PAGE, 0, PAGE_SIZE, at, at + PAGE_SIZE) === 0;
    let last = 0;
    for (let from = 0; from < length; from += PAGE_SIZE) {
      const start = from;
      while (from < length && !isZero(from)) from += PAGE_SIZE;
      if (from === start) continue;
      writeAt(this.fd, window.subarray(start, from), offset + start);
      this.bytesLeft -= from - start;
      last = from;
    }
    return last;
  }
}

/** -1 if it cannot be opened: memory is read without its help then. */
function openQuietly(path: string): number {
  try {
    return openSync(path, 'r');
  } catch {
    return -1;
  }
}

function writeAt(fd: number, bytes: Uint8Array, offset: number): void {
  for (let done = 0; done < bytes.length;)
    done += writeSync(fd, bytes, done, bytes.length - done, offset + done);
}

function sizeOf({ mapping }: Segment): number {
  return mapping.end - mapping.start;
}

function rangeOf({ start, end }: ProcMapping): string {
  return `${start.toString(16)}-${end.toString(16)}`;
}

function fileHeaders(segments: readonly Segment[], notesAt: number, notesSize: number): Uint8Array {
  const bytes = Buffer.alloc(notesAt);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  bytes.writeUInt16LE(ET_CORE, 16);
  bytes.writeUInt16LE(EM_X86_64, 18);
  bytes.writeUInt32LE(1, 20);
  bytes.writeBigUInt64LE(BigInt(EHDR_SIZE), 32);
  bytes.writeUInt16LE(EHDR_SIZE, 52);
  bytes.writeUInt16LE(PHDR_SIZE, 54);
  bytes.writeUInt16LE(segments.length + 1, 56);
  bytes.writeUInt32LE(PT_NOTE, EHDR_SIZE);
  bytes.writeBigUInt64LE(BigInt(notesAt), EHDR_SIZE + 8);
  bytes.writeBigUInt64LE(BigInt(notesSize), EHDR_SIZE + 32);
  bytes.writeBigUInt64LE(4n, EHDR_SIZE + 48);
  segments.forEach(({ mapping, offset, fileSize }, i) => {
    const at = EHDR_SIZE + PHDR_SIZE * (i + 1);
    bytes.writeUInt32LE(PT_LOAD, at);
    bytes.writeUInt32LE(segmentFlags(mapping.prot), at + 4);
    bytes.writeBigUInt64LE(BigInt(offset), at + 8);
    bytes.writeBigUInt64LE(BigInt(mapping.start), at + 16);
    bytes.writeBigUInt64LE(BigInt(fileSize), at + 32);
    bytes.writeBigUInt64LE(BigInt(mapping.end - mapping.start), at + 40);
    bytes.writeBigUInt64LE(BigInt(PAGE_SIZE), at + 48);
  });
  return bytes;
}

/** PF_R, PF_W and PF_X for PROT_*. */
function segmentFlags(prot: number): number {
  return (
    ((prot & Prot.READ) !== 0 ? 4 : 0) |
    ((prot & Prot.WRITE) !== 0 ? 2 : 0) |
    ((prot & Prot.EXEC) !== 0 ? 1 : 0)
  );
}
