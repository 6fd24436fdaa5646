import { PAGE_SIZE } from './abi.js';

/** Addresses from a start up to an end. */
export type Range = readonly [start: number, end: number];

/** At most `max` ranges that cover all `ranges`: those with the least between them become one. */
export function coverRanges(ranges: Iterable<Range>, max: number): Range[] {
  const covered: [number, number][] = [];
  for (const [start, end] of [...ranges].sort(([one], [other]) => one - other)) {
    const last = covered.at(-1);
    if (last !== undefined && start <= last[1]) last[1] = Math.max(last[1], end);
    else covered.push([start, end]);
  }
  while (covered.length > max) {
    let nearest = 1;
    const gap = (i: number): number => covered[i]![0] - covered[i - 1]![1];
    for (let i = 2; i < covered.length; i++) if (gap(i) < gap(nearest)) nearest = i;
    covered[nearest - 1]![1] = covered[nearest]![1];
    covered.splice(nearest, 1);
  }
  return covered;
}

/** The page that an address is in. */
export function rangeOfPage(addr: number): Range {
  const start = addr - (addr % PAGE_SIZE);
  return [start, start + PAGE_SIZE];
}

/** As the agents have them: how many ranges there are, then the start and the end of each. */
export function rangeWords(ranges: readonly Range[]): Uint8Array {
  const words = new BigUint64Array(1 + 2 * ranges.length);
  words[0] = BigInt(ranges.length);
  ranges.flat().forEach((addr, i) => {
    words[1 + i] = BigInt(addr);
  });
  return new Uint8Array(words.buffer);
}
