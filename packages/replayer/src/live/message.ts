const MSGHDR = 56;
const IOVEC = 16;
const CMSGHDR = 16;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const SCM_CREDENTIALS = 2;
/** What SCM_CREDENTIALS carries: process, user and group id. */
export type Credentials = readonly [pid: number, uid: number, gid: number];

/** Descriptors that one message can carry. */
export const MAX_RIGHTS = 253;
/** Most bytes that a message takes beside its data, an address of 128 bytes with it. */
export const MESSAGE_OVERHEAD = MSGHDR + IOVEC + 2 * CMSGHDR + 16 + 4 * (MAX_RIGHTS + 1) + 128;

/** Where in `message(address, one byte, one descriptor)` a received descriptor is. */
export const FIRST_RIGHT = MSGHDR + IOVEC + CMSGHDR;

const NO_NAME = new Uint8Array(0);
const aligned = (size: number): number => Math.ceil(size / 8) * 8;

/** A struct msghdr for memory at `address`, with all that it points to behind it: ancillary data, `data`,
 * `name`: the address that it goes to. */
export function message(
  address: number,
  data: Uint8Array,
  rights: readonly number[],
  credentials?: Credentials,
  name: Uint8Array = NO_NAME,
): Uint8Array {
  const parts: [type: number, values: readonly number[]][] = [];
  if (rights.length > 0) parts.push([SCM_RIGHTS, rights]);
  if (credentials !== undefined) parts.push([SCM_CREDENTIALS, credentials]);
  const sizes = parts.map(([, values]) => aligned(CMSGHDR + 4 * values.length));
  const control = MSGHDR + IOVEC;
  const controlSize = sizes.reduce((sum, size) => sum + size, 0);
  const nameAt = control + controlSize + data.length;
  const bytes = new Uint8Array(nameAt + name.length);
  const view = new DataView(bytes.buffer);
  const word = (at: number, value: number): void => view.setBigUint64(at, BigInt(value), true);
  word(0, name.length === 0 ? 0 : address + nameAt);
  word(8, name.length);
  word(16, address + MSGHDR);
  word(24, 1);
  word(32, controlSize === 0 ? 0 : address + control);
  word(40, controlSize);
  word(MSGHDR, address + control + controlSize);
  word(MSGHDR + 8, data.length);
  let at = control;
  for (const [i, [type, values]] of parts.entries()) {
    word(at, CMSGHDR + 4 * values.length);
    view.setInt32(at + 8, SOL_SOCKET, true);
    view.setInt32(at + 12, type, true);
    for (const [k, value] of values.entries()) view.setInt32(at + CMSGHDR + 4 * k, value, true);
    at += sizes[i]!;
  }
  bytes.set(data, control + controlSize);
  bytes.set(name, nameAt);
  return bytes;
}
