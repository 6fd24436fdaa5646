import { runCommand } from '../command.js';
import { profiler } from '../commands/profiler.js';

/** Runs `profiler` with the arguments after its name; resolves to the exit code. */
export function main(argv: readonly string[]): Promise<number> {
  return runCommand(profiler, argv);
}
