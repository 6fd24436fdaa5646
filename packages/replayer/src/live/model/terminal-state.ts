/** What a program has changed of the terminal that it was started with. */
export interface TerminalState {
  /** ioctl request that sets modes, and what it was given: struct termios or termios2. */
  modes: { readonly request: number; readonly bytes: Uint8Array } | undefined;
  /** Process group that TIOCSPGRP put into the foreground. */
  foreground: number | undefined;
}
