/** The bytes that a call moved, from its frames. */
import { syscallTable, type DataFrame, type Frame, type SyscallFrame } from '@scribe-ts/tracelog';
import type { Direction } from '../model/event-block.js';

const IOVEC_BYTES = 16;
const NAME_POINTER = 0;
const NAME_LENGTH = 8;
const CONTROL_POINTER = 32;

export interface Payload {
  readonly direction: Direction;
  /** What the log holds of the bytes. */
  readonly bytes: Uint8Array;
  /** How many there were. */
  readonly size: number;
}

/** What went through the call's buffers; undefined if the log holds no bytes of it. */
export function payloadOf(
  call: SyscallFrame,
  details: readonly Frame[],
  direction: Direction,
): Payload | undefined {
  const { result, nr } = call;
  if (typeof result !== 'number' || result <= 0) return undefined;
  const arg = bufferArgument(nr, direction);
  if (arg < 0) return undefined;
  const parts = direction === 'out' ? sentParts(nr, arg, details) : receivedParts(call, arg);
  if (parts.length === 0) return undefined;
  return { direction, bytes: joined(parts, result), size: result };
}

/** Index of the argument that leads to the bytes, -1 if there is none. */
function bufferArgument(nr: number, direction: Direction): number {
  const args = syscallTable[nr]?.args ?? [];
  const wanted = direction === 'out' ? 'in' : 'out';
  return args.findIndex(({ type }) => {
    if (type.kind === 'buffer' || type.kind === 'iovec') return type.dir === wanted;
    return type.kind === 'msghdr' && type.dir === wanted;
  });
}

function sentParts(nr: number, arg: number, details: readonly Frame[]): Uint8Array[] {
  const frames = details.filter(
    (frame): frame is DataFrame => frame.type === 'data' && frame.arg === arg,
  );
  const kind = syscallTable[nr]!.args[arg]!.type.kind;
  if (kind === 'buffer') return frames.slice(0, 1).map(({ bytes }) => bytes);
  if (kind === 'iovec') return frames.slice(1).map(({ bytes }) => bytes);
  // A message's header, its name if it has one, the vector, then what the vector leads to.
  const [header] = frames;
  if (header === undefined || header.bytes.length < CONTROL_POINTER) return [];
  const view = viewOf(header.bytes);
  const named =
    view.getBigUint64(NAME_POINTER, true) !== 0n && view.getUint32(NAME_LENGTH, true) > 0;
  const vector = frames[named ? 2 : 1];
  const entries = vector === undefined ? 0 : Math.floor(vector.size / IOVEC_BYTES);
  const first = named ? 3 : 2;
  return frames.slice(first, first + entries).map(({ bytes }) => bytes);
}

function receivedParts({ nr, args, writes }: SyscallFrame, arg: number): Uint8Array[] {
  const kind = syscallTable[nr]!.args[arg]!.type.kind;
  if (kind === 'iovec') return writes.map(({ bytes }) => bytes);
  const addr = args[arg];
  if (kind === 'buffer') {
    // At verbosity 0 there are no arguments: the buffer is what most bytes went to.
    const write =
      addr === undefined
        ? [...writes].sort((a, b) => b.bytes.length - a.bytes.length)[0]
        : writes.find((other) => other.addr === addr);
    return write === undefined ? [] : [write.bytes];
  }
  const header = writes.find(
    (write) => write.addr === addr && write.bytes.length > CONTROL_POINTER,
  );
  const view = header === undefined ? undefined : viewOf(header.bytes);
  const others = new Set(
    view === undefined
      ? []
      : [NAME_POINTER, CONTROL_POINTER].map((at) => Number(view.getBigUint64(at, true))),
  );
  return writes
    .filter((write) => write !== header && !others.has(write.addr))
    .map(({ bytes }) => bytes);
}

function joined(parts: readonly Uint8Array[], limit: number): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all.length > limit ? all.subarray(0, limit) : all;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
