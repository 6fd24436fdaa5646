/** Counts values in classes that are 3 % wide, so that quantiles cost neither memory nor sorting. */

const SUB_BITS = 5;
const SUB = 1 << SUB_BITS;
const CLASSES = (54 - SUB_BITS) * SUB;

/** Counts values in classes that are 3 % wide, so that quantiles cost neither memory nor sorting. */
export class Histogram {
  private counts = new Uint32Array(SUB * 8);
  private total = 0;

  /** `value` is a whole number from 0 to 2^53. */
  add(value: number): void {
    const index = classOf(value);
    if (index >= this.counts.length) this.grow(index);
    this.counts[index]!++;
    this.total++;
  }

  /** The value that a share `q` (0 … 1) of all are not above, to 3 %; 0 if there are none. */
  quantile(q: number): number {
    let left = Math.ceil(q * this.total);
    if (left < 1) left = Math.min(1, this.total);
    if (left === 0) return 0;
    const { counts } = this;
    for (let i = 0; i < counts.length; i++) {
      left -= counts[i]!;
      if (left <= 0) return middle(i);
    }
    return 0;
  }

  private grow(index: number): void {
    const counts = new Uint32Array(Math.min(CLASSES, Math.max(index + 1, this.counts.length * 2)));
    counts.set(this.counts);
    this.counts = counts;
  }
}

function classOf(value: number): number {
  if (value < SUB) return value;
  let shift = 0;
  let high = value;
  if (high >= 2 ** 32) {
    // Shifts see 32 bits only.
    high = Math.floor(high / 2 ** 26);
    shift = 26;
  }
  const extra = 31 - Math.clz32(high) - SUB_BITS;
  shift += extra;
  return (shift + 1) * SUB + ((high >>> extra) - SUB);
}

/** The middle of a class, or its only value. */
function middle(index: number): number {
  if (index < SUB) return index;
  const shift = Math.floor(index / SUB) - 1;
  const width = 2 ** shift;
  return (SUB + (index % SUB)) * width + Math.floor(width / 2);
}
