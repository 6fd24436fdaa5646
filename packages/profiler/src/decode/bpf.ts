/** bpf(): the members of union bpf_attr that each command has. */
import type { ArgPrinter } from './call.js';
import { fdText } from './fds.js';
import { choice, flags, flagsNamed, unknownNamed, type NumberPrinter } from './flags.js';
import * as names from './names/bpf.js';
import { addressArg } from './pointers.js';
import { quote, quoteString } from './text.js';
import { f64, hex, i32, pointer, u32, u64 } from './words.js';

/** Bytes of what is printed, and the string that the attributes point to, where it is known. */
interface Attributes {
  readonly bytes: Uint8Array;
  readonly string: string | undefined;
}

/** A member; `from` is how long the attributes have to be for it to be printed, as it came with a later kernel. */
interface Member {
  readonly name: string;
  readonly at: number;
  readonly size: number;
  readonly from: number;
  readonly print: (attributes: Attributes, at: number) => string;
  /** False if the member means nothing beside the others. */
  readonly shown?: (bytes: Uint8Array) => boolean;
}

/** Makes the members of one kind: `size` bytes, printed by `print`. */
const kind =
  (size: number, print: Member['print']) =>
  (name: string, at: number, from = 0): Member => ({ name, at, size, from, print });

const NAME_BYTES = 16;
const number = kind(4, ({ bytes }, i) => String(u32(bytes, i)));
const signed = kind(4, ({ bytes }, i) => String(i32(bytes, i)));
const bits = kind(4, ({ bytes }, i) => hex(u32(bytes, i)));
const descriptor = kind(4, ({ bytes }, i) => fdText(i32(bytes, i)));
const address = kind(8, ({ bytes }, i) => pointer(u64(bytes, i)));
const long = kind(8, ({ bytes }, i) => hex(u64(bytes, i)));
const string = kind(8, (of, i) => of.string ?? pointer(u64(of.bytes, i)));
const label = kind(NAME_BYTES, ({ bytes }, i) => labelText(bytes, i));

/** The last byte of a name is to be NUL. */
function labelText(bytes: Uint8Array, at: number): string {
  const nul = bytes.indexOf(0, at);
  if (nul >= 0 && nul < at + NAME_BYTES) return quote(bytes, at, nul);
  return quote(bytes, at, at + NAME_BYTES - 1) + '...';
}

function named(name: string, at: number, print: NumberPrinter, from = 0): Member {
  return kind(4, ({ bytes }, i) => print(u32(bytes, i)))(name, at, from);
}
function longNamed(name: string, at: number, print: NumberPrinter, from = 0): Member {
  const text: Member['print'] = ({ bytes }, i) => {
    const word = u64(bytes, i);
    return print(typeof word === 'number' ? word : f64(bytes, i));
  };
  return kind(8, text)(name, at, from);
}

const mapType = choice(names.BPF_MAP_TYPE);
const progType = choice(names.BPF_PROG_TYPE);
const attachType = choice(names.BPF_ATTACH_TYPE, unknownNamed('BPF_'));
const mapFlags = flags(names.BPF_MAP_FLAGS);
const progFlags = flags(names.BPF_PROG_FLAGS);
const attachFlags = flags(names.BPF_ATTACH_FLAGS);
const fileFlags = flags(names.BPF_FILE_FLAGS);
const queryFlags = flags(names.BPF_QUERY_FLAGS);
const testFlags = flags(names.BPF_TEST_FLAGS);
const updateFlags = choice(names.BPF_UPDATE_FLAGS, unknownNamed('BPF_'));
const lookupFlags = flagsNamed('BPF_', names.BPF_LOOKUP_FLAGS, 'BPF_ANY');
const descriptorType = choice(names.BPF_FD_TYPE);

function kernelVersion(value: number): string {
  return `KERNEL_VERSION(${value >>> 16}, ${(value >>> 8) & 0xff}, ${value & 0xff})`;
}

const BPF_F_NUMA_NODE = 4;
const NUMA_NO_NODE = 0xffffffff;
const numaNode: Member = {
  ...named('numa_node', 24, (node) => node + (node === NUMA_NO_NODE ? ' /* NUMA_NO_NODE */' : '')),
  from: 25,
  shown: (bytes) => (u32(bytes, 16) & BPF_F_NUMA_NODE) !== 0,
};

const mapCreate: readonly Member[] = [
  named('map_type', 0, mapType),
  number('key_size', 4),
  number('value_size', 8),
  number('max_entries', 12),
  named('map_flags', 16, mapFlags, 17),
  descriptor('inner_map_fd', 20, 21),
  numaNode,
  label('map_name', 28, 29),
  number('map_ifindex', 44, 45),
  descriptor('btf_fd', 48, 49),
  number('btf_key_type_id', 52, 49),
  number('btf_value_type_id', 56, 49),
  number('btf_vmlinux_value_type_id', 60, 61),
  long('map_extra', 64, 65),
];

const progLoad: readonly Member[] = [
  named('prog_type', 0, progType),
  number('insn_cnt', 4),
  address('insns', 8),
  string('license', 16),
  number('log_level', 24, 25),
  number('log_size', 28, 25),
  address('log_buf', 32, 25),
  named('kern_version', 40, kernelVersion, 41),
  named('prog_flags', 44, progFlags, 45),
  label('prog_name', 48, 49),
  number('prog_ifindex', 64, 65),
  named('expected_attach_type', 68, attachType, 69),
  descriptor('prog_btf_fd', 72, 73),
  number('func_info_rec_size', 76, 73),
  address('func_info', 80, 73),
  number('func_info_cnt', 88, 73),
  number('line_info_rec_size', 92, 73),
  address('line_info', 96, 73),
  number('line_info_cnt', 104, 73),
  number('attach_btf_id', 108, 109),
  descriptor('attach_prog_fd', 112, 113),
  address('fd_array', 120, 121),
];

const object = [
  string('pathname', 0),
  descriptor('bpf_fd', 8),
  named('file_flags', 12, fileFlags, 13),
];
const lookup = [
  descriptor('map_fd', 0),
  address('key', 8),
  address('value', 16),
  longNamed('flags', 24, lookupFlags, 25),
];
const next = (id: string): readonly Member[] => [
  number(id, 0),
  number('next_id', 4),
  named('open_flags', 8, fileFlags, 9),
];
const batchEnd = [
  number('count', 32),
  descriptor('map_fd', 36),
  longNamed('elem_flags', 40, lookupFlags),
  long('flags', 48),
];
const batchKeys = address('keys', 16);
const batchValues = address('values', 24);
const lookupBatch = [
  address('in_batch', 0),
  address('out_batch', 8),
  batchKeys,
  batchValues,
  ...batchEnd,
];

interface Command {
  readonly members: readonly Member[];
  /** The structure in the union, if it has a name. */
  readonly struct?: string;
}

/** By number; of the others the address is printed. */
const commands: readonly (Command | undefined)[] = [
  { members: mapCreate },
  { members: lookup },
  { members: [...lookup.slice(0, 3), longNamed('flags', 24, updateFlags)] },
  { members: lookup.slice(0, 2) },
  { members: [...lookup.slice(0, 2), address('next_key', 16)] },
  { members: progLoad },
  { members: object },
  { members: object },
  {
    members: [
      descriptor('target_fd', 0),
      descriptor('attach_bpf_fd', 4),
      named('attach_type', 8, attachType),
      named('attach_flags', 12, attachFlags),
      descriptor('replace_bpf_fd', 16, 17),
    ],
  },
  { members: [descriptor('target_fd', 0), named('attach_type', 8, attachType)] },
  {
    struct: 'test',
    members: [
      descriptor('prog_fd', 0),
      number('retval', 4),
      number('data_size_in', 8),
      number('data_size_out', 12),
      address('data_in', 16),
      address('data_out', 24),
      number('repeat', 32),
      number('duration', 36),
      number('ctx_size_in', 40, 41),
      number('ctx_size_out', 44, 41),
      address('ctx_in', 48, 41),
      address('ctx_out', 56, 41),
      named('flags', 64, testFlags, 65),
      number('cpu', 68, 65),
      number('batch_size', 72, 73),
    ],
  },
  { members: next('start_id') },
  { members: next('start_id') },
  { members: next('prog_id') },
  { members: next('map_id') },
  {
    struct: 'info',
    members: [descriptor('bpf_fd', 0), number('info_len', 4), address('info', 8)],
  },
  {
    struct: 'query',
    members: [
      descriptor('target_fd', 0),
      named('attach_type', 4, attachType),
      named('query_flags', 8, queryFlags),
      named('attach_flags', 12, attachFlags),
      address('prog_ids', 16),
      number('prog_cnt', 24),
    ],
  },
  { struct: 'raw_tracepoint', members: [string('name', 0), descriptor('prog_fd', 8)] },
  {
    members: [
      address('btf', 0),
      address('btf_log_buf', 8),
      number('btf_size', 16),
      number('btf_log_size', 20),
      number('btf_log_level', 24),
    ],
  },
  { members: [number('btf_id', 0)] },
  {
    struct: 'task_fd_query',
    members: [
      signed('pid', 0),
      signed('fd', 4),
      number('flags', 8),
      number('buf_len', 12),
      address('buf', 16),
      number('prog_id', 24),
      named('fd_type', 28, descriptorType),
      long('probe_offset', 32),
      long('probe_addr', 40),
    ],
  },
  { members: lookup },
  { members: [descriptor('map_fd', 0)] },
  { members: next('start_id') },
  { struct: 'batch', members: lookupBatch },
  { struct: 'batch', members: lookupBatch },
  { struct: 'batch', members: [batchKeys, batchValues, ...batchEnd] },
  { struct: 'batch', members: [batchKeys, ...batchEnd] },
  {
    struct: 'link_create',
    members: [
      descriptor('prog_fd', 0),
      descriptor('target_fd', 4),
      named('attach_type', 8, attachType),
      bits('flags', 12),
    ],
  },
  {
    struct: 'link_update',
    members: [
      descriptor('link_fd', 0),
      descriptor('new_prog_fd', 4),
      named('flags', 8, attachFlags),
      descriptor('old_prog_fd', 12, 13),
    ],
  },
  { members: [number('link_id', 0)] },
  { members: next('start_id') },
];

/** The attributes of a command, of which `size` bytes were given. */
function attributesText({ struct, members }: Command, of: Attributes, size: number): string {
  const { bytes } = of;
  const parts: string[] = [];
  let end = 0;
  for (const { name, at, size: width, from, print, shown } of members) {
    if (size < from) continue;
    end = Math.max(end, at + width);
    if (shown === undefined || shown(bytes)) parts.push(`${name}=${print(of, at)}`);
  }
  const text = parts.join(', ');
  const whole = struct === undefined ? text : `${struct}={${text}}`;
  const more = bytes.subarray(end, size).some((byte) => byte !== 0);
  return `{${whole}${more ? ', ...' : ''}}`;
}

/** More than any command has. */
const ROOM = 160;
const COMMAND = 0;
const SIZE = 2;

/** The second argument. What is longer than the log has it is taken for 0. */
export const bpfArg: ArgPrinter = (call, i) => {
  const command = commands[call.uint(COMMAND)];
  const input = call.input(i);
  if (command === undefined || input === undefined) return addressArg(call, i);
  call.decoded.push(input);
  const bytes = new Uint8Array(Math.max(ROOM, input.bytes.length));
  bytes.set(input.bytes);
  const nested = call.input(i, 1);
  if (nested !== undefined) call.decoded.push(nested);
  const text = nested === undefined ? undefined : quoteString(nested.bytes, nested.size);
  return attributesText(command, { bytes, string: text }, call.uint(SIZE));
};
