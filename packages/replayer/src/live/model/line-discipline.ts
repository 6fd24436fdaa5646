import { EchoQueue } from './echo-queue.js';

/** c_iflag, c_oflag, c_lflag. */
const IGNCR = 0o200;
const ICRNL = 0o400;
const INLCR = 0o100;
const ISTRIP = 0o40;
const IXON = 0o2000;
const OPOST = 1;
const ONLCR = 4;
/** Those that change or drop what is written, but for ONLCR: OLCUC, OCRNL, ONOCR, ONLRET, OFILL, TABDLY's XTABS. */
const STRANGE_OUTPUT = 0o2 | 0o10 | 0o20 | 0o40 | 0o100 | 0o14000;
const ISIG = 1;
const ICANON = 2;
const ECHO = 0o10;
const ECHONL = 0o100;
const NOFLSH = 0o200;
const ECHOCTL = 0o1000;
const IEXTEN = 0o100000;
/** Indices into c_cc. */
const VINTR = 0;
const VQUIT = 1;
const VERASE = 2;
const VKILL = 3;
const VEOF = 4;
const VSTART = 8;
const VSTOP = 9;
const VSUSP = 10;
const VREPRINT = 12;
const VWERASE = 14;
const VLNEXT = 15;
/** Of struct termios as the kernel has it: four words and c_line before it. */
const CC = 17;
const TERMIOS = 36;
const NEWLINE = 10;
const RETURN = 13;
const TAB = 9;

/** Modes that a pseudo-terminal begins with. */
function initialModes(): Uint8Array {
  const modes = new Uint8Array(TERMIOS);
  const view = new DataView(modes.buffer);
  for (const [i, flags] of [0x500, 5, 0xbf, 0x8a3b].entries()) view.setUint32(i * 4, flags, true);
  modes.set([3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0], CC);
  return modes;
}

/**
 * What becomes of the bytes that are written to a pseudo-terminal. What waits in it has been through here: its input as whoever
 * has the slave end will read it, its output as whoever has the master end will.
 */
export class LineDiscipline {
  /** struct termios, or termios2. */
  modes: Uint8Array = initialModes();
  readonly input = new EchoQueue();
  readonly output = new EchoQueue();
  private isStrange = false;
  /** A line that has not been ended yet. */
  private line: number[] = [];
  /** Ends of file (^D at the beginning of a line) that nobody has read yet. */
  private ends = 0;

  /** What waits is not known for sure. */
  get isUncertain(): boolean {
    return this.isStrange || this.input.differs || this.output.differs;
  }

  /** More has been read than was written. */
  get isAhead(): boolean {
    return !this.isUncertain && (this.input.isAhead || this.output.isAhead);
  }

  /** Bytes of a line that has not been ended yet. */
  get unfinished(): Uint8Array {
    return Uint8Array.from(this.line);
  }

  /** Whoever has the slave end will read an end of file. */
  get hasEnd(): boolean {
    return this.ends > 0;
  }

  get isCanonical(): boolean {
    return (this.flags(3) & ICANON) !== 0;
  }

  copy(): LineDiscipline {
    const copy = new LineDiscipline();
    copy.modes = this.modes;
    copy.line = [...this.line];
    copy.ends = this.ends;
    copy.isStrange = this.isStrange;
    copy.input.become(this.input);
    copy.output.become(this.output);
    return copy;
  }

  /** `flush`: what waits to be read at the slave end is dropped. */
  setModes(modes: Uint8Array, flush: boolean): void {
    const wasCanonical = this.isCanonical;
    this.modes = modes;
    if (flush) this.dropInput();
    // What was typed of a line can be read at once now.
    if (wasCanonical && !this.isCanonical) this.endLine();
  }

  dropInput(): void {
    this.line = [];
    this.ends = 0;
    this.input.clear();
  }

  /** Read at the slave end. */
  taken(bytes: Uint8Array): void {
    if (bytes.length > 0) this.input.read(bytes);
    else if (this.ends > 0) this.ends--;
  }

  /** Something has happened to it that is not followed. */
  lose(): void {
    this.isStrange = true;
  }

  /** Written at the master end. */
  typed(bytes: Uint8Array): void {
    for (const byte of bytes) this.type(byte);
    if (!this.isCanonical) this.endLine();
  }

  /** Written at the slave end. */
  printed(bytes: Uint8Array): void {
    this.output.write(this.processed(bytes));
  }

  private flags(word: 0 | 1 | 3): number {
    const { modes } = this;
    return new DataView(modes.buffer, modes.byteOffset).getUint32(word * 4, true);
  }

  private processed(bytes: Uint8Array): Uint8Array {
    const flags = this.flags(1);
    if ((flags & OPOST) === 0) return bytes.slice();
    if ((flags & STRANGE_OUTPUT) !== 0) this.isStrange = true;
    if ((flags & ONLCR) === 0) return bytes.slice();
    const out: number[] = [];
    for (const byte of bytes) {
      if (byte === NEWLINE) out.push(RETURN);
      out.push(byte);
    }
    return Uint8Array.from(out);
  }

  private endLine(): void {
    if (this.line.length > 0) this.input.write(this.unfinished);
    this.line = [];
  }

  private echo(byte: number): void {
    const flags = this.flags(3);
    if ((flags & ECHO) === 0 && !(byte === NEWLINE && (flags & ECHONL) !== 0)) return;
    const isControl = (byte < 32 && byte !== TAB && byte !== NEWLINE) || byte === 127;
    const shown = isControl && (flags & ECHOCTL) !== 0 ? [94, byte ^ 64] : [byte];
    this.printed(Uint8Array.from(shown));
  }

  private type(typed: number): void {
    const [iflag, lflag] = [this.flags(0), this.flags(3)];
    let byte = (iflag & ISTRIP) !== 0 ? typed & 127 : typed;
    const is = (...indices: number[]): boolean =>
      byte !== 0 && indices.some((index) => this.modes[CC + index] === byte);
    if ((iflag & IXON) !== 0 && is(VSTART, VSTOP)) return;
    if ((lflag & ISIG) !== 0 && is(VINTR, VQUIT, VSUSP)) {
      if ((lflag & NOFLSH) === 0) {
        this.dropInput();
        this.output.clear();
      }
      this.echo(byte);
      return;
    }
    if (byte === RETURN) {
      if ((iflag & IGNCR) !== 0) return;
      if ((iflag & ICRNL) !== 0) byte = NEWLINE;
    } else if (byte === NEWLINE && (iflag & INLCR) !== 0) byte = RETURN;
    if ((lflag & ICANON) !== 0) {
      if (is(VERASE, VKILL) || ((lflag & IEXTEN) !== 0 && is(VWERASE, VREPRINT, VLNEXT))) {
        // What that shows depends on what has been shown before.
        if ((lflag & ECHO) !== 0) this.isStrange = true;
        if (is(VERASE)) this.line.pop();
        else if (is(VKILL)) this.line = [];
        else this.isStrange = true;
        return;
      }
      if (is(VEOF)) {
        if (this.line.length === 0) this.ends++;
        return this.endLine();
      }
    }
    this.line.push(byte);
    this.echo(byte);
    if (byte === NEWLINE) this.endLine();
  }
}
