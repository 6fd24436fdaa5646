/** Runs `replay` with the arguments after its name; resolves to the exit code. */
export async function main(_argv: readonly string[]): Promise<number> {
  process.stderr.write('replay: not available yet\n');
  return 1;
}
