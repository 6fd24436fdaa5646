/** Sockets in a few words: `tcp 127.0.0.1:4000→127.0.0.1:80`. */
import { inet4, inet6 } from '../decode/net.js';
import { u16 } from '../decode/words.js';
import type { Descriptor, SocketState } from './fd-table.js';

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const AF_NETLINK = 16;
const AF_PACKET = 17;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const IPPROTO_ICMP = 1;
const TYPE_MASK = 0xf;

function kind({ family, type, protocol }: SocketState): string {
  const six = family === AF_INET6 ? '6' : '';
  switch (family) {
    case AF_INET:
    case AF_INET6:
      if (type === SOCK_STREAM) return 'tcp' + six;
      if (type === SOCK_DGRAM) return (protocol === IPPROTO_ICMP ? 'ping' : 'udp') + six;
      return 'raw' + six;
    case AF_UNIX:
      if (type === SOCK_STREAM) return 'unix';
      return type === SOCK_DGRAM ? 'unix-dgram' : 'unix-seqpacket';
    case AF_NETLINK:
      return 'netlink';
    case AF_PACKET:
      return 'packet';
    default:
      return `socket family ${family}`;
  }
}

/** A socket address as people write it; '' for one without a name. */
export function addressText(bytes: Uint8Array): string {
  if (bytes.length < 2) return '';
  switch (u16(bytes, 0)) {
    case AF_INET:
      return bytes.length < 8 ? '' : `${inet4(bytes, 4)}:${(bytes[2]! << 8) | bytes[3]!}`;
    case AF_INET6:
      return bytes.length < 24 ? '' : `[${inet6(bytes, 8)}]:${(bytes[2]! << 8) | bytes[3]!}`;
    case AF_UNIX: {
      if (bytes.length === 2) return '';
      const abstract = bytes[2] === 0;
      let end = abstract ? bytes.length : bytes.indexOf(0, 2);
      if (end < 0) end = bytes.length;
      const name = Buffer.from(bytes.subarray(abstract ? 3 : 2, end)).toString('latin1');
      return (abstract ? '@' : '') + name;
    }
    default:
      return '';
  }
}

export function socketMeaning(socket: SocketState, closeOnExec: boolean): Descriptor {
  const { local, peer } = socket;
  let text = kind(socket);
  if (peer !== '') text += ` ${local}→${peer}`;
  else if (local !== '') text += ` ${local}`;
  else if (socket.link !== '') text += ` ${socket.link}`;
  return { text, socket, closeOnExec };
}

/** `type` as the program gave it to socket(2), with flags. */
export function newSocket(family: number, type: number, protocol: number): SocketState {
  return { family, type: type & TYPE_MASK, protocol, link: '', local: '', peer: '' };
}

/** How descriptors are named: not at all; in our words; or in those of strace -yy. */
export type FdNaming = 'numbers' | 'names' | 'strace';

function straceProtocol({ family, type }: SocketState): string {
  const six = family === AF_INET6 ? 'v6' : '';
  switch (family) {
    case AF_INET:
    case AF_INET6:
      if (type === SOCK_STREAM) return 'TCP' + six;
      return (type === SOCK_DGRAM ? 'UDP' : 'RAW') + six;
    case AF_UNIX:
      if (type === SOCK_STREAM) return 'UNIX-STREAM';
      return type === SOCK_DGRAM ? 'UNIX-DGRAM' : 'UNIX-SEQPACKET';
    case AF_NETLINK:
      return 'NETLINK';
    default:
      return '';
  }
}

/** What stands in the brackets behind a descriptor. */
export function descriptorName({ text, socket }: Descriptor, naming: FdNaming): string {
  if (naming !== 'strace' || socket === undefined) return text;
  const { link, local, peer } = socket;
  const protocol = straceProtocol(socket);
  if (protocol === '') return link === '' ? 'socket' : link;
  const inode = /\d+/.exec(link)?.[0] ?? '';
  if (socket.family === AF_UNIX) {
    return `${protocol}:[${inode}${local === '' ? '' : `,"${local}"`}]`;
  }
  if (peer !== '') return `${protocol}:[${local}->${peer}]`;
  return `${protocol}:[${local === '' ? inode : local}]`;
}
