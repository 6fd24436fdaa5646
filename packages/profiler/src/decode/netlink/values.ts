/** What attributes of netlink messages hold. */
import type { NumberPrinter } from '../flags.js';
import { inet4, inet6 } from '../net.js';
import { quoteField } from '../text.js';
import { i32, u32, u64 } from '../words.js';

const AF_INET = 2;
const AF_INET6 = 10;
/** Most bytes of an attribute that are printed. */
const BYTES_SHOWN = 32;

/** What an attribute holds; the family is its message's. */
export type Value = (bytes: Uint8Array, family: number) => string;

/** Bytes of which no more is known, in hexadecimal. */
export const bytesText: Value = (bytes) => {
  let text = '';
  for (const byte of bytes.subarray(0, BYTES_SHOWN))
    text += '\\x' + byte.toString(16).padStart(2, '0');
  return `"${text}"${bytes.length > BYTES_SHOWN ? '...' : ''}`;
};
/** A value of at least `size` bytes. */
export const sized = (size: number, print: (bytes: Uint8Array) => string): Value => {
  return (bytes, of) => (bytes.length < size ? bytesText(bytes, of) : print(bytes));
};
/** Text up to a NUL. */
export const string: Value = (bytes) => quoteField(bytes, 0, bytes.length);
export const byte = sized(1, (bytes) => String(bytes[0]));
export const word = sized(4, (bytes) => String(u32(bytes, 0)));
export const long = sized(8, (bytes) => String(u64(bytes, 0)));
export const signed = sized(4, (bytes) => String(i32(bytes, 0)));
/** A number that has a name. */
export const named = (print: NumberPrinter): Value => sized(4, (bytes) => print(u32(bytes, 0)));
/** An address of the family. */
export const address: Value = (bytes, of) => {
  if (of === AF_INET && bytes.length >= 4) return `inet_addr("${inet4(bytes, 0)}")`;
  if (of === AF_INET6 && bytes.length >= 16) return `inet_pton(AF_INET6, "${inet6(bytes, 0)}")`;
  return bytesText(bytes, of);
};
/** An address of a network card. */
export const hardwareAddress = (bytes: Uint8Array): string =>
  Array.from(bytes, (value) => value.toString(16).padStart(2, '0')).join(':');
/** A structure of 32-bit words. */
export const words = (...members: readonly string[]): Value =>
  sized(
    4 * members.length,
    (bytes) => `{${members.map((name, i) => `${name}=${u32(bytes, 4 * i)}`).join(', ')}}`,
  );

/** One way to print for several attributes. */
export const each = (value: Value, ...keys: readonly string[]): Record<string, Value> =>
  Object.fromEntries(keys.map((key) => [key, value]));
