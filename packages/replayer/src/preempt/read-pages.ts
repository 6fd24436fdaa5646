import { PAGE_SIZE, type Tracer } from '@scribe-ts/core-native';

const WORD = 8;

/** Words of a stopped task's memory, each page of which is read once. */
export class ReadPages {
  private readonly pages = new Map<number, DataView | undefined>();

  constructor(
    private readonly tracer: Tracer,
    private readonly tid: number,
  ) {}

  /** Undefined if it cannot be read, or lies on two pages. */
  word(addr: number): bigint | undefined {
    const offset = addr % PAGE_SIZE;
    if (offset > PAGE_SIZE - WORD) return undefined;
    const start = addr - offset;
    if (!this.pages.has(start)) this.pages.set(start, this.read(start));
    return this.pages.get(start)?.getBigUint64(offset, true);
  }

  private read(start: number): DataView | undefined {
    const bytes = new Uint8Array(PAGE_SIZE);
    const got = this.tracer.readMemory(this.tid, start, bytes, 0, PAGE_SIZE);
    return got === PAGE_SIZE ? new DataView(bytes.buffer) : undefined;
  }
}
