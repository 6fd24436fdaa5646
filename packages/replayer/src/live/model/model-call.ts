import type { Word } from '@scribe-ts/tracelog';
import type { Descriptor } from './descriptor-table.js';
import type { KernelModel } from './kernel-model.js';
import type { TaskState } from './process-state.js';

const MAX_PATH = 4096;

/** Memory of the task that made a call, with what the call stored. */
export interface CallMemory {
  read(addr: number, length: number): Uint8Array;
  string(addr: number, limit: number): string;
}

/** A call that has ended, as the model is told of it. One object is used for all. */
export class ModelCall {
  task!: TaskState;
  nr = 0;
  args: readonly Word[] = [];
  /** Negative errno if it failed. */
  result = 0;
  /** When it ended, ns since the recording began. */
  time = 0;
  /** What the second argument pointed to before the call, where the call's answer has been stored there. */
  before: Uint8Array | undefined;

  constructor(
    readonly model: KernelModel,
    private readonly memory: CallMemory,
  ) {}

  /** An argument as an int. */
  int(index: number): number {
    return Number(BigInt.asIntN(32, BigInt(this.args[index]!)));
  }

  /** An argument as an unsigned long; not exact above 2^53. */
  long(index: number): number {
    const word = this.args[index]!;
    return typeof word === 'number' && word >= 0 ? word : Number(BigInt.asUintN(64, BigInt(word)));
  }

  /** A path, a name: the string that an argument points to. */
  string(index: number): string {
    return this.memory.string(this.long(index), MAX_PATH);
  }

  /** Bytes at an address; fewer if not all can be read. */
  bytes(addr: number, length: number): Uint8Array {
    return this.memory.read(addr, length);
  }

  view(addr: number, length: number): DataView {
    const bytes = this.memory.read(addr, length);
    // What cannot be read was of no use to the kernel either.
    const whole =
      bytes.length === length ? bytes : Uint8Array.from({ length }, (_, i) => bytes[i] ?? 0);
    return new DataView(whole.buffer, whole.byteOffset, length);
  }

  /** What the second argument pointed to when the call was made. */
  asked(length: number): DataView {
    const { before } = this;
    if (before?.length === length) return new DataView(before.buffer, before.byteOffset, length);
    return this.view(this.long(1), length);
  }

  /** A 64-bit signal set. */
  signalSet(addr: number): bigint {
    return this.view(addr, 8).getBigUint64(0, true);
  }

  /** The descriptor that an argument names. The call succeeded, so it is open. */
  descriptor(index: number): Descriptor | undefined {
    const fd = this.int(index);
    const entry = this.task.descriptor(fd);
    if (entry === undefined) this.model.contradict(this, `descriptor ${fd} was open`);
    return entry;
  }

  /** A struct timespec, ns. */
  timespec(addr: number): number {
    const view = this.view(addr, 16);
    return Number(view.getBigInt64(0, true)) * 1e9 + Number(view.getBigInt64(8, true));
  }

  /** A struct timeval, ns. */
  timeval(addr: number): number {
    const view = this.view(addr, 16);
    return Number(view.getBigInt64(0, true)) * 1e9 + Number(view.getBigInt64(8, true)) * 1e3;
  }
}
