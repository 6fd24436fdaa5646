import { closeSync, ftruncateSync, openSync } from 'node:fs';
import { MapFlag, Prot, REMOTE_SCRATCH, REMOTE_SYSCALL, Sys } from './abi.js';
import { addon } from './addon.js';
import type { NativeTracer } from './binding.js';

// The same numbers as in agent/layout.h.
/** Where the memory lies in every address space that has it. */
export const AGENT_DATA = 0x71100000;
/** Offsets from there. */
export const enum AgentPart {
  Block = 0,
  Reports = 0x200,
  Fds = 0x1000,
  Kept = 0x2000,
  Answers = 0x3000,
  Mapped = 0x3d00,
  /** The stack's lowest part. */
  Stack = 0x4000,
  /** The stack ends where it begins. */
  Ring = 0x8000,
}
export const RING_SIZE = 0x40000;
const SIZE = AgentPart.Ring + RING_SIZE;
/** What one process tells another that it makes. The rest is empty while a task is at a stop. */
const TOLD = AgentPart.Stack;

const NAME = new TextEncoder().encode('agent\0');
const MFD_CLOEXEC = 1;
const MFD_NOEXEC_SEAL = 8;

/**
 * A file without a name that belongs to a program and to the processes it has made by fork: a part for each. The tasks have no
 * descriptor of it: theirs are numbered as they would be alone.
 */
class AgentFile {
  private length = 0;
  private parts = 0;
  private readonly free: number[] = [];

  constructor(private readonly fd: number) {}

  /** Offset of a part that nobody has. */
  take(): number {
    const offset = this.free.pop() ?? this.grow();
    this.parts++;
    return offset;
  }

  private grow(): number {
    const offset = this.length;
    ftruncateSync(this.fd, offset + SIZE);
    this.length += SIZE;
    return offset;
  }

  map(offset: number): Uint8Array {
    return addon.mapShared(this.fd, offset, SIZE);
  }

  giveBack(offset: number): void {
    this.free.push(offset);
    if (--this.parts === 0) this.close();
  }

  close(): void {
    closeSync(this.fd);
  }
}

/**
 * The agent's memory of one address space. The tracer has it mapped as well: it needs no system call to look at it, and what the
 * agent has recorded outlives the task, however that is killed.
 */
export class AgentMemory {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** The block alone. */
  readonly block: Uint8Array;
  /** The descriptors alone. */
  readonly fds: Uint8Array;

  private constructor(
    private readonly file: AgentFile,
    /** undefined if nothing more could be had: nobody can have this memory. */
    private readonly offset: number | undefined,
    /** False for the copy that a new process is to get: it still has its parent's. */
    private mapped: boolean,
  ) {
    this.bytes = offset === undefined ? new Uint8Array(SIZE) : file.map(offset);
    this.view = new DataView(this.bytes.buffer, 0, SIZE);
    this.block = this.bytes.subarray(AgentPart.Block, AgentPart.Reports);
    this.fds = this.bytes.subarray(AgentPart.Fds, AgentPart.Kept);
  }

  /**
   * Maps it into a stopped task that is alone in its process, and whose reserved page is mapped. undefined if that cannot be
   * done: there is no descriptor left, or the program may not make such a file, or none that large.
   */
  static map(tracer: NativeTracer, tid: number): AgentMemory | undefined {
    const call = (nr: number, args: readonly number[]): number =>
      tracer.remoteSyscall(tid, REMOTE_SYSCALL, nr, args);
    tracer.writeMemory(tid, REMOTE_SCRATCH, NAME, 0, NAME.length);
    const fd = call(Sys.memfd_create, [REMOTE_SCRATCH, MFD_CLOEXEC | MFD_NOEXEC_SEAL]);
    if (fd < 0) return undefined;
    let file: AgentFile | undefined;
    let unused: AgentMemory | undefined;
    let isOpen = true;
    try {
      file = new AgentFile(openSync(`/proc/${tid}/fd/${fd}`, 'r+'));
      const memory = (unused = new AgentMemory(file, file.take(), true));
      const flags = MapFlag.SHARED | MapFlag.FIXED;
      const [mapped] = tracer.remoteSyscalls(tid, REMOTE_SYSCALL, [
        [Sys.mmap, AGENT_DATA, SIZE, Prot.READ | Prot.WRITE, flags, fd, 0],
        [Sys.close, fd],
      ]);
      isOpen = false;
      if (mapped === AGENT_DATA) unused = undefined;
      return unused === undefined ? memory : undefined;
    } catch (error) {
      if (unused === undefined) file?.close();
      if (isRefused(error)) return undefined;
      throw error;
    } finally {
      unused?.release();
      if (isOpen) call(Sys.close, [fd]);
    }
  }

  /** For a process that is being made by one that has this memory. */
  copy(): AgentMemory {
    let offset: number | undefined;
    try {
      offset = this.file.take();
    } catch (error) {
      if (!isRefused(error)) throw error;
    }
    const copy = new AgentMemory(this.file, offset, false);
    copy.bytes.set(this.bytes.subarray(0, TOLD));
    return copy;
  }

  /**
   * The new process, which is at its first stop, gets the copy made for it in place of its parent's. False if this kernel cannot do
   * that, or there is none.
   */
  arrive(tracer: NativeTracer, tid: number): boolean {
    if (this.mapped) return true;
    if (this.offset === undefined) return false;
    // By this call a process needs no descriptor for another part of a file that it has mapped.
    const args = [AGENT_DATA, SIZE, 0, this.offset / 4096, 0];
    this.mapped = tracer.remoteSyscall(tid, REMOTE_SYSCALL, Sys.remap_file_pages, args) === 0;
    return this.mapped;
  }

  /** Nobody has it any more. */
  release(): void {
    if (this.offset === undefined) return;
    addon.unmapShared(this.bytes.buffer);
    this.file.giveBack(this.offset);
  }
}

/**
 * Its files are not shown to us; it has just been killed, as the next remote call finds out; limits of ours are reached: of
 * descriptors, and of the size of files.
 */
const REFUSALS: readonly unknown[] = ['EACCES', 'EPERM', 'ENOENT', 'EMFILE', 'ENFILE', 'EFBIG'];

function isRefused(error: unknown): boolean {
  return error instanceof Error && 'code' in error && REFUSALS.includes(error.code);
}

/** Takes the mapping out of a stopped task. */
export function unmapAgentMemory(tracer: NativeTracer, tid: number): void {
  tracer.remoteSyscall(tid, REMOTE_SYSCALL, Sys.munmap, [AGENT_DATA, SIZE]);
}
