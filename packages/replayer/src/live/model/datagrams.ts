import type { Attachment } from './byte-queue.js';
import type { OpenFile } from './open-file.js';
import type { Socket } from './socket.js';
import { isAt } from './socket-address.js';

/** A datagram socket's call may be told of a bit later than another process's that came after it. */
const SLACK_NS = 1e9;
/** More than the kernel keeps for a socket, bytes: what comes then is dropped there as well. */
const MAX_BYTES = 4 * 1024 * 1024;
/** Datagrams that were received before they were sent, in the order of the replay. Most of them come from outside. */
const MAX_EARLY = 1000;

/** A datagram that waits to be received. */
export interface Datagram {
  readonly time: number;
  readonly bytes: Uint8Array;
  readonly attachment: Attachment;
  readonly from: Socket;
  /** Address that it was sent to. */
  readonly to: Uint8Array;
}

/**
 * What waits in a bound datagram socket and was sent in the recording. Others send there as well, and what is received does
 * not always tell who has sent it, so it is known by what is in it.
 */
export class DatagramQueue {
  private readonly datagrams: Datagram[] = [];
  private readonly early: { readonly time: number; readonly bytes: Uint8Array }[] = [];
  private size = 0;

  /** Returns false if it does not wait: it has been received already, or dropped. */
  sent(datagram: Datagram): boolean {
    const { bytes, time } = datagram;
    const taken = this.early.findIndex(
      (other) => other.time >= time - SLACK_NS && begins(bytes, other.bytes),
    );
    if (taken >= 0) {
      this.early.splice(taken, 1);
      return false;
    }
    if (this.size + bytes.length > MAX_BYTES) return false;
    this.size += bytes.length;
    let place = this.datagrams.length;
    while (place > 0 && this.datagrams[place - 1]!.time > time) place--;
    this.datagrams.splice(place, 0, datagram);
    return true;
  }

  /** One with these bytes, or with these at its beginning, has been received. Returns what went with it. */
  received(bytes: Uint8Array, time: number): Attachment | undefined {
    let found = this.datagrams.findIndex((other) => isSame(other.bytes, bytes));
    if (found < 0) found = this.datagrams.findIndex((other) => begins(other.bytes, bytes));
    if (found < 0) {
      this.early.push({ time, bytes });
      if (this.early.length > MAX_EARLY) this.early.shift();
      return undefined;
    }
    const [datagram] = this.datagrams.splice(found, 1);
    this.size -= datagram!.bytes.length;
    return datagram!.attachment;
  }

  /** What waits, the oldest first. */
  get waiting(): readonly Datagram[] {
    return this.datagrams;
  }

  files(): readonly OpenFile[] {
    return this.datagrams.flatMap(({ attachment }) => attachment.files);
  }
}

/** Datagram sockets that have an address. */
export class DatagramSockets {
  private readonly bound = new Set<Socket>();

  /** A socket has got an address. */
  named(socket: Socket): void {
    if (socket.datagrams !== undefined) this.bound.add(socket);
  }

  released(socket: Socket): void {
    this.bound.delete(socket);
  }

  /** Whoever gets what is sent to an address. */
  at(address: Uint8Array, family: number): Socket | undefined {
    for (const socket of this.bound)
      if (isKin(socket.family, family) && isAt(socket, address)) return socket;
    return undefined;
  }
}

const AF_UNIX = 1;

function isKin(one: number, other: number): boolean {
  return (one === AF_UNIX) === (other === AF_UNIX);
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && begins(one, other);
}

function begins(whole: Uint8Array, part: Uint8Array): boolean {
  return whole.length >= part.length && Buffer.compare(whole.subarray(0, part.length), part) === 0;
}
