// Socket addresses (struct sockaddr) as keys.

export const AF_UNIX = 1;
export const AF_INET = 2;
const AF_INET6 = 10;
/** How an IPv4 address within IPv6 begins. */
const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

export const familyOf = (address: Uint8Array): number =>
  address.length < 2 ? 0 : address[0]! | (address[1]! << 8);

export const isInternet = (family: number): boolean => family === AF_INET || family === AF_INET6;

/** One spelling for each internet address and port: IPv4 as IPv6 has it, no flow and scope. */
export function internetKey(address: Uint8Array): string {
  const port = (address[2]! << 8) | address[3]!;
  if (familyOf(address) === AF_INET) return `${port} ${word(address, 4)}`;
  return isMapped(address) ? `${port} ${word(address, 20)}` : `${port} ${hex(address, 8, 24)}`;
}

function isMapped(address: Uint8Array): boolean {
  for (let i = 0; i < MAPPED.length; i++) if (address[8 + i] !== MAPPED[i]) return false;
  return true;
}

const word = (bytes: Uint8Array, at: number): number =>
  ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;

const hex = (bytes: Uint8Array, from: number, to: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('hex');

export const unixKey = (address: Uint8Array): string =>
  Buffer.from(address.buffer, address.byteOffset, address.length).toString('latin1');
