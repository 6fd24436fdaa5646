import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A line that was cut off, by a full disk, has no full stop. */
const LINE = /^([0-9a-f]{32}) ([0-9]+(?:,[0-9]+)*)?\.$/;

/**
 * Where contents of a store have cpuid instructions, as `findCpuid` found out once: that takes 10 ms for a library, and
 * 0.1 s and more for a large program. Kept in the file `cpuid` of the store; another way to find them needs another name.
 */
export class CpuidIndex {
  private readonly path: string;
  private known: Map<string, readonly number[]> | undefined;

  /** `directory`: that of the store. */
  constructor(directory: string) {
    this.path = join(directory, 'cpuid');
  }

  /** Offsets in the content with this hash, ascending; undefined if they are not known. */
  get(hash: string): readonly number[] | undefined {
    return (this.known ??= this.load()).get(hash);
  }

  set(hash: string, sites: readonly number[]): void {
    (this.known ??= this.load()).set(hash, sites);
    try {
      appendFileSync(this.path, `\n${hash} ${sites.join(',')}.`);
    } catch {
      // The next recording looks for them again.
    }
  }

  private load(): Map<string, readonly number[]> {
    const known = new Map<string, readonly number[]>();
    let text = '';
    try {
      text = readFileSync(this.path, 'latin1');
    } catch {
      // Nothing is known yet.
    }
    for (const line of text.split('\n')) {
      const [, hash, sites] = LINE.exec(line) ?? [];
      if (hash !== undefined)
        known.set(hash, sites === undefined ? [] : sites.split(',').map(Number));
    }
    return known;
  }
}
