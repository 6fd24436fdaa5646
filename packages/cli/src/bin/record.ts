import { runCommand } from '../command.js';
import { record } from '../commands/record.js';

/** Runs `record` with the arguments after its name; resolves to the exit code. */
export function main(argv: readonly string[]): Promise<number> {
  return runCommand(record, argv);
}
