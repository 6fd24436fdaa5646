/** A seeded generator, so that a failing test runs again: SEED=n npx ava FILE. */
import type { ExecutionContext } from 'ava';

export class Random {
  readonly seed: number;
  private state: number;

  constructor(seed: number) {
    this.seed = seed;
    this.state = seed >>> 0;
  }

  /** From SEED, or else a new seed; either way the test's log names it. */
  static forTest(t: ExecutionContext): Random {
    const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
    t.log(`SEED=${seed}`);
    return new Random(seed);
  }

  /** 32 random bits (mulberry32). */
  bits(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = this.state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** An integer from 0 to limit - 1. */
  below(limit: number): number {
    return Math.floor(((this.bits() + this.bits() / 2 ** 32) / 2 ** 32) * limit);
  }

  chance(probability: number): boolean {
    return this.below(1e9) < probability * 1e9;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.bits() & 0xff);
  }
}
