/** A replay cannot become a program here. `code`: NOT_REACHED, NOT_SUPPORTED, NEW_PIDS or INCOMPLETE. */
export class LiveError extends Error {
  constructor(
    readonly code: 'NOT_REACHED' | 'NOT_SUPPORTED' | 'NEW_PIDS' | 'INCOMPLETE',
    message: string,
  ) {
    super(message);
    this.name = 'LiveError';
  }
}
