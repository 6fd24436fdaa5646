import type { ChalkInstance } from 'chalk';
import type { Host } from './host.js';

/** Text gathered before it is written. */
const BLOCK_CHARS = 64 * 1024;

/** Names of the few styles that the commands use. */
export type Style = 'error' | 'heading' | 'dim' | 'good';

/** All that the commands print goes through here: the only place that knows about colours. */
export class Output {
  private chalk: ChalkInstance | undefined;
  private pending: string[] = [];
  private pendingChars = 0;

  constructor(
    readonly host: Host,
    /** Printed before messages: 'record', 'scribe info'. */
    readonly command: string,
  ) {}

  /** Makes `paint` colour text for `fd`. Without this call it doesn't, as the commands' usual way needs no colours. */
  async useColours(fd: 1 | 2): Promise<void> {
    if (!wantsColours(this.host, fd)) return;
    const { Chalk } = await import('chalk');
    // A level of our own: chalk's detection reads the whole command line, so `record ls --color=always` would set it.
    this.chalk = new Chalk({ level: 1 });
  }

  paint(style: Style, text: string): string {
    const { chalk } = this;
    if (chalk === undefined) return text;
    switch (style) {
      case 'error':
        return chalk.red(text);
      case 'heading':
        return chalk.bold(text);
      case 'dim':
        return chalk.dim(text);
      case 'good':
        return chalk.green(text);
    }
  }

  /** A line to standard output, written in large blocks: end with `flush`. Throws ClosedPipeError. */
  line(text: string): void {
    this.pending.push(text);
    this.pendingChars += text.length + 1;
    if (this.pendingChars >= BLOCK_CHARS) this.flush();
  }

  flush(): void {
    if (this.pending.length === 0) return;
    const text = `${this.pending.join('\n')}\n`;
    this.pending = [];
    this.pendingChars = 0;
    this.host.write(1, text);
  }

  /** A value as JSON to standard output. */
  json(value: unknown): void {
    this.line(JSON.stringify(value, null, 2));
    this.flush();
  }

  /** A line of the command's own to standard error. */
  message(text: string): void {
    this.stderr(`${this.command}: ${text}\n`);
  }

  /** Text to standard error as it is. */
  stderr(text: string): void {
    try {
      this.host.write(2, text);
    } catch {
      // Nobody is left to be told.
    }
  }
}

/** https://no-color.org, and FORCE_COLOR as Node's own tools take it. */
function wantsColours(host: Host, fd: number): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = host.env;
  if (NO_COLOR) return false;
  if (FORCE_COLOR !== undefined) return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false';
  return host.isTerminal(fd) && TERM !== 'dumb';
}

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** '812 bytes', '5.3 KiB'. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit + 1 < UNITS.length) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]!}`;
}

/** '1 task', '3 tasks'. */
export function count(number: number, noun: string, plural = `${noun}s`): string {
  return `${number} ${number === 1 ? noun : plural}`;
}
