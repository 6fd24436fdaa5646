/** Sets of system calls in strace's words: names, numbers, %classes and /patterns. */
import { syscallByName, syscallRows } from '@scribe-ts/tracelog';
import { QueryError } from './errors.js';
import { values } from './values.js';

/** Numbers from here on have no row: a set has all of them or none. */
const KNOWN = 1024;

/** A set of system calls. */
export class SyscallSet {
  private readonly members = new Uint8Array(KNOWN);

  /** `others`: whether the set has the numbers that no row is known for. */
  constructor(private readonly others: boolean) {
    if (others) this.members.fill(1);
  }

  /** Whether the call with this number is in it. */
  has(nr: number): boolean {
    return nr >= 0 && nr < KNOWN ? this.members[nr] === 1 : this.others;
  }

  /** Puts a call in, or takes it out. */
  put(nr: number, member: boolean): void {
    if (nr >= 0 && nr < KNOWN) this.members[nr] = member ? 1 : 0;
  }
}

/** What strace calls otherwise than the table. */
const ALIASES: Readonly<Record<string, string>> = { net: 'network' };

/** Classes that strace takes without a `%` too. */
const BARE: ReadonlySet<string> = new Set([
  'file',
  'process',
  'network',
  'signal',
  'ipc',
  'desc',
  'memory',
]);

function numbersOf(group: string): readonly number[] {
  const name = ALIASES[group] ?? group;
  return syscallRows.filter((row) => row.groups.includes(name)).map((row) => row.nr);
}

/** Names of all classes, as they are written behind a `%`. */
export function syscallClasses(): readonly string[] {
  return [...new Set(syscallRows.flatMap((row) => row.groups))].sort();
}

/** The numbers that one word of a set stands for. Throws QueryError. */
function member(word: string): readonly number[] {
  const optional = word.startsWith('?');
  // Every call of an x86-64 log is a 64-bit one.
  const name = (optional ? word.slice(1) : word).replace(/@64$/, '');
  const found = lookUp(name);
  if (found.length === 0 && !optional) throw new QueryError(unknown(name));
  return found;
}

function lookUp(name: string): readonly number[] {
  if (name.startsWith('/')) {
    const pattern = patternOf(name.slice(1));
    return syscallRows.filter((row) => pattern.test(row.name)).map((row) => row.nr);
  }
  if (name.startsWith('%')) return numbersOf(name.slice(1));
  const row = syscallByName.get(name);
  if (row !== undefined) return [row.nr];
  if (/^\d+$/.test(name)) return [Number(name)];
  return BARE.has(name) ? numbersOf(name) : [];
}

function patternOf(source: string): RegExp {
  try {
    return new RegExp(source);
  } catch (error) {
    throw new QueryError(`/${source} is no pattern: ${(error as Error).message}`);
  }
}

function unknown(name: string): string {
  if (name.startsWith('%')) {
    return `there is no class of system calls '${name}', only %${syscallClasses().join(', %')}`;
  }
  if (name.startsWith('/')) return `no system call matches '${name}'`;
  return `there is no system call named '${name}'`;
}

/** Reads what stands behind `trace=`. Throws QueryError. */
export function parseSyscallSet(text: string): SyscallSet {
  const { negated, words } = values('trace', text);
  const [only] = words;
  // All of them, or all but none.
  if (words.length === 1 && only === 'all') return new SyscallSet(!negated);
  if (words.length === 1 && only === 'none') return new SyscallSet(negated);
  const set = new SyscallSet(negated);
  for (const word of words) for (const nr of member(word)) set.put(nr, !negated);
  return set;
}
