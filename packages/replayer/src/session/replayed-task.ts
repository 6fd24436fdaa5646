import type { TaskUid } from '@scribe-ts/tracelog';
import type { Query } from './protocol.js';
import type { CodeLocation, MapInfo, RegisterValues, StackFrame } from './types.js';

/** Longest string that is read if nothing else is said, bytes. */
const STRING_LIMIT = 4096;

/**
 * A task of a replay that stands. Everything rejects with ReplayError: NOT_STOPPED while the replay runs, NO_TASK before
 * the task is made, TASK_GONE when it has ended, and TASK_RUNNING for one of another domain that computes.
 */
export class ReplayedTask {
  /** Made by ReplaySession. */
  constructor(
    /** Number the log gives to it. */
    readonly task: TaskUid,
    private readonly ask: (query: Query) => Promise<unknown>,
  ) {}

  /** At the entry of a call `rax` is -ENOSYS, and `orig_rax` has the call's number. */
  async registers(): Promise<RegisterValues> {
    return (await this.ask({ kind: 'registers', task: this.task })) as RegisterValues;
  }

  /** `length` bytes at an address; fewer, perhaps none, where its memory ends before. */
  async memory(addr: number | bigint, length: number): Promise<Uint8Array> {
    const query = { kind: 'memory', task: this.task, addr: Number(addr), length } as const;
    return (await this.ask(query)) as Uint8Array;
  }

  /** The text at an address up to a NUL, to the end of its memory, or to `limit` bytes. */
  async string(addr: number | bigint, limit = STRING_LIMIT): Promise<string> {
    const query = { kind: 'string', task: this.task, addr: Number(addr), limit } as const;
    return (await this.ask(query)) as string;
  }

  /** What its memory consists of, by ascending address. */
  async maps(): Promise<readonly MapInfo[]> {
    return (await this.ask({ kind: 'maps', task: this.task })) as readonly MapInfo[];
  }

  /**
   * The calls that led it to where it is, innermost first, 256 at most: by call frame information where a file has it
   * (DWARF), by frame pointers elsewhere.
   */
  async backtrace(): Promise<readonly StackFrame[]> {
    return (await this.ask({ kind: 'backtrace', task: this.task })) as readonly StackFrame[];
  }

  /** What the instruction at an address belongs to. */
  async locate(addr: number | bigint): Promise<CodeLocation> {
    const query = { kind: 'symbolise', task: this.task, addr: Number(addr) } as const;
    return (await this.ask(query)) as CodeLocation;
  }

  /** Writes a core file of its process for a debugger; resolves to notes on what the file lacks. */
  async writeCore(path: string): Promise<readonly string[]> {
    return (await this.ask({ kind: 'core', task: this.task, path })) as readonly string[];
  }
}
