/** Milliseconds of a clock that never goes back. `performance` has Node load a dozen modules when it is first used in a thread. */
export function now(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}
