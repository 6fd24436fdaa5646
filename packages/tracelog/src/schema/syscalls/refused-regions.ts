/** What refused calls read through their arguments: nobody makes them, but people want to see what was asked for. */
import { stringLength } from './ioctls.js';
import type { Region, RegionPart, SpecialCall } from './special.js';
import { count64, readAddress, readU32, uint32 } from './words.js';

const NONE: readonly Region[] = [];
const PAGE = 4096;

function read(addr: number, size: number, part: RegionPart, struct?: string): Region {
  const region = { addr, size, dir: 'in', when: 'success', part } as const;
  return struct === undefined ? region : { ...region, struct };
}

const enum Bpf {
  ProgLoad = 5,
  ObjPin = 6,
  ObjGet = 7,
  RawTracepointOpen = 17,
}

/** Where union bpf_attr has the address of a string, by command. */
const BPF_STRING: Readonly<Partial<Record<number, number>>> = {
  [Bpf.ProgLoad]: 16,
  [Bpf.ObjPin]: 0,
  [Bpf.ObjGet]: 0,
  [Bpf.RawTracepointOpen]: 0,
};

function bpfAttr({ args, addr, peek }: SpecialCall): readonly Region[] {
  const size = Math.min(uint32(args[2]), PAGE);
  if (size === 0) return NONE;
  const regions = [read(addr, size, 'value', 'bpf_attr')];
  const at = BPF_STRING[uint32(args[0])];
  const head = at === undefined || at + 8 > size ? undefined : peek(addr, at + 8);
  if (head === undefined) return regions;
  const string = readAddress(head, at!);
  const length = string === 0 ? 0 : stringLength(peek, string);
  if (length > 0) regions.push(read(string, length, 'nested'));
  return regions;
}

/** PERF_ATTR_SIZE_VER0, which 0 stands for. */
const PERF_ATTR_LEAST = 64;
/** The structure says itself how long it is. */
function perfEventAttr({ addr, peek }: SpecialCall): readonly Region[] {
  const head = peek(addr, 8);
  if (head === undefined) return NONE;
  const said = readU32(head, 4);
  const size = said === 0 ? PERF_ATTR_LEAST : Math.min(said, PAGE);
  return [read(addr, size, 'value', 'perf_event_attr')];
}

const SECCOMP_SET_MODE_FILTER = 1;
const SECCOMP_GET_ACTION_AVAIL = 2;
function seccompArgs({ args, addr }: SpecialCall): readonly Region[] {
  switch (uint32(args[0])) {
    case SECCOMP_SET_MODE_FILTER:
      return [read(addr, 16, 'value', 'sock_fprog')];
    case SECCOMP_GET_ACTION_AVAIL:
      return [read(addr, 4, 'value', 'seccomp_action')];
    default:
      return NONE;
  }
}

const WRITE_LDT_OLD = 1;
const WRITE_LDT = 0x11;
const USER_DESC_BYTES = 16;
function ldtEntry({ args, addr }: SpecialCall): readonly Region[] {
  const func = uint32(args[0]);
  const writes = func === WRITE_LDT_OLD || func === WRITE_LDT;
  if (!writes || count64(args[2]) !== USER_DESC_BYTES) return NONE;
  return [read(addr, USER_DESC_BYTES, 'value', 'user_desc')];
}

/** By the names that rows use, as those of special.ts. */
export const refusedDecoders: readonly (readonly [
  string,
  (call: SpecialCall) => readonly Region[],
])[] = [
  ['bpf_attr', bpfAttr],
  ['perf_event_attr', perfEventAttr],
  ['seccomp_args', seccompArgs],
  ['ldt_entry', ldtEntry],
];
