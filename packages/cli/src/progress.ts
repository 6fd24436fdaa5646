import type { Host } from './host.js';

/** Time between two updates of the line. */
const UPDATE_MS = 100;
/** Work that ends sooner shows nothing. */
const DELAY_MS = 500;
const ERASE = '\r\x1b[K';

/** A line on the terminal that says how far a long piece of work is. Off a terminal it does nothing. */
export class Progress {
  private active: boolean | undefined;
  private nextUpdate: number;
  private shown = false;

  constructor(
    private readonly host: Host,
    private readonly label: string,
  ) {
    this.nextUpdate = host.now() + DELAY_MS;
  }

  /** True on a terminal: whoever writes to it meanwhile calls `clear` before. */
  get isActive(): boolean {
    this.active ??= this.host.isTerminal(2);
    return this.active;
  }

  /** Says that `part` of the work, 0 to 1, is done. Cheap enough to be called often. */
  update(part: number): void {
    if (!this.isActive) return;
    const now = this.host.now();
    if (now < this.nextUpdate) return;
    this.nextUpdate = now + UPDATE_MS;
    const percent = Math.floor(Math.min(Math.max(part, 0), 1) * 100);
    this.write(`${ERASE}${this.label} ${String(percent).padStart(3)} %`);
    this.shown = true;
  }

  /** Takes the line away. */
  clear(): void {
    if (!this.shown) return;
    this.shown = false;
    this.write(ERASE);
  }

  private write(text: string): void {
    try {
      this.host.write(2, text);
    } catch {
      // The terminal is gone; the work goes on.
    }
  }
}
