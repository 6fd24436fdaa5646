/** One system call on its way to text. */
import type { DataFrame, Frame, SyscallFrame, SyscallRow } from '@scribe-ts/tracelog';
import { int32, uint32 } from './words.js';

export interface TextLimits {
  /** Bytes shown of what the program gave to the kernel. */
  readonly input: number;
  /** Bytes shown of what the kernel stored. */
  readonly output: number;
}

/** What is known of the sockets that a call may use. */
export interface Sockets {
  /** The protocol of a netlink socket; undefined for any other descriptor. */
  netlinkProtocol(fd: number): number | undefined;
}

const NO_DETAILS: readonly Frame[] = [];
const EMPTY: SyscallFrame = {
  type: 'syscall',
  task: 0,
  time: 0,
  nr: -1,
  args: [],
  result: 0,
  writes: [],
};

/**
 * A call with the frames that came before it. One object serves all calls, one after the other: nothing is allocated
 * for a call that needs no details.
 */
export class Call {
  frame: SyscallFrame = EMPTY;
  details: readonly Frame[] = NO_DETAILS;
  failed = false;
  private sockets: Sockets | undefined;
  /** `data` frames whose content stands in the arguments in another form, so that their bytes need no line. */
  readonly decoded: Frame[] = [];

  constructor(readonly limits: TextLimits) {}

  /** `sockets`: where it is known what descriptors mean. */
  set(frame: SyscallFrame, details: readonly Frame[], sockets?: Sockets): void {
    this.frame = frame;
    this.details = details;
    this.sockets = sockets;
    const { result } = frame;
    this.failed = result < 0 && result >= -4095;
    if (this.decoded.length > 0) this.decoded.length = 0;
  }

  /** The protocol of the socket that is the first argument; undefined if it is none of netlink's. */
  get netlinkProtocol(): number | undefined {
    return this.sockets?.netlinkProtocol(this.int(0));
  }

  int(index: number): number {
    return int32(this.frame.args[index]);
  }

  uint(index: number): number {
    return uint32(this.frame.args[index]);
  }

  /** The argument as an address, 0 if it is none. */
  address(index: number): number {
    const word = this.frame.args[index];
    return typeof word === 'number' && word > 0 ? word : 0;
  }

  /** The call's result, 0 if it failed. */
  get count(): number {
    return this.failed ? 0 : Number(this.frame.result);
  }

  /** The `nth` frame with bytes that the kernel read through an argument. */
  input(index: number, nth = 0): DataFrame | undefined {
    const { details } = this;
    let left = nth;
    for (let i = 0; i < details.length; i++) {
      const detail = details[i]!;
      if (detail.type === 'data' && detail.arg === index && left-- === 0) return detail;
    }
    return undefined;
  }

  /** The bytes that the kernel stored from `addr` on. */
  output(addr: number): Uint8Array | undefined {
    const { writes } = this.frame;
    let inside: Uint8Array | undefined;
    for (let i = 0; i < writes.length; i++) {
      const write = writes[i]!;
      const offset = addr - write.addr;
      if (offset === 0) return write.bytes;
      if (inside === undefined && offset > 0 && offset < write.bytes.length) {
        inside = write.bytes.subarray(offset);
      }
    }
    return inside;
  }
}

export type ArgPrinter = (call: Call, index: number) => string;

/** What a `special` or exceptional argument prints as, for a row. */
export type ArgPrinterFactory = (row: SyscallRow, index: number) => ArgPrinter;
