import { QueryError } from './errors.js';

/** `!` before a list of words with commas between means all but these. Throws QueryError for an empty list. */
export function values(
  what: string,
  text: string,
): { readonly negated: boolean; readonly words: readonly string[] } {
  const negated = text.startsWith('!');
  const list = negated ? text.slice(1) : text;
  // A pattern may have commas in it, as in strace.
  const words = list.startsWith('/') ? [list] : list.split(',');
  if (words.includes(''))
    throw new QueryError(`${what}= needs a list of names with commas between`);
  return { negated, words };
}

/** A set of numbers, or of all but these. */
export class NumberSet {
  constructor(
    private readonly numbers: ReadonlySet<number>,
    private readonly negated = false,
  ) {}

  /** Whether the number is in it. */
  has(value: number): boolean {
    return this.numbers.has(value) !== this.negated;
  }
}

/** Reads a list whose words `parse` turns into numbers; 'all' and 'none' are known to every list. Throws QueryError. */
export function numberSet(
  what: string,
  text: string,
  parse: (word: string) => number | undefined,
): NumberSet {
  const { negated, words } = values(what, text);
  if (words.length === 1 && words[0] === 'all') return new NumberSet(new Set(), !negated);
  if (words.length === 1 && words[0] === 'none') return new NumberSet(new Set(), negated);
  const numbers = words.map((word) => {
    const number = parse(word);
    if (number === undefined) throw new QueryError(`there is no ${what} '${word}'`);
    return number;
  });
  return new NumberSet(new Set(numbers), negated);
}
