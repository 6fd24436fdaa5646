/**
 * The layout of every frame: its code and its fields in the order in which they are stored. The codec is made from this
 * table and FORMAT.md is checked against it; nothing else knows what a frame looks like in a file.
 *
 * Codes are for ever. A frame that replay needs has a code below 64, one that readers may skip has one from 64 to 127.
 */
import type { Frame, FrameType } from './schema/frames.js';
import * as k from './kinds.js';
import type { Kind } from './kinds.js';

/** Types from this code on may be skipped by readers that do not know them. */
export const FIRST_OPTIONAL_CODE = 64;
export const MAX_CODE = 127;

export type FrameOf<T extends FrameType> = Extract<Frame, { readonly type: T }>;

export interface Field<V> {
  readonly kind: Kind<V>;
  readonly doc: string;
}

type OwnKeys<F> = Exclude<keyof F, 'type' | 'task' | 'time'>;

export interface FrameLayout<T extends FrameType> {
  readonly code: number;
  readonly doc: string;
  readonly fields: { readonly [K in OwnKeys<FrameOf<T>>]: Field<FrameOf<T>[K]> };
}

function field<V>(kind: Kind<V>, doc: string): Field<V> {
  return { kind, doc };
}

const regs = field(k.bytes, 'user_regs_struct, 27 little-endian 64-bit words, or empty');
const tid = field(k.int, 'thread id as the program saw it');
const pid = field(k.int, 'thread group id as the program saw it');

/** The fields of every frame, in the order in which they are written. */
export const FRAME_TABLE: { readonly [T in FrameType]: FrameLayout<T> } = {
  syscall: {
    code: 1,
    doc: 'A completed system call.',
    fields: {
      nr: field(k.int, 'system call number'),
      args: field(k.words, 'argument registers'),
      result: field(k.word, 'raw result, -errno on failure'),
      writes: field(k.writes, 'memory the kernel stored into'),
      duration: field(k.span, 'from the entry to when the task went on, if it was measured'),
    },
  },
  block: {
    code: 2,
    doc: 'The task lost the baton inside a system call.',
    fields: { nr: field(k.int, 'system call number') },
  },
  mapping: {
    code: 3,
    doc: 'A mapping made by the memory call that follows.',
    fields: { mapping: field(k.mapping, 'the mapping') },
  },
  spawn: {
    code: 4,
    doc: 'The clone, fork or vfork that follows made a task.',
    fields: {
      child: field(k.uint, 'number of the new task'),
      stream: field(k.uint, 'stream of its frames'),
      flags: field(k.int, 'CLONE_* flags, exit signal in the low byte'),
      tid,
      pid,
    },
  },
  'task-start': {
    code: 5,
    doc: 'First frame of a task in its stream.',
    fields: {
      parent: field(k.uint, 'number of the parent task'),
      tid,
      pid,
      writes: field(k.writes, 'words the kernel stored for the new task'),
    },
  },
  exec: {
    code: 6,
    doc: 'The execve that follows succeeded.',
    fields: {
      stream: field(k.uint, 'stream in which the task goes on'),
      ended: field(k.uints, 'tasks that the exec ended'),
    },
  },
  image: {
    code: 7,
    doc: 'A fresh address space after exec.',
    fields: {
      tid,
      pid,
      path: field(k.string, 'file executed'),
      argv: field(k.strings, 'arguments'),
      envp: field(k.strings, 'environment'),
      mappings: field(k.mappings, 'all mappings'),
      writes: field(k.writes, 'contents that no backing gives'),
      regs,
      brk: field(k.uint, 'program break'),
    },
  },
  signal: {
    code: 8,
    doc: 'A signal delivered to a task.',
    fields: {
      signo: field(k.int, 'signal number'),
      point: field(
        k.oneOf('syscall-entry', 'syscall-exit', 'fault', 'anywhere'),
        'where it was delivered',
      ),
      action: field(k.oneOf('handler', 'ignored', 'terminate', 'stop', 'continue'), 'what it did'),
      siginfo: field(k.bytes, 'siginfo_t'),
      rip: field(k.uint, 'instruction pointer where it hit'),
      regs,
      writes: field(k.writes, 'the signal frame on the stack'),
    },
  },
  trap: {
    code: 9,
    doc: 'An instruction answered by the recorder.',
    fields: {
      insn: field(k.oneOf('rdtsc', 'rdtscp', 'cpuid'), 'the instruction'),
      rip: field(k.uint, 'its address'),
      values: field(k.ints4, 'rax, rbx, rcx, rdx afterwards'),
    },
  },
  'kernel-write': {
    code: 10,
    doc: 'Memory the kernel wrote by itself.',
    fields: { writes: field(k.writes, 'the memory') },
  },
  'shared-write': {
    code: 11,
    doc: 'A call changed an object that is mapped shared.',
    fields: {
      object: field(k.uint, 'number of the object'),
      offset: field(k.uint, 'byte offset in it'),
      bytes: field(k.bytes, 'what was written'),
      size: field(k.uint, 'its size afterwards, bytes'),
    },
  },
  exit: {
    code: 12,
    doc: 'The task ended.',
    fields: {
      status: field(k.int, 'wait status'),
      last: field(k.bool, 'last task of its thread group'),
    },
  },
  state: {
    code: 13,
    doc: 'Hashes of a state, to compare with.',
    fields: {
      registers: field(k.hash, 'of the general registers, or empty'),
      memory: field(k.hash, 'of the address space, or empty'),
    },
  },
  merge: {
    code: 14,
    doc: 'Another stream goes on in this one.',
    fields: { from: field(k.uint, 'the other stream') },
  },
  merged: {
    code: 15,
    doc: 'The stream goes on in another: its last frame.',
    fields: { into: field(k.uint, 'the other stream') },
  },
  bookmark: {
    code: 16,
    doc: 'Every domain is at a sync point.',
    fields: { id: field(k.uint, 'number of the bookmark') },
  },
  detach: { code: 17, doc: 'The task left the recording.', fields: {} },
  output: {
    code: 18,
    doc: 'Bytes that reached the standard output, error or terminal.',
    fields: {
      serial: field(k.uint, 'place in the order of all output'),
      target: field(k.int, '1 standard output, 2 standard error, 0 the terminal otherwise'),
      bytes: field(k.bytes, 'the bytes'),
    },
  },
  preempt: {
    code: 19,
    doc: 'The task was stopped in user code; replay finds the point by its state, or by what has been counted.',
    fields: {
      rip: field(
        k.uint,
        'instruction pointer; of rounds, that of the instruction counted: `regs` have the one in that round',
      ),
      code: field(k.bytes, 'instructions from there on, if replay may have to patch them'),
      regs,
      sse: field(k.bytes, 'xmm0 to xmm15, 16 bytes each'),
      vector: field(k.hash, 'of all vector and x87 registers'),
      memory: field(k.writes, 'memory that the next instructions name'),
      stack: field(k.bytes, 'memory from the stack pointer on'),
      pages: field(k.uints, 'address and length, by turns, of the memory hashed'),
      pagesHash: field(k.hash, 'of that memory, or empty'),
      patchable: field(k.bool, 'the code is on private pages'),
      ran: field(k.uint, 'how long the task had run since its last sync point, ns'),
      counter: field(
        k.laterOneOf('none', 'rounds', 'branches'),
        'what tells where the point is, if its state does not',
      ),
      count: field(
        k.laterUint,
        'times the task has come to `rip` since its frame before, this one included, or branches retired since then',
      ),
      summed: field(
        k.laterUints,
        'address and length, by turns, of memory of which the sums have to be equal',
      ),
      sums: field(
        k.rest,
        'sums of these pages, 64 bits each: words of row i (16 bytes) 256 - i times, its first once more',
      ),
    },
  },
  data: {
    code: 64,
    doc: "Bytes a call took from the program's memory.",
    fields: {
      arg: field(k.int, 'index of the argument'),
      size: field(k.uint, 'whole length, bytes'),
      bytes: field(k.bytes, 'all of it or its beginning'),
    },
  },
  resource: {
    code: 65,
    doc: 'A kernel object that the call that follows used.',
    fields: {
      kind: field(
        k.oneOf('files_struct', 'file', 'inode', 'pid', 'futex', 'ipc', 'mmap', 'ppid', 'sunaddr'),
        'what kind of object',
      ),
      id: field(k.uint, 'number of the object'),
      serial: field(k.uint, 'times it was used before'),
      desc: field(k.string, 'what it is, for people'),
    },
  },
  registers: {
    code: 66,
    doc: "Registers at a call's exit.",
    fields: { regs },
  },
  counters: {
    code: 67,
    doc: 'Counters of a task at its end.',
    fields: { values: field(k.counters, 'by name') },
  },
  note: {
    code: 68,
    doc: 'Something the recorder has to say.',
    fields: { text: field(k.string, 'the text') },
  },
  connection: {
    code: 69,
    doc: 'The socket that the call that follows has connected or accepted.',
    fields: {
      id: field(k.uint, 'number of the connection, the same at both ends within the recording'),
      local: field(k.bytes, 'struct sockaddr of this end, empty if it is not known'),
      peer: field(k.bytes, 'struct sockaddr of the other end, empty if it is not known'),
    },
  },
};

/** The frame types in the order of their codes. */
export const FRAME_TYPES: readonly FrameType[] = (Object.keys(FRAME_TABLE) as FrameType[]).sort(
  (a, b) => FRAME_TABLE[a].code - FRAME_TABLE[b].code,
);
