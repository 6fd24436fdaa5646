import { PAGE_SIZE } from './abi.js';
import type { NativeTracer } from './binding.js';
import { MAX_INSTRUCTION } from './x86.js';

const WORD = 8;

/** Memory of a stopped task, each page of which is read once. */
export class ReadPages {
  private readonly pages = new Map<number, Buffer | undefined>();

  constructor(
    private readonly tracer: NativeTracer,
    private readonly tid: number,
  ) {}

  /** An unsigned word. Undefined if it cannot be read, or lies on two pages. */
  word(addr: number): bigint | undefined {
    const offset = addr % PAGE_SIZE;
    return offset > PAGE_SIZE - WORD ? undefined : this.page(addr)?.readBigUInt64LE(offset);
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
    if (size < WORD) return page.readUIntLE(offset, size);
    const value = page.readInt32LE(offset + 4) * 2 ** 32 + page.readUInt32LE(offset);
    return Number.isSafeInteger(value) ? value : undefined;
  }

  /** What may be one instruction: 15 bytes, or as many as can be read. */
  code(addr: number): Uint8Array {
    const offset = addr % PAGE_SIZE;
    const first = this.page(addr)?.subarray(offset, offset + MAX_INSTRUCTION) ?? NOTHING;
    if (first.length === 0 || first.length === MAX_INSTRUCTION) return first;
    const rest = this.page(addr + first.length)?.subarray(0, MAX_INSTRUCTION - first.length);
    return rest === undefined ? first : Buffer.concat([first, rest]);
  }

  private page(addr: number): Buffer | undefined {
    const start = addr - (addr % PAGE_SIZE);
    if (!this.pages.has(start)) this.pages.set(start, this.read(start));
    return this.pages.get(start);
  }

  private read(start: number): Buffer | undefined {
    const bytes = Buffer.allocUnsafeSlow(PAGE_SIZE);
    const got = this.tracer.readMemory(this.tid, start, bytes, 0, PAGE_SIZE);
    return got === PAGE_SIZE ? bytes : undefined;
  }
}

const NOTHING = new Uint8Array(0);
