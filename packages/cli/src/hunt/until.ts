import { constants } from 'node:os';
import { wholeNumber } from '../argv.js';
import { UsageError } from '../errors.js';
import { endingSignal, shellStatus } from '../exit-codes.js';

/** What a hunt is for. `status`, `signal`: only this one. */
export type Quarry =
  | { readonly kind: 'exit'; readonly status?: number }
  | { readonly kind: 'signal'; readonly signal?: number }
  | { readonly kind: 'hang' };

/** How a run has ended: a wait status, or it was ended because it took too long. */
export interface RunEnd {
  readonly status: number;
  readonly hung: boolean;
}

const KINDS = 'exit, exit=STATUS, signal, signal=NAME or hang';
const HIGHEST_STATUS = 255;
const HIGHEST_SIGNAL = 64;

/** Reads the values of --until: lists separated by commas. Throws UsageError. */
export function parseUntil(values: readonly string[]): readonly Quarry[] {
  return values.flatMap((value) => value.split(',').map(parseQuarry));
}

function parseQuarry(text: string): Quarry {
  const equals = text.indexOf('=');
  const kind = equals < 0 ? text : text.slice(0, equals);
  const value = equals < 0 ? undefined : text.slice(equals + 1);
  if (kind === 'exit') {
    return value === undefined
      ? { kind }
      : { kind, status: wholeNumber('--until exit=', value, 0, HIGHEST_STATUS) };
  }
  if (kind === 'signal') return value === undefined ? { kind } : { kind, signal: signalOf(value) };
  if (kind === 'hang' && value === undefined) return { kind };
  throw new UsageError(`--until takes ${KINDS}, not '${text}'`);
}

function signalOf(text: string): number {
  const name = text.toUpperCase();
  const numbers: Readonly<Record<string, number>> = constants.signals;
  const number = numbers[name] ?? numbers[`SIG${name}`];
  if (number !== undefined) return number;
  if (/^\d/.test(text)) return wholeNumber('--until signal=', text, 1, HIGHEST_SIGNAL);
  throw new UsageError(`--until knows no signal '${text}'`);
}

/** Whether a run has ended as one that is hunted for. */
export function isFound(quarries: readonly Quarry[], { status, hung }: RunEnd): boolean {
  const signal = endingSignal(status);
  return quarries.some((quarry) => {
    if (hung) return quarry.kind === 'hang';
    switch (quarry.kind) {
      case 'exit':
        return (
          signal === 0 &&
          (quarry.status === undefined
            ? shellStatus(status) !== 0
            : shellStatus(status) === quarry.status)
        );
      case 'signal':
        return signal !== 0 && (quarry.signal === undefined || signal === quarry.signal);
      case 'hang':
        return false;
    }
  });
}
