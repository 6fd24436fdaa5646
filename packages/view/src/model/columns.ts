/** Typed arrays that grow. */

type TypedArray = Float64Array | Float32Array | Uint32Array | Uint16Array | Uint8Array;

/** A column of a growing table; `values` is longer than the table is. */
export class Column<T extends TypedArray> {
  constructor(
    private readonly make: (length: number) => T,
    public values: T = make(0),
  ) {}

  /** Makes room for `length` values. */
  reserve(length: number): void {
    if (length <= this.values.length) return;
    const grown = this.make(Math.max(16, length, this.values.length * 2));
    grown.set(this.values as never);
    this.values = grown;
  }
}

export const f64 = (): Column<Float64Array> => new Column((n) => new Float64Array(n));
export const f32 = (): Column<Float32Array> => new Column((n) => new Float32Array(n));
export const u32 = (): Column<Uint32Array> => new Column((n) => new Uint32Array(n));
export const u16 = (): Column<Uint16Array> => new Column((n) => new Uint16Array(n));
export const u8 = (): Column<Uint8Array> => new Column((n) => new Uint8Array(n));
