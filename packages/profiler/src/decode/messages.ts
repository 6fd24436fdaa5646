/**
 * Vectors of buffers and socket messages. Their parts come as `data` frames of one argument, in the order that the
 * table's `inRegions` tells: a vector before what it points to; of a message the header, name, vector, data, control.
 */
import type { ArgType, DataFrame, SyscallRow } from '@scribe-ts/tracelog';
import type { ArgPrinter, Call } from './call.js';
import { controlMessages, messageFlags, sockaddr } from './net.js';
import { netlinkMessages } from './netlink/messages.js';
import { addressArg, bufferArg, sizeOf } from './pointers.js';
import { quoteUpTo } from './text.js';
import { f64, i32, pointer, u32, u64 } from './words.js';

type ArgTypeOf<K extends ArgType['kind']> = Extract<ArgType, { readonly kind: K }>;

const IOVEC_BYTES = 16;
const MSGHDR_BYTES = 56;
const MMSGHDR_BYTES = 64;
/** Most entries of a vector, and messages, that are printed. */
const SHOWN = 32;

/** What went through a socket: `size` bytes, of which the log may have the first. */
export function payloadText(call: Call, bytes: Uint8Array, size: number, limit: number): string {
  const protocol = call.netlinkProtocol;
  return protocol === undefined
    ? quoteUpTo(bytes, size, limit)
    : netlinkMessages(protocol, bytes.subarray(0, size), size);
}

/** The buffer of sendto and recvfrom. */
export function payloadArg(row: SyscallRow, type: ArgTypeOf<'buffer'>): ArgPrinter {
  const plain = bufferArg(row, type);
  return (call, i) => {
    if (call.netlinkProtocol === undefined) return plain(call, i);
    const input = call.input(i);
    if (input !== undefined) {
      call.decoded.push(input);
      return payloadText(call, input.bytes, input.size, 0);
    }
    const stored = call.failed ? undefined : call.output(call.address(i));
    if (stored === undefined || stored.length === 0) return plain(call, i);
    return payloadText(call, stored, Math.min(call.count, stored.length), 0);
  };
}

/** The entries of a received vector that the log does not hold: what was stored, write by write. */
function storedText(call: Call, from: number, total: number): string {
  const { writes } = call.frame;
  let left = total;
  let text = '';
  let shown = 0;
  for (let i = from; i < writes.length && left > 0; i++) {
    const { bytes } = writes[i]!;
    const taken = Math.min(bytes.length, left);
    left -= taken;
    if (shown++ === SHOWN) return `[${text}, ...]`;
    text += `${text === '' ? '' : ', '}{iov_base=${quoteUpTo(bytes, taken, call.limits.output)}}`;
  }
  return `[${text}]`;
}

/** Index of the write at `addr`, -1 if there is none. */
function writeAt(call: Call, addr: number): number {
  return call.frame.writes.findIndex((write) => write.addr === addr);
}

const plainText: typeof payloadText = (_, bytes, size, limit) => quoteUpTo(bytes, size, limit);

/** Takes the frames of one argument in turn. */
class Parts {
  private nth = 0;

  constructor(
    private readonly call: Call,
    private readonly arg: number,
  ) {}

  next(): DataFrame | undefined {
    return this.call.input(this.arg, this.nth++);
  }

  /** The next frame, whose bytes are shown in another form. */
  decoded(): DataFrame | undefined {
    const frame = this.next();
    if (frame !== undefined) this.call.decoded.push(frame);
    return frame;
  }
}

/**
 * `[{iov_base="a", iov_len=1}, …]`. `sent` is whether the bytes are among the parts; else they are what the kernel
 * stored. At most `total` bytes of all went through, and `print` prints them.
 */
function vectorText(
  call: Call,
  vector: DataFrame,
  count: number,
  sent: boolean,
  total: number,
  parts: Parts,
  print: typeof payloadText,
): string {
  const { bytes } = vector;
  const there = Math.min(count, Math.floor(bytes.length / IOVEC_BYTES));
  let left = total;
  let text = '';
  for (let i = 0; i < there; i++) {
    const at = i * IOVEC_BYTES;
    const base = f64(bytes, at);
    const length = f64(bytes, at + 8);
    const taken = Math.min(length, left);
    left -= taken;
    let shown: string;
    if (base === 0) shown = 'NULL';
    else if (taken === 0) {
      shown = length > 0 && (sent || call.failed) ? pointer(u64(bytes, at)) : '""';
    } else if (sent) {
      const part = parts.next();
      shown =
        part === undefined
          ? pointer(u64(bytes, at))
          : print(call, part.bytes, part.size, call.limits.input);
    } else {
      const stored = call.output(base);
      shown =
        stored === undefined
          ? pointer(u64(bytes, at))
          : print(call, stored, taken, call.limits.output);
    }
    if (i < SHOWN) text += `${i > 0 ? ', ' : ''}{iov_base=${shown}, iov_len=${u64(bytes, at + 8)}}`;
  }
  // Parts of entries that are cut off still stand between here and the control messages.
  if (sent) {
    for (let i = there; i < count && left > 0; i++) {
      const part = parts.next();
      if (part === undefined) break;
      left -= part.size;
    }
  }
  return `[${text}${count > Math.min(there, SHOWN) ? (text === '' ? '...' : ', ...') : ''}]`;
}

export function iovecArg(row: SyscallRow, type: ArgTypeOf<'iovec'>): ArgPrinter {
  const count = sizeOf(row, type.count);
  const sent = type.dir !== 'out';
  return (call, i) => {
    if (call.address(i) === 0) return addressArg(call, i);
    if (count(call) === 0) return '[]';
    const parts = new Parts(call, i);
    const vector = parts.decoded();
    if (vector === undefined) {
      const known = !sent && call.count > 0 && call.frame.writes.length > 0;
      return known ? storedText(call, 0, call.count) : addressArg(call, i);
    }
    const total = sent ? Infinity : call.count;
    return vectorText(call, vector, count(call), sent, total, parts, plainText);
  };
}

/** One struct msghdr at `addr`, its parts from the header on still to be taken. */
function messageText(
  call: Call,
  bytes: Uint8Array,
  addr: number,
  sent: boolean,
  total: number,
  parts: Parts,
): string {
  if (bytes.length < MSGHDR_BYTES) return pointer(addr);
  const name = f64(bytes, 0);
  const vectorLength = f64(bytes, 24);
  const control = f64(bytes, 32);
  // What the kernel stored back: lengths and flags.
  const stored = sent ? undefined : call.output(addr);
  const after = stored !== undefined && stored.length >= MSGHDR_BYTES ? stored : bytes;
  const nameLength = i32(after, 8);
  const nameRoom = i32(bytes, 8);
  const lengthText = nameRoom === nameLength ? String(nameLength) : `${nameRoom} => ${nameLength}`;
  const controlLength = f64(after, 40);

  let nameText = pointer(u64(bytes, 0));
  const namePart =
    name === 0 || nameLength <= 0 ? undefined : sent ? parts.decoded()?.bytes : call.output(name);
  if (namePart !== undefined && namePart.length >= 2) {
    nameText = sockaddr(namePart, 0, Math.min(nameLength, namePart.length));
  }

  let vectorShown = pointer(u64(bytes, 16));
  if (vectorLength === 0) vectorShown = vectorShown === 'NULL' ? 'NULL' : '[]';
  else if (f64(bytes, 16) !== 0) {
    const vector = parts.decoded();
    if (vector !== undefined) {
      vectorShown = vectorText(call, vector, vectorLength, sent, total, parts, payloadText);
    } else if (stored !== undefined && total > 0) {
      // The kernel stored header, name and data in this order.
      const first = writeAt(call, addr) + (namePart === undefined ? 1 : 2);
      vectorShown = storedText(call, first, total);
    }
  }

  let controlText = '';
  if (control !== 0 && controlLength > 0) {
    const controlPart = sent ? parts.decoded()?.bytes : call.output(control);
    controlText =
      controlPart === undefined
        ? `msg_control=${pointer(u64(bytes, 32))}, `
        : `msg_control=${controlMessages(controlPart.subarray(0, controlLength))}, `;
  }
  return (
    `{msg_name=${nameText}, msg_namelen=${lengthText}, msg_iov=${vectorShown}, ` +
    `msg_iovlen=${u64(bytes, 24)}, ${controlText}msg_controllen=${u64(after, 40)}, ` +
    `msg_flags=${messageFlags(u32(after, 48))}}`
  );
}

/** A header as it was read, or for a message received, as it was stored. */
function headerBytes(
  call: Call,
  parts: Parts,
  sent: boolean,
  addr: number,
): Uint8Array | undefined {
  return parts.decoded()?.bytes ?? (sent ? undefined : call.output(addr));
}

export function msghdrArg(row: SyscallRow, type: ArgTypeOf<'msghdr'>): ArgPrinter {
  const sent = type.dir === 'in';
  if (type.count !== undefined) return mmsghdrArg(sent, sizeOf(row, type.count));
  return (call, i) => {
    const addr = call.address(i);
    if (addr === 0) return addressArg(call, i);
    const parts = new Parts(call, i);
    const header = headerBytes(call, parts, sent, addr);
    if (header === undefined) return addressArg(call, i);
    const total = sent ? Infinity : call.count;
    return messageText(call, header, addr, sent, total, parts);
  };
}

function mmsghdrArg(sent: boolean, count: (call: Call) => number): ArgPrinter {
  return (call, i) => {
    const addr = call.address(i);
    if (addr === 0) return addressArg(call, i);
    const messages = call.failed ? (sent ? count(call) : 0) : Math.min(count(call), call.count);
    const parts = new Parts(call, i);
    if (call.failed && !sent) return addressArg(call, i);
    let text = '';
    let shown = 0;
    for (; shown < Math.min(messages, SHOWN); shown++) {
      const at = addr + shown * MMSGHDR_BYTES;
      const header = headerBytes(call, parts, sent, at);
      if (header === undefined || header.length < MMSGHDR_BYTES) break;
      const length = messageLength(call, header, at);
      const total = sent ? Infinity : length;
      text +=
        `${shown > 0 ? ', ' : ''}{msg_hdr=${messageText(call, header, at, sent, total, parts)}, ` +
        `msg_len=${length}}`;
    }
    if (shown === 0 && messages > 0) return addressArg(call, i);
    return `[${text}${shown < messages ? ', ...' : ''}]`;
  };
}

/** msg_len: stored by the call. */
function messageLength(call: Call, header: Uint8Array, at: number): number {
  const stored = call.output(at + MSGHDR_BYTES);
  return stored !== undefined && stored.length >= 4 ? u32(stored, 0) : u32(header, MSGHDR_BYTES);
}
