import { type Agent, Halt, PatchedSpace } from '@scribe-ts/core-native';

/** What the recorder knows of the agent in one address space. */
export class AgentSpace extends PatchedSpace {
  /** As the agent has it. */
  halt: Halt = Halt.Off;
  /** Time of the agent's last frame, CLOCK_MONOTONIC, ns. */
  time = 0;
  /** What has been taken from the ring since it was last emptied: bytes, frames and calls. */
  readonly taken = { bytes: 0, frames: 0, calls: 0 };
  /** The program does something the agent cannot live with: the traced path for good. */
  given = false;

  /** Tells the agent, through any task that lives here. */
  setHalt(agent: Agent, tid: number, halt: Halt): void {
    this.halt = halt;
    agent.halt(tid, halt);
  }

  clone(): AgentSpace {
    const copy = new AgentSpace();
    copy.halt = this.halt;
    copy.time = this.time;
    copy.copyPatches(this);
    copy.given = this.given;
    return copy;
  }
}
