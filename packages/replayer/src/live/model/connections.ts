import type { ConnectionFrame } from '@scribe-ts/tracelog';
import { ByteQueue } from './byte-queue.js';
import { FAMILY, isAt } from './socket-address.js';
import type { ModelCall } from './model-call.js';
import type { OpenFile } from './open-file.js';
import type { Socket } from './socket.js';

const SOCK_STREAM = 1;
/** What is kept of what is sent to ends that are not known, bytes: most of them are outside. */
const MAX_HALF_BYTES = 64 * 1024 * 1024;

/** Times of calls that an agent has recorded may be so far behind those of the tracer, ns. */
const CLOCK_SLACK_NS = 10_000_000;

/** Two connected stream sockets, of which one may not be known: outside, not replayed yet, or in a listener's backlog. */
export interface Connection {
  readonly id: number;
  /** When the first end that was known came to be, ns since the recording began. */
  readonly time: number;
  client: Socket | undefined;
  server: Socket | undefined;
  readonly toClient: ByteQueue;
  readonly toServer: ByteQueue;
}

/** A connection that nobody has accepted yet. */
export interface Waiting {
  readonly client: Socket;
  readonly listener: Socket;
  readonly toServer: ByteQueue;
}

/** Connections of stream sockets, by what the log tells of each end. */
export class Connections {
  private readonly byId = new Map<number, Connection>();
  private halfBytes = 0;

  constructor(private readonly openFiles: () => Iterable<OpenFile>) {}

  /** A socket has been connected, or begins to be. */
  connected(call: ModelCall, socket: Socket): void {
    const frame = take(call);
    // Told again when it has been connected at last.
    if (frame === undefined || socket.connection?.id === frame.id) return;
    // It was connected with somebody else before, or could not be.
    if (socket.connection !== undefined) socket.connection.client = undefined;
    if (socket.datagrams !== undefined) {
      name(socket, frame);
      call.model.datagrams.named(socket);
      return;
    }
    const connection = this.find(call, socket, frame, 'client');
    connection.client = socket;
    socket.queue = connection.toClient;
    socket.outgoing = connection.toServer;
    this.attach(socket, connection, frame);
  }

  accepted(call: ModelCall, socket: Socket): void {
    const frame = take(call);
    if (frame === undefined) return;
    const connection = this.find(call, socket, frame, 'server');
    connection.server = socket;
    socket.queue = connection.toServer;
    socket.outgoing = connection.toClient;
    this.attach(socket, connection, frame);
  }

  /** Bytes have been sent from a socket. */
  sent({ connection }: Socket, size: number): void {
    if (connection === undefined || isWhole(connection)) return;
    this.halfBytes += size;
    if (this.halfBytes <= MAX_HALF_BYTES) return;
    this.halfBytes = 0;
    for (const half of this.byId.values()) {
      if (isWhole(half)) continue;
      half.toClient.lose();
      half.toServer.lose();
    }
  }

  /** No process has the socket open any more. */
  released(socket: Socket): void {
    socket.released = true;
    if (socket.connection === undefined) return;
    const { client, server, id } = socket.connection;
    if (client?.released === true && server?.released === true) this.byId.delete(id);
  }

  /** Those that wait in the backlogs of listening sockets, in their order. */
  waiting(): readonly Waiting[] {
    const listeners: Socket[] = [];
    for (const { what } of this.openFiles())
      if (what.kind === 'socket' && what.socket.backlog !== undefined) listeners.push(what.socket);
    const halves = [...this.byId.values()].sort((a, b) => a.time - b.time);
    return halves.flatMap(({ client, server, time, toServer }) => {
      if (client === undefined || server !== undefined) return [];
      const listener = listeners.find(
        (socket) => socket.listenedAt <= time + CLOCK_SLACK_NS && isAt(socket, client.peer!),
      );
      return listener === undefined ? [] : [{ client, listener, toServer }];
    });
  }

  private find(
    call: ModelCall,
    { type }: Socket,
    { id }: ConnectionFrame,
    end: 'client' | 'server',
  ): Connection {
    let connection = this.byId.get(id);
    // Addresses are used again: the former one had its other end outside.
    if (connection?.[end] !== undefined) connection = undefined;
    if (connection === undefined) {
      const { settle } = call.model;
      connection = {
        id,
        time: call.time,
        client: undefined,
        server: undefined,
        toClient: new ByteQueue(type !== SOCK_STREAM, settle),
        toServer: new ByteQueue(type !== SOCK_STREAM, settle),
      };
      this.byId.set(id, connection);
    }
    return connection;
  }

  private attach(socket: Socket, connection: Connection, frame: ConnectionFrame): void {
    socket.connection = connection;
    name(socket, frame);
  }
}

function name(socket: Socket, { local, peer }: ConnectionFrame): void {
  if (local.length > FAMILY) socket.bound = local;
  if (peer.length > 0) socket.peer = peer;
}

function take({ task }: ModelCall): ConnectionFrame | undefined {
  const { connection } = task;
  task.connection = undefined;
  return connection;
}

/** Both ends are in the recording. */
export function isWhole({ client, server }: Connection): boolean {
  return client !== undefined && server !== undefined;
}
