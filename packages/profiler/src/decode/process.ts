/** Tasks: creation, waiting, limits, scheduling, credentials. */
import { choice, flags, unknownNamed, type NumberPrinter } from './flags.js';
import * as names from './names/process.js';
import { signalName } from './signal.js';
import { bits, boxed, struct, type Structs } from './struct.js';
import { timeval } from './time.js';
import { hex, i32, i64, pointer, u32, u64 } from './words.js';

const cloneNames = flags(names.CLONE_FLAGS, '');

/** Flags of clone(): the exit signal is their low byte. */
export function cloneFlags(value: number): string {
  const signal = value % 256;
  const text = cloneNames(value - signal);
  if (signal === 0) return text === '' ? '0' : text;
  return text === '' ? signalName(signal) : `${text}|${signalName(signal)}`;
}

/** Flags of clone3(), which has a field for the signal. */
const clone3Flags = flags(names.CLONE_FLAGS);

const prctlOption = choice(names.PRCTL_OPTION);
export const memoryMapOption = choice(names.PR_SET_MM_OPTION);
export const ambientOption = choice(names.PR_CAP_AMBIENT_OPTION);
export const tscMode = choice(names.PR_TSC);
export const dumpable = choice(names.PR_DUMPABLE);
export const machineCheckKill = choice(names.PR_MCE_KILL);
const ioprioClass = choice(names.IOPRIO_CLASS);
const IOPRIO_CLASS_SHIFT = 13;

/** IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 6) */
export function ioPriority(value: number): string {
  const data = value & ((1 << IOPRIO_CLASS_SHIFT) - 1);
  return `IOPRIO_PRIO_VALUE(${ioprioClass(value >>> IOPRIO_CLASS_SHIFT)}, ${data})`;
}
export const capability = choice(names.CAPABILITY);
const RESET_ON_FORK = 0x40000000;
const plainPolicy = choice(names.SCHED_POLICY);
export function schedPolicy(value: number): string {
  const policy = plainPolicy((value & ~RESET_ON_FORK) >>> 0);
  return (value & RESET_ON_FORK) === 0 ? policy : `${policy}|SCHED_RESET_ON_FORK`;
}
const schedAttributes = flags(names.SCHED_ATTR_FLAGS);
const capabilityVersion = choice(names.CAPABILITY_VERSION);
const personalityFlags = flags(names.PERSONALITY_FLAGS, '');
const PER_MASK = 0xff;

const waitOptions = flags(names.WAIT_OPTIONS, '0');
export const speculation = choice(names.PR_SPECULATION);
export const speculationState = flags(names.PR_SPECULATION_STATE, 'PR_SPEC_NOT_AFFECTED');

export const processFormats: Readonly<Record<string, NumberPrinter>> = {
  clone_flags: cloneFlags,
  wait_options: (value) => {
    const text = waitOptions(value);
    return /^0x\w+$/.test(text) ? `${text} /* W??? */` : text;
  },
  waitid_type: choice(names.WAITID_TYPE),
  prctl_option: prctlOption,
  arch_prctl_code: choice(names.ARCH_PRCTL_CODE),
  personality: (value) => {
    if (value === 0xffffffff) return '0xffffffff';
    const kind = value & PER_MASK;
    const rest = personalityFlags(value - kind);
    return (kind === 0 ? 'PER_LINUX' : hex(kind)) + (rest === '' ? '' : `|${rest}`);
  },
  pidfd_flags: flags(names.PIDFD_FLAGS),
  pidfd_signal_flags: flags(names.PIDFD_SIGNAL_FLAGS),
  kcmp_type: choice(names.KCMP_TYPE),
  ptrace_request: choice(names.PTRACE_REQUEST),
  sched_policy: schedPolicy,
  priority_which: choice(names.PRIORITY_WHICH),
  ioprio_which: choice(names.IOPRIO_WHICH),
  rlimit_resource: choice(names.RLIMIT_RESOURCE),
  rusage_who: choice(names.RUSAGE_WHO),
  membarrier_cmd: flags(names.MEMBARRIER_CMD, 'MEMBARRIER_CMD_QUERY'),
  membarrier_flags: flags(names.MEMBARRIER_FLAGS),
  seccomp_op: choice(names.SECCOMP_OP, unknownNamed('SECCOMP_SET_MODE_')),
  seccomp_flags: hex,
  landlock_create_flags: flags(names.LANDLOCK_CREATE_FLAGS),
  landlock_restrict_flags: flags(names.LANDLOCK_RESTRICT_FLAGS),
  landlock_rule_type: choice(names.LANDLOCK_RULE_TYPE),
  lsm_attr: choice(names.LSM_ATTR),
  lsm_flags: flags(names.LSM_FLAGS),
};

const WNOHANG_CONTINUED = 0xffff;
const CORE = 0x80;

/** A wait status in the macros that read it. */
function waitStatus(status: number): string {
  const low = status & 0x7f;
  if (status === WNOHANG_CONTINUED) return '{WIFCONTINUED(s)}';
  if (low === 0) return `{WIFEXITED(s) && WEXITSTATUS(s) == ${(status >> 8) & 0xff}}`;
  if (low === 0x7f) return `{WIFSTOPPED(s) && WSTOPSIG(s) == ${signalName((status >> 8) & 0xff)}}`;
  const core = (status & CORE) === 0 ? '' : ' && WCOREDUMP(s)';
  return `{WIFSIGNALED(s) && WTERMSIG(s) == ${signalName(low)}${core}}`;
}

/** How a task ended, in words. */
export function exitText(status: number): string {
  const low = status & 0x7f;
  if (low === 0) return `exit status ${(status >> 8) & 0xff}`;
  return `killed by ${signalName(low)}${(status & CORE) === 0 ? '' : ' (core dumped)'}`;
}

const INFINITY = 2n ** 64n - 1n;
function limit(bytes: Uint8Array, at: number): string {
  const value = u64(bytes, at);
  if (value === INFINITY) return 'RLIM64_INFINITY';
  if (typeof value === 'number' && value > 1024 && value % 1024 === 0)
    return `${value / 1024}*1024`;
  return String(value);
}

function capabilitySet(low: number, high: number): string {
  let text = '';
  for (let bit = 0; bit < 64; bit++) {
    if ((((bit < 32 ? low : high) >>> (bit & 31)) & 1) === 0) continue;
    text += `${text === '' ? '' : '|'}1<<${capability(bit)}`;
  }
  return text === '' ? '0' : text;
}

function cloneArgs(bytes: Uint8Array, at: number, size: number): string {
  const value = u64(bytes, at);
  const bitsSet = typeof value === 'number' ? value : 0;
  const low = (bitsSet % 2 ** 32) | 0;
  const shown = typeof value === 'number' ? clone3Flags(value) : hex(value);
  let text = `{flags=${shown}`;
  if ((low & 0x1000) !== 0) text += `, pidfd=${pointer(u64(bytes, at + 8))}`;
  if ((low & (0x0100_0000 | 0x0020_0000)) !== 0) {
    text += `, child_tid=${pointer(u64(bytes, at + 16))}`;
  }
  if ((low & 0x0010_0000) !== 0) text += `, parent_tid=${pointer(u64(bytes, at + 24))}`;
  const signal = u64(bytes, at + 32);
  text += `, exit_signal=${signal === 0 ? '0' : signalName(Number(signal))}`;
  text += `, stack=${pointer(u64(bytes, at + 40))}, stack_size=${hex(u64(bytes, at + 48))}`;
  if ((low & 0x0008_0000) !== 0) text += `, tls=${pointer(u64(bytes, at + 56))}`;
  if (size >= 80 && u64(bytes, at + 72) !== 0) {
    text += `, set_tid=${pointer(u64(bytes, at + 64))}, set_tid_size=${u64(bytes, at + 72)}`;
  }
  if (size >= 88 && bitsSet >= 0x2_0000_0000) text += `, cgroup=${u64(bytes, at + 80)}`;
  return text + '}';
}

export const processStructs: Structs = {
  wait_status: boxed(4, (bytes, at) => waitStatus(i32(bytes, at))),
  rusage: struct(
    32,
    (bytes, at) => `{ru_utime=${timeval(bytes, at)}, ru_stime=${timeval(bytes, at + 16)}, ...}`,
  ),
  rlimit: struct(
    16,
    (bytes, at) => `{rlim_cur=${limit(bytes, at)}, rlim_max=${limit(bytes, at + 8)}}`,
  ),
  clone_args: struct(64, cloneArgs),
  sched_param: boxed(4, (bytes, at) => String(i32(bytes, at))),
  sched_attr: struct(
    48,
    (bytes, at, size) =>
      `{size=${u32(bytes, at)}, sched_policy=${schedPolicy(u32(bytes, at + 4))}, ` +
      `sched_flags=${schedAttributes(u32(bytes, at + 8))}, sched_nice=${i32(bytes, at + 16)}, ` +
      `sched_priority=${u32(bytes, at + 20)}, sched_runtime=${u64(bytes, at + 24)}, ` +
      `sched_deadline=${u64(bytes, at + 32)}, sched_period=${u64(bytes, at + 40)}` +
      (size < 56 || bytes.length < at + 56
        ? '}'
        : `, sched_util_min=${u32(bytes, at + 48)}, sched_util_max=${u32(bytes, at + 52)}}`),
  ),
  cpu_set: struct(1, bits),
  cap_user_header: struct(
    8,
    (bytes, at) => `{version=${capabilityVersion(u32(bytes, at))}, pid=${i32(bytes, at + 4)}}`,
  ),
  cap_user_data: struct(12, (bytes, at, size) => {
    const high = size >= 24;
    const set = (offset: number) =>
      capabilitySet(u32(bytes, at + offset), high ? u32(bytes, at + offset + 12) : 0);
    return `{effective=${set(0)}, permitted=${set(4)}, inheritable=${set(8)}}`;
  }),
  sysinfo: struct(
    112,
    (bytes, at) =>
      `{uptime=${i64(bytes, at)}, loads=[${u64(bytes, at + 8)}, ${u64(bytes, at + 16)}, ${u64(bytes, at + 24)}], ` +
      `totalram=${u64(bytes, at + 32)}, freeram=${u64(bytes, at + 40)}, ` +
      `sharedram=${u64(bytes, at + 48)}, bufferram=${u64(bytes, at + 56)}, ` +
      `totalswap=${u64(bytes, at + 64)}, freeswap=${u64(bytes, at + 72)}, ` +
      `procs=${bytes[at + 80]! | (bytes[at + 81]! << 8)}, totalhigh=${u64(bytes, at + 88)}, ` +
      `freehigh=${u64(bytes, at + 96)}, mem_unit=${u32(bytes, at + 104)}}`,
  ),
};
