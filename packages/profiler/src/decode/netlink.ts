/** Netlink messages: their headers, and what NETLINK_ROUTE says of links, addresses, routes and neighbours. */
import { errnoNames } from './errno.js';
import { choice, flags, type Names, type NumberPrinter } from './flags.js';
import { inet4, inet6 } from './net.js';
import { ADDRESS_FAMILY } from './names/net.js';
import * as names from './names/netlink.js';
import { quote, quoteField } from './text.js';
import { hex, i32, u16, u32, u64 } from './words.js';

const HEADER_BYTES = 16;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
/** Below are the types that all protocols have. */
const FIRST_OWN_TYPE = 16;
const NETLINK_ROUTE = 0;
const AF_INET = 2;
const AF_INET6 = 10;
/** Most messages, attributes of one, and bytes of an attribute that are printed. */
const MESSAGES_SHOWN = 32;
const ATTRIBUTES_SHOWN = 128;
const BYTES_SHOWN = 32;

const family = choice(ADDRESS_FAMILY);
const controlType = choice(names.NETLINK_MESSAGE, (type) => `${hex(type)} /* NLMSG_??? */`);
const routeType = choice(names.ROUTE_MESSAGE, (type) => `${hex(type)} /* RTM_??? */`);
const flagsOf = (own: Names): NumberPrinter => flags({ ...names.NETLINK_FLAGS, ...own });
/** By the last two bits of the type: new, delete, get, set. */
const routeFlags: readonly NumberPrinter[] = [
  flagsOf(names.NETLINK_NEW_FLAGS),
  flagsOf(names.NETLINK_DELETE_FLAGS),
  flagsOf(names.NETLINK_GET_FLAGS),
  flagsOf({}),
];
const plainFlags = flagsOf({});

export const interfaceFlags = flags(names.INTERFACE_FLAGS);
const addressFlags = flags(names.ADDRESS_FLAGS);
const routingFlags = flags(names.ROUTE_FLAGS);
export const hardware = choice(names.HARDWARE_TYPE);
const scope = choice(names.ROUTE_SCOPE);
const table = choice(names.ROUTE_TABLE, hex);
const protocol = choice(names.ROUTE_PROTOCOL);
const routeKind = choice(names.ROUTE_TYPE);
const neighbourState = flags(names.NEIGHBOUR_STATE, 'NUD_NONE');
const neighbourFlags = flags(names.NEIGHBOUR_FLAGS);
const linkFilter = flags(names.LINK_FILTER);

/** What an attribute holds; the family is its message's. */
type Value = (bytes: Uint8Array, family: number) => string;

const bytesText: Value = (bytes) => {
  let text = '';
  for (const byte of bytes.subarray(0, BYTES_SHOWN))
    text += '\\x' + byte.toString(16).padStart(2, '0');
  return `"${text}"${bytes.length > BYTES_SHOWN ? '...' : ''}`;
};
const sized = (size: number, print: (bytes: Uint8Array) => string): Value => {
  return (bytes, of) => (bytes.length < size ? bytesText(bytes, of) : print(bytes));
};
const string: Value = (bytes) => quoteField(bytes, 0, bytes.length);
const byte = sized(1, (bytes) => String(bytes[0]));
const word = sized(4, (bytes) => String(u32(bytes, 0)));
const signed = sized(4, (bytes) => String(i32(bytes, 0)));
const named = (print: NumberPrinter): Value => sized(4, (bytes) => print(u32(bytes, 0)));
const address: Value = (bytes, of) => {
  if (of === AF_INET && bytes.length >= 4) return `inet_addr("${inet4(bytes, 0)}")`;
  if (of === AF_INET6 && bytes.length >= 16) return `inet_pton(AF_INET6, "${inet6(bytes, 0)}")`;
  return bytesText(bytes, of);
};
export const hardwareAddress = (bytes: Uint8Array): string =>
  Array.from(bytes, (value) => value.toString(16).padStart(2, '0')).join(':');
const words = (...members: readonly string[]): Value =>
  sized(
    4 * members.length,
    (bytes) => `{${members.map((name, i) => `${name}=${u32(bytes, 4 * i)}`).join(', ')}}`,
  );

const STATISTICS =
  'rx_packets tx_packets rx_bytes tx_bytes rx_errors tx_errors rx_dropped tx_dropped multicast collisions ' +
  'rx_length_errors rx_over_errors rx_crc_errors rx_frame_errors rx_fifo_errors rx_missed_errors ' +
  'tx_aborted_errors tx_carrier_errors tx_fifo_errors tx_heartbeat_errors tx_window_errors ' +
  'rx_compressed tx_compressed rx_nohandler rx_otherhost_dropped';
/** Kernels have added counters at the end. */
const statistics = (size: 4 | 8): Value => {
  const counters = STATISTICS.split(' ');
  return (bytes) => {
    const there = counters.slice(0, Math.floor(bytes.length / size));
    const value = (i: number) => (size === 4 ? u32(bytes, 4 * i) : u64(bytes, 8 * i));
    return `{${there.map((name, i) => `${name}=${value(i)}`).join(', ')}}`;
  };
};

/** A family of messages: new, delete, get and set of one kind of object. */
interface Kind {
  /** Bytes of the structure behind the header. */
  readonly size: number;
  /** Its first member, the family, which stands alone in short requests. */
  readonly family: string;
  /** The others. */
  readonly members: (bytes: Uint8Array) => string;
  readonly attributes: NumberPrinter;
  readonly values: Readonly<Record<string, Value>>;
}

const each = (value: Value, ...keys: readonly string[]): Record<string, Value> =>
  Object.fromEntries(keys.map((key) => [key, value]));

const LINK: Kind = {
  size: 16,
  family: 'ifi_family',
  members: (bytes) =>
    `ifi_type=${hardware(u16(bytes, 2))}, ifi_index=${i32(bytes, 4)}, ` +
    `ifi_flags=${interfaceFlags(u32(bytes, 8))}, ifi_change=${interfaceFlags(u32(bytes, 12))}`,
  attributes: choice(names.LINK_ATTRIBUTE),
  values: {
    ...each(string, 'IFLA_IFNAME', 'IFLA_QDISC', 'IFLA_IFALIAS', 'IFLA_PHYS_PORT_NAME'),
    ...each(byte, 'IFLA_OPERSTATE', 'IFLA_LINKMODE', 'IFLA_CARRIER', 'IFLA_PROTO_DOWN'),
    ...each(hardwareAddress, 'IFLA_ADDRESS', 'IFLA_BROADCAST', 'IFLA_PERM_ADDRESS'),
    ...each(word, 'IFLA_MTU', 'IFLA_TXQLEN', 'IFLA_GROUP', 'IFLA_PROMISCUITY', 'IFLA_ALLMULTI'),
    ...each(word, 'IFLA_MIN_MTU', 'IFLA_MAX_MTU', 'IFLA_NUM_TX_QUEUES', 'IFLA_NUM_RX_QUEUES'),
    ...each(word, 'IFLA_GSO_MAX_SEGS', 'IFLA_GSO_MAX_SIZE', 'IFLA_GRO_MAX_SIZE', 'IFLA_MASTER'),
    ...each(word, 'IFLA_TSO_MAX_SIZE', 'IFLA_TSO_MAX_SEGS', 'IFLA_CARRIER_CHANGES', 'IFLA_LINK'),
    ...each(word, 'IFLA_CARRIER_UP_COUNT', 'IFLA_CARRIER_DOWN_COUNT', 'IFLA_NUM_VF'),
    IFLA_STATS: statistics(4),
    IFLA_STATS64: statistics(8),
    IFLA_NEW_IFINDEX: signed,
    IFLA_EXT_MASK: named(linkFilter),
  },
};

const ADDRESS: Kind = {
  size: 8,
  family: 'ifa_family',
  members: (bytes) =>
    `ifa_prefixlen=${bytes[1]}, ifa_flags=${addressFlags(bytes[2]!)}, ` +
    `ifa_scope=${scope(bytes[3]!)}, ifa_index=${u32(bytes, 4)}`,
  attributes: choice(names.ADDRESS_ATTRIBUTE),
  values: {
    ...each(address, 'IFA_ADDRESS', 'IFA_LOCAL', 'IFA_BROADCAST', 'IFA_ANYCAST', 'IFA_MULTICAST'),
    IFA_LABEL: string,
    IFA_FLAGS: named(addressFlags),
    IFA_RT_PRIORITY: word,
    IFA_CACHEINFO: words('ifa_prefered', 'ifa_valid', 'cstamp', 'tstamp'),
  },
};

const ROUTE: Kind = {
  size: 12,
  family: 'rtm_family',
  members: (bytes) =>
    `rtm_dst_len=${bytes[1]}, rtm_src_len=${bytes[2]}, rtm_tos=${bytes[3] === 0 ? 0 : hex(bytes[3]!)}, ` +
    `rtm_table=${table(bytes[4]!)}, rtm_protocol=${protocol(bytes[5]!)}, ` +
    `rtm_scope=${scope(bytes[6]!)}, rtm_type=${routeKind(bytes[7]!)}, ` +
    `rtm_flags=${routingFlags(u32(bytes, 8))}`,
  attributes: choice(names.ROUTE_ATTRIBUTE),
  values: {
    ...each(address, 'RTA_DST', 'RTA_SRC', 'RTA_GATEWAY', 'RTA_PREFSRC', 'RTA_NEWDST'),
    ...each(word, 'RTA_IIF', 'RTA_OIF', 'RTA_PRIORITY', 'RTA_MARK', 'RTA_UID', 'RTA_NH_ID'),
    RTA_TABLE: named(table),
    RTA_PREF: byte,
  },
};

const NEIGHBOUR: Kind = {
  size: 12,
  family: 'ndm_family',
  members: (bytes) =>
    `ndm_ifindex=${i32(bytes, 4)}, ndm_state=${neighbourState(u16(bytes, 8))}, ` +
    `ndm_flags=${neighbourFlags(bytes[10]!)}, ndm_type=${routeKind(bytes[11]!)}`,
  attributes: choice(names.NEIGHBOUR_ATTRIBUTE),
  values: {
    NDA_DST: address,
    NDA_LLADDR: hardwareAddress,
    ...each(word, 'NDA_PROBES', 'NDA_VNI', 'NDA_IFINDEX', 'NDA_MASTER'),
    NDA_CACHEINFO: words('ndm_confirmed', 'ndm_used', 'ndm_updated', 'ndm_refcnt'),
  },
};

/** By a quarter of the type. */
const KINDS: readonly (Kind | undefined)[] = [
  ...[undefined, undefined, undefined, undefined],
  ...[LINK, ADDRESS, ROUTE, NEIGHBOUR],
];

const align = (length: number): number => (length + 3) & ~3;

/** `[a, b]`; one by itself, as strace has it. */
function list(items: readonly string[], more: boolean): string {
  if (items.length === 1 && !more) return items[0]!;
  return `[${items.join(', ')}${more ? ', ...' : ''}]`;
}

/** The messages in what went through a socket of this protocol; `size` bytes in all, of which `bytes` may be the first. */
export function netlinkMessages(socketProtocol: number, bytes: Uint8Array, size: number): string {
  if (bytes.length < HEADER_BYTES) return quote(bytes);
  const messages: string[] = [];
  let at = 0;
  for (; at + HEADER_BYTES <= bytes.length && messages.length < MESSAGES_SHOWN;) {
    const length = u32(bytes, at);
    messages.push(message(socketProtocol, bytes.subarray(at), Math.min(length, size - at)));
    if (length < HEADER_BYTES) {
      at = size;
      break;
    }
    at += align(length);
  }
  return list(messages, at < size);
}

/** `bytes` begins with the message and may end within it. */
function message(socketProtocol: number, bytes: Uint8Array, length: number): string {
  const type = u16(bytes, 4);
  const route = socketProtocol === NETLINK_ROUTE && type >= FIRST_OWN_TYPE;
  const typeText = type < FIRST_OWN_TYPE ? controlType(type) : route ? routeType(type) : hex(type);
  const flagText = (route ? routeFlags[type & 3]! : plainFlags)(u16(bytes, 6));
  const head =
    `{nlmsg_len=${u32(bytes, 0)}, nlmsg_type=${typeText}, nlmsg_flags=${flagText}, ` +
    `nlmsg_seq=${u32(bytes, 8)}, nlmsg_pid=${i32(bytes, 12)}}`;
  const body = bytes.subarray(HEADER_BYTES, Math.max(HEADER_BYTES, length));
  if (body.length === 0) return head;
  return `[${head}, ${bodyText(socketProtocol, type, body, length - HEADER_BYTES)}]`;
}

function bodyText(socketProtocol: number, type: number, body: Uint8Array, size: number): string {
  if (type === NLMSG_DONE && body.length >= 4) return String(i32(body, 0));
  if (type === NLMSG_ERROR && body.length >= 4) {
    const error = i32(body, 0);
    const code = error === 0 ? '0' : `-${errnoNames.get(-error) ?? -error}`;
    const about = body.subarray(4);
    if (about.length < HEADER_BYTES) return `{error=${code}}`;
    return `{error=${code}, msg=${message(socketProtocol, about, size - 4)}}`;
  }
  const kind = socketProtocol === NETLINK_ROUTE ? KINDS[type >> 2] : undefined;
  const of = body[0]!;
  if (kind === undefined) {
    if (socketProtocol !== NETLINK_ROUTE || type < FIRST_OWN_TYPE) return bytesText(body, 0);
    const rest = body.length > 1 ? `, data=${bytesText(body.subarray(1), 0)}` : '';
    return `{family=${family(of)}${rest}}`;
  }
  const first = `{${kind.family}=${family(of)}`;
  if (body.length < kind.size) return `${first}, ...}`;
  const structure = `${first}, ${kind.members(body)}}`;
  const attributes = attributesText(kind, of, body, align(kind.size), size);
  return attributes === '' ? structure : `${structure}, ${attributes}`;
}

function attributesText(
  kind: Kind,
  of: number,
  bytes: Uint8Array,
  from: number,
  size: number,
): string {
  const found: string[] = [];
  let at = from;
  while (at + 4 <= bytes.length && found.length < ATTRIBUTES_SHOWN) {
    const length = u16(bytes, at);
    const name = kind.attributes(u16(bytes, at + 2));
    const head = `{nla_len=${length}, nla_type=${name}}`;
    if (length < 4 || at + length > bytes.length) {
      found.push(length < 4 ? head : `[${head}, ...]`);
      at = length < 4 ? size : at + align(length);
      break;
    }
    const value = bytes.subarray(at + 4, at + length);
    const print = kind.values[name] ?? bytesText;
    found.push(length === 4 ? head : `[${head}, ${print(value, of)}]`);
    at += align(length);
  }
  return found.length === 0 ? '' : list(found, at < size);
}
