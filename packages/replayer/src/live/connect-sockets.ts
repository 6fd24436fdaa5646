import { lstatSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { bindSocket, inDirectory } from './bind-socket.js';
import type { Tell } from './make-file.js';
import type { Socket } from './model/socket.js';
import { isSameAddress, pathIn } from './model/socket-address.js';
import type { Remote } from './remote.js';

const AF_UNIX = 1;
const AF_INET = 2;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_PEERCRED = 17;
const IPPROTO_TCP = 6;
const TCP_DEFER_ACCEPT = 9;
const O_NONBLOCK = 0o4000;
const EINPROGRESS = 115;
const MAX_ADDRESS = 128;
/** Longest wait for a connection within this machine, in naps of 1 ms. */
const ACCEPT_NAPS = 5000;

/** Sets what the program has set. What does not go any more, or not yet, goes without. */
export function setOptions(remote: Remote, fd: number, { options }: Pick<Socket, 'options'>): void {
  for (const { level, name, value } of options.values())
    remote.call('setsockopt', fd, level, name, remote.put(value), value.length);
}

/** Connects sockets of one process with each other, at the addresses that they had. */
export class ConnectionMaker {
  readonly reuse: AddressReuse;

  constructor(
    private readonly remote: Remote,
    private readonly moveUp: (fd: number) => number,
  ) {
    this.reuse = new AddressReuse(remote);
  }

  /** Both ends of a connection. undefined if it cannot be made: `tell` has been told why. */
  make(
    client: Socket,
    server: Socket,
    tell: Tell,
  ): { readonly client: number; readonly server: number } | undefined {
    const { remote } = this;
    const path = server.family === AF_UNIX ? pathIn(server.bound ?? NOWHERE) : '';
    const file = isAbsolute(path) ? path : join(server.boundIn, path);
    const isThere = path === '' || lstatSync(file, { throwIfNoEntry: false }) !== undefined;
    let address = client.peer;
    let listener = this.listen(server, server.bound);
    if (listener < 0) {
      // Its place is somebody else's by now.
      tell(`it has other addresses than it had: errno ${-listener}`);
      listener = this.listen(client, anyAddress(client.family));
      address = undefined;
    }
    const from = this.makeClient(client, tell);
    let made: { client: number; server: number } | undefined;
    if (listener >= 0 && from >= 0) {
      const to = address ?? this.name('getsockname', listener);
      const connecting = this.connectTo(from, client, to, server.boundIn, tell);
      if (connecting >= 0) {
        const accepted = this.accept(listener, connecting, client.family);
        if (accepted >= 0) made = { client: connecting, server: accepted };
        else tell(`it cannot be connected again: errno ${-accepted}`);
      }
    } else tell(`it cannot be made again: errno ${-Math.min(listener, from)}`);
    if (listener >= 0) remote.call('close', listener);
    if (!isThere) remote.call('unlink', remote.text(file));
    if (made !== undefined) {
      setOptions(remote, made.server, server);
      this.reuse.set(made.server, server);
      this.compareCredentials(made.client, client, tell);
      this.compareCredentials(made.server, server, tell);
    }
    return made;
  }

  /** Tells if SO_PEERCRED has told the program of another process than it would now. */
  compareCredentials(fd: number, { family, peerPid }: Socket, tell: Tell): void {
    if (family !== AF_UNIX || peerPid === undefined) return;
    const now = this.peerPid(fd);
    if (now !== peerPid) tell(`SO_PEERCRED tells of process ${now}, and told of ${peerPid}`);
  }

  /** A socket that is to connect, at its address. */
  makeClient(socket: Socket, tell: Tell): number {
    const fd = this.makeUnbound(socket);
    if (fd < 0 || socket.bound === undefined) return fd;
    const result = bindSocket(this.remote, fd, socket);
    if (result < 0) tell(`its address is another one than it was: errno ${-result}`);
    return fd;
  }

  private makeUnbound(socket: Socket): number {
    const { remote } = this;
    const { family, type, protocol } = socket;
    const fd = this.moveUp(remote.call('socket', family, type | O_NONBLOCK, protocol));
    if (fd < 0) return fd;
    setOptions(remote, fd, socket);
    this.reuse.set(fd, socket);
    return fd;
  }

  /** Connects to whoever listens there. False if that fails: `tell` has been told why. */
  connect(fd: number, socket: Socket, directory: string, tell: Tell): boolean {
    const result = this.connectTo(fd, socket, socket.peer!, directory, tell);
    // That is another socket at another number: the program's is the one that was made first.
    if (result >= 0 && result !== fd) this.remote.call('dup2', result, fd);
    return result >= 0;
  }

  /** Returns the number of the socket that is connected, which may be another one than `fd`, or a negative errno. */
  private connectTo(
    fd: number,
    socket: Socket,
    address: Uint8Array,
    directory: string,
    tell: Tell,
  ): number {
    const { remote } = this;
    const attempt = (from: number): number =>
      inDirectory(remote, socket.family === AF_UNIX ? directory : '.', () =>
        remote.call('connect', from, remote.put(address), address.length),
      );
    const isMade = (result: number): boolean => result === 0 || result === -EINPROGRESS;
    const first = attempt(fd);
    if (isMade(first)) return fd;
    if (socket.family !== AF_UNIX) {
      // The kernel keeps the pair of addresses for a while after the recording's own connection has ended.
      const other = this.makeUnbound(socket);
      if (other >= 0 && isMade(attempt(other))) {
        tell(`its address is another one than it was: errno ${-first}`);
        return other;
      }
    }
    tell(`it cannot be connected again: errno ${-first}`);
    return first;
  }

  /** Takes the connection of `client` out of the backlog; those of others find their end. */
  private accept(listener: number, client: number, family: number): number {
    const { remote } = this;
    const own = this.name('getsockname', client);
    const pid = remote.call('getpid');
    const nap = new Int32Array(new SharedArrayBuffer(4));
    let result = 0;
    for (let i = 0; i < ACCEPT_NAPS; i++) {
      result = remote.call('accept4', listener, 0, 0, O_NONBLOCK);
      if (result >= 0) {
        const fd = this.moveUp(result);
        const isOurs =
          family === AF_UNIX
            ? this.peerPid(fd) === pid
            : isSameAddress(this.name('getpeername', fd), own);
        if (isOurs) return fd;
        remote.call('close', fd);
      } else Atomics.wait(nap, 0, 0, 1);
    }
    return result;
  }

  private listen(socket: Socket, bound: Uint8Array | undefined): number {
    const { remote } = this;
    const { family, type, protocol, boundIn } = socket;
    const fd = this.moveUp(remote.call('socket', family, type | O_NONBLOCK, protocol));
    if (fd < 0) return fd;
    if (family !== AF_UNIX) {
      // A connection is accepted with most of its listener's options.
      setOptions(remote, fd, socket);
      remote.call('setsockopt', fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, remote.words(0), 4);
      this.reuse.allow(fd);
    }
    let result =
      bound === undefined ? -1 : bindSocket(remote, fd, { bound, boundIn, family, type });
    if (result >= 0) result = remote.call('listen', fd, 1);
    if (result >= 0) return fd;
    remote.call('close', fd);
    return result;
  }

  private peerPid(fd: number): number {
    const { remote } = this;
    const size = remote.words(12);
    remote.call('getsockopt', fd, SOL_SOCKET, SO_PEERCRED, size + 8, size);
    return remote.int(8);
  }

  /** getsockname or getpeername. */
  private name(call: string, fd: number): Uint8Array {
    const { remote } = this;
    const size = remote.words(MAX_ADDRESS);
    if (remote.call(call, fd, size + 8, size) < 0) return NOWHERE;
    return remote.bytes(8, Math.min(remote.int(0), MAX_ADDRESS));
  }

  /** All sockets have been made: gives those that had to share an address the options that they had. */
  finish(): void {
    this.reuse.finish();
  }
}

/** SO_REUSEADDR of internet sockets, which all that have one port need to have while they are made. */
class AddressReuse {
  private readonly sockets = new Map<number, Socket>();

  constructor(private readonly remote: Remote) {}

  /** Until `finish`. */
  set(fd: number, socket: Socket): void {
    if (socket.family === AF_UNIX) return;
    this.sockets.set(fd, socket);
    this.allow(fd);
  }

  allow(fd: number): void {
    const { remote } = this;
    remote.call('setsockopt', fd, SOL_SOCKET, SO_REUSEADDR, remote.words(1), 4);
  }

  finish(): void {
    const { remote } = this;
    for (const [fd, { options }] of this.sockets) {
      const value = options.get(`${SOL_SOCKET}:${SO_REUSEADDR}`)?.value[0] ?? 0;
      remote.call('setsockopt', fd, SOL_SOCKET, SO_REUSEADDR, remote.words(value), 4);
    }
    this.sockets.clear();
  }
}

const NOWHERE = new Uint8Array(0);

/** Any address of this machine that is free. */
function anyAddress(family: number): Uint8Array {
  // The kernel chooses a name then.
  if (family === AF_UNIX) return Uint8Array.of(AF_UNIX, 0);
  if (family === AF_INET)
    return Uint8Array.of(AF_INET, 0, 0, 0, 127, 0, 0, 1, ...new Uint8Array(8));
  const address = new Uint8Array(28);
  address[0] = family;
  address[23] = 1;
  return address;
}
