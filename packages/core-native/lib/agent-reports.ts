import { type AgentMemory, AgentPart } from './agent-memory.js';
import { coverRanges, rangeOfPage, rangeWords } from './code-ranges.js';

// The same numbers as in agent/layout.h and agent/reports.h.
const FOLLOWED_MAX = 16;
const CODE_MAX = 24;
const WRITTEN_MAX = 32;
const ACTIONS_MAX = 32;
const enum At {
  Generation = 0,
  Shared = 8,
  Outputs = 16,
  FollowedCount = 48,
  Followed = 56,
  CodeCount = Followed + 16 * FOLLOWED_MAX,
  Code = CodeCount + 8,
  Opening = Code + 16 * CODE_MAX,
  WrittenCount = Opening + 8,
  Written = WrittenCount + 8,
  ActionsCount = Written + 16 * WRITTEN_MAX,
  Actions = ActionsCount + 8,
  End = Actions + 24 * ACTIONS_MAX,
}

/** A disposition that the program has changed, words of struct sigaction. */
export interface ChangedAction {
  readonly signo: number;
  readonly handler: number;
  readonly flags: number;
}

/** What the agent has done that the tracer has to know. */
export interface Reported {
  /** A file is just being opened to be written. */
  readonly opening: boolean;
  /** Files that were opened to be written: `dev:ino` as in stat(2), since the ring was last emptied. */
  readonly written: readonly string[];
  readonly actions: readonly ChangedAction[];
}

/** The words that the agent shares with the tracer about calls which the tracer would have followed. */
export class AgentReports {
  /** Contents of these files (`dev:ino`) are followed from now on. `generation`: another number for each new one. */
  follow(memory: AgentMemory, files: readonly string[], generation: number): void {
    const words = new BigUint64Array(2 * FOLLOWED_MAX + 1);
    words[0] = BigInt(files.length);
    for (const [i, key] of files.slice(0, FOLLOWED_MAX).entries()) {
      const [dev, ino] = key.split(':');
      words[2 * i + 1] = BigInt(dev!);
      words[2 * i + 2] = BigInt(ino!);
    }
    this.write(memory, At.FollowedCount, new Uint8Array(words.buffer));
    this.put(memory, At.Generation, generation);
  }

  /** The program has shared mappings, or not. */
  share(memory: AgentMemory, on: boolean): void {
    this.put(memory, At.Shared, on ? 1 : 0);
  }

  /** Files with recorded output, by device and inode. The first two are told. */
  outputs(
    memory: AgentMemory,
    files: readonly { readonly dev: number; readonly ino: number }[],
  ): void {
    const words = new BigUint64Array(4);
    for (const [i, { dev, ino }] of files.slice(0, 2).entries()) {
      words[2 * i] = BigInt(dev);
      words[2 * i + 1] = BigInt(ino);
    }
    this.write(memory, At.Outputs, new Uint8Array(words.buffer));
  }

  /** Where patches or trampolines lie. */
  code(memory: AgentMemory, pages: Float64Array): void {
    const ranges = coverRanges([...pages].map(rangeOfPage), CODE_MAX);
    this.write(memory, At.CodeCount, rangeWords(ranges));
  }

  /** Reads what there is to know. */
  read(memory: AgentMemory): Reported {
    const word = (at: number): number =>
      Number(memory.view.getBigUint64(AgentPart.Reports + at, true));
    const written: string[] = [];
    for (let i = 0; i < word(At.WrittenCount); i++) {
      const at = At.Written + 16 * i;
      written.push(`${word(at)}:${word(at + 8)}`);
    }
    const actions: ChangedAction[] = [];
    for (let i = 0; i < word(At.ActionsCount); i++) {
      const at = At.Actions + 24 * i;
      actions.push({ signo: word(at), handler: word(at + 8), flags: word(at + 16) });
    }
    return { opening: word(At.Opening) !== 0, written, actions };
  }

  /** Forgets what was read, in a stopped task. */
  clear(memory: AgentMemory, { written, actions }: Reported): void {
    if (written.length > 0) this.put(memory, At.WrittenCount, 0);
    if (actions.length > 0) this.put(memory, At.ActionsCount, 0);
  }

  /** The agent does not come back from the call that it was making. */
  endOpening(memory: AgentMemory): void {
    this.put(memory, At.Opening, 0);
  }

  private put(memory: AgentMemory, at: number, value: number): void {
    memory.view.setBigUint64(AgentPart.Reports + at, BigInt(value), true);
  }

  private write(memory: AgentMemory, at: number, bytes: Uint8Array): void {
    memory.bytes.set(bytes, AgentPart.Reports + at);
  }
}
