/** Names for numbers: sets of flags, and choices of one. */
import { hex } from './words.js';

export type Names = Readonly<Record<string, number>>;

/** Prints an unsigned number, at most 2^53. */
export type NumberPrinter = (value: number) => string;

/** Bits that are no flags of their own but a number. */
export interface Field {
  readonly mask: number;
  /** Prints the bits, in their place; '' to leave them out. */
  readonly print: NumberPrinter;
}

const HIGH = 2 ** 32;
/** Values remembered for each set; programs use a handful. */
const CACHE_SIZE = 256;

function remember(print: NumberPrinter): NumberPrinter {
  const cache = new Map<number, string>();
  return (value) => {
    let text = cache.get(value);
    if (text === undefined) {
      text = print(value);
      if (cache.size < CACHE_SIZE) cache.set(value, text);
    }
    return text;
  };
}

/** What all names begin with, up to an underscore: `AT_` of AT_EMPTY_PATH and AT_RECURSIVE. '' if nothing. */
function commonPrefix(names: readonly string[]): string {
  const [first = '', ...others] = names;
  let end = first.lastIndexOf('_') + 1;
  while (end > 0 && !others.every((name) => name.startsWith(first.slice(0, end)))) {
    end = first.lastIndexOf('_', end - 2) + 1;
  }
  if (end > 0) return first.slice(0, end);
  let shared = first.length;
  for (const name of others) while (!name.startsWith(first.slice(0, shared))) shared--;
  return first.slice(0, shared);
}

/** A number that none of the names explains: `0x4d /* F_??? *\/`. */
function unknownOf(names: readonly string[]): NumberPrinter {
  const prefix = commonPrefix(names);
  return prefix === '' ? hex : unknownNamed(prefix);
}

/** The same where the names alone do not tell what they begin with. */
export function unknownNamed(prefix: string): NumberPrinter {
  return (value) => `${hex(value)} /* ${prefix}??? */`;
}

/**
 * Joins the names of the bits that are set with `|`; what has no name comes last, in hexadecimal. A name with several
 * bits must stand before names of single ones among them. Fields come first. 0 prints as `zero`.
 */
export function flags(names: Names, zero = '0', ...fields: readonly Field[]): NumberPrinter {
  return flagSet(names, zero, fields, unknownOf(Object.keys(names)));
}

/** As `flags`; a number that none of the names explains is said to begin with `prefix`. */
export function flagsNamed(prefix: string, names: Names, zero = '0'): NumberPrinter {
  return flagSet(names, zero, [], unknownNamed(prefix));
}

function flagSet(
  names: Names,
  zero: string,
  fields: readonly Field[],
  unknown: NumberPrinter,
): NumberPrinter {
  const entries = Object.entries(names).map(([name, value]) => ({
    name,
    low: (value % HIGH) | 0,
    high: Math.floor(value / HIGH),
  }));
  return remember((value) => {
    let low = (value % HIGH) | 0;
    let high = Math.floor(value / HIGH);
    let text = '';
    for (const { mask, print } of fields) {
      const part = print((low & mask) >>> 0);
      low &= ~mask;
      if (part !== '') text += (text === '' ? '' : '|') + part;
    }
    for (const entry of entries) {
      if ((low & entry.low) !== entry.low || (high & entry.high) !== entry.high) continue;
      if (entry.low === 0 && entry.high === 0) continue;
      low &= ~entry.low;
      high &= ~entry.high;
      text += (text === '' ? '' : '|') + entry.name;
    }
    const rest = high * HIGH + (low >>> 0);
    if (rest !== 0) text += text === '' ? unknown(rest) : '|' + hex(rest);
    return text === '' ? zero : text;
  });
}

/** The name of the value, else what `other` says; default: the number with a comment of what it is not. */
export function choice(
  names: Names,
  other: NumberPrinter = unknownOf(Object.keys(names)),
): NumberPrinter {
  const byValue = new Map<number, string>();
  for (const [name, value] of Object.entries(names)) {
    if (!byValue.has(value)) byValue.set(value, name);
  }
  return (value) => byValue.get(value) ?? other(value);
}

/** A field that is a choice; 0 is left out unless it has a name. */
export function field(mask: number, names: Names): Field {
  const name = choice(names, (bits) => (bits === 0 ? '' : hex(bits)));
  return { mask, print: name };
}

/** A choice whose unknown values are printed as a signed `int`. */
export function signedChoice(names: Names): NumberPrinter {
  return choice(names, (value) => String(value | 0));
}
