import { IpcObject } from './ipc-object.js';

/** A message of System V. */
export interface QueuedMessage {
  readonly type: bigint;
  readonly bytes: Uint8Array;
}

interface Timed extends QueuedMessage {
  readonly time: number;
}

/**
 * A message queue of System V. Senders and receivers mostly are in different streams, so a replay may come to what has been
 * received before it was sent.
 */
export class MessageQueue extends IpcObject {
  /** Most bytes that wait in it, as IPC_SET has set it. */
  capacity: number | undefined;
  private readonly queued: Timed[] = [];
  /** Received, and not sent yet. */
  private readonly owed: QueuedMessage[] = [];

  /** What waits, the oldest first. */
  get messages(): readonly QueuedMessage[] {
    return this.queued;
  }

  get isAhead(): boolean {
    return this.isOurs && this.owed.length > 0;
  }

  send(time: number, type: bigint, bytes: Uint8Array): void {
    const debt = find(this.owed, { type, bytes });
    if (debt >= 0) {
      this.owed.splice(debt, 1);
      return;
    }
    let place = this.queued.length;
    while (place > 0 && this.queued[place - 1]!.time > time) place--;
    this.queued.splice(place, 0, { time, type, bytes });
  }

  /** `bytes`: fewer than were sent where there was no room for more. */
  receive(type: bigint, bytes: Uint8Array): void {
    const place = find(this.queued, { type, bytes });
    if (place >= 0) this.queued.splice(place, 1);
    else this.owed.push({ type, bytes });
  }
}

/** The first message of the type that begins, or is begun, with the bytes; -1: none. */
function find(messages: readonly QueuedMessage[], { type, bytes }: QueuedMessage): number {
  return messages.findIndex((message) => {
    if (message.type !== type) return false;
    const size = Math.min(message.bytes.length, bytes.length);
    return Buffer.compare(message.bytes.subarray(0, size), bytes.subarray(0, size)) === 0;
  });
}
