import { PAGE_SIZE } from './abi.js';
import type { NativeTracer } from './binding.js';
import { MAX_INSTRUCTION } from './x86.js';

const WORD = 8;

/** Memory of a stopped task, each page of which is read once. */
export class ReadPages {
  private readonly pages = new Map<number, DataView | undefined>();

  constructor(
    private readonly tracer: NativeTracer,
    private readonly tid: number,
  ) {}

  /** An unsigned word. Undefined if it cannot be read, or lies on two pages. */
  word(addr: number): bigint | undefined {
    const offset = addr % PAGE_SIZE;
    return offset > PAGE_SIZE - WORD ? undefined : this.page(addr)?.getBigUint64(offset, true);
  }

  /**
   * A number of 1, 2, 4 (unsigned) or 8 bytes (signed). Undefined if it cannot be read, lies on two pages, or is no safe
   * integer.
   */
  value(addr: number, size: number): number | undefined {
    if (!(addr >= 0 && addr < 2 ** 47)) return undefined;
    const offset = addr % PAGE_SIZE;
    const page = offset > PAGE_SIZE - size ? undefined : this.page(addr);
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
    return new Uint8Array(page.buffer, offset, Math.min(length, PAGE_SIZE - offset));
  }

  private page(addr: number): DataView | undefined {
    const start = addr - (addr % PAGE_SIZE);
    if (!this.pages.has(start)) this.pages.set(start, this.read(start));
    return this.pages.get(start);
  }

  private read(start: number): DataView | undefined {
    const bytes = new Uint8Array(PAGE_SIZE);
    const got = this.tracer.readMemory(this.tid, start, bytes, 0, PAGE_SIZE);
    return got === PAGE_SIZE ? new DataView(bytes.buffer) : undefined;
  }
}

const NOTHING = new Uint8Array(0);
