/** A message of a POSIX queue. */
export interface PosixMessage {
  readonly priority: number;
  readonly bytes: Uint8Array;
}

interface Timed extends PosixMessage {
  readonly time: number;
}

/** A POSIX message queue. Receivers may be replayed before whoever sent what they have. */
export class PosixQueue {
  /** Access bits. */
  mode = 0o600;
  /** How many messages it takes, and of how many bytes each; undefined: as many as the system says. */
  limits: { readonly messages: bigint; readonly size: bigint } | undefined;
  /** A call of the recording may have made it. */
  isOurs = false;
  /** It has no name any more. */
  isRemoved = false;
  private readonly queued: Timed[] = [];
  /** Received, and not sent yet. */
  private readonly owed: Uint8Array[] = [];

  /** `name`: without the slash. */
  constructor(readonly name: string) {}

  /** What waits, in the order in which it was sent. */
  get messages(): readonly PosixMessage[] {
    return this.queued;
  }

  get isAhead(): boolean {
    return this.isOurs && this.owed.length > 0;
  }

  send(time: number, priority: number, bytes: Uint8Array): void {
    const debt = this.owed.findIndex((owed) => Buffer.compare(owed, bytes) === 0);
    if (debt >= 0) {
      this.owed.splice(debt, 1);
      return;
    }
    let place = this.queued.length;
    while (place > 0 && this.queued[place - 1]!.time > time) place--;
    this.queued.splice(place, 0, { time, priority, bytes });
  }

  /** The first one of the highest priority that is this one. */
  receive(bytes: Uint8Array): void {
    let found: Timed | undefined;
    for (const message of this.queued)
      if (
        Buffer.compare(message.bytes, bytes) === 0 &&
        (found === undefined || message.priority > found.priority)
      )
        found = message;
    if (found === undefined) this.owed.push(bytes);
    else this.queued.splice(this.queued.indexOf(found), 1);
  }
}

/** POSIX message queues of a recording. */
export class PosixQueues {
  private readonly named = new Map<string, PosixQueue>();

  /** Those that have a name. */
  values(): IterableIterator<PosixQueue> {
    return this.named.values();
  }

  get isAhead(): boolean {
    for (const queue of this.named.values()) if (queue.isAhead) return true;
    return false;
  }

  /** The one that a call has opened. */
  opened(name: string): PosixQueue {
    let queue = this.named.get(name);
    if (queue === undefined) this.named.set(name, (queue = new PosixQueue(name)));
    return queue;
  }

  removed(name: string): void {
    const queue = this.named.get(name);
    if (queue !== undefined) queue.isRemoved = true;
    this.named.delete(name);
  }
}
