/** What NETLINK_ROUTE says of links, addresses, routes, neighbours and routing rules. */
import { choice, flags } from '../flags.js';
import { ADDRESS_FAMILY } from '../names/net.js';
import * as names from '../names/netlink.js';
import { hex, i32, u16, u32, u64 } from '../words.js';
import { type Kind, structureText } from './kind.js';
import {
  address,
  byte,
  bytesText,
  each,
  hardwareAddress,
  named,
  signed,
  sized,
  string,
  type Value,
  word,
  words,
} from './values.js';

const RTM_NEWLINK = 16;
const RTM_NEWADDR = 20;
const RTM_NEWROUTE = 24;
const RTM_NEWNEIGH = 28;
const RTM_NEWRULE = 32;
const RTM_NEWADDRLABEL = 72;

const family = choice(ADDRESS_FAMILY);
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
const ruleAction = choice(names.RULE_ACTION);
const ruleFlags = flags(names.RULE_FLAGS);

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

const RULE: Kind = {
  size: 12,
  family: 'family',
  members: (bytes) =>
    `dst_len=${bytes[1]}, src_len=${bytes[2]}, tos=${bytes[3] === 0 ? 0 : hex(bytes[3]!)}, ` +
    `table=${table(bytes[4]!)}, action=${ruleAction(bytes[7]!)}, flags=${ruleFlags(u32(bytes, 8))}`,
  attributes: choice(names.RULE_ATTRIBUTE),
  values: {
    ...each(address, 'FRA_DST', 'FRA_SRC'),
    ...each(string, 'FRA_IIFNAME', 'FRA_OIFNAME'),
    ...each(word, 'FRA_GOTO', 'FRA_PRIORITY', 'FRA_FWMARK', 'FRA_FLOW', 'FRA_FWMASK'),
    ...each(word, 'FRA_SUPPRESS_IFGROUP', 'FRA_SUPPRESS_PREFIXLEN'),
    ...each(byte, 'FRA_L3MDEV', 'FRA_IP_PROTO'),
    FRA_TABLE: named(table),
    FRA_PROTOCOL: sized(1, (bytes) => protocol(bytes[0]!)),
    FRA_TUN_ID: sized(
      8,
      (bytes) => `htobe64(${new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0)})`,
    ),
    FRA_UID_RANGE: words('start', 'end'),
    ...each(
      sized(4, (bytes) => `{start=${u16(bytes, 0)}, end=${u16(bytes, 2)}}`),
      'FRA_SPORT_RANGE',
      'FRA_DPORT_RANGE',
    ),
  },
};

const ADDRESS_LABEL: Kind = {
  size: 12,
  family: 'ifal_family',
  members: (bytes) =>
    `ifal_prefixlen=${bytes[2]}, ifal_flags=${addressFlags(bytes[3]!)}, ` +
    `ifal_index=${u32(bytes, 4)}, ifal_seq=${u32(bytes, 8)}`,
  attributes: choice(names.ADDRESS_LABEL_ATTRIBUTE),
  values: { IFAL_ADDRESS: address, IFAL_LABEL: word },
};

/** By a quarter of the type: the three or four types of a kind follow each other. */
const KINDS: Readonly<Record<number, Kind>> = {
  [RTM_NEWLINK / 4]: LINK,
  [RTM_NEWADDR / 4]: ADDRESS,
  [RTM_NEWROUTE / 4]: ROUTE,
  [RTM_NEWNEIGH / 4]: NEIGHBOUR,
  [RTM_NEWRULE / 4]: RULE,
  [RTM_NEWADDRLABEL / 4]: ADDRESS_LABEL,
};

/** The body of a message of NETLINK_ROUTE: of `size` bytes, of which `body` may be the first. */
export function routeText(type: number, body: Uint8Array, size: number): string {
  const kind = KINDS[type >> 2];
  if (kind !== undefined) return structureText(kind, body, size);
  const rest = body.length > 1 ? `, data=${bytesText(body.subarray(1), 0)}` : '';
  return `{family=${family(body[0]!)}${rest}}`;
}
