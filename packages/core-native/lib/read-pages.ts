import { PAGE_SIZE } from './abi.js';
import type { NativeTracer } from './binding.js';
import { MAX_INSTRUCTION } from './x86.js';

const WORD = 8;

/** A page of memory, as bytes and as numbers. */
export interface Page {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/** Memory of a stopped task, each page of which is read once. */
export class ReadPages {
  private readonly pages = new Map<number, Page | undefined>();

  /** `spare`: pages to use before new ones are made; `release` puts all that were used back there. */
  constructor(
    private readonly tracer: NativeTracer,
    private readonly tid: number,
    private readonly spare: Page[] = [],
  ) {}

  /** Ends the use of all that has been read: what `code` has returned is no longer what it was. */
  release(): void {
    for (const page of this.pages.values()) if (page !== undefined) this.spare.push(page);
    this.pages.clear();
  }

  /** A copy of as much as can be read from `addr` on, `length` bytes at most. */
  bytes(addr: number, length: number): Uint8Array {
    const copy = new Uint8Array(length);
    let size = 0;
    while (size < length) {
      const part = this.part(addr + size, length - size);
      if (part.length === 0) return copy.subarray(0, size);
      copy.set(part, size);
      size += part.length;
    }
    return copy;
  }

  /** An unsigned word. Undefined if it cannot be read, or lies on two pages. */
  word(addr: number): bigint | undefined {
    const offset = addr % PAGE_SIZE;
    return offset > PAGE_SIZE - WORD ? undefined : this.page(addr)?.view.getBigUint64(offset, true);
  }

  /**
   * A number of 1, 2, 4 (unsigned) or 8 bytes (signed). Undefined if it cannot be read, lies on two pages, or is no safe
   * integer.
   */
  value(addr: number, size: number): number | undefined {
    if (!(addr >= 0 && addr < 2 ** 47)) return undefined;
    const offset = addr % PAGE_SIZE;
    const page = offset > PAGE_SIZE - size ? undefined : this.page(addr)?.view;
    if (page === undefined) return undefined;
    if (size === 1) return page.getUint8(offset);
    if (size === 2) return page.getUint16(offset, true);
    if (size === 4) return page.getUint32(offset, true);
    const value = page.getInt32(offset + 4, true) * 2 ** 32 + page.getUint32(offset, true);
    return Number.isSafeInteger(value) ? value : undefined;
  }

  /** What may be one instruction: 15 bytes, or as many as can be read. */
  code(addr: number): Uint8Array {
    const first = this.part(addr, MAX_INSTRUCTION);
    if (first.length === 0 || first.length === MAX_INSTRUCTION) return first;
    const rest = this.part(addr + first.length, MAX_INSTRUCTION - first.length);
    const both = new Uint8Array(first.length + rest.length);
    both.set(first);
    both.set(rest, first.length);
    return both;
  }

  /** What there is on the first page of a piece of memory. */
  private part(addr: number, length: number): Uint8Array {
    const offset = addr % PAGE_SIZE;
    const page = this.page(addr);
    if (page === undefined) return NOTHING;
    return page.bytes.subarray(offset, Math.min(offset + length, PAGE_SIZE));
  }

  private page(addr: number): Page | undefined {
    const start = addr - (addr % PAGE_SIZE);
    let page = this.pages.get(start);
    if (page === undefined && !this.pages.has(start)) {
      page = this.read(start);
      this.pages.set(start, page);
    }
    return page;
  }

  private read(start: number): Page | undefined {
    const page = this.spare.pop() ?? newPage();
    const got = this.tracer.readMemory(this.tid, start, page.bytes, 0, PAGE_SIZE);
    if (got === PAGE_SIZE) return page;
    this.spare.push(page);
    return undefined;
  }
}

function newPage(): Page {
  const bytes = new Uint8Array(PAGE_SIZE);
  return { bytes, view: new DataView(bytes.buffer) };
}

const NOTHING = new Uint8Array(0);
