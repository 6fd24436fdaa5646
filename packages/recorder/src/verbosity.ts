import { DEFAULT_VERBOSITY, VERBOSITY_LETTERS } from './options.js';

/** Which details a log holds beyond what replay needs. */
export interface Verbosity {
  readonly letters: string;
  readonly args: boolean;
  readonly strings: boolean;
  readonly registerHashes: boolean;
  readonly counters: boolean;
  readonly mappedNames: boolean;
  readonly resources: boolean;
  readonly data: boolean;
  readonly wholeData: boolean;
  readonly allSignals: boolean;
  readonly registers: boolean;
  readonly nanoseconds: boolean;
  readonly taskNames: boolean;
  readonly durations: boolean;
}

/** Parses letters of `sShcrmdgDRFpT`, or a level 0…15. Throws RangeError on anything else. */
export function parseVerbosity(text: string = DEFAULT_VERBOSITY): Verbosity {
  let letters = text;
  if (/^\d+$/.test(text)) {
    const level = Number(text);
    if (level > 15) throw new RangeError(`verbosity level ${text} is not in 0…15`);
    letters = VERBOSITY_LETTERS.slice(0, level);
  }
  for (const letter of letters) {
    if (!VERBOSITY_LETTERS.includes(letter)) {
      throw new RangeError(`unknown verbosity letter '${letter}' (known: ${VERBOSITY_LETTERS})`);
    }
  }
  const has = (letter: string): boolean => letters.includes(letter);
  return {
    letters,
    args: has('s'),
    strings: has('S'),
    registerHashes: has('h'),
    counters: has('c'),
    mappedNames: has('m'),
    resources: has('r'),
    data: has('d') || has('D'),
    wholeData: has('D'),
    allSignals: has('g'),
    registers: has('R'),
    nanoseconds: has('F'),
    taskNames: has('p'),
    durations: has('T'),
  };
}
