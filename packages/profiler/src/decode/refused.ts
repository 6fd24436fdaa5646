/** Calls that recordings refuse: a program's wish to trace, filter, share rings with the kernel. */
import type { ArgPrinter, Call } from './call.js';
import type { Exception } from './exception.js';
import { fdText } from './fds.js';
import { choice, flags } from './flags.js';
import * as names from './names/refused.js';
import { perfStructs } from './perf.js';
import { addressArg } from './pointers.js';
import { signalName } from './signal.js';
import { boxed, struct, type Structs } from './struct.js';
import { hex, i32, pointer, u16, u32, u64, unsigned } from './words.js';

const setupFlags = flags(names.IO_URING_SETUP_FLAGS);
const IORING_SETUP_ATTACH_WQ = 0x20;
const PARAMS_RESERVED = 28;

/** Of what io_uring_setup fills in nothing is there: it is refused. */
function uringParams(bytes: Uint8Array, at: number): string {
  const set = u32(bytes, at + 8);
  const processor = hex(u32(bytes, at + 12));
  let text = `{flags=${setupFlags(set)}, sq_thread_cpu=${processor}, sq_thread_idle=${u32(bytes, at + 16)}`;
  if ((set & IORING_SETUP_ATTACH_WQ) !== 0) text += `, wq_fd=${fdText(i32(bytes, at + 24))}`;
  const reserved = [0, 4, 8].map((i) => hex(u32(bytes, at + PARAMS_RESERVED + i)));
  if (reserved.some((word) => word !== '0')) text += `, resv=[${reserved.join(', ')}]`;
  return text + '}';
}

/** A descriptor of a segment. */
function userDesc(bytes: Uint8Array, at: number): string {
  const address = (value: number): string => '0x' + value.toString(16).padStart(6, '0');
  const set = u32(bytes, at + 12);
  const bit = (index: number, mask = 1): number => (set >> index) & mask;
  return (
    `{entry_number=${i32(bytes, at)}, base_addr=${address(u32(bytes, at + 4))}, ` +
    `limit=${address(u32(bytes, at + 8))}, seg_32bit=${bit(0)}, contents=${bit(1, 3)}, ` +
    `read_exec_only=${bit(3)}, limit_in_pages=${bit(4)}, seg_not_present=${bit(5)}, ` +
    `useable=${bit(6)}, lm=${bit(7)}}`
  );
}

const seccompAction = choice(names.SECCOMP_RET);

export const refusedStructs: Structs = {
  ...perfStructs,
  io_uring_params: struct(40, uringParams),
  user_desc: struct(16, userDesc),
  sock_fprog: struct(
    16,
    (bytes, at) => `{len=${u16(bytes, at)}, filter=${pointer(u64(bytes, at + 8))}}`,
  ),
  seccomp_action: boxed(4, (bytes, at) => seccompAction(u32(bytes, at))),
};

const SECCOMP_SET_MODE_FILTER = 1;
const filterFlags = flags(names.SECCOMP_FLAGS);
export const seccomp: Exception = {
  args: {
    1: (call, i) =>
      call.uint(0) === SECCOMP_SET_MODE_FILTER ? filterFlags(call.uint(i)) : hex(call.uint(i)),
  },
};

const enum Ptrace {
  Traceme = 0,
  Cont = 7,
  Kill = 8,
  Singlestep = 9,
  Getregs = 12,
  Setfpregs = 15,
  Attach = 16,
  Detach = 17,
  Oldsetoptions = 21,
  Syscall = 24,
  Sysemu = 31,
  SysemuSinglestep = 32,
  Setoptions = 0x4200,
  Seize = 0x4206,
  Interrupt = 0x4207,
  Listen = 0x4208,
}

const REQUEST: readonly number[] = [0];
const OF_TASK: readonly number[] = [0, 1];
const WITH_DATA: readonly number[] = [0, 1, 3];
const ALL: readonly number[] = [0, 1, 2, 3];

function ptraceArguments(call: Call): readonly number[] {
  const request = call.uint(0);
  switch (request) {
    case Ptrace.Traceme:
      return REQUEST;
    case Ptrace.Kill:
    case Ptrace.Attach:
    case Ptrace.Interrupt:
    case Ptrace.Listen:
      return OF_TASK;
    default:
      return request >= Ptrace.Getregs && request <= Ptrace.Setfpregs ? WITH_DATA : ALL;
  }
}

const ptraceOptions = flags(names.PTRACE_OPTIONS);
const ptraceData: ArgPrinter = (call, i) => {
  const word = call.frame.args[i]!;
  switch (call.uint(0)) {
    case Ptrace.Cont:
    case Ptrace.Singlestep:
    case Ptrace.Detach:
    case Ptrace.Syscall:
    case Ptrace.Sysemu:
    case Ptrace.SysemuSinglestep:
      return signalName(call.int(i));
    case Ptrace.Oldsetoptions:
    case Ptrace.Setoptions:
    case Ptrace.Seize:
      return typeof word === 'number' && word >= 0 ? ptraceOptions(word) : hex(unsigned(word));
    default:
      return addressArg(call, i);
  }
};
export const ptrace: Exception = { order: ptraceArguments, args: { 3: ptraceData } };
