import type { ModelCall } from '../model-call.js';
import { OpenFile } from '../open-file.js';
import { Socket } from '../socket.js';
import type { Handlers } from './handler.js';
import { O_CLOEXEC } from './open.js';

const O_NONBLOCK = 0o4000;
const O_RDWR = 2;
/** SOCK_CLOEXEC and SOCK_NONBLOCK have these values. */
const SOCK_FLAGS = O_CLOEXEC | O_NONBLOCK;
const MAX_ADDRESS = 128;

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
  const pointer = call.long(1);
  if (pointer !== 0) {
    const size = call.view(call.long(2), 4).getUint32(0, true);
    socket.peer = address(call, pointer, size);
  }
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
  socket: (call) => install(call, call.result, newSocket(call), call.int(1)),
  socketpair: (call) => {
    const numbers = call.view(call.long(3), 8);
    const one = newSocket(call);
    const other = newSocket(call);
    one.pair = other;
    other.pair = one;
    install(call, numbers.getInt32(0, true), one, call.int(1));
    install(call, numbers.getInt32(4, true), other, call.int(1));
  },
  bind: (call) => {
    const socket = socketOf(call);
    if (socket === undefined) return;
    socket.bound = address(call, call.long(1), call.int(2));
    socket.boundIn = call.task.directories.cwd;
  },
  listen: (call) => {
    const socket = socketOf(call);
    if (socket !== undefined) socket.backlog = call.int(1);
  },
  connect: (call) => {
    const socket = socketOf(call);
    if (socket !== undefined) socket.peer = address(call, call.long(1), call.int(2));
  },
  accept: (call) => accepted(call, 0),
  accept4: (call) => accepted(call, call.int(3)),
  getsockname: (call) => named(call, (socket, found) => (socket.bound = found)),
  getpeername: (call) => named(call, (socket, found) => (socket.peer = found)),
  shutdown: (call) => {
    const socket = socketOf(call);
    // SHUT_RD, SHUT_WR, SHUT_RDWR: bits, less one.
    if (socket !== undefined) socket.closed |= call.int(1) + 1;
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
