/** struct ifreq and struct ifconf: what a request asks of a network interface, and what it is told. */
import type { ArgPrinter, Call } from './call.js';
import { sockaddr } from './net.js';
import { hardware, interfaceFlags } from './netlink/route.js';
import { hardwareAddress } from './netlink/values.js';
import { addressArg } from './pointers.js';
import { quoteField } from './text.js';
import { f64, hex, i32, pointer, u16, u64 } from './words.js';

const NAME_BYTES = 16;
const IFREQ_BYTES = 40;
const SOCKADDR_BYTES = 16;

/** A member of the union behind the name, in the structure's 40 bytes. */
type Member = (bytes: Uint8Array) => string;

const name: Member = (bytes) => `ifr_name=${quoteField(bytes, 0, NAME_BYTES)}`;
const index: Member = (bytes) => `ifr_ifindex=${i32(bytes, NAME_BYTES)}`;
const number =
  (member: string): Member =>
  (bytes) =>
    `${member}=${i32(bytes, NAME_BYTES)}`;
const text =
  (member: string): Member =>
  (bytes) =>
    `${member}=${quoteField(bytes, NAME_BYTES, NAME_BYTES)}`;
const address =
  (member: string): Member =>
  (bytes) =>
    `${member}=${sockaddr(bytes, NAME_BYTES, SOCKADDR_BYTES)}`;
const interfaceState: Member = (bytes) => `ifr_flags=${interfaceFlags(u16(bytes, NAME_BYTES))}`;

/** Bytes of an address, by ARPHRD number; 14 of others, as many as there may be. */
const ADDRESS_BYTES: ReadonlyMap<number, number> = new Map([
  [1, 6],
  [772, 6],
]);
const physical: Member = (bytes) => {
  const kind = u16(bytes, NAME_BYTES);
  const length = ADDRESS_BYTES.get(kind) ?? SOCKADDR_BYTES - 2;
  const data = bytes.subarray(NAME_BYTES + 2, NAME_BYTES + 2 + length);
  return `ifr_hwaddr={sa_family=${hardware(kind)}, sa_data=${hardwareAddress(data)}}`;
};
const map: Member = (bytes) => {
  const at = NAME_BYTES;
  return (
    `ifr_map={mem_start=${hex(u64(bytes, at))}, mem_end=${hex(u64(bytes, at + 8))}, ` +
    `base_addr=${hex(u16(bytes, at + 16))}, irq=${hex(bytes[at + 18]!)}, ` +
    `dma=${hex(bytes[at + 19]!)}, port=${hex(bytes[at + 20]!)}}`
  );
};

/** What a request takes or gives besides the name. */
const MEMBERS: Readonly<Record<string, Member>> = {
  FLAGS: interfaceState,
  ADDR: address('ifr_addr'),
  DSTADDR: address('ifr_dstaddr'),
  BRDADDR: address('ifr_broadaddr'),
  NETMASK: address('ifr_netmask'),
  METRIC: number('ifr_metric'),
  MTU: number('ifr_mtu'),
  NAME: text('ifr_newname'),
  HWADDR: physical,
  HWBROADCAST: physical,
  SLAVE: text('ifr_slave'),
  INDEX: index,
  MAP: map,
  TXQLEN: number('ifr_qlen'),
};

/** The request gives `told`: it stands behind the name once it is known. */
function asks(told: Member): ArgPrinter {
  return (call, i) => {
    const stored = call.failed ? undefined : call.output(call.address(i));
    if (stored !== undefined && stored.length >= IFREQ_BYTES) {
      forget(call, i);
      return `{${name(stored)}, ${told(stored)}}`;
    }
    return given(call, i, name);
  };
}

function sets(taken: Member): ArgPrinter {
  return (call, i) => given(call, i, (bytes) => `${name(bytes)}, ${taken(bytes)}`);
}

const asksName: ArgPrinter = (call, i) => {
  const stored = call.failed ? undefined : call.output(call.address(i));
  if (stored === undefined || stored.length < IFREQ_BYTES) return given(call, i, index);
  forget(call, i);
  return `{${index(stored)}, ${name(stored)}}`;
};

function given(call: Call, i: number, print: Member): string {
  const input = call.input(i);
  if (input === undefined || input.bytes.length < IFREQ_BYTES) return addressArg(call, i);
  call.decoded.push(input);
  return `{${print(input.bytes)}}`;
}

/** The bytes that were given stand in the line. */
function forget(call: Call, i: number): void {
  const input = call.input(i);
  if (input !== undefined) call.decoded.push(input);
}

function sizeText(size: number): string {
  if (size <= 0 || size % IFREQ_BYTES !== 0) return String(size);
  return `${size} /* ${size / IFREQ_BYTES} * sizeof(struct ifreq) */`;
}

/** SIOCGIFCONF: room for so many, and the addresses of as many interfaces. */
const configuration: ArgPrinter = (call, i) => {
  const input = call.input(i);
  if (input === undefined || input.bytes.length < 16) return addressArg(call, i);
  call.decoded.push(input);
  const buffer = f64(input.bytes, 8);
  const room = i32(input.bytes, 0);
  const stored = call.failed ? undefined : call.output(call.address(i));
  if (stored === undefined || stored.length < 16) {
    return `{ifc_len=${sizeText(room)}, ifc_buf=${pointer(u64(input.bytes, 8))}}`;
  }
  const filled = i32(stored, 0);
  const size =
    buffer === 0 || filled === room ? sizeText(filled) : `${sizeText(room)} => ${sizeText(filled)}`;
  return `{ifc_len=${size}, ifc_buf=${buffer === 0 ? 'NULL' : list(call, buffer, filled)}}`;
};

function list(call: Call, addr: number, size: number): string {
  const bytes = size <= 0 ? new Uint8Array(0) : call.output(addr);
  if (bytes === undefined) return pointer(addr);
  const print = MEMBERS['ADDR']!;
  const entries: string[] = [];
  for (let at = 0; at + IFREQ_BYTES <= Math.min(size, bytes.length); at += IFREQ_BYTES) {
    const entry = bytes.subarray(at, at + IFREQ_BYTES);
    entries.push(`{${name(entry)}, ${print(entry)}}`);
  }
  return `[${entries.join(', ')}]`;
}

/** The printer of a request's argument, by the request's name; undefined for requests that are not of interfaces. */
export function interfaceArg(request: string): ArgPrinter | undefined {
  if (request === 'SIOCGIFCONF') return configuration;
  if (request === 'SIOCGIFNAME') return asksName;
  if (request === 'SIOCADDMULTI' || request === 'SIOCDELMULTI') return sets(physical);
  const [, direction, what] = /^SIOC([GS])IF(\w+)$/.exec(request) ?? [];
  const member = what !== undefined && Object.hasOwn(MEMBERS, what) ? MEMBERS[what] : undefined;
  if (member === undefined) return undefined;
  return direction === 'G' ? asks(member) : sets(member);
}
