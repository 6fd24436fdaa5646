import { type Agent, type AgentMemory, Halt, PatchedSpace, Shared } from '@scribe-ts/core-native';
import type { EncodedFile } from '@scribe-ts/tracelog';
import type { FileTable } from '../files.js';
import { type Task, TaskState } from '../tasks.js';

/** What the recorder knows of the agent in one address space. */
export class AgentSpace extends PatchedSpace {
  /**
   * Whose calls the ring has: the task that was let go with the agent last. As it has the baton, nobody else of its domain
   * can be inside.
   */
  user: Task | undefined;
  /** Whose descriptors the agent knows. */
  files: FileTable | undefined;
  constructor(readonly memory: AgentMemory) {
    super();
  }

  /** As the agent has it. */
  halt: Halt = Halt.Off;
  /** As the agent has it. */
  shared = Shared.Nothing;
  /** As the agent has it: SIGSYS must not be blocked inside. */
  usesSys = false;
  /** As the agent has it: it may read the time stamp counter. */
  isPrecise = false;
  /** As the agent has it: nobody else is recorded; and the place of the next output. */
  solo = false;
  serial = 0;
  /** How many of the answers of cpuid the agent has been told. */
  answers = 0;
  /** Time of the agent's last frame, CLOCK_MONOTONIC, ns. */
  time = 0;
  /** What has been taken from the ring since it was last emptied: bytes, frames and calls. */
  readonly taken = { bytes: 0, frames: 0, calls: 0 };
  /** How many connections there have been whose frames have their numbers. */
  connections = 0;
  /** As the agent has them: files that are followed, and when; the program has shared mappings. */
  followed = '';
  generation = 0;
  shares = false;
  /** The file that the task at a stop has just mapped, until it goes on. */
  mapped: { readonly task: Task; readonly fd: number; readonly file: EncodedFile } | undefined;
  /** The agent may know such a file. */
  mapsOn = false;
  /** When the task inside was looked at last, whether it sleeps there, ns since the recording began. */
  lookedAt = 0;
  /** The program does something the agent cannot live with: the traced path for good. */
  given = false;

  /** Tells the agent. */
  setHalt(agent: Agent, halt: Halt): void {
    this.halt = halt;
    agent.halt(this.memory, halt);
  }

  /** The task that may be inside the agent right now. */
  get runner(): Task | undefined {
    const { user } = this;
    return user?.dispatching === true && user.state === TaskState.Running ? user : undefined;
  }

  /** Of a copy of the address space, made by a task that is not inside. */
  clone(): AgentSpace {
    const copy = new AgentSpace(this.memory.copy());
    copy.halt = this.halt;
    copy.shared = this.shared;
    copy.usesSys = this.usesSys;
    copy.isPrecise = this.isPrecise;
    copy.solo = this.solo;
    copy.serial = this.serial;
    copy.answers = this.answers;
    copy.time = this.time;
    copy.copyPatches(this);
    copy.connections = this.connections;
    copy.followed = this.followed;
    copy.generation = this.generation;
    copy.shares = this.shares;
    copy.given = this.given;
    // A copy of what the agent has may be one of this, too.
    copy.mapsOn = true;
    return copy;
  }
}
