import { closeSync, fstatSync, openSync, readFileSync, writeSync } from 'node:fs';
import { errorCode } from './errors.js';

/** What a command needs of the process it runs in; tests give another. */
export interface Host {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since some moment. */
  now(): number;
  isTerminal(fd: number): boolean;
  /** Writes everything, waiting while the reader is slow. Throws ClosedPipeError once nobody reads any more. */
  write(fd: number, bytes: Uint8Array | string): void;
  /** Content of a small file, undefined if it cannot be read. */
  readText(path: string): string | undefined;
  /** Returns a function that takes the handler back. */
  onSignal(signal: NodeJS.Signals, handler: () => void): () => void;
  /** At the end of this process its handlers stay until there is nobody to be signalled any more. */
  keepHandlers(): void;
  /** Sends a signal to this process. Returns if the signal did not end it. */
  raise(signal: number | NodeJS.Signals): void;
  /** False if the current directory has been removed. */
  hasDirectory(): boolean;
  enterDirectory(path: string): void;
  /** Called last by a command whose program may have changed the terminal's modes. */
  leaveTerminal(): void;
}

/** The reader of our output is gone, as in `profiler x.log | head`. */
export class ClosedPipeError extends Error {
  readonly code = 'EPIPE';
  constructor() {
    super('the output is closed');
    this.name = 'ClosedPipeError';
  }
}

/** How long to wait for the reader of a non-blocking descriptor. */
const FULL_PIPE_WAIT_MS = 5;

/**
 * This process. It never touches process.stdin, stdout and stderr: making those objects may switch the terminal or pipe
 * behind them to non-blocking mode, for the recorded program too.
 */
export function processHost(): Host {
  return {
    env: process.env,
    now,
    isTerminal,
    write: writeAll,
    readText(path) {
      try {
        return readFileSync(path, 'utf8');
      } catch {
        return undefined;
      }
    },
    onSignal(signal, handler) {
      process.on(signal, handler);
      return () => process.off(signal, handler);
    },
    keepHandlers() {
      // An end by itself has Node take its handles down first, and default actions are back for the milliseconds until exit.
      process.once('exit', () => process.exit());
    },
    raise(signal) {
      // Node ignores SIGPIPE; taking a handler back leaves the default action behind.
      if (signal === 13) process.once('SIGPIPE', nothing).off('SIGPIPE', nothing);
      process.kill(process.pid, signal);
    },
    hasDirectory() {
      try {
        process.cwd();
        return true;
      } catch {
        return false;
      }
    },
    enterDirectory(path) {
      process.chdir(path);
    },
    leaveTerminal,
  };
}

/** `performance` has Node load a dozen modules when it is first used. */
function now(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}

/** node:tty, which loads all of Node's networking, is only asked about a character device. */
function isTerminal(fd: number): boolean {
  try {
    if (!fstatSync(fd).isCharacterDevice()) return false;
  } catch {
    return false;
  }
  return process.getBuiltinModule('node:tty').isatty(fd);
}

function writeAll(fd: number, bytes: Uint8Array | string): void {
  const buffer = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
  for (let done = 0; done < buffer.length;) {
    try {
      done += writeSync(fd, buffer, done);
    } catch (error) {
      const code = errorCode(error);
      if (code === 'EPIPE') throw new ClosedPipeError();
      if (code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, FULL_PIPE_WAIT_MS);
    }
  }
}

/**
 * At its exit Node puts the terminal modes back to what they were when it started: that would undo what the program
 * did (`record stty -echo`), and break a program that we leave running. It does so only for descriptors that are still the
 * same files.
 */
function leaveTerminal(): void {
  for (const fd of [0, 1, 2]) {
    try {
      closeSync(fd);
      openSync('/dev/null', 'r+');
    } catch {
      // It was closed before.
    }
  }
}

function nothing(): void {}
