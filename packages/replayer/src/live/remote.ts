import {
  MapFlag,
  Prot,
  REMOTE_SCRATCH,
  REMOTE_SCRATCH_SIZE,
  REMOTE_SYSCALL,
  type Tracer,
} from '@scribe-ts/core-native';
import { syscallByName } from '@scribe-ts/tracelog';

/** Makes system calls in a stopped task, by name. Results are the kernel's: negative errno for a failure. */
export class Remote {
  /** Most bytes that one call can take or give. */
  static readonly room = REMOTE_SCRATCH_SIZE;

  constructor(
    private readonly tracer: Tracer,
    readonly tid: number,
  ) {}

  call(name: string, ...args: (number | bigint)[]): number {
    const { nr } = syscallByName.get(name)!;
    return Number(this.tracer.remoteSyscall(this.tid, REMOTE_SYSCALL, nr, args));
  }

  /** Puts bytes where a call can have them, and returns the address: one piece at a time. */
  put(bytes: Uint8Array): number {
    this.write(REMOTE_SCRATCH, bytes);
    return REMOTE_SCRATCH;
  }

  /** Puts bytes at an address of the task's memory. */
  write(address: number, bytes: Uint8Array): void {
    this.tracer.writeMemory(this.tid, address, bytes, 0, bytes.length);
  }

  /** Maps memory for calls that take more than `room`. Returns its address or a negative errno. */
  map(size: number): number {
    const flags = MapFlag.PRIVATE | MapFlag.ANONYMOUS;
    return this.call('mmap', 0, size, Prot.READ | Prot.WRITE, flags, -1, 0);
  }

  text(text: string): number {
    return this.put(Buffer.from(`${text}\0`));
  }

  /** 64-bit words. */
  words(...words: (number | bigint)[]): number {
    return this.put(
      new Uint8Array(new BigUint64Array(words.map((w) => BigInt.asUintN(64, BigInt(w)))).buffer),
    );
  }

  /** An int that a call has stored, `offset` bytes behind where `put` puts them. */
  int(offset: number): number {
    const bytes = new Uint8Array(4);
    this.tracer.readMemory(this.tid, REMOTE_SCRATCH + offset, bytes, 0, 4);
    return new DataView(bytes.buffer).getInt32(0, true);
  }

  /** Two ints that a call has stored. */
  pair(): [number, number] {
    return [this.int(0), this.int(4)];
  }
}
