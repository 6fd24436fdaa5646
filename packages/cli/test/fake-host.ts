import { readFileSync } from 'node:fs';
import { ClosedPipeError, type Host } from '../src/host.js';

export interface FakeHostOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Descriptors that are a terminal. */
  readonly terminals?: readonly number[];
  /** Standard output fails after so many writes, as when its reader is gone. */
  readonly writesUntilClosed?: number;
  /** Contents that files seem to have. */
  readonly files?: Readonly<Record<string, string>>;
}

/** A process that commands can be run in many times: it keeps what they write and lets tests send signals. */
export class FakeHost implements Host {
  readonly env: Readonly<Record<string, string>>;
  readonly written: Record<number, Buffer[]> = { 1: [], 2: [] };
  readonly raised: (number | string)[] = [];
  leftTerminal = 0;
  /** What the clock shows, ms. */
  time = 0;
  private readonly handlers = new Map<string, () => void>();

  constructor(private readonly options: FakeHostOptions = {}) {
    this.env = options.env ?? {};
  }

  get stdout(): string {
    return Buffer.concat(this.written[1]!).toString();
  }

  get stderr(): string {
    return Buffer.concat(this.written[2]!).toString();
  }

  get handled(): readonly string[] {
    return [...this.handlers.keys()].sort();
  }

  now = (): number => this.time;

  isTerminal = (fd: number): boolean => this.options.terminals?.includes(fd) ?? false;

  write = (fd: number, bytes: Uint8Array | string): void => {
    const limit = this.options.writesUntilClosed ?? Infinity;
    if (fd === 1 && this.written[1]!.length >= limit) throw new ClosedPipeError();
    this.written[fd]!.push(Buffer.from(bytes as Uint8Array));
  };

  readText = (path: string): string | undefined => {
    const faked = this.options.files?.[path];
    if (faked !== undefined || this.options.files !== undefined) return faked;
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return undefined;
    }
  };

  hasDirectory = (): boolean => true;
  enterDirectory = (): void => {};
  onSignal = (signal: NodeJS.Signals, handler: () => void): (() => void) => {
    this.handlers.set(signal, handler);
    return () => this.handlers.delete(signal);
  };

  keepHandlers = (): void => {};

  raise = (signal: number | NodeJS.Signals): void => {
    this.raised.push(signal);
  };

  leaveTerminal = (): void => {
    this.leftTerminal++;
  };

  /** What the kernel would do with a signal for this process. */
  send(signal: NodeJS.Signals): void {
    const handler = this.handlers.get(signal);
    if (handler === undefined) throw new Error(`${signal} has its default action`);
    handler();
  }
}
