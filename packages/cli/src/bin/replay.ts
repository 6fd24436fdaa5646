import { runCommand } from '../command.js';
import { replay } from '../commands/replay.js';

/** Runs `replay` with the arguments after its name; resolves to the exit code. */
export function main(argv: readonly string[]): Promise<number> {
  return runCommand(replay, argv);
}
