import { type Attachment, ByteQueue } from './byte-queue.js';
import type { Connection } from './connections.js';
import type { DatagramQueue } from './datagrams.js';
import type { NetlinkTalk } from './netlink.js';
import type { OpenFile } from './open-file.js';

const SOCK_STREAM = 1;

/** A socket option that was set. */
export interface SocketOption {
  readonly level: number;
  readonly name: number;
  readonly value: Uint8Array;
}

/** A socket, as its calls have made it. */
export class Socket {
  /** Address it was bound to (struct sockaddr); after listen or connect without bind: what the kernel said. */
  bound: Uint8Array | undefined;
  /** Working directory when it was bound, or connected without. */
  boundIn = '/';
  /** Backlog, if it listens. */
  backlog: number | undefined;
  /** Address of whom it is connected to. */
  peer: Uint8Array | undefined;
  /** The other end of a socketpair. */
  pair: Socket | undefined;
  /** Between two processes of the recording, as far as is known. */
  connection: Connection | undefined;
  /** No process has it open any more. */
  released = false;
  /** When it began to listen, ns since the recording began. */
  listenedAt = 0;
  /** Bits of shutdown(2): 1 read, 2 write. */
  closed = 0;
  /** By level and name. */
  readonly options = new Map<string, SocketOption>();
  /** What waits to be read here, where the sender is in the recording. */
  queue: ByteQueue;
  /** Where what is sent here waits to be read, if that is in the recording. */
  outgoing: ByteQueue | undefined;
  /** Of a datagram socket that is none of a pair: what waits there. */
  datagrams: DatagramQueue | undefined;
  /** The process at the other end, as the program has been told (SO_PEERCRED). */
  peerPid: number | undefined;
  /** Of a netlink socket. */
  netlink: NetlinkTalk | undefined;
  /** Came out of accept(2). */
  accepted = false;

  constructor(
    readonly family: number,
    /** SOCK_* without flags. */
    readonly type: number,
    readonly protocol: number,
    settle: (attachment: Attachment, places: readonly OpenFile[]) => void,
  ) {
    this.queue = new ByteQueue(type !== SOCK_STREAM, settle);
  }

  /** Descriptors that wait to be received. */
  files(): readonly OpenFile[] {
    return this.queue.files().concat(this.datagrams?.files() ?? []);
  }
}
