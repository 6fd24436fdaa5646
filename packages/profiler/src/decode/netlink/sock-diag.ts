/** What NETLINK_SOCK_DIAG asks and tells of inet, unix, netlink and packet sockets. */
import { device } from '../file.js';
import { choice, flags, flagsNamed } from '../flags.js';
import { inet4, inet6, socketType } from '../net.js';
import { ADDRESS_FAMILY, IP_PROTOCOL, NETLINK_PROTOCOL } from '../names/net.js';
import * as names from '../names/sock-diag.js';
import { quote } from '../text.js';
import { hex, u16, u32 } from '../words.js';
import { type Kind, structureText } from './kind.js';
import {
  byte,
  bytesText,
  each,
  long,
  named,
  sized,
  string,
  type Value,
  word,
  words,
} from './values.js';

const SOCK_DIAG_BY_FAMILY = 20;
const SOCK_DESTROY = 21;
const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const AF_NETLINK = 16;
const AF_PACKET = 17;
const NDIAG_PROTO_ALL = 0xff;
const ID_BYTES = 48;

const family = choice(ADDRESS_FAMILY);
const state = choice(names.TCP_STATE);
const inetProtocol = choice(IP_PROTOCOL);
const netlinkProtocol = choice(NETLINK_PROTOCOL);
const packetVersion = choice(names.PACKET_VERSION);
const packetFlags = flags(names.PACKET_INFO_FLAGS);

const stateBits = flagsNamed(
  '1<<TCP_',
  Object.fromEntries(
    Object.entries(names.TCP_STATE).map(([name, number]) => [`1<<${name}`, 2 ** number]),
  ),
);
const extensionBits = flagsNamed(
  '1<<INET_DIAG_',
  Object.fromEntries(
    Object.entries(names.INET_ATTRIBUTE)
      .filter(([, number]) => number > 0 && number <= names.INET_EXTENSIONS)
      .map(([name, number]) => [`1<<(${name}-1)`, 2 ** (number - 1)]),
  ),
);

const unixShow = flags(names.UNIX_SHOW);
const netlinkShow = flags(names.NETLINK_SHOW);
const packetShow = flags(names.PACKET_SHOW);

const etherProtocol = choice(names.ETHER_PROTOCOL, hex);
/** Of the kernel's own number of a device, as the C library takes it apart. */
const deviceOf = (number: number): string =>
  device((number >>> 8) & 0xfff, (number & 0xff) | ((number >>> 12) & 0xfff00));

const bigEndian = (bytes: Uint8Array, at: number): number => (bytes[at]! << 8) | bytes[at + 1]!;
const cookie = (bytes: Uint8Array, at: number): string =>
  `cookie=[${u32(bytes, at)}, ${u32(bytes, at + 4)}]`;

function inetAddress(bytes: Uint8Array, at: number, of: number, member: string): string {
  if (of === AF_INET6) return `inet_pton(AF_INET6, "${inet6(bytes, at)}", &${member})`;
  return `${member}=inet_addr("${inet4(bytes, at)}")`;
}

/** struct inet_diag_sockid. */
function socketId(bytes: Uint8Array, at: number): string {
  const of = bytes[0]!;
  return (
    `id={idiag_sport=htons(${bigEndian(bytes, at)}), idiag_dport=htons(${bigEndian(bytes, at + 2)}), ` +
    `${inetAddress(bytes, at + 4, of, 'idiag_src')}, ${inetAddress(bytes, at + 20, of, 'idiag_dst')}, ` +
    `idiag_if=${u32(bytes, at + 36)}, idiag_${cookie(bytes, at + 40)}}`
  );
}

const MEMORY =
  'RMEM_ALLOC RCVBUF WMEM_ALLOC SNDBUF FWD_ALLOC WMEM_QUEUED OPTMEM BACKLOG DROPS'.split(' ');
/** An array of counters, each named by its place. */
const memory: Value = (bytes) => {
  const items: string[] = [];
  for (let i = 0; i * 4 + 4 <= bytes.length; i++) {
    const name = MEMORY[i] === undefined ? String(i) : `SK_MEMINFO_${MEMORY[i]}`;
    items.push(`[${name}]=${u32(bytes, 4 * i)}`);
  }
  return `[${items.join(', ')}]`;
};

const OPTIONS =
  'recverr is_icsk freebind hdrincl mc_loop transparent mc_all nodefrag bind_address_no_port recverr_rfc4884 defer_connect';
/** struct inet_diag_sockopt: options that are on. */
const socketOptions = sized(2, (bytes) => {
  const bits = u16(bytes, 0);
  const on = OPTIONS.split(' ').filter((_, i) => ((bits >> i) & 1) !== 0);
  return `{${on.map((name) => `${name}=1`).join(', ')}}`;
});

const inodes: Value = (bytes, of) => {
  if (bytes.length < 4) return bytesText(bytes, of);
  const items: number[] = [];
  for (let at = 0; at + 4 <= bytes.length; at += 4) items.push(u32(bytes, at));
  return `[${items.join(', ')}]`;
};

/** Whom a unix socket is bound to; a name that is no path begins with a NUL and ends nowhere. */
const unixName: Value = (bytes, of) => (bytes[0] === 0 ? `${quote(bytes)}...` : string(bytes, of));

/** A bit set of multicast groups, in words of 64. */
const groups: Value = (bytes, of) => {
  if (bytes.length < 8) return bytesText(bytes, of);
  const items: string[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at + 8 <= bytes.length; at += 8)
    items.push('0x' + view.getBigUint64(at, true).toString(16).padStart(14, '0'));
  return `[${items.join(', ')}]`;
};

/** A request has the member `sdiag_family`, and other members than what is told. */
interface Pair {
  readonly request: Kind;
  readonly answer: Kind;
}

const noAttributes: Pick<Kind, 'attributes' | 'values'> = { attributes: hex, values: {} };

const INET: Pair = {
  request: {
    size: 8 + ID_BYTES,
    family: 'sdiag_family',
    members: (bytes) =>
      `sdiag_protocol=${inetProtocol(bytes[1]!)}, idiag_ext=${extensionBits(bytes[2]!)}, ` +
      `idiag_states=${stateBits(u32(bytes, 4))}, ${socketId(bytes, 8)}`,
    attributes: choice(names.INET_REQUEST_ATTRIBUTE),
    values: { INET_DIAG_REQ_PROTOCOL: named(inetProtocol) },
  },
  answer: {
    size: 24 + ID_BYTES,
    family: 'idiag_family',
    members: (bytes) =>
      `idiag_state=${state(bytes[1]!)}, idiag_timer=${bytes[2]}, idiag_retrans=${bytes[3]}, ` +
      `${socketId(bytes, 4)}, idiag_expires=${u32(bytes, 52)}, idiag_rqueue=${u32(bytes, 56)}, ` +
      `idiag_wqueue=${u32(bytes, 60)}, idiag_uid=${u32(bytes, 64)}, idiag_inode=${u32(bytes, 68)}`,
    attributes: choice(names.INET_ATTRIBUTE),
    values: {
      ...each(
        byte,
        'INET_DIAG_TOS',
        'INET_DIAG_TCLASS',
        'INET_DIAG_SHUTDOWN',
        'INET_DIAG_SKV6ONLY',
      ),
      ...each(word, 'INET_DIAG_MARK', 'INET_DIAG_CLASS_ID'),
      INET_DIAG_PROTOCOL: sized(1, (bytes) => inetProtocol(bytes[0]!)),
      INET_DIAG_MEMINFO: words('idiag_rmem', 'idiag_wmem', 'idiag_fmem', 'idiag_tmem'),
      INET_DIAG_SKMEMINFO: memory,
      INET_DIAG_CONG: string,
      INET_DIAG_CGROUP_ID: long,
      INET_DIAG_SOCKOPT: socketOptions,
    },
  },
};

const UNIX: Pair = {
  request: {
    ...noAttributes,
    size: 24,
    family: 'sdiag_family',
    members: (bytes) =>
      `sdiag_protocol=${bytes[1]}, udiag_states=${stateBits(u32(bytes, 4))}, ` +
      `udiag_ino=${u32(bytes, 8)}, udiag_show=${unixShow(u32(bytes, 12))}, udiag_${cookie(bytes, 16)}`,
  },
  answer: {
    size: 16,
    family: 'udiag_family',
    members: (bytes) =>
      `udiag_type=${socketType(bytes[1]!)}, udiag_state=${state(bytes[2]!)}, ` +
      `udiag_ino=${u32(bytes, 4)}, udiag_${cookie(bytes, 8)}`,
    attributes: choice(names.UNIX_ATTRIBUTE),
    values: {
      UNIX_DIAG_NAME: unixName,
      UNIX_DIAG_VFS: sized(
        8,
        (bytes) => `{udiag_vfs_dev=${deviceOf(u32(bytes, 4))}, udiag_vfs_ino=${u32(bytes, 0)}}`,
      ),
      UNIX_DIAG_ICONS: inodes,
      UNIX_DIAG_RQLEN: words('udiag_rqueue', 'udiag_wqueue'),
      UNIX_DIAG_MEMINFO: memory,
      UNIX_DIAG_SHUTDOWN: byte,
      ...each(word, 'UNIX_DIAG_PEER', 'UNIX_DIAG_UID'),
    },
  },
};

const NETLINK: Pair = {
  request: {
    ...noAttributes,
    size: 20,
    family: 'sdiag_family',
    members: (bytes) =>
      `sdiag_protocol=${bytes[1] === NDIAG_PROTO_ALL ? 'NDIAG_PROTO_ALL' : netlinkProtocol(bytes[1]!)}, ` +
      `ndiag_ino=${u32(bytes, 4)}, ndiag_show=${netlinkShow(u32(bytes, 8))}, ndiag_${cookie(bytes, 12)}`,
  },
  answer: {
    size: 28,
    family: 'ndiag_family',
    members: (bytes) =>
      `ndiag_type=${socketType(bytes[1]!)}, ndiag_protocol=${netlinkProtocol(bytes[2]!)}, ` +
      `ndiag_state=${state(bytes[3]!)}, ndiag_portid=${u32(bytes, 4)}, ` +
      `ndiag_dst_portid=${u32(bytes, 8)}, ndiag_dst_group=${u32(bytes, 12)}, ` +
      `ndiag_ino=${u32(bytes, 16)}, ndiag_${cookie(bytes, 20)}`,
    attributes: choice(names.NETLINK_ATTRIBUTE),
    values: {
      NETLINK_DIAG_MEMINFO: memory,
      NETLINK_DIAG_GROUPS: groups,
      NETLINK_DIAG_FLAGS: named(flags(names.NETLINK_SOCKET_FLAGS)),
    },
  },
};

const PACKET: Pair = {
  request: {
    ...noAttributes,
    size: 20,
    family: 'sdiag_family',
    members: (bytes) =>
      `sdiag_protocol=${bytes[1]}, pdiag_ino=${u32(bytes, 4)}, ` +
      `pdiag_show=${packetShow(u32(bytes, 8))}, pdiag_${cookie(bytes, 12)}`,
  },
  answer: {
    size: 16,
    family: 'pdiag_family',
    members: (bytes) =>
      `pdiag_type=${socketType(bytes[1]!)}, pdiag_num=${etherProtocol(u16(bytes, 2))}, ` +
      `pdiag_ino=${u32(bytes, 4)}, pdiag_${cookie(bytes, 8)}`,
    attributes: choice(names.PACKET_ATTRIBUTE),
    values: {
      PACKET_DIAG_INFO: sized(
        24,
        (bytes) =>
          `{pdi_index=${u32(bytes, 0)}, pdi_version=${packetVersion(u32(bytes, 4))}, ` +
          `pdi_reserve=${u32(bytes, 8)}, pdi_copy_thresh=${u32(bytes, 12)}, ` +
          `pdi_tstamp=${u32(bytes, 16)}, pdi_flags=${packetFlags(u32(bytes, 20))}}`,
      ),
      PACKET_DIAG_MEMINFO: memory,
      PACKET_DIAG_UID: word,
    },
  },
};

const PAIRS: Readonly<Record<number, Pair>> = {
  [AF_UNIX]: UNIX,
  [AF_INET]: INET,
  [AF_INET6]: INET,
  [AF_NETLINK]: NETLINK,
  [AF_PACKET]: PACKET,
};

/** The body of a message of NETLINK_SOCK_DIAG: of `size` bytes, of which `body` may be the first. */
export function sockDiagText(
  type: number,
  isRequest: boolean,
  body: Uint8Array,
  size: number,
): string {
  if (type !== SOCK_DIAG_BY_FAMILY && type !== SOCK_DESTROY) return bytesText(body, 0);
  const pair = PAIRS[body[0]!];
  if (pair !== undefined) return structureText(isRequest ? pair.request : pair.answer, body, size);
  const rest = body.length > 1 ? `, data=${bytesText(body.subarray(1), 0)}` : '';
  return `{sdiag_family=${family(body[0]!)}${rest}}`;
}
