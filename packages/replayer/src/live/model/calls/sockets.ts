import type { ModelCall } from '../model-call.js';
import { DatagramQueue } from '../datagrams.js';
import { AF_NETLINK, NetlinkTalk } from '../netlink.js';
import { OpenFile } from '../open-file.js';
import { Socket } from '../socket.js';
import { FAMILY } from '../socket-address.js';
import type { Handlers } from './handler.js';
import { O_CLOEXEC } from './open.js';

const O_NONBLOCK = 0o4000;
const AF_UNIX = 1;
const O_RDWR = 2;
const SOCK_DGRAM = 2;
/** Those with datagrams that come from other processes: AF_UNIX, AF_INET, AF_INET6. */
const FAMILIES: ReadonlySet<number> = new Set([AF_UNIX, 2, 10]);
/** SOCK_CLOEXEC and SOCK_NONBLOCK have these values. */
const SOCK_FLAGS = O_CLOEXEC | O_NONBLOCK;
const MAX_ADDRESS = 128;
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;

function install(call: ModelCall, fd: number, socket: Socket, flags: number): OpenFile {
  const file = new OpenFile({ kind: 'socket', socket }, O_RDWR | (flags & O_NONBLOCK));
  call.model.install(call, fd, file, (flags & O_CLOEXEC) !== 0);
  return file;
}

function socketOf(call: ModelCall): Socket | undefined {
  const what = call.descriptor(0)?.file.what;
  return what?.kind === 'socket' ? what.socket : undefined;
}

function newSocket(call: ModelCall): Socket {
  return new Socket(call.int(0), call.int(1) & ~SOCK_FLAGS, call.int(2), call.model.settle);
}

function address(call: ModelCall, pointer: number, size: number): Uint8Array {
  return call.bytes(pointer, Math.min(size, MAX_ADDRESS)).slice();
}

function accepted(call: ModelCall, flags: number): void {
  const listener = socketOf(call);
  if (listener === undefined) return;
  const socket = new Socket(listener.family, listener.type, listener.protocol, call.model.settle);
  socket.accepted = true;
  socket.bound = listener.bound;
  socket.boundIn = listener.boundIn;
  // That of internet sockets is made from the listener's, with what has been set there.
  if (listener.family !== AF_UNIX)
    for (const [key, option] of listener.options) socket.options.set(key, option);
  const pointer = call.long(1);
  if (pointer !== 0) {
    const size = call.view(call.long(2), 4).getUint32(0, true);
    socket.peer = address(call, pointer, size);
  }
  call.model.connections.accepted(call, socket);
  install(call, call.result, socket, flags);
}

/** An address that the kernel chose, as the program has been told. */
function named(call: ModelCall, set: (socket: Socket, address: Uint8Array) => void): void {
  const socket = socketOf(call);
  if (socket === undefined) return;
  const size = call.view(call.long(2), 4).getUint32(0, true);
  set(socket, address(call, call.long(1), size));
}

/** Sockets. */
export const socketCalls: Handlers = {
  socket: (call) => {
    const socket = newSocket(call);
    if (socket.type === SOCK_DGRAM && FAMILIES.has(socket.family))
      socket.datagrams = new DatagramQueue();
    if (socket.family === AF_NETLINK) socket.netlink = new NetlinkTalk();
    install(call, call.result, socket, call.int(1));
  },
  socketpair: (call) => {
    const numbers = call.view(call.long(3), 8);
    const one = newSocket(call);
    const other = newSocket(call);
    one.pair = other;
    other.pair = one;
    one.outgoing = other.queue;
    other.outgoing = one.queue;
    install(call, numbers.getInt32(0, true), one, call.int(1));
    install(call, numbers.getInt32(4, true), other, call.int(1));
  },
  bind: (call) => {
    const socket = socketOf(call);
    if (socket === undefined) return;
    socket.bound = address(call, call.long(1), call.int(2));
    socket.boundIn = call.task.directories.cwd;
    call.model.datagrams.named(socket);
  },
  listen: (call) => {
    const socket = socketOf(call);
    if (socket === undefined) return;
    if (socket.backlog === undefined) socket.listenedAt = call.time;
    socket.backlog = call.int(1);
  },
  connect: (call) => {
    const socket = socketOf(call);
    if (socket === undefined) return;
    const peer = address(call, call.long(1), call.int(2));
    // AF_UNSPEC: it is connected no more.
    if (peer.length < FAMILY || (peer[0] === 0 && peer[1] === 0)) {
      socket.peer = undefined;
      return;
    }
    socket.peer = peer;
    if (socket.bound === undefined) socket.boundIn = call.task.directories.cwd;
    call.model.connections.connected(call, socket);
  },
  accept: (call) => accepted(call, 0),
  accept4: (call) => accepted(call, call.int(3)),
  getsockname: (call) =>
    named(call, (socket, found) => {
      if (found.length <= FAMILY) return;
      socket.bound = found;
      call.model.datagrams.named(socket);
    }),
  getpeername: (call) => named(call, (socket, found) => (socket.peer = found)),
  shutdown: (call) => {
    const socket = socketOf(call);
    // SHUT_RD, SHUT_WR, SHUT_RDWR: bits, less one.
    if (socket !== undefined) socket.closed |= call.int(1) + 1;
  },
  getsockopt: (call) => {
    if (call.int(1) !== SOL_SOCKET || call.int(2) !== SO_PEERCRED) return;
    const socket = socketOf(call);
    if (socket === undefined || call.view(call.long(4), 4).getUint32(0, true) < 4) return;
    socket.peerPid = call.view(call.long(3), 4).getInt32(0, true);
  },
  setsockopt: (call) => {
    const socket = socketOf(call);
    if (socket === undefined) return;
    const level = call.int(1);
    const name = call.int(2);
    const value = call.bytes(call.long(3), call.int(4)).slice();
    socket.options.set(`${level}:${name}`, { level, name, value });
  },
};
