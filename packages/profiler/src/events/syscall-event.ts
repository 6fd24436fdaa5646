/** A finished system call. Everything but its frame is worked out when it is asked for. */
import {
  syscallTable,
  type ArgType,
  type Frame,
  type OutputFrame,
  type ResourceFrame,
  type SpawnFrame,
  type StreamId,
  type SyscallFrame,
  type SyscallRow,
  type TaskUid,
  type Word,
} from '@scribe-ts/tracelog';
import { Call, type TextLimits } from '../decode/call.js';
import { annotateFds, AT_FDCWD, type FdNames } from '../decode/fds.js';
import { errnoNames } from '../decode/errno.js';
import { printArguments, printCall, printResult, syscallName } from '../decode/syscall.js';
import { int32, uint32 } from '../decode/words.js';
import { descriptorArguments } from './descriptors.js';
import type { Descriptor, FdTable } from './fd-table.js';
import { descriptorName, type FdNaming } from './sockets.js';
import type { TaskInfo } from './task-info.js';

const NO_DETAILS: readonly Frame[] = [];
const AF_NETLINK = 16;
const OUTPUT_LIMIT = 128;
const DEFAULT_LIMITS: TextLimits = { input: Infinity, output: OUTPUT_LIMIT };

/** An argument, raw and decoded. */
export interface Argument {
  readonly name: string;
  readonly type: ArgType;
  /** The register. */
  readonly word: Word;
  /** As the profiler prints it. */
  readonly text: string;
}

/** A descriptor that a call used or made. */
export interface FdUse {
  readonly fd: number;
  /** Index of the argument; -1 for the result. */
  readonly arg: number;
  /** What it refers to; undefined if the log does not tell. */
  readonly meaning: Descriptor | undefined;
}

/** Bytes that went into a call or came out of it. */
export interface DataUse {
  readonly direction: 'in' | 'out';
  /** Index of the argument that they belong to; -1 if that is not known. */
  readonly arg: number;
  /** All of them, or their beginning. */
  readonly bytes: Uint8Array;
  /** How many there were. */
  readonly size: number;
}

/** The call that is printed: one after the other, so one object does for all. */
const shared = new Map<TextLimits, Call>();
function callFor(limits: TextLimits): Call {
  let call = shared.get(limits);
  if (call === undefined) shared.set(limits, (call = new Call(limits)));
  return call;
}

/** A finished system call. Everything but its frame is worked out when it is asked for. */
export class SyscallEvent {
  readonly type = 'syscall';
  /** Frames that came before the call's own and tell more of it. */
  readonly details: readonly Frame[];

  constructor(
    readonly frame: SyscallFrame,
    details: readonly Frame[] | undefined,
    readonly info: TaskInfo,
    readonly stream: StreamId,
    /** Offset in the file, bytes; -1 if the record has none. */
    readonly offset: number,
    /** Number of the event in what was read. */
    readonly index: number,
    private readonly table: FdTable,
    /** The task's working directory when it made the call; '' if not known. */
    readonly cwd: string,
  ) {
    this.details = details ?? NO_DETAILS;
  }

  get task(): TaskUid {
    return this.frame.task;
  }

  /** Between this event and the next: what descriptors mean after the call. */
  get after(): number {
    return this.index + 0.5;
  }

  /** When the task went on, nanoseconds since the recording began. */
  get time(): number {
    return this.frame.time;
  }

  /** When the call was entered; `time` where the log does not tell. */
  get startTime(): number {
    return this.frame.time - (this.frame.duration ?? 0);
  }

  /** Nanoseconds from entry to the end; undefined where the log does not tell. */
  get duration(): number | undefined {
    return this.frame.duration;
  }

  get nr(): number {
    return this.frame.nr;
  }

  get name(): string {
    return syscallName(this.frame.nr);
  }

  /** The table's row; undefined for a number that the table does not have. */
  get row(): SyscallRow | undefined {
    return syscallTable[this.frame.nr];
  }

  get result(): Word {
    return this.frame.result;
  }

  get failed(): boolean {
    const { result } = this.frame;
    return result < 0 && result >= -4095;
  }

  /** 0 if the call did not fail. */
  get errno(): number {
    return this.failed ? -Number(this.frame.result) : 0;
  }

  /** ENOENT; '' if the call did not fail. */
  get errnoName(): string {
    return this.failed ? (errnoNames.get(this.errno) ?? String(this.errno)) : '';
  }

  /** An argument's low 32 bits; 0 if the log has no arguments. */
  int(index: number): number {
    return int32(this.frame.args[index]);
  }

  /** The same, unsigned. */
  uint(index: number): number {
    return uint32(this.frame.args[index]);
  }

  /** Empty if the log has no arguments. */
  get arguments(): readonly Argument[] {
    const { row } = this;
    const words = this.frame.args;
    if (row === undefined) return [];
    const texts = printArguments(this.call());
    return row.args
      .slice(0, words.length)
      .map(({ name, type }, i) => ({ name, type, word: words[i]!, text: texts[i]! }));
  }

  /** `openat(AT_FDCWD, "/etc/hosts", O_RDONLY) = 3` */
  get text(): string {
    return printCall(this.call());
  }

  /** `3`, `-1 ENOENT (No such file or directory)` */
  get resultText(): string {
    return printResult(this.call());
  }

  /** As `text`, with other limits on the bytes shown of buffers, and descriptors with what they refer to. */
  print(limits: TextLimits, naming: FdNaming = 'numbers'): string {
    if (naming === 'numbers') return printCall(this.call(limits));
    annotateFds(this.fdNames(naming));
    try {
      return printCall(this.call(limits));
    } finally {
      annotateFds(undefined);
    }
  }

  /** What descriptors are called in this call. */
  fdNames(naming: FdNaming): FdNames {
    return (fd, after) => {
      if (fd === AT_FDCWD) return this.cwd;
      const meaning = this.table.get(fd, after ? this.after : this.index);
      return meaning === undefined ? undefined : descriptorName(meaning, naming);
    };
  }

  private call(limits: TextLimits = DEFAULT_LIMITS): Call {
    const call = callFor(limits);
    call.set(this.frame, this.details, this);
    return call;
  }

  /** The protocol of a netlink socket; undefined for any other descriptor. */
  netlinkProtocol(fd: number): number | undefined {
    const socket = this.meaningOf(fd)?.socket;
    return socket?.family === AF_NETLINK ? socket.protocol : undefined;
  }

  /** What `fd` referred to when the call was made; undefined if the log does not tell, or the event is too old. */
  meaningOf(fd: number): Descriptor | undefined {
    return this.table.get(fd, this.index);
  }

  /** Descriptors among the arguments, and the one that the call made. */
  get fds(): readonly FdUse[] {
    const { args, nr } = this.frame;
    const uses: FdUse[] = [];
    if (args.length === 0) return uses;
    for (const arg of descriptorArguments[nr] ?? []) {
      const fd = int32(args[arg]);
      if (fd >= 0) uses.push({ fd, arg, meaning: this.meaningOf(fd) });
    }
    if (!this.failed && this.row?.returns === 'fd') {
      const fd = Number(this.frame.result);
      uses.push({ fd, arg: -1, meaning: this.table.get(fd, this.after) });
    }
    return uses;
  }

  /** Names of files among the arguments, as the program wrote them. */
  get paths(): readonly string[] {
    const found: string[] = [];
    this.row?.args.forEach(({ type }, i) => {
      if (type.kind !== 'string' || type.path !== true) return;
      const path = this.stringArgument(i);
      if (path !== undefined) found.push(path);
    });
    return found;
  }

  /** Bytes that the kernel read through an argument: all, or their beginning; undefined if the log has none. */
  taken(arg: number): Uint8Array | undefined {
    for (const detail of this.details) {
      if (detail.type === 'data' && detail.arg === arg) return detail.bytes;
    }
    return undefined;
  }

  /** Bytes that the kernel stored where an argument points. */
  stored(arg: number): Uint8Array | undefined {
    const addr = this.frame.args[arg];
    for (const write of this.frame.writes) if (write.addr === addr) return write.bytes;
    return undefined;
  }

  /** A string that the kernel read. */
  stringArgument(arg: number): string | undefined {
    const bytes = this.taken(arg);
    if (bytes === undefined) return undefined;
    const nul = bytes.indexOf(0);
    return Buffer.from(nul < 0 ? bytes : bytes.subarray(0, nul)).toString('utf8');
  }

  /** All bytes that the log has of the call. */
  get data(): readonly DataUse[] {
    const uses: DataUse[] = [];
    for (const detail of this.details) {
      if (detail.type !== 'data') continue;
      const { arg, bytes, size } = detail;
      uses.push({ direction: 'in', arg, bytes, size });
    }
    for (const { addr, bytes } of this.frame.writes) {
      const arg = this.frame.args.indexOf(addr);
      uses.push({ direction: 'out', arg, bytes, size: bytes.length });
    }
    return uses;
  }

  get resources(): readonly ResourceFrame[] {
    return this.details.filter((detail) => detail.type === 'resource');
  }

  /** The task that the call made. */
  get spawned(): SpawnFrame | undefined {
    return this.details.find((detail) => detail.type === 'spawn');
  }

  /** What reached the recording's output by the call. */
  get output(): OutputFrame | undefined {
    return this.details.find((detail) => detail.type === 'output');
  }
}
