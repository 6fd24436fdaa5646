/** Numbers in [0, 1) that are the same for the same seed. */
export class Chance {
  private state: number;

  constructor(readonly seed: number) {
    this.state = seed >>> 0;
    // Seeds that lie close together must not begin alike.
    for (let i = 0; i < 4; i++) this.next();
  }

  next(): number {
    this.state = (this.state + 0x9e3779b9) >>> 0;
    let mixed = this.state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
  }

  /** A whole number in [0, end). */
  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }

  /** `count` numbers in [0, end) in rising order, one somewhere in each of as many equal parts. */
  spread(count: number, end: number): number[] {
    return Array.from({ length: count }, (_, i) => ((i + this.next()) / count) * end);
  }
}

/** SEED=… runs a test again as it was; without it, every run has another seed, and prints it. */
export const SEED = Number(process.env.SEED ?? Date.now() % 2 ** 31);
