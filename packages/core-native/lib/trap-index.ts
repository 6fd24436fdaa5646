import { LineFile } from './line-file.js';
import type { FileSites } from './trap-sites.js';

const LINE =
  /^[0-9a-f]{32} cpuid ([0-9,]*) rdtsc ([0-9,]*) rdtscp ([0-9,]*) known ([0-9,]*) moves ([0-9,]*)$/;

/**
 * What contents of a store have, as `findTraps` found out once: that takes 10 ms for a library, and 0.1 s and more for a
 * large program. Kept in a file of the store; another way to find them needs another name.
 */
export class TrapIndex {
  private readonly file: LineFile;
  private readonly found = new Map<string, FileSites>();

  /** `directory`: that of the store. */
  constructor(directory: string) {
    this.file = new LineFile(directory, 'trap-sites');
  }

  /** What the content with this hash has; undefined if that has not been found out. */
  get(hash: string): FileSites | undefined {
    let sites = this.found.get(hash);
    if (sites !== undefined) return sites;
    for (const line of this.file.find(`${hash} `)) sites = sitesIn(line) ?? sites;
    if (sites !== undefined) this.found.set(hash, sites);
    return sites;
  }

  set(hash: string, sites: FileSites): void {
    this.found.set(hash, sites);
    const { cpuid, rdtsc, rdtscp, known, moves } = sites;
    const instructions = `cpuid ${cpuid} rdtsc ${rdtsc} rdtscp ${rdtscp}`;
    this.file.add(`${hash} ${instructions} known ${known} moves ${moves}`);
  }
}

/** Undefined if a line is cut short. */
function sitesIn(line: string): FileSites | undefined {
  const lists = LINE.exec(line)?.slice(1).map(numbers);
  if (lists === undefined) return undefined;
  const [cpuid, rdtsc, rdtscp, known, moves] = lists;
  return {
    cpuid: cpuid!,
    rdtsc: rdtsc!,
    rdtscp: rdtscp!,
    known: pairs(known!),
    moves: pairs(moves!),
  };
}

function numbers(list: string): readonly number[] {
  return list === '' ? [] : list.split(',').map(Number);
}

function pairs(list: readonly number[]): readonly (readonly [number, number])[] {
  return list.flatMap((from, i) => (i % 2 === 0 ? [[from, list[i + 1]!] as const] : []));
}
