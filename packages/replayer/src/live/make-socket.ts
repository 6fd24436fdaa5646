import { bindSocket, inDirectory } from './bind-socket.js';
import { ConnectionMaker, setOptions } from './connect-sockets.js';
import type { SocketFiller } from './fill-queue.js';
import type { Tell } from './make-file.js';
import { isWhole, type Waiting } from './model/connections.js';
import { isMember } from './model/netlink.js';
import type { OpenFile } from './model/open-file.js';
import type { Socket } from './model/socket.js';
import type { Remote } from './remote.js';

const AF_UNIX = 1;
const F_SETFL = 4;
const O_NONBLOCK = 0o4000;
const SOCK_STREAM = 1;
const SOCK_SEQPACKET = 5;

/** Makes sockets of the recording again, all in one process. Those that are connected come before all others. */
export class SocketMaker {
  private readonly pairs = new Map<Socket, number>();
  private readonly datagramSockets = new Map<Socket, number>();
  /** Those that have been closed since they sent what waits. */
  private readonly senders = new Map<Socket, number>();
  private readonly connections: ConnectionMaker;
  private readonly fills: ((filler: SocketFiller) => void)[] = [];
  private readonly settings: (() => void)[] = [];

  /** `moveUp` gives a descriptor a number that is out of the program's way. */
  constructor(
    private readonly remote: Remote,
    private readonly moveUp: (fd: number) => number,
    private readonly waiting: readonly Waiting[],
    private readonly tell: Tell,
  ) {
    this.connections = new ConnectionMaker(remote, moveUp);
  }

  /** Returns its number, or a negative errno. `tell` gets what is not as it was, or why it cannot be. */
  make(file: OpenFile, socket: Socket, tell: Tell): number {
    const { remote } = this;
    if (socket.pair !== undefined) return this.pairedSocket(file, socket, socket.pair, tell);
    const isStream = socket.type === SOCK_STREAM || socket.type === SOCK_SEQPACKET;
    if (isStream && (socket.accepted || socket.peer !== undefined))
      return this.connected(file, socket, tell);
    const kept = socket.type | (file.flags & O_NONBLOCK);
    const fd = this.moveUp(remote.call('socket', socket.family, kept, socket.protocol));
    if (fd < 0) return fd;
    setOptions(remote, fd, socket);
    const { reuse } = this.connections;
    const steps: [string, () => number][] = [];
    if (socket.bound !== undefined && (socket.backlog !== undefined || !isStream))
      steps.push(['bind', () => bindSocket(remote, fd, socket)]);
    if (socket.backlog !== undefined) {
      // Connections that it has accepted have its port already.
      reuse.set(fd, socket);
      steps.push(['listen', () => remote.call('listen', fd, socket.backlog!)]);
    }
    for (const [name, step] of steps) {
      const result = step();
      if (result >= 0) continue;
      tell(`${name} failed with errno ${-result}`);
      // One that has been connected goes without: the kernel has chosen its address.
      if (!isStream && socket.peer !== undefined) continue;
      remote.call('close', fd);
      return result;
    }
    if (!isStream) this.datagramSockets.set(socket, fd);
    if (socket.netlink?.isAwaited === true)
      tell('an answer of the kernel that it had not read is lost');
    if (socket.netlink !== undefined && isMember(socket))
      tell('what the kernel has told it, and it had not read, is lost');
    return fd;
  }

  private pairedSocket(file: OpenFile, socket: Socket, other: Socket, tell: Tell): number {
    const { remote } = this;
    if (!this.pairs.has(socket)) {
      remote.call('socketpair', socket.family, socket.type, socket.protocol, remote.words(0));
      const ends = remote.pair().map((fd) => this.moveUp(fd));
      for (const [i, end] of [socket, other].entries()) {
        setOptions(remote, ends[i]!, end);
        this.linked(end, ends[i]!, ends[1 - i]!, tell);
        this.connections.compareCredentials(ends[i]!, end, tell);
      }
    }
    return this.finished(file, socket);
  }

  private connected(file: OpenFile, socket: Socket, tell: Tell): number {
    const { connection } = socket;
    if (connection === undefined || !isWhole(connection)) {
      const waits = this.waiting.some(({ client }) => client === socket);
      if (!waits) {
        tell('its peer is gone');
        return -1;
      }
      this.pairs.set(socket, this.connections.makeClient(socket, tell));
      return this.finished(file, socket);
    }
    const { client, server } = connection;
    if (!this.pairs.has(socket)) {
      const ends = this.connections.make(client!, server!, tell);
      if (ends === undefined) return -1;
      this.linked(client!, ends.client, ends.server, tell);
      this.linked(server!, ends.server, ends.client, tell);
    }
    return this.finished(file, socket);
  }

  /** A socket has been made, and what is sent to `other` comes to it. */
  private linked(socket: Socket, fd: number, other: number, tell: Tell): void {
    this.pairs.set(socket, fd);
    // What is in flight may be any file, and is sent where nothing has been shut down.
    this.fills.push((filler) => filler.fill(other, socket, tell));
  }

  private finished(file: OpenFile, socket: Socket): number {
    const { remote } = this;
    const fd = this.pairs.get(socket)!;
    this.settings.push(() => {
      remote.call('fcntl', fd, F_SETFL, file.flags);
      if (socket.closed > 0) remote.call('shutdown', fd, socket.closed - 1);
    });
    return fd;
  }

  /** All files have been made: connects those that nobody has accepted yet, and puts into sockets what waits in them. */
  finish(filler: SocketFiller): void {
    for (const { client, listener, toServer } of this.waiting) {
      const tell = (text: string): void => this.tell(`a connection nobody has accepted: ${text}`);
      let fd = this.pairs.get(client);
      if (fd === undefined)
        this.pairs.set(client, (fd = this.connections.makeClient(client, tell)));
      const { options } = listener;
      if (fd >= 0 && this.connections.connect(fd, client, listener.boundIn, tell))
        this.fills.push(() => filler.fill(fd, { queue: toServer, options }, tell));
    }
    for (const fill of this.fills.splice(0)) fill(filler);
    for (const [socket] of this.datagramSockets) this.sendDatagrams(socket, filler);
    for (const [socket, fd] of this.datagramSockets) this.connectDatagrams(socket, fd);
    for (const set of this.settings.splice(0)) set();
    this.connections.finish();
  }

  /** What waits in a datagram socket is sent to it once more, by whoever has sent it. */
  private sendDatagrams(socket: Socket, filler: SocketFiller): void {
    const tell = (text: string): void => this.tell(`datagrams that wait: ${text}`);
    for (const datagram of socket.datagrams?.waiting ?? []) {
      const { from } = datagram;
      let fd = this.datagramSockets.get(from) ?? this.senders.get(from);
      if (fd === undefined) {
        // It has been closed since.
        this.senders.set(from, (fd = this.connections.makeClient(from, tell)));
        if (from.bound === undefined && from.family !== AF_UNIX)
          tell('the address of one that has sent some is not known, and another one now');
      }
      // A path is told as the one that is bound has it.
      const isNamed = from.family === AF_UNIX;
      const to = isNamed ? socket.bound! : datagram.to;
      const sender = fd;
      inDirectory(this.remote, isNamed ? socket.boundIn : '.', () =>
        filler.sendTo(sender, datagram, to, socket, tell),
      );
    }
  }

  /** All have their addresses by now, and what comes from others has come. */
  private connectDatagrams({ peer, family, boundIn }: Socket, fd: number): void {
    const { remote } = this;
    if (peer === undefined) return;
    const result = inDirectory(remote, family === AF_UNIX ? boundIn : '.', () =>
      remote.call('connect', fd, remote.put(peer), peer.length),
    );
    if (result < 0) this.tell(`a datagram socket: connect failed with errno ${-result}`);
  }
}
