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

  /**
   * Calls `use` with the address of memory for `size` bytes, which may be more than `room`; it is there for as long as that
   * takes. Returns what that returns, or the negative errno for which there is no memory.
   */
  withMemory(size: number, use: (address: number) => number): number {
    if (size <= Remote.room) return use(REMOTE_SCRATCH);
    const flags = MapFlag.PRIVATE | MapFlag.ANONYMOUS;
    const address = this.call('mmap', 0, size, Prot.READ | Prot.WRITE, flags, -1, 0);
    if (address < 0) return address;
    const result = use(address);
    this.call('munmap', address, size);
    return result;
  }

  /** The same, with bytes in it. */
  withBytes(bytes: Uint8Array, use: (address: number) => number): number {
    return this.withMemory(bytes.length, (address) => {
      this.write(address, bytes);
      return use(address);
    });
  }

  text(text: string): number {
    return this.put(Buffer.from(`${text}\0`));
  }

  /** Several strings at once. Returns their addresses. */
  texts(...texts: readonly string[]): number[] {
    const pieces = texts.map((text) => Buffer.from(`${text}\0`));
    let next = this.put(Buffer.concat(pieces));
    return pieces.map(({ length }) => (next += length) - length);
  }

  /** 64-bit words. */
  words(...words: (number | bigint)[]): number {
    return this.put(
      new Uint8Array(new BigUint64Array(words.map((w) => BigInt.asUintN(64, BigInt(w)))).buffer),
    );
  }

  /** What a call has stored, `offset` bytes behind where `put` puts them. */
  bytes(offset: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    this.tracer.readMemory(this.tid, REMOTE_SCRATCH + offset, bytes, 0, length);
    return bytes;
  }

  /** An int that a call has stored there. */
  int(offset: number): number {
    return new DataView(this.bytes(offset, 4).buffer).getInt32(0, true);
  }

  /** Two ints that a call has stored. */
  pair(): [number, number] {
    return [this.int(0), this.int(4)];
  }
}
