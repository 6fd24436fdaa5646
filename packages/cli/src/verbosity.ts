import { type Args, wholeNumber } from './argv.js';
import type { Deps, VerbosityModule } from './deps.js';
import { UsageError } from './errors.js';

const HIGHEST_LEVEL = 15;

/** The letters that -l or -f ask for; undefined if neither was given. Throws UsageError. */
export function verbosityOf(
  args: Args,
  { VERBOSITY_LETTERS }: VerbosityModule,
): string | undefined {
  const level = args.value('level');
  const flags = args.value('flags');
  if (level !== undefined && flags !== undefined) {
    throw new UsageError('-l and -f both set the verbosity: give one of them');
  }
  if (level !== undefined) {
    return VERBOSITY_LETTERS.slice(0, wholeNumber('-l', level, 0, HIGHEST_LEVEL));
  }
  for (const letter of flags ?? '') {
    if (!VERBOSITY_LETTERS.includes(letter)) {
      throw new UsageError(`-f knows no letter '${letter}', only ${VERBOSITY_LETTERS}`);
    }
  }
  return flags;
}

/** The letters and their meanings, for `--help`. */
export async function verbosityHelp(deps: Pick<Deps, 'verbosity'>): Promise<string> {
  const { VERBOSITY_LETTERS, VERBOSITY_MEANING, DEFAULT_VERBOSITY } = await deps.verbosity();
  return [
    `Verbosity letters (record's default ${DEFAULT_VERBOSITY}; level N is the first N of them):`,
    ...Array.from(VERBOSITY_LETTERS, (letter) => `  ${letter}  ${VERBOSITY_MEANING[letter] ?? ''}`),
  ].join('\n');
}
