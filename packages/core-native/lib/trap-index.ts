import { LineFile } from './line-file.js';
import type { FileSites } from './trap-sites.js';

const LINE =
  /^([0-9a-f]{32}) cpuid ([0-9,]*) rdtsc ([0-9,]*) rdtscp ([0-9,]*) known ([0-9,]*) moves ([0-9,]*)$/;

/**
 * What contents of a store have, as `findTraps` found out once: that takes 10 ms for a library, and 0.1 s and more for a
 * large program. Kept in a file of the store; another way to find them needs another name.
 */
export class TrapIndex {
  private readonly file: LineFile;
  private found: Map<string, FileSites> | undefined;

  /** `directory`: that of the store. */
  constructor(directory: string) {
    this.file = new LineFile(directory, 'trap-sites');
  }

  /** What the content with this hash has; undefined if that has not been found out. */
  get(hash: string): FileSites | undefined {
    return (this.found ??= this.load()).get(hash);
  }

  set(hash: string, sites: FileSites): void {
    (this.found ??= this.load()).set(hash, sites);
    const { cpuid, rdtsc, rdtscp, known, moves } = sites;
    const instructions = `cpuid ${cpuid} rdtsc ${rdtsc} rdtscp ${rdtscp}`;
    this.file.add(`${hash} ${instructions} known ${known} moves ${moves}`);
  }

  private load(): Map<string, FileSites> {
    const found = new Map<string, FileSites>();
    for (const line of this.file.read()) {
      const [, hash, ...lists] = LINE.exec(line) ?? [];
      if (hash === undefined) continue;
      const [cpuid, rdtsc, rdtscp, known, moves] = lists.map(numbers);
      found.set(hash, {
        cpuid: cpuid!,
        rdtsc: rdtsc!,
        rdtscp: rdtscp!,
        known: pairs(known!),
        moves: pairs(moves!),
      });
    }
    return found;
  }
}

function numbers(list: string): readonly number[] {
  return list === '' ? [] : list.split(',').map(Number);
}

function pairs(list: readonly number[]): readonly (readonly [number, number])[] {
  return list.flatMap((from, i) => (i % 2 === 0 ? [[from, list[i + 1]!] as const] : []));
}
