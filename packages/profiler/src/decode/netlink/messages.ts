/** Netlink messages: their headers, and the bodies of protocols that we know. */
import { errnoNames } from '../errno.js';
import { choice, flags, type Names, type NumberPrinter } from '../flags.js';
import * as names from '../names/netlink.js';
import { quote } from '../text.js';
import { hex, i32, u16, u32 } from '../words.js';
import { align, list } from './kind.js';
import { routeText } from './route.js';
import { sockDiagText } from './sock-diag.js';
import { bytesText } from './values.js';

const HEADER_BYTES = 16;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLM_F_REQUEST = 1;
/** Below are the types that all protocols have. */
const FIRST_OWN_TYPE = 16;
const NETLINK_ROUTE = 0;
const NETLINK_SOCK_DIAG = 4;
/** Most messages that are printed. */
const MESSAGES_SHOWN = 32;

const controlType = choice(names.NETLINK_MESSAGE, (type) => `${hex(type)} /* NLMSG_??? */`);
const routeType = choice(names.ROUTE_MESSAGE, (type) => `${hex(type)} /* RTM_??? */`);
const diagType = choice(names.SOCK_DIAG_MESSAGE);
const flagsOf = (own: Names): NumberPrinter => flags({ ...names.NETLINK_FLAGS, ...own });
/** By the last two bits of the type: new, delete, get, set. */
const routeFlags: readonly NumberPrinter[] = [
  flagsOf(names.NETLINK_NEW_FLAGS),
  flagsOf(names.NETLINK_DELETE_FLAGS),
  flagsOf(names.NETLINK_GET_FLAGS),
  flagsOf({}),
];
const getFlags = routeFlags[2]!;
const plainFlags = flagsOf({});

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

/** What is special about a type of a protocol: its name, and how its flags are printed. */
function nameOf(socketProtocol: number, type: number): [string, NumberPrinter] {
  if (type < FIRST_OWN_TYPE) return [controlType(type), plainFlags];
  if (socketProtocol === NETLINK_ROUTE) return [routeType(type), routeFlags[type & 3]!];
  if (socketProtocol === NETLINK_SOCK_DIAG) return [diagType(type), getFlags];
  return [hex(type), plainFlags];
}

/** `bytes` begins with the message and may end within it. */
function message(socketProtocol: number, bytes: Uint8Array, length: number): string {
  const type = u16(bytes, 4);
  const flagBits = u16(bytes, 6);
  const [typeText, printFlags] = nameOf(socketProtocol, type);
  const head =
    `{nlmsg_len=${u32(bytes, 0)}, nlmsg_type=${typeText}, nlmsg_flags=${printFlags(flagBits)}, ` +
    `nlmsg_seq=${u32(bytes, 8)}, nlmsg_pid=${i32(bytes, 12)}}`;
  const body = bytes.subarray(HEADER_BYTES, Math.max(HEADER_BYTES, length));
  if (body.length === 0) return head;
  const size = length - HEADER_BYTES;
  const isRequest = (flagBits & NLM_F_REQUEST) !== 0;
  return `[${head}, ${bodyText(socketProtocol, type, isRequest, body, size)}]`;
}

function bodyText(
  socketProtocol: number,
  type: number,
  isRequest: boolean,
  body: Uint8Array,
  size: number,
): string {
  if (type === NLMSG_DONE && body.length >= 4) return String(i32(body, 0));
  if (type === NLMSG_ERROR && body.length >= 4) {
    const error = i32(body, 0);
    const code = error === 0 ? '0' : `-${errnoNames.get(-error) ?? -error}`;
    const about = body.subarray(4);
    if (about.length < HEADER_BYTES) return `{error=${code}}`;
    return `{error=${code}, msg=${message(socketProtocol, about, size - 4)}}`;
  }
  if (type < FIRST_OWN_TYPE) return bytesText(body, 0);
  if (socketProtocol === NETLINK_ROUTE) return routeText(type, body, size);
  if (socketProtocol === NETLINK_SOCK_DIAG) return sockDiagText(type, isRequest, body, size);
  return bytesText(body, 0);
}
