/** Bytes of calls as strace's `-e read=` and `-e write=` dump them. */
import { syscallTable, type Frame, type SyscallFrame } from '@scribe-ts/tracelog';
import { f64, i32, int32 } from '../decode/words.js';
import type { NumberSet } from '../query/values.js';

const COLUMNS = 16;
const HALF = 8;
const MSGHDR_BYTES = 56;

/** Whose bytes are dumped. */
export interface DumpOptions {
  /** Descriptors whose bytes are dumped. */
  readonly read?: NumberSet | undefined;
  readonly write?: NumberSet | undefined;
}

/** ` | 00000  68 65 6c 6c 6f 0a                                 hello.           |` for each 16 bytes. */
export function hexDump(bytes: Uint8Array): string[] {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += COLUMNS) {
    let hex = '';
    let text = '';
    for (let i = 0; i < COLUMNS; i++) {
      if (i === HALF) hex += ' ';
      const byte = bytes[at + i];
      hex += byte === undefined ? '   ' : ' ' + byte.toString(16).padStart(2, '0');
      if (byte !== undefined) {
        text += byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.';
      }
    }
    lines.push(` | ${at.toString(16).padStart(5, '0')} ${hex}  ${text.padEnd(COLUMNS)} |`);
  }
  return lines;
}

/** Bytes that went through one buffer of a call: as many as there were, and as many as the log has. */
interface Part {
  readonly size: number;
  readonly bytes: Uint8Array;
}

/** The lines to stand below a call; none if its descriptor is not one of those. */
export function dumpLines(
  frame: SyscallFrame,
  details: readonly Frame[],
  options: DumpOptions,
): readonly string[] {
  const { args, result, nr } = frame;
  const specs = syscallTable[nr]?.args;
  if (specs?.[0]?.type.kind !== 'fd' || args.length === 0) return [];
  if (typeof result !== 'number' || result <= 0) return [];
  const fd = int32(args[0]);
  const read = options.read?.has(fd) === true;
  const write = options.write?.has(fd) === true;
  const lines: string[] = [];
  for (let i = 1; i < specs.length; i++) {
    const { type } = specs[i]!;
    const plain = type.kind === 'buffer' && type.text === true;
    if (!plain && type.kind !== 'iovec' && type.kind !== 'msghdr') continue;
    if (type.dir === 'out' ? !read : !write) continue;
    const buffers = type.dir === 'out' ? stored(frame, i, type.kind) : taken(details, i, type.kind);
    print(upTo(buffers, result), plain, lines);
  }
  return lines;
}

function print(buffers: readonly Part[], plain: boolean, lines: string[]): void {
  for (const [index, { size, bytes }] of buffers.entries()) {
    const cut = bytes.length < size ? `, ${bytes.length} of them in the log` : '';
    if (!plain) lines.push(` * ${size} bytes in buffer ${index}${cut}`);
    else if (cut !== '') lines.push(` * ${size} bytes${cut}`);
    for (const line of hexDump(bytes)) lines.push(line);
  }
}

/** Not more than `total` bytes: the call's result. */
function upTo(buffers: readonly Part[], total: number): readonly Part[] {
  let left = total;
  const kept: Part[] = [];
  for (const { size, bytes } of buffers) {
    if (left <= 0) break;
    const length = Math.min(size, left);
    kept.push({ size: length, bytes: bytes.subarray(0, length) });
    left -= length;
  }
  return kept;
}

/** What the kernel stored through argument `arg`. */
function stored(frame: SyscallFrame, arg: number, kind: string): readonly Part[] {
  const addr = frame.args[arg];
  const passed = new Set<unknown>();
  if (kind === 'msghdr') {
    passed.add(addr);
    const header = frame.writes.find((write) => write.addr === addr)?.bytes;
    if (header !== undefined && header.length >= MSGHDR_BYTES) {
      if (i32(header, 8) > 0) passed.add(f64(header, 0));
      passed.add(f64(header, 32));
    }
  }
  return frame.writes
    .filter((write) => (kind === 'buffer' ? write.addr === addr : !passed.has(write.addr)))
    .map(({ bytes }) => ({ size: bytes.length, bytes }));
}

/** What the kernel took through argument `arg`. */
function taken(details: readonly Frame[], arg: number, kind: string): readonly Part[] {
  const parts = details.filter((detail) => detail.type === 'data' && detail.arg === arg);
  const data = parts.map((part) => part as Extract<Frame, { type: 'data' }>);
  if (kind === 'buffer') return data;
  if (kind === 'iovec') return data.slice(1);
  const header = data[0]?.bytes;
  if (header === undefined || header.length < MSGHDR_BYTES) return [];
  // Header, name if there is one, vector, what it points to, control messages.
  const named = f64(header, 0) !== 0 && i32(header, 8) > 0;
  return data.slice(named ? 3 : 2);
}
