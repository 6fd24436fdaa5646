import { constants } from 'node:os';

/**
 * Statuses of the commands' own, documented in docs/ERRORS.md. A recorded program may end with the same number: whoever
 * must tell them apart looks for the command's line on standard error.
 */
export const ExitCode = {
  Ok: 0,
  /** The answer is no. `profiler --diff`: the logs are not the same; `scribe hunt`: no run has failed. */
  No: 1,
  /** Wrong option or argument; nothing was started. */
  Usage: 2,
  /** A replay cannot become a running program here. */
  CannotGoLive: 119,
  /** A replay differed from its log. */
  Divergence: 120,
  /** No log, a damaged one, or one of a newer format. */
  LogUnreadable: 121,
  /** The kernel or its policy refuses ptrace. */
  PtraceRefused: 122,
  /** The program's surroundings could not be made: directory, root, network, its contents. */
  CannotStart: 123,
  /** The log or another output file could not be written to its end. */
  LogWriteFailed: 124,
  /** A fault of scribe-ts itself. */
  Internal: 125,
  /** The command was found but cannot be executed, as shells have it. */
  NotExecutable: 126,
  /** The command was not found, as shells have it. */
  NotFound: 127,
} as const;

/** Signals whose default action dumps core: see `signalToRaise`. */
const CORE_SIGNALS: ReadonlySet<number> = new Set(
  (
    [
      'SIGQUIT',
      'SIGILL',
      'SIGABRT',
      'SIGFPE',
      'SIGSEGV',
      'SIGBUS',
      'SIGSYS',
      'SIGTRAP',
      'SIGXCPU',
      'SIGXFSZ',
    ] as const
  ).map((name) => constants.signals[name]),
);

/** The signal that ended a program, 0 if it exited. `status` is a wait status, as waitpid gives it. */
export function endingSignal(status: number): number {
  return status & 0x7f;
}

/** What a shell's `$?` shows for a wait status: the exit status, or 128 + the signal. */
export function shellStatus(status: number): number {
  const signal = endingSignal(status);
  return signal === 0 ? (status >> 8) & 0xff : 128 + signal;
}

/**
 * The signal with which to end ourselves so that our parent sees what the program's parent would have seen; 0 for none.
 * Signals that dump core are left out: our core would overwrite the program's.
 */
export function signalToRaise(status: number): number {
  const signal = endingSignal(status);
  return CORE_SIGNALS.has(signal) ? 0 : signal;
}

/** 'SIGTERM' for 15; 'signal 34' where there is no name. */
export function signalName(signal: number): string {
  for (const [name, number] of Object.entries(constants.signals)) {
    if (number === signal && name !== 'SIGIOT' && name !== 'SIGPOLL') return name;
  }
  return `signal ${signal}`;
}

/** 'exited with 3', 'killed by SIGTERM'. */
export function describeStatus(status: number): string {
  const signal = endingSignal(status);
  return signal === 0 ? `exited with ${shellStatus(status)}` : `killed by ${signalName(signal)}`;
}
