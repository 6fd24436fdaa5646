/**
 * The Common Trace Format 1.8 (babeltrace2, Trace Compass): a directory with a binary stream of packets, and its description as text.
 * Each call is an event class of its own, as are signals, execs, ends and bookmarks.
 */
import type { LogHeader } from '@scribe-ts/tracelog';
import type { Event } from '../events/event.js';

const MAGIC = 0xc1fc1fc1;
const PACKET_BYTES = 64 * 1024;
/** Packet header (magic, stream) and context (two times, two sizes in bits). */
const PACKET_HEAD_BYTES = 8 + 32;
const INT64_MAX = 2n ** 63n - 1n;

/** Where the parts of the trace go: files of these names in one directory. */
export interface CtfSink {
  (file: 'metadata' | 'stream', bytes: Uint8Array): void;
}

/** Fields of every event, in their order. */
const FIELDS = `uint32_t task; int32_t pid; int32_t tid; int64_t result; int64_t duration; string text;`;

/** Writes events as a trace in the Common Trace Format: bytes of its two files, given to the sink. */
export class CtfExporter {
  private readonly ids = new Map<string, number>();
  private buffer = Buffer.alloc(PACKET_BYTES);
  private at = PACKET_HEAD_BYTES;
  private first = 0;
  /** Times of a stream of CTF never go back. */
  private last = 0;

  constructor(
    private readonly header: LogHeader,
    private readonly sink: CtfSink,
  ) {}

  /** Adds an event; those without a place in a trace are left out. */
  push(event: Event): void {
    switch (event.type) {
      case 'syscall': {
        const { name, result, duration = -1, text } = event;
        this.add(event, name, BigInt(result), duration, text);
        return;
      }
      case 'signal':
        this.add(event, 'signal', BigInt(event.signo), -1, `${event.name} ${event.siginfo}`);
        return;
      case 'exec':
        this.add(event, 'exec', 0n, -1, event.argv.join(' '));
        return;
      case 'exit':
        this.add(event, 'exit', BigInt(event.frame.status), -1, '');
        return;
      case 'bookmark':
        this.add(event, 'bookmark', BigInt(event.id), -1, '');
        return;
      default:
        return;
    }
  }

  /** Gives what is left to the sink. No event may come after it. */
  end(): void {
    this.flush();
    this.sink('metadata', Buffer.from(this.metadata()));
  }

  private add(event: Event, name: string, result: bigint, duration: number, text: string): void {
    const bytes = Buffer.from(`${text.replaceAll('\0', '\\0')}\0`);
    const size = 4 + 8 + 12 + 16 + bytes.length;
    if (this.at + size > PACKET_BYTES) this.flush();
    if (this.at + size > this.buffer.length) this.grow(size);
    this.last = Math.max(this.last, event.time);
    if (this.at === PACKET_HEAD_BYTES) this.first = this.last;
    const { info } = event;
    const { buffer } = this;
    let at = buffer.writeUInt32LE(this.idOf(name), this.at);
    at = buffer.writeBigUInt64LE(BigInt(this.last), at);
    at = buffer.writeUInt32LE(event.task >>> 0, at);
    at = buffer.writeInt32LE(info.pid, at);
    at = buffer.writeInt32LE(info.tid, at);
    at = buffer.writeBigInt64LE(result > INT64_MAX ? INT64_MAX : result, at);
    at = buffer.writeBigInt64LE(BigInt(duration), at);
    this.at = at + bytes.copy(buffer, at);
  }

  private grow(size: number): void {
    const grown = Buffer.alloc(this.at + size);
    this.buffer.copy(grown, 0, 0, this.at);
    this.buffer = grown;
  }

  private idOf(name: string): number {
    let id = this.ids.get(name);
    if (id === undefined) this.ids.set(name, (id = this.ids.size));
    return id;
  }

  private flush(): void {
    if (this.at === PACKET_HEAD_BYTES) return;
    const { buffer } = this;
    const bits = BigInt(this.at) * 8n;
    let at = buffer.writeUInt32LE(MAGIC, 0);
    at = buffer.writeUInt32LE(0, at);
    at = buffer.writeBigUInt64LE(BigInt(this.first), at);
    at = buffer.writeBigUInt64LE(BigInt(this.last), at);
    at = buffer.writeBigUInt64LE(bits, at);
    buffer.writeBigUInt64LE(bits, at);
    this.sink('stream', buffer.subarray(0, this.at));
    this.at = PACKET_HEAD_BYTES;
  }

  private metadata(): string {
    const { startedAt, machine, writer, command } = this.header;
    const seconds = Math.floor(startedAt);
    const ns = Math.round((startedAt - seconds) * 1e9);
    const text = (value: string): string =>
      JSON.stringify(value).replace(/\\u[0-9a-f]{4}|[^ -~]/g, '?');
    const integer = (size: number, signed: boolean): string =>
      `typealias integer { size = ${size}; align = 8; signed = ${signed}; } := ${signed ? '' : 'u'}int${size}_t;`;
    const events = [...this.ids].map(
      ([name, id]) =>
        `event { name = ${text(name)}; id = ${id}; stream_id = 0; fields := struct { ${FIELDS} }; };`,
    );
    return `${[
      '/* CTF 1.8 */',
      integer(32, false),
      integer(32, true),
      integer(64, false),
      integer(64, true),
      'trace { major = 1; minor = 8; byte_order = le;',
      '  packet.header := struct { uint32_t magic; uint32_t stream_id; }; };',
      `env { hostname = ${text(machine.hostname)}; tracer_name = ${text(writer)}; command = ${text(command.join(' '))}; };`,
      'clock { name = monotonic; freq = 1000000000;',
      `  offset_s = ${seconds}; offset = ${ns}; };`,
      'typealias integer { size = 64; align = 8; signed = false; map = clock.monotonic.value; } := time_t;',
      'stream { id = 0;',
      '  packet.context := struct { time_t timestamp_begin; time_t timestamp_end;',
      '    uint64_t content_size; uint64_t packet_size; };',
      '  event.header := struct { uint32_t id; time_t timestamp; }; };',
      ...events,
    ].join('\n')}\n`;
  }
}
