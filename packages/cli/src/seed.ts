import { wholeNumber } from './argv.js';

const HIGHEST_SEED = 2 ** 32 - 1;

/** A seed of chaos. Throws UsageError that names the option. */
export function parseSeed(option: string, text: string): number {
  return wholeNumber(option, text, 0, HIGHEST_SEED);
}

export function anySeed(): number {
  return process.getBuiltinModule('node:crypto').randomInt(HIGHEST_SEED + 1);
}
