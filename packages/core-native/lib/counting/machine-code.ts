/** Writes machine code at an address. */
export class MachineCode {
  private readonly bytes: number[] = [];
  constructor(readonly start: number) {}

  get here(): number {
    return this.start + this.bytes.length;
  }
  put(...bytes: readonly number[]): this {
    this.bytes.push(...bytes);
    return this;
  }
  int32(value: number): this {
    return this.put(value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, (value >> 24) & 0xff);
  }
  word(value: bigint): this {
    for (let i = 0n; i < 64n; i += 8n) this.put(Number((value >> i) & 0xffn));
    return this;
  }
  /** A 32-bit distance to `target`, which ends its instruction. */
  to(target: number): this {
    return this.int32(target - (this.here + 4));
  }
  /** Makes the distance that ends at `end` one to here, or to `target`. */
  arrive(end: number, target = this.here): this {
    const distance = new MachineCode(0).int32(target - end).bytes;
    this.bytes.splice(end - 4 - this.start, 4, ...distance);
    return this;
  }
  finish(): Uint8Array {
    return Uint8Array.from(this.bytes);
  }
}
