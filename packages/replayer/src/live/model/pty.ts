import { LineDiscipline } from './line-discipline.js';

/** So many events are kept apart, and half of them are put together then. */
const MAX_EVENTS = 20_000;

interface Event {
  readonly time: number;
  readonly apply: (discipline: LineDiscipline) => void;
}

/**
 * A pseudo-terminal whose master end was opened in the recording. Whoever has its ends mostly are of different streams, and what
 * becomes of a byte depends on what came before: what happens is kept with its time, and put in order when somebody asks.
 */
export class Pty {
  /** Of /dev/pts/N; undefined as long as nobody has asked. */
  number: number | undefined;
  /** struct winsize, undefined: never set. */
  size: Uint8Array | undefined;
  /** Its slave end may not be opened yet. */
  isLocked = true;
  /** Its slave end has been open. */
  wasOpened = false;
  packets = false;
  /** Session that it controls, and the process group in the foreground. */
  session: number | undefined;
  foreground: number | undefined;
  private base = new LineDiscipline();
  private events: Event[] = [];

  /** How it is after all that has been told. */
  settled(): LineDiscipline {
    const discipline = this.base.copy();
    for (const { apply } of this.inOrder()) apply(discipline);
    return discipline;
  }

  /** Something happened at `time`, ns since the recording began. */
  happened(time: number, apply: (discipline: LineDiscipline) => void): void {
    this.events.push({ time, apply });
    if (this.events.length < MAX_EVENTS) return;
    this.events = this.inOrder();
    for (const old of this.events.splice(0, MAX_EVENTS / 2)) old.apply(this.base);
  }

  /** Read at an end. */
  read(end: 'master' | 'slave', bytes: Uint8Array, time: number): void {
    // In packet mode a byte before them tells what they are.
    const data = (end === 'master' && this.packets ? bytes.subarray(1) : bytes).slice();
    this.happened(time, (discipline) =>
      end === 'master' ? discipline.output.read(data) : discipline.taken(data),
    );
  }

  written(end: 'master' | 'slave', bytes: Uint8Array, time: number): void {
    const data = bytes.slice();
    this.happened(time, (discipline) =>
      end === 'master' ? discipline.typed(data) : discipline.printed(data),
    );
  }

  private inOrder(): Event[] {
    return [...this.events].sort((one, other) => one.time - other.time);
  }
}

/** Pseudo-terminals of a recording, by number. */
export class Ptys {
  private readonly byNumber = new Map<number, Pty>();

  numbered(pty: Pty, number: number): void {
    pty.number = number;
    this.byNumber.set(number, pty);
  }

  /** The one whose slave end a path names, or that controls a session. */
  at(path: string, session: number | undefined): Pty | undefined {
    if (path === '/dev/tty') return session === undefined ? undefined : this.of(session);
    const number = /^\/dev\/pts\/(\d+)$/.exec(path)?.[1];
    return number === undefined ? undefined : this.byNumber.get(Number(number));
  }

  /** The one that controls a session. */
  of(session: number): Pty | undefined {
    for (const pty of this.byNumber.values()) if (pty.session === session) return pty;
    return undefined;
  }

  /** Its master end has been closed. */
  closed(pty: Pty): void {
    pty.session = undefined;
    if (pty.number !== undefined && this.byNumber.get(pty.number) === pty)
      this.byNumber.delete(pty.number);
  }
}
