import type { Socket } from './socket.js';

const AF_UNIX = 1;
const AF_INET = 2;
/** Bytes of the family, which is all that a unix socket without an address has. */
export const FAMILY = 2;
/** Of an IPv4 address within IPv6. */
const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
/** Of struct sockaddr_un: where its path begins. */
const SUN_PATH = 2;

/** Port and host of an internet address, that of IPv4 as IPv6 has it. */
function endpoint(address: Uint8Array): readonly [port: number, host: Buffer] {
  const isOld = (address[0] ?? 0) === AF_INET;
  const host = isOld ? [...MAPPED, ...address.subarray(4, 8)] : address.subarray(8, 24);
  return [(address[2] ?? 0) * 256 + (address[3] ?? 0), Buffer.from(host)];
}

/** The path in the address of a unix socket; '' for an abstract one. */
export function pathIn(address: Uint8Array): string {
  const end = address.indexOf(0, SUN_PATH);
  return Buffer.from(address.subarray(SUN_PATH, end < 0 ? address.length : end)).toString();
}

/** Whether two addresses are the same one. */
export function isSameAddress(one: Uint8Array, other: Uint8Array): boolean {
  if (one[0] === AF_UNIX || other[0] === AF_UNIX) {
    const path = pathIn(one);
    return path === '' ? Buffer.compare(one, other) === 0 : path === pathIn(other);
  }
  const [port, host] = endpoint(one);
  const [otherPort, otherHost] = endpoint(other);
  return port === otherPort && host.equals(otherHost);
}

/** Whether what is sent to an address comes to a socket that is bound. */
export function isAt({ bound, family }: Socket, address: Uint8Array): boolean {
  if (bound === undefined) return false;
  if (family === AF_UNIX || address[0] === AF_UNIX) return isSameAddress(bound, address);
  const [port, host] = endpoint(bound);
  const [wanted] = endpoint(address);
  const isAny =
    host.every((byte) => byte === 0) || host.equals(Buffer.from([...MAPPED, 0, 0, 0, 0]));
  return port === wanted && (isAny || isSameAddress(bound, address));
}
