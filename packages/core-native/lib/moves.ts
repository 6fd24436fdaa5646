/**
 * Which instructions before a site can be executed elsewhere together with it, so that a jump fits in their place: a run of
 * short ones. That nobody jumps into their midst is known from the whole file.
 */
import type { ElfFile } from './elf/elf-file.js';
import type { FunctionRanges } from './elf/function-ranges.js';
import { JUMP_BYTES } from './holes.js';
import { isMovable, MAX_MOVED } from './loads.js';
import { decode, Flow } from './x86.js';

/** A range of addresses, or of offsets. */
interface Range {
  readonly start: number;
  readonly end: number;
}

interface Candidate {
  /** Offset of the site in the file. */
  readonly site: number;
  /** Bytes before it. */
  readonly length: number;
  /** Addresses, as the file has them, that nobody may jump to: empty for a single instruction. */
  readonly inside: Range;
  /** Of the function: which jumps there are in it is known. */
  readonly within: Range;
}

const MAX_FUNCTION = 0x10000;
/** How far a short jump reaches, and from where its opcode is. */
const SHORT_REACH = 130;
const PIECE = 0x400000;

/** `sites`: offsets in the file; `code`: where it has code. Returns [site, bytes before it that can be moved]. */
export function findMoves(
  elf: ElfFile,
  ranges: FunctionRanges,
  sites: readonly number[],
  code: readonly Range[],
): readonly (readonly [number, number])[] {
  const candidates: Candidate[] = [];
  for (const site of sites) {
    const candidate = runBefore(elf, ranges, site);
    if (candidate !== undefined) candidates.push(candidate);
  }
  if (candidates.every(({ inside }) => inside.start === inside.end)) code = [];
  const entered = new Set<Candidate>();
  for (const { start, end } of code) {
    for (let from = start; from < end; from += PIECE) {
      const address = elf.addressOf(from);
      if (address === undefined) return [];
      // Each piece has the first bytes of the next one, too.
      const bytes = elf.read(from, Math.min(PIECE + 3, end - from));
      addEntered(bytes, address, candidates, entered);
    }
  }
  return candidates
    .filter((candidate) => !entered.has(candidate))
    .map(({ site, length }) => [site, length] as const);
}

/** The run right before a site, if nothing in the site's function leads into it. */
function runBefore(elf: ElfFile, ranges: FunctionRanges, site: number): Candidate | undefined {
  const address = elf.addressOf(site);
  const within = address === undefined ? undefined : ranges.at(address);
  if (address === undefined || within === undefined) return undefined;
  const size = within.end - within.start;
  const start = elf.offsetOf(within.start);
  if (start === undefined || size > MAX_FUNCTION) return undefined;
  const code = elf.read(start, size);
  const offset = site - start;
  /** Beginnings of the instructions before the site that can be moved, one after the other. */
  let run: number[] = [];
  let atSite: readonly number[] | undefined;
  const targets: number[] = [];
  let isKnown = !within.catches;
  for (let at = 0; at < size;) {
    if (at === offset) atSite = run;
    const instruction = decode(code, at);
    if (instruction === undefined) return undefined;
    const { flow, length, relative } = instruction;
    if (flow === Flow.IndirectJump) isKnown = false;
    if (flow === Flow.Jump || flow === Flow.Conditional || flow === Flow.Loop || flow === Flow.Call)
      targets.push(at + length + relative);
    run = isMovable(code, at, instruction) ? [...run, at] : [];
    at += length;
  }
  const first = atSite?.findLast((at) => at <= offset - JUMP_BYTES);
  if (first === undefined || offset - first > MAX_MOVED) return undefined;
  const length = offset - first;
  if (first === atSite!.at(-1))
    return { site, length, inside: { start: address, end: address }, within };
  if (!isKnown || targets.some((target) => target > first && target < offset)) return undefined;
  return { site, length, inside: { start: address - length + 1, end: address }, within };
}

/** Adds those that something outside their function may jump into: whatever looks like a jump counts. */
function addEntered(
  bytes: Uint8Array,
  address: number,
  candidates: readonly Candidate[],
  entered: Set<Candidate>,
): void {
  const lowest = Math.min(...candidates.map(({ inside }) => inside.start));
  const span = Math.max(...candidates.map(({ inside }) => inside.end)) - lowest;
  const add = (at: number, target: number): void => {
    for (const candidate of candidates) {
      const { inside, within } = candidate;
      const isOutside = at < within.start || at >= within.end;
      if (isOutside && target >= inside.start && target < inside.end) entered.add(candidate);
    }
  };
  let word = 0;
  for (let i = 0; i < bytes.length; i++) {
    word = (word >>> 8) | (bytes[i]! << 24);
    const next = address + i + 1;
    const target = next + word - lowest;
    if (i >= 3 && target >= 0 && target < span) add(next - 4, target + lowest);
  }
  for (const { inside } of candidates) {
    const from = Math.max(1, inside.start - SHORT_REACH - address);
    const to = Math.min(bytes.length, inside.end + SHORT_REACH - address);
    for (let i = from; i < to; i++) {
      const opcode = bytes[i - 1]!;
      const isShort = opcode === 0xeb || (opcode & 0xf0) === 0x70 || (opcode & 0xfc) === 0xe0;
      if (isShort) add(address + i, address + i + 1 + ((bytes[i]! << 24) >> 24));
    }
  }
}
