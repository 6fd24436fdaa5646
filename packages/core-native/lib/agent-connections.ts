/** Bits in the last byte; the same as in agent/connections.h. */
const ACCEPTED = 1;
const STREAM = 2;
const UNDER_WAY = 4;
/** Bytes that an agent's `connection` frame has for its number: the first says how many follow. */
const NUMBER_BYTES = 9;

/** What an agent knows of a socket that has been connected or accepted. */
export interface AgentConnection {
  /** By accept; else by connect. */
  readonly accepted: boolean;
  /** Of a type that has connections. */
  readonly stream: boolean;
  /** EINPROGRESS: it is being connected. */
  readonly underWay: boolean;
  readonly inode: number;
  /** The process at the other end of a unix socket, or that made it listen, as seen by the program; else 0. */
  readonly peerPid: number;
}

/** What stands in an agent's `connection` frame in place of its number. */
export function readAgentConnection(run: Uint8Array, offset: number): AgentConnection {
  const view = new DataView(run.buffer, run.byteOffset + offset, NUMBER_BYTES);
  const flags = view.getUint8(8);
  return {
    accepted: (flags & ACCEPTED) !== 0,
    stream: (flags & STREAM) !== 0,
    underWay: (flags & UNDER_WAY) !== 0,
    inode: view.getUint32(1),
    peerPid: view.getUint32(4) & 0xffffff,
  };
}

/** Puts the number into its place. */
export function numberAgentConnection(run: Uint8Array, offset: number, id: number): void {
  new DataView(run.buffer, run.byteOffset + offset, NUMBER_BYTES).setBigUint64(1, BigInt(id));
}
