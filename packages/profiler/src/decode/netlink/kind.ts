/** A message's body: a structure of its kind, and attributes. */
import { choice, type NumberPrinter } from '../flags.js';
import { ADDRESS_FAMILY } from '../names/net.js';
import { u16 } from '../words.js';
import { bytesText, type Value } from './values.js';

/** Most attributes of a message that are printed. */
const ATTRIBUTES_SHOWN = 128;

const familyName = choice(ADDRESS_FAMILY);

/** A family of messages: new, delete, get and set of one kind of object. */
export interface Kind {
  /** Bytes of the structure behind the header. */
  readonly size: number;
  /** Its first member, the family, which stands alone in short requests. */
  readonly family: string;
  /** The others. */
  readonly members: (bytes: Uint8Array) => string;
  readonly attributes: NumberPrinter;
  readonly values: Readonly<Record<string, Value>>;
}

/** Where the next message or attribute begins behind one of `length` bytes. */
export const align = (length: number): number => (length + 3) & ~3;

/** `[a, b]`; one by itself, as strace has it. */
export function list(items: readonly string[], more: boolean): string {
  if (items.length === 1 && !more) return items[0]!;
  return `[${items.join(', ')}${more ? ', ...' : ''}]`;
}

/** The body of a message of a known kind: of `size` bytes, of which `body` may be the first. */
export function structureText(kind: Kind, body: Uint8Array, size: number): string {
  const of = body[0]!;
  const first = `{${kind.family}=${familyName(of)}`;
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
