import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A line that was cut off, by a full disk, has no full stop. */
const LINE = /^([0-9]+) ([0-9]+)\.$/;
const NAME = 'cpuid-leaves';
/** Every program's loader asks for some thirty. */
const MAX_LEAVES = 64;

/** What programs have asked cpuid for, leaf and subleaf, in a file of the store: the next ones ask the same. */
export class LeafIndex {
  private readonly path: string;

  /** `directory`: that of the store. */
  constructor(directory: string) {
    this.path = join(directory, NAME);
  }

  leaves(): (readonly [number, number])[] {
    const found = new Map<string, readonly [number, number]>();
    let text = '';
    try {
      text = readFileSync(this.path, 'latin1');
    } catch {
      // Nothing is known yet.
    }
    for (const line of text.split('\n')) {
      const [, leaf, subleaf] = LINE.exec(line) ?? [];
      if (leaf === undefined || found.size === MAX_LEAVES) continue;
      found.set(line, [Number(leaf) >>> 0, Number(subleaf) >>> 0]);
    }
    return [...found.values()];
  }

  add(leaf: number, subleaf: number): void {
    try {
      appendFileSync(this.path, `\n${leaf} ${subleaf}.`);
    } catch {
      // The next programs ask the tracer.
    }
  }
}
