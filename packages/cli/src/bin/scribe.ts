import { runUmbrella } from '../umbrella.js';

/** Runs `scribe` with the arguments after its name; resolves to the exit code. */
export function main(argv: readonly string[]): Promise<number> {
  return runUmbrella(argv);
}
