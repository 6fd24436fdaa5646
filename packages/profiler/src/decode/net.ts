/** Sockets: addresses, options, control messages. */
import { errnoNames } from './errno.js';
import { fdText } from './fds.js';
import { choice, flags, type Names, type NumberPrinter } from './flags.js';
import * as names from './names/net.js';
import { boxed, id, struct, type Struct, type Structs } from './struct.js';
import { quote, quoteField } from './text.js';
import { timeStructs } from './time.js';
import { hex, i32, u16, u32, u64 } from './words.js';

const addressFamily = choice(names.ADDRESS_FAMILY);
const plainType = choice(names.SOCKET_TYPE);
const typeFlags = flags(names.SOCKET_FLAGS, '');
const TYPE_FLAGS = Object.values(names.SOCKET_FLAGS).reduce((all, flag) => all | flag, 0);
export function socketType(value: number): string {
  const set = typeFlags(value & TYPE_FLAGS);
  const kind = (value & ~TYPE_FLAGS) >>> 0;
  // accept4 takes flags alone.
  if (kind === 0) return set === '' ? '0' : set;
  return set === '' ? plainType(kind) : `${plainType(kind)}|${set}`;
}

export const messageFlags = flags(names.MSG_FLAGS);
const socketLevel = choice(names.SOCKOPT_LEVEL);
const controlType = choice(names.SOCKET_MESSAGE);

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const AF_NETLINK = 16;
const AF_PACKET = 17;
const AF_VSOCK = 40;

const ipProtocol = choice(names.IP_PROTOCOL);
const netlinkProtocol = choice(names.NETLINK_PROTOCOL);

/** The third argument of socket(): what it means depends on the family. */
export function protocol(family: number, value: number): string {
  if (family === AF_NETLINK) return netlinkProtocol(value);
  if (family === AF_INET || family === AF_INET6) return ipProtocol(value);
  return family === AF_PACKET ? `htons(${hex(swap16(value))})` : String(value);
}

const SOL_SOCKET = 1;
const optionNames: readonly NumberPrinter[] = (() => {
  const tables: NumberPrinter[] = [];
  const levels: readonly (readonly [number, Names])[] = [
    [0, names.IP_OPTION],
    [SOL_SOCKET, names.SOCKET_OPTION],
    [6, names.TCP_OPTION],
    [17, names.UDP_OPTION],
    [41, names.IPV6_OPTION],
    [270, names.NETLINK_OPTION],
  ];
  for (const [level, table] of levels) tables[level] = choice(table);
  return tables;
})();

export function socketOption(level: number, option: number): string {
  return (optionNames[level] ?? String)(option);
}

const SO_ERROR = 4;
const SO_LINGER = 13;
const SO_PEERCRED = 17;
const SO_RCVTIMEO = 20;
const SO_SNDTIMEO = 21;

/** An errno by its name; 0 if there was no error. */
const socketError = boxed(4, (bytes, at) => {
  const code = i32(bytes, at);
  return errnoNames.get(code) ?? String(code);
});

/** The structure of an option's value; undefined where it is an int, or unknown. */
export function optionStruct(level: number, option: number): Struct | undefined {
  if (level !== SOL_SOCKET) return undefined;
  switch (option) {
    case SO_ERROR:
      return socketError;
    case SO_LINGER:
      return netStructs['linger'];
    case SO_PEERCRED:
      return netStructs['ucred'];
    case SO_RCVTIMEO:
    case SO_SNDTIMEO:
      return timeStructs['timeval'];
    default:
      return undefined;
  }
}

function swap16(value: number): number {
  return ((value & 0xff) << 8) | ((value >> 8) & 0xff);
}

function port(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

export function inet4(bytes: Uint8Array, at: number): string {
  return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
}

/** RFC 5952: the longest run of zeros, if it is more than one, becomes `::`. */
export function inet6(bytes: Uint8Array, at: number): string {
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(port(bytes, at + i));
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return `::ffff:${inet4(bytes, at + 12)}`;
  }
  let from = -1;
  let length = 1;
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (end < 8 && groups[end] === 0) end++;
    if (end - i > length) {
      from = i;
      length = end - i;
    }
    if (end > i) i = end;
  }
  const text = (list: readonly number[]) => list.map((group) => group.toString(16)).join(':');
  if (from < 0) return text(groups);
  return `${text(groups.slice(0, from))}::${text(groups.slice(from + length))}`;
}

export function sockaddr(bytes: Uint8Array, at: number, size: number): string {
  const family = u16(bytes, at);
  const head = `{sa_family=${addressFamily(family)}`;
  if (family === AF_UNIX) return `${head}${unixPath(bytes, at + 2, at + size)}}`;
  if (family === AF_INET && size >= 8) {
    return `${head}, sin_port=htons(${port(bytes, at + 2)}), sin_addr=inet_addr("${inet4(bytes, at + 4)}")}`;
  }
  if (family === AF_INET6 && size >= 24) {
    const scope = size >= 28 ? u32(bytes, at + 24) : 0;
    const flow =
      bytes[at + 4]! * 2 ** 24 + (bytes[at + 5]! << 16) + (bytes[at + 6]! << 8) + bytes[at + 7]!;
    return (
      `${head}, sin6_port=htons(${port(bytes, at + 2)}), sin6_flowinfo=htonl(${flow}), ` +
      `inet_pton(AF_INET6, "${inet6(bytes, at + 8)}", &sin6_addr), sin6_scope_id=${scope}}`
    );
  }
  if (family === AF_NETLINK && size >= 12) {
    const padding = u16(bytes, at + 2);
    const set = u32(bytes, at + 8).toString(16);
    // As C's %#08x prints them.
    const groups = set === '0' ? '00000000' : '0x' + set.padStart(6, '0');
    return `${head}${padding === 0 ? '' : `, nl_pad=${hex(padding)}`}, nl_pid=${i32(bytes, at + 4)}, nl_groups=${groups}}`;
  }
  if (family === AF_PACKET && size >= 8) {
    return `${head}, sll_protocol=htons(${hex(port(bytes, at + 2))}), sll_ifindex=${i32(bytes, at + 4)}, ...}`;
  }
  if (family === AF_VSOCK && size >= 12) {
    return `${head}, svm_cid=${hex(u32(bytes, at + 8))}, svm_port=${hex(u32(bytes, at + 4))}}`;
  }
  if (size <= 2) return `${head}}`;
  return `${head}, sa_data=${quote(bytes, at + 2, Math.min(at + size, bytes.length))}}`;
}

/** A path, an abstract name after a NUL, or nothing for an unnamed socket. */
function unixPath(bytes: Uint8Array, from: number, to: number): string {
  const end = Math.min(to, bytes.length);
  if (end <= from) return '';
  if (bytes[from] === 0) return `, sun_path=@${quote(bytes, from + 1, end)}`;
  return `, sun_path=${quoteField(bytes, from, end - from)}`;
}

const SCM_RIGHTS = 1;
const SCM_CREDENTIALS = 2;
const CMSG_HEADER = 16;

/** The control messages of a struct msghdr. */
export function controlMessages(bytes: Uint8Array): string {
  let text = '[';
  for (let at = 0; at + CMSG_HEADER <= bytes.length;) {
    const length = u32(bytes, at);
    const level = u32(bytes, at + 8);
    const type = u32(bytes, at + 12);
    if (at > 0) text += ', ';
    const named = level === SOL_SOCKET ? controlType(type) : socketOption(level, type);
    text += `{cmsg_len=${length}, cmsg_level=${socketLevel(level)}, cmsg_type=${named}`;
    const end = Math.min(at + length, bytes.length);
    if (end > at + CMSG_HEADER) {
      text += `, cmsg_data=${controlData(bytes, at + CMSG_HEADER, end, level, type)}`;
    }
    text += '}';
    if (length < CMSG_HEADER) break;
    at += (length + 7) & ~7;
  }
  return text + ']';
}

function controlData(
  bytes: Uint8Array,
  from: number,
  to: number,
  level: number,
  type: number,
): string {
  if (level === SOL_SOCKET && type === SCM_RIGHTS) {
    const fds: string[] = [];
    for (let at = from; at + 4 <= to; at += 4) fds.push(fdText(i32(bytes, at)));
    return `[${fds.join(', ')}]`;
  }
  if (level === SOL_SOCKET && type === SCM_CREDENTIALS && to - from >= 12) {
    return ucred(bytes, from);
  }
  return quote(bytes, from, to);
}

function ucred(bytes: Uint8Array, at: number): string {
  return `{pid=${i32(bytes, at)}, uid=${id(u32(bytes, at + 4))}, gid=${id(u32(bytes, at + 8))}}`;
}

export const netStructs: Structs = {
  sockaddr: struct(2, sockaddr),
  ucred: struct(12, ucred),
  linger: struct(8, (bytes, at) => `{l_onoff=${i32(bytes, at)}, l_linger=${i32(bytes, at + 4)}}`),
  ifreq: struct(16, (bytes, at) => `{ifr_name=${quoteField(bytes, at, 16)}, ...}`),
  ifconf: struct(
    16,
    (bytes, at) => `{ifc_len=${i32(bytes, at)}, ifc_buf=${hex(u64(bytes, at + 8))}}`,
  ),
};

export const netFormats: Readonly<Record<string, NumberPrinter>> = {
  sockdomain: addressFamily,
  socktype: socketType,
  shutdown_how: choice(names.SHUTDOWN_HOW),
  msg_flags: messageFlags,
  sockopt_level: socketLevel,
};
