/**
 * Does something with a stopped task. A task may be killed at any stop; what cannot be done with it then is left undone,
 * as its end is what the next wait reports.
 */
export function unlessGone(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

/** True for the error of an operation on a task that is not there any more, or not stopped as it has been killed. */
export function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ESRCH';
}
