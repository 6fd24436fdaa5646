/** How a call is printed that its row alone does not print well. */
import type { ArgPrinter, Call } from './call.js';
import type { Struct } from './struct.js';
import { structNamed } from './structs.js';

export interface Exception {
  /** Printers of some arguments. */
  readonly args?: Readonly<Record<number, ArgPrinter>>;
  /** How many arguments the call takes, where that depends. */
  readonly taken?: (call: Call) => number;
  /** Which arguments, by index, where the first ones are not it. */
  readonly order?: (call: Call) => readonly number[];
  /** All arguments at once. */
  readonly all?: (call: Call) => string;
  /** The result of a call that did not fail; undefined: as the row says. */
  readonly result?: (call: Call) => string | undefined;
}

/** The structure of that C name, which there is. */
export function known(name: string): Struct {
  const found = structNamed(name);
  if (found === undefined) throw new Error(`no structure ${name}`);
  return found;
}
