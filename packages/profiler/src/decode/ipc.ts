/** Futexes, System V IPC, POSIX message queues, keys. */
import { openModifiers } from './file.js';
import { choice, field, flags, type NumberPrinter } from './flags.js';
import * as names from './names/ipc.js';
import { struct, type Structs } from './struct.js';
import { quote } from './text.js';
import { hex, i16, i64, octal, pointer, u16, u32, u64 } from './words.js';

const PRIVATE = 0x80;
const REALTIME = 0x100;
const futexCommand = choice(names.FUTEX_OP, hex);

/** FUTEX_WAIT_PRIVATE, FUTEX_WAIT_BITSET_PRIVATE|FUTEX_CLOCK_REALTIME. */
function futexOperation(op: number): string {
  const command = futexCommand((op & ~(PRIVATE | REALTIME)) >>> 0);
  return (
    command +
    ((op & PRIVATE) === 0 ? '' : '_PRIVATE') +
    ((op & REALTIME) === 0 ? '' : '|FUTEX_CLOCK_REALTIME')
  );
}

const wakeOperation = choice(names.FUTEX_WAKE_OPERATION);
const wakeComparison = choice(names.FUTEX_WAKE_COMPARISON);

/** The last argument of FUTEX_WAKE_OP: an operation on the second word and a comparison with it. */
export function wakeOp(value: number): string {
  const op = value >>> 28;
  const shift = (op & 8) === 0 ? '' : 'FUTEX_OP_OPARG_SHIFT<<28|';
  return (
    `${shift}${wakeOperation(op & 7)}<<28|${hex((value >>> 12) & 0xfff)}<<12|` +
    `${wakeComparison((value >>> 24) & 15)}<<24|${hex(value & 0xfff)}`
  );
}

export function bitset(value: number): string {
  return value === 0xffffffff ? 'FUTEX_BITSET_MATCH_ANY' : hex(value);
}

const ipcCommand = { ...names.IPC_CMD };
export const commandOf: Readonly<Record<string, NumberPrinter>> = {
  shmctl: choice({ ...ipcCommand, ...names.SHM_CMD }),
  semctl: choice({ ...ipcCommand, ...names.SEM_CMD }),
  msgctl: choice({ ...ipcCommand, ...names.MSG_CMD }),
};

const PERMISSIONS = { mask: 0o777, print: (mode: number) => (mode === 0 ? '' : octal(mode)) };
const creation = flags(names.IPC_GET_FLAGS, '0', PERMISSIONS);
const sharedCreation = flags({ ...names.IPC_GET_FLAGS, ...names.SHM_GET_FLAGS }, '0', PERMISSIONS);
const messageFlags = flags(names.MSG_OPERATION_FLAGS);
export const flagsOf: Readonly<Record<string, NumberPrinter>> = {
  shmget: lastPermissions(sharedCreation),
  semget: lastPermissions(creation),
  msgget: lastPermissions(creation),
  msgsnd: messageFlags,
  msgrcv: messageFlags,
};

/** IPC_CREAT|0600: permissions are a field, but stand last. */
function lastPermissions(print: NumberPrinter): NumberPrinter {
  return (value) => {
    const mode = value & 0o777;
    const rest = print(value - mode);
    return rest === '0' ? octal(mode) : `${rest}|${octal(mode)}`;
  };
}

const semaphoreFlags = flags(names.SEM_OPERATION_FLAGS);
const futex2 = flags(names.FUTEX2_FLAGS, '', field(3, names.FUTEX2_SIZE));

/** struct ipc64_perm: key, uid, gid, cuid, cgid, mode. */
function permissions(bytes: Uint8Array, at: number): string {
  return (
    `{uid=${u32(bytes, at + 4)}, gid=${u32(bytes, at + 8)}, mode=${octal(u32(bytes, at + 20))}, ` +
    `key=${u32(bytes, at)}, cuid=${u32(bytes, at + 12)}, cgid=${u32(bytes, at + 16)}}`
  );
}

const PERM = 48;
/** `count` members of `width` bytes each, by name. */
function numbers(bytes: Uint8Array, at: number, width: 4 | 8, list: readonly string[]): string {
  const value = (i: number) => (width === 4 ? u32(bytes, at + 4 * i) : u64(bytes, at + 8 * i));
  return list.map((name, i) => `${name}=${value(i)}`).join(', ');
}

const shmid = struct(
  112,
  (bytes, at) =>
    `{shm_perm=${permissions(bytes, at)}, shm_segsz=${u64(bytes, at + PERM)}, ` +
    `shm_cpid=${u32(bytes, at + PERM + 32)}, shm_lpid=${u32(bytes, at + PERM + 36)}, ` +
    `shm_nattch=${u64(bytes, at + PERM + 40)}, ` +
    `${numbers(bytes, at + PERM + 8, 8, ['shm_atime', 'shm_dtime', 'shm_ctime'])}}`,
);

const msqid = struct(
  120,
  (bytes, at) =>
    `{msg_perm=${permissions(bytes, at)}, ` +
    `${numbers(bytes, at + PERM, 8, ['msg_stime', 'msg_rtime', 'msg_ctime'])}, ` +
    `msg_qnum=${u64(bytes, at + PERM + 32)}, msg_qbytes=${u64(bytes, at + PERM + 40)}, ` +
    `${numbers(bytes, at + PERM + 48, 4, ['msg_lspid', 'msg_lrpid'])}}`,
);

const semid = struct(
  104,
  (bytes, at) =>
    `{sem_perm=${permissions(bytes, at)}, sem_otime=${u64(bytes, at + PERM)}, ` +
    `sem_ctime=${u64(bytes, at + PERM + 16)}, sem_nsems=${u64(bytes, at + PERM + 32)}}`,
);

function settable(bytes: Uint8Array, at: number): string {
  return `{uid=${u32(bytes, at + 4)}, gid=${u32(bytes, at + 8)}, mode=${octal(u32(bytes, at + 20))}}`;
}

export const ipcStructs: Structs = {
  'shmid_ds to set': struct(112, (bytes, at) => `{shm_perm=${settable(bytes, at)}}`),
  'semid_ds to set': struct(104, (bytes, at) => `{sem_perm=${settable(bytes, at)}}`),
  'msqid_ds to set': struct(
    120,
    (bytes, at) => `{msg_perm=${settable(bytes, at)}, msg_qbytes=${u64(bytes, at + PERM + 40)}}`,
  ),
  shmid_ds: shmid,
  msqid_ds: msqid,
  semid_ds: semid,
  shm_info: struct(
    48,
    (bytes, at) =>
      `{used_ids=${u32(bytes, at)}, ` +
      `${numbers(bytes, at + 8, 8, ['shm_tot', 'shm_rss', 'shm_swp', 'swap_attempts', 'swap_successes'])}}`,
  ),
  shminfo: struct(
    40,
    (bytes, at) => `{${numbers(bytes, at, 8, ['shmmax', 'shmmin', 'shmmni', 'shmseg', 'shmall'])}}`,
  ),
  msginfo: struct(
    32,
    (bytes, at) =>
      `{${numbers(bytes, at, 4, ['msgpool', 'msgmap', 'msgmax', 'msgmnb', 'msgmni', 'msgssz', 'msgtql'])}, ` +
      `msgseg=${u16(bytes, at + 28)}}`,
  ),
  seminfo: struct(
    40,
    (bytes, at) =>
      `{${numbers(bytes, at, 4, ['semmap', 'semmni', 'semmns', 'semmnu', 'semmsl', 'semopm', 'semume', 'semusz', 'semvmx', 'semaem'])}}`,
  ),
  sembuf: struct(
    6,
    (bytes, at) =>
      `{sem_num=${u16(bytes, at)}, sem_op=${i16(bytes, at + 2)}, ` +
      `sem_flg=${semaphoreFlags(u16(bytes, at + 4))}}`,
  ),
  mq_attr: struct(
    32,
    (bytes, at) =>
      `{mq_flags=${openModifiers(u32(bytes, at))}, mq_maxmsg=${i64(bytes, at + 8)}, ` +
      `mq_msgsize=${i64(bytes, at + 16)}, mq_curmsgs=${i64(bytes, at + 24)}}`,
  ),
  msgbuf: struct(
    8,
    (bytes, at, size) =>
      `{mtype=${i64(bytes, at)}, mtext=${quote(bytes, at + 8, Math.min(at + size, bytes.length))}}`,
  ),
  futex_waitv: struct(
    24,
    (bytes, at) =>
      `{val=${hex(u64(bytes, at))}, uaddr=${pointer(u64(bytes, at + 8))}, ` +
      `flags=${futex2(u32(bytes, at + 16))}}`,
  ),
};

export const ipcFormats: Readonly<Record<string, NumberPrinter>> = {
  futex_op: futexOperation,
  futex2_flags: futex2,
  ipc_key: (key) => (key === 0 ? 'IPC_PRIVATE' : hex(key)),
  shmat_flags: flags(names.SHMAT_FLAGS),
  keyring: choice(names.KEYRING, hex),
  keyctl_op: choice(names.KEYCTL_OP),
};
