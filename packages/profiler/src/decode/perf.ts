/** perf_event_open(): struct perf_event_attr, of which strace shows the beginning. */
import { choice, flags, type NumberPrinter } from './flags.js';
import * as names from './names/perf.js';
import { struct, type Structs } from './struct.js';
import type { Word } from '@scribe-ts/tracelog';
import { f64, hex, u32, u64 } from './words.js';

const eventType = choice(names.PERF_TYPE);
const sizeName = choice(
  names.PERF_ATTR_SIZE,
  (size) => `${size === 0 ? '0' : hex(size)} /* PERF_ATTR_SIZE_??? */`,
);
const hardware = choice(names.PERF_HARDWARE);
const software = choice(names.PERF_SOFTWARE);
const cache = choice(names.PERF_CACHE);
const cacheOperation = choice(names.PERF_CACHE_OP);
const cacheResult = choice(names.PERF_CACHE_RESULT);
const sampleType = flags(names.PERF_SAMPLE);
const readFormat = flags(names.PERF_FORMAT);

const enum Type {
  Hardware = 0,
  Software = 1,
  Tracepoint = 2,
  Cache = 3,
}

function wide(print: NumberPrinter, word: Word): string {
  return typeof word === 'number' ? print(word) : hex(word);
}

/** What is counted: its meaning depends on the type. */
function config(type: number, bytes: Uint8Array, at: number): string {
  const word = u64(bytes, at);
  const low = u32(bytes, at);
  const high = u32(bytes, at + 4);
  const beyond = high === 0 ? '' : `${hex(high)}<<32|`;
  switch (type) {
    case Type.Hardware:
      return beyond + hardware(low);
    case Type.Software:
      return wide(software, word);
    case Type.Tracepoint:
      return String(word);
    case Type.Cache: {
      const rest = low >>> 24;
      return (
        `${beyond}${rest === 0 ? '' : `${hex(rest)}<<24|`}${cacheResult((low >>> 16) & 0xff)}<<16|` +
        `${cacheOperation((low >>> 8) & 0xff)}<<8|${cache(low & 0xff)}`
      );
    }
    default:
      return hex(word);
  }
}

/** Members of one bit, in the order of the bits; `precise_ip` has two. */
const BITS = (
  'disabled inherit pinned exclusive exclude_user exclude_kernel exclude_hv exclude_idle mmap comm freq inherit_stat ' +
  'enable_on_exec task watermark precise_ip - mmap_data sample_id_all exclude_host exclude_guest ' +
  'exclude_callchain_kernel exclude_callchain_user mmap2 comm_exec use_clockid context_switch write_backward ' +
  'namespaces ksymbol bpf_event aux_output cgroup text_poke build_id inherit_thread remove_on_exec sigtrap'
).split(' ');
const PRECISE = BITS.indexOf('precise_ip');
const FREQUENCY = BITS.indexOf('freq');
const SKIDS = ['arbitrary skid', 'constant skid', 'requested to have 0 skid', 'must have 0 skid'];

function bit(bytes: Uint8Array, at: number, index: number): number {
  return (bytes[at + (index >> 3)]! >> (index & 7)) & 1;
}

function bitsText(bytes: Uint8Array, at: number): string {
  let text = '';
  BITS.forEach((name, index) => {
    if (index === PRECISE) {
      const skid = bit(bytes, at, index) | (bit(bytes, at, index + 1) << 1);
      text += `, precise_ip=${skid} /* ${SKIDS[skid]} */`;
    } else if (name !== '-' && bit(bytes, at, index) === 1) text += `, ${name}=1`;
  });
  const reserved = Math.floor(u32(bytes, at + 4) / 2 ** (BITS.length - 32));
  return reserved === 0 ? text : `${text}, __reserved_1=${hex(reserved)} /* Bits 63..38 */`;
}

const SIZE_LEAST = 64;

function perfEventAttr(bytes: Uint8Array, at: number): string {
  const type = u32(bytes, at);
  const period = bit(bytes, at + 40, FREQUENCY) === 1 ? 'sample_freq' : 'sample_period';
  return (
    `{type=${eventType(type)}, size=${sizeName(u32(bytes, at + 4))}, ` +
    `config=${config(type, bytes, at + 8)}, ${period}=${u64(bytes, at + 16)}, ` +
    `sample_type=${sampleType(f64(bytes, at + 24))}, ` +
    `read_format=${readFormat(f64(bytes, at + 32))}${bitsText(bytes, at + 40)}, ...}`
  );
}

export const perfStructs: Structs = { perf_event_attr: struct(SIZE_LEAST, perfEventAttr) };
