import type { TaskUid } from '@scribe-ts/tracelog';
import { internetKey, unixKey } from './addresses.js';
import { type Half, Halves, MAX_WAITING } from './halves.js';

/** What is known of a socket that has been connected or accepted. */
export interface End {
  /** struct sockaddr. */
  readonly local: Uint8Array;
  readonly peer: Uint8Array;
  /** Tells it from all other sockets; 0 if it is not known. */
  readonly inode: number;
  /** The process at the other end of a unix socket, or that made it listen; 0 if it is not known. */
  readonly peerPid: number;
}

/** Who has connected or accepted it. */
export interface Maker {
  readonly uid: TaskUid;
  readonly pid: number;
}

/** A unix socket that takes connections. */
interface UnixListener {
  /** Tells sockets apart. */
  readonly socket: string;
  /** Process that made it listen. */
  readonly pid: number;
  /** Tells it from those that had the address before. */
  readonly serial: number;
  /** Tasks that have accepted, and by process those that have connected: with more than one the order is not known. */
  readonly acceptors: Set<TaskUid>;
  readonly connectors: Map<number, TaskUid | 'several'>;
}

/**
 * Gives numbers to connections, the same one to both ends within the recording, whichever of them is told first; where it is not
 * sure which ends belong together, each has a number of its own. Internet sockets are known by their addresses. Of unix sockets the one that connects has none: `peerOf` tells who is connected with
 * whom (as unixPeer), as long as both ends are open. Of those that are not, a listener accepts those of one process in the
 * order in which this has connected them; where several tasks do one or the other they stay alone.
 */
export class Connections {
  private next = 1;
  private readonly connected = new Halves();
  private readonly accepted = new Halves();
  /** Unix sockets that have been connected, by inode. */
  private readonly connectedInodes = new Map<number, Half>();
  /** Numbers of accepted connections by the inode of the other end. */
  private readonly acceptedPeers = new Map<number, number>();
  /** Internet sockets that were being connected, by inode: the program may ask more than once whether they are. */
  private readonly underWay = new Map<number, Pick<Half, 'id' | 'key'>>();
  /** By address. */
  private readonly listeners = new Map<string, UnixListener>();

  constructor(private readonly peerOf: (inode: number) => number) {}

  /** A unix socket listens at an address from now on, if it has not already. */
  listens(address: Uint8Array, socket: string, pid: number): void {
    const key = unixKey(address);
    if (this.listeners.get(key)?.socket === socket) return;
    const serial = this.next++;
    const listener = { socket, pid, serial, acceptors: new Set<TaskUid>(), connectors: new Map() };
    this.listeners.set(key, listener);
  }

  /** A number that no other has. */
  fresh(): number {
    return this.next++;
  }

  /**
   * An internet socket has been connected. `since`: when its call began, or up to `slack` later, ns; `isUnderWay`: it is not
   * connected yet.
   */
  connectedInternet(end: End, since: number, slack: number, isUnderWay: boolean): number {
    const { local, peer, inode } = end;
    const key = `${internetKey(local)} ${internetKey(peer)}`;
    const told = this.underWay.get(inode);
    if (!isUnderWay) this.underWay.delete(inode);
    if (told?.key === key) return told.id;
    const mayBe = this.accepted.of(key).filter((half) => half.time + half.slack >= since);
    const isSure = mayBe.length <= 1 || mayBe.every(({ time }) => time >= since + slack);
    const id = (isSure ? mayBe[0]?.id : undefined) ?? this.next++;
    if (mayBe.length === 0) this.connected.add({ id, key, inode, time: since, slack });
    else if (isSure) this.accepted.remove(mayBe[0]!);
    else for (const half of mayBe) this.accepted.remove(half);
    if (isUnderWay && inode !== 0) keep(this.underWay, inode, { id, key });
    return id;
  }

  /** An internet socket has been accepted, at `time` or up to `slack` later, ns. */
  acceptedInternet({ local, peer, inode }: End, time: number, slack: number): number {
    const key = `${internetKey(peer)} ${internetKey(local)}`;
    const mayBe = this.connected.of(key).filter((half) => half.time <= time + slack);
    const isSure = mayBe.length <= 1 || mayBe.every((half) => half.time + half.slack <= time);
    // Addresses are used again: the other end is the one that was made last before.
    const other = isSure ? mayBe.at(-1) : undefined;
    const id = other?.id ?? this.next++;
    if (mayBe.length === 0) this.accepted.add({ id, key, inode, time, slack });
    else if (other !== undefined) this.connected.remove(other);
    else for (const half of mayBe) this.connected.remove(half);
    return id;
  }

  /** A unix socket has been connected. */
  connectedUnix({ peer, inode, peerPid }: End, { uid, pid }: Maker, since: number): number {
    const known = this.acceptedPeers.get(inode);
    const listener = this.listeners.get(unixKey(peer));
    const isKnown = listener?.pid === peerPid;
    if (isKnown) {
      const { connectors } = listener;
      const before = connectors.get(pid) ?? uid;
      connectors.set(pid, before === uid ? uid : 'several');
    }
    if (known !== undefined) {
      this.acceptedPeers.delete(inode);
      return known;
    }
    const key = isKnown ? `${listener.serial} ${pid}` : '';
    const other = isKnown && isInOrder(listener, pid) ? this.accepted.of(key)[0] : undefined;
    if (other !== undefined) {
      this.accepted.remove(other);
      return other.id;
    }
    const half = { id: this.next++, key, inode, time: since, slack: 0 };
    if (isKnown) this.connected.add(half);
    if (inode !== 0) keep(this.connectedInodes, inode, half);
    return half.id;
  }

  /** A unix socket has been accepted, at `time` or up to `slack` later, ns. */
  acceptedUnix(end: End, { uid, pid }: Maker, time: number, slack: number): number {
    const { local, inode, peerPid } = end;
    const listener = this.listeners.get(unixKey(local));
    listener?.acceptors.add(uid);
    const peer = inode === 0 ? 0 : this.peerOf(inode);
    if (peer !== 0) {
      const other = this.connectedInodes.get(peer);
      if (other !== undefined) return this.pair(other);
      const id = this.next++;
      keep(this.acceptedPeers, peer, id);
      return id;
    }
    // One of the two is closed already.
    if (listener?.pid !== pid || !isInOrder(listener, peerPid)) return this.next++;
    const key = `${listener.serial} ${peerPid}`;
    const other = this.connected.of(key).find((half) => half.time <= time + slack);
    if (other !== undefined) return this.pair(other);
    const id = this.next++;
    this.accepted.add({ id, key, inode, time, slack });
    return id;
  }

  private pair(other: Half): number {
    this.connected.remove(other);
    this.connectedInodes.delete(other.inode);
    return other.id;
  }
}

/** One task accepts, and one task of the process connects. */
function isInOrder({ acceptors, connectors }: UnixListener, pid: number): boolean {
  return acceptors.size <= 1 && connectors.get(pid) !== 'several';
}

/** Adds to a map that forgets the oldest when there are too many. */
function keep<T>(map: Map<number, T>, key: number, value: T): void {
  map.set(key, value);
  if (map.size > MAX_WAITING) for (const [oldest] of map) return void map.delete(oldest);
}
