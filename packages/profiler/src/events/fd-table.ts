/** What descriptors refer to, followed call by call. */

/** What a descriptor refers to, as far as the log tells. Never changed: a descriptor that changes gets another. */
export interface Descriptor {
  /**
   * As /proc/PID/fd shows it: a path, `pipe:[4711]`, `socket:[4711]`, `anon_inode:[eventpoll]`; or for a socket whose
   * calls the log has, what it is and is connected to: `tcp 127.0.0.1:4000→127.0.0.1:80`.
   */
  readonly text: string;
  /** The path, for files alone. */
  readonly path?: string;
  readonly socket?: SocketState;
  readonly closeOnExec: boolean;
}

/** What is known of a socket. Addresses are as in the text of its descriptor. */
export interface SocketState {
  /** AF_*, and SOCK_* without its flags. */
  readonly family: number;
  readonly type: number;
  readonly protocol: number;
  /** `/proc`'s name for it: `socket:[4711]`; '' if not known. */
  readonly link: string;
  readonly local: string;
  readonly peer: string;
}

/** Meanings remembered of one number. */
const REMEMBERED = 4;

interface History {
  readonly since: number[];
  readonly meanings: (Descriptor | undefined)[];
}

/**
 * A table of descriptors that can be asked for its state a while ago: an event is often printed after the log has been
 * read on. It remembers the last few meanings of each number, and says that it does not know about times before these.
 */
export class FdTable {
  private readonly entries = new Map<number, History>();

  /** What `fd` meant when event number `at` came; undefined if that is not known. */
  get(fd: number, at: number): Descriptor | undefined {
    const history = this.entries.get(fd);
    if (history === undefined) return undefined;
    const { since, meanings } = history;
    for (let i = since.length - 1; i >= 0; i--) if (since[i]! <= at) return meanings[i];
    return undefined;
  }

  /** From event number `at` on, `fd` is this; undefined: it is closed. */
  set(fd: number, at: number, meaning: Descriptor | undefined): void {
    let history = this.entries.get(fd);
    if (history === undefined) {
      if (meaning === undefined) return;
      history = { since: [], meanings: [] };
      this.entries.set(fd, history);
    }
    const { since, meanings } = history;
    if (since.at(-1) === at) {
      meanings[meanings.length - 1] = meaning;
      return;
    }
    since.push(at);
    meanings.push(meaning);
    if (since.length > REMEMBERED) {
      since.shift();
      meanings.shift();
    }
  }

  /** Descriptors that are open now. */
  *open(): Generator<readonly [number, Descriptor], void, undefined> {
    for (const [fd, { meanings }] of this.entries) {
      const now = meanings.at(-1);
      if (now !== undefined) yield [fd, now];
    }
  }

  /** A table with the same descriptors; those that `own` knows of are kept. */
  copy(own?: FdTable): FdTable {
    const table = new FdTable();
    for (const [fd, { since, meanings }] of this.entries) {
      const now = meanings.at(-1);
      if (now !== undefined) table.entries.set(fd, { since: [since.at(-1)!], meanings: [now] });
    }
    if (own !== undefined) for (const [fd, history] of own.entries) table.entries.set(fd, history);
    return table;
  }
}
