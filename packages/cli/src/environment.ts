/** An environment as `NAME=value` strings. */
export function environment(env: Readonly<Record<string, string | undefined>>): readonly string[] {
  return Object.entries(env).map(([name, value]) => `${name}=${value ?? ''}`);
}
