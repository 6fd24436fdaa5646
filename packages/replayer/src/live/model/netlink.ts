import type { Socket } from './socket.js';

export const AF_NETLINK = 16;
const SOL_NETLINK = 270;
const ADD_MEMBERSHIP = 1;
/** Offset of nl_groups in struct sockaddr_nl. */
const GROUPS = 8;
/** struct nlmsghdr: length, type, flags, … */
const HEADER = 16;
const FLAG_REQUEST = 1;
const FLAG_MULTI = 2;
const TYPE_DONE = 3;

/** What a program has asked the kernel for through a netlink socket, and heard. */
export class NetlinkTalk {
  /** An answer, or the rest of one, may wait. */
  isAwaited = false;

  sent(bytes: Uint8Array): void {
    for (const { flags } of headers(bytes)) if ((flags & FLAG_REQUEST) !== 0) this.isAwaited = true;
  }

  received(bytes: Uint8Array): void {
    for (const { type, flags } of headers(bytes))
      this.isAwaited = (flags & FLAG_MULTI) !== 0 && type !== TYPE_DONE;
  }
}

/** Whether the kernel sends it messages that nobody has asked for. */
export function isMember({ bound, options }: Socket): boolean {
  if (options.has(`${SOL_NETLINK}:${ADD_MEMBERSHIP}`)) return true;
  if (bound === undefined || bound.length < GROUPS + 4) return false;
  return new DataView(bound.buffer, bound.byteOffset).getUint32(GROUPS, true) !== 0;
}

function* headers(bytes: Uint8Array): Generator<{ readonly type: number; readonly flags: number }> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at + HEADER <= bytes.length;) {
    const length = view.getUint32(at, true);
    if (length < HEADER) return;
    yield { type: view.getUint16(at + 4, true), flags: view.getUint16(at + 6, true) };
    at += (length + 3) & ~3;
  }
}
