import { cac } from 'cac';
import { UsageError } from './errors.js';

/** An option of a command. */
export interface OptionSpec {
  /** Names and value as `--help` shows them: '-o, --output <file>', '-q, --quiet', '--chaos[=<seed>]' (it may do without). */
  readonly flags: string;
  readonly description: string;
  /** A value of it that takes the next word along: the two are one value, with a space between. */
  readonly wordBehind?: string;
  /** Heading under which `--help` lists it. */
  readonly group: string;
}

/** What follows the first word that is not an option. */
export type AfterFirstWord =
  /** More of our options and arguments, in any order. */
  | 'ours'
  /** A program's own command line, taken as it is. */
  | 'program';

export interface CommandSpec {
  readonly name: string;
  readonly summary: string;
  /** Arguments as `--help` shows them: 'LOG', 'command [args…]'. */
  readonly usage: string;
  /** Fewest and most arguments. */
  readonly arguments: readonly [number, number];
  readonly afterFirstWord: AfterFirstWord;
  readonly options: readonly OptionSpec[];
  readonly examples?: readonly string[];
}

/** A parsed command line. Options are asked for by their long name without dashes. */
export interface Args {
  readonly positionals: readonly string[];
  /** Whether a valueless option was given. */
  flag(name: string): boolean;
  /** How often a valueless option was given. */
  count(name: string): number;
  /** The last value given, undefined if none; '' for an option that was given without the value that it may have. */
  value(name: string): string | undefined;
  /** All values of an option that may be repeated. */
  values(name: string): readonly string[];
}

export const COMMON_OPTIONS: readonly OptionSpec[] = [
  { flags: '-h, --help', description: 'show this help', group: 'Help' },
  { flags: '-V, --version', description: 'show the version', group: 'Help' },
];

interface KnownOption {
  readonly long: string;
  readonly takesValue: boolean;
  /** Only behind an equals sign. */
  readonly valueIsOptional: boolean;
  readonly wordBehind: string | undefined;
}

/** Parses what stands after the command's name. Throws UsageError. */
export function parseArgv(spec: CommandSpec, argv: readonly string[]): Args {
  const options = [...spec.options, ...COMMON_OPTIONS];
  const { tokens, positionals, flags } = cutArgv(spec, knownOptions(options), argv);
  const cli = cac(spec.name);
  for (const option of options)
    cli.option(plainFlags(option), option.description, cacConfig(option));
  const parsed = cli.parse(['', spec.name, ...tokens], { run: false }).options;
  const given = (name: string): unknown => parsed[camelCase(name)];
  const values = (name: string): readonly string[] => {
    const list = given(name);
    return Array.isArray(list) ? list.map((value) => unprotect(String(value))) : [];
  };
  return {
    positionals,
    // cac makes `--no-open` an `open` that is false.
    flag: (name) =>
      name.startsWith('no-') ? given(name.slice(3)) === false : given(name) === true,
    count: (name) => flags.get(`--${name}`) ?? 0,
    value: (name) => values(name).at(-1),
    values,
  };
}

/** Checks the number of arguments. Throws UsageError. */
export function checkArguments(spec: CommandSpec, args: Args): void {
  const [fewest, most] = spec.arguments;
  if (args.positionals.length < fewest) throw new UsageError(`missing ${spec.usage}`);
  const extra = args.positionals[most];
  if (extra !== undefined) throw new UsageError(`unexpected argument '${extra}'`);
}

/** A whole number between `min` and `max`. Throws UsageError that names the option. */
export function wholeNumber(
  option: string,
  text: string,
  min: number,
  max = Number.MAX_SAFE_INTEGER,
): number {
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (!(value >= min && value <= max)) {
    const range = max === Number.MAX_SAFE_INTEGER ? `from ${min} up` : `from ${min} to ${max}`;
    throw new UsageError(`${option} takes a whole number ${range}, not '${text}'`);
  }
  return value;
}

/** A number of seconds above 0, fractions allowed. Throws UsageError that names the option. */
export function seconds(option: string, text: string): number {
  const value = /^(\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : NaN;
  // Timers hold at most 2^31 ms.
  if (!(value > 0 && value <= 2_000_000)) {
    throw new UsageError(`${option} takes a number of seconds above 0, not '${text}'`);
  }
  return value;
}

/**
 * Separates our options from the arguments. cac would take the program's options for its own (`record ls -la`), and it
 * turns values that look like numbers into numbers (`-o 007`) and leaves out those that begin with a dash (`-o -x`). So
 * it gets each option in its long form, with the value behind a `=` too many.
 */
function cutArgv(
  spec: CommandSpec,
  known: ReadonlyMap<string, KnownOption>,
  argv: readonly string[],
): {
  readonly tokens: readonly string[];
  readonly positionals: readonly string[];
  readonly flags: ReadonlyMap<string, number>;
} {
  // Each once: cac makes an array of a valueless option that is given twice.
  const flags = new Map<string, number>();
  const addFlag = (long: string): void => void flags.set(long, (flags.get(long) ?? 0) + 1);
  const tokens: string[] = [];
  const positionals: string[] = [];
  const option = (name: string): KnownOption => {
    const found = known.get(name);
    if (found === undefined) throw new UsageError(`unknown option ${name}`);
    return found;
  };
  let next = 0;
  const valueOf = (name: string): string => {
    const value = argv[next++];
    if (value === undefined) throw new UsageError(`${name} needs a value`);
    return value;
  };

  while (next < argv.length) {
    const word = argv[next++]!;
    if (word === '--') {
      positionals.push(...argv.slice(next));
      break;
    }
    if (word === '-' || !word.startsWith('-')) {
      positionals.push(word);
      if (spec.afterFirstWord === 'ours') continue;
      positionals.push(...argv.slice(next));
      break;
    }
    if (word.startsWith('--')) {
      const equals = word.indexOf('=');
      const name = equals < 0 ? word : word.slice(0, equals);
      const { long, takesValue, valueIsOptional, wordBehind } = option(name);
      if (valueIsOptional) {
        tokens.push(protect(long, equals < 0 ? '' : word.slice(equals + 1)));
      } else if (takesValue) {
        const value = equals < 0 ? valueOf(name) : word.slice(equals + 1);
        const whole = value === wordBehind ? `${value} ${valueOf(`${name}=${value}`)}` : value;
        tokens.push(protect(long, whole));
      } else if (equals < 0) {
        addFlag(long);
      } else {
        throw new UsageError(`${name} takes no value`);
      }
      continue;
    }
    // A cluster of short options, the last of which may take the rest, or the next word, as its value.
    for (let at = 1; at < word.length; at++) {
      const name = `-${word[at]!}`;
      const { long, takesValue } = option(name);
      if (!takesValue) {
        addFlag(long);
        continue;
      }
      tokens.push(protect(long, at + 1 < word.length ? word.slice(at + 1) : valueOf(name)));
      break;
    }
  }
  return { tokens: [...flags.keys(), ...tokens], positionals, flags };
}

function knownOptions(options: readonly OptionSpec[]): ReadonlyMap<string, KnownOption> {
  const known = new Map<string, KnownOption>();
  for (const option of options) {
    const names = optionNames(option);
    const long = names.at(-1)!;
    for (const name of names) {
      known.set(name, {
        long,
        takesValue: takesValue(option),
        valueIsOptional: option.flags.includes('[='),
        wordBehind: option.wordBehind,
      });
    }
  }
  return known;
}

/** Names of an option, dashes included, the long one last. */
function optionNames(option: OptionSpec): readonly string[] {
  return option.flags
    .replace(/[[<].*/, '')
    .split(',')
    .map((name) => name.trim());
}

/** '--chaos[=<seed>]' as '--chaos <seed>'. */
function plainFlags({ flags }: OptionSpec): string {
  return flags.replace('[=<', ' <').replace('>]', '>');
}

function takesValue(option: OptionSpec): boolean {
  return option.flags.includes('<');
}

/** `type: []` makes cac collect every value of an option in an array. */
function cacConfig(option: OptionSpec): { type?: unknown[] } {
  return takesValue(option) ? { type: [] } : {};
}

function protect(long: string, value: string): string {
  return `${long}==${value}`;
}

function unprotect(value: string): string {
  return value.slice(1);
}

function camelCase(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
