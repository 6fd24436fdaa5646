import { PatchedSpace } from '@scribe-ts/core-native';
import type { StreamCursor } from '@scribe-ts/tracelog';

/** What a window holds before it is known how much of it is used, bytes. */
const FIRST_FILL = 0x1000;

/** What the replay knows of the agent in one address space. */
export class AgentSpace extends PatchedSpace {
  /** The agent's pages are mapped. */
  loaded = false;
  /** The agent answers calls. */
  armed = false;
  /** It may have answered calls that the replay has not passed yet. */
  live = false;
  /** The program does something that patched code stands in the way of: traced for good. */
  given = false;
  /** Which part of which chunk is in the window: offsets in the chunk. */
  cursor: StreamCursor | undefined;
  chunk = -1;
  start = 0;
  end = 0;
  /** How much is put into the window the next time, bytes. */
  fill = FIRST_FILL;
  /** Offset in the window when the agent was armed last. */
  armedAt = 0;
  /** Frames that it had replayed when somebody last wanted to know whether it gets on. */
  seen = 0;

  /** For a child that fork made. */
  clone(): AgentSpace {
    const copy = new AgentSpace();
    copy.copyPatches(this);
    copy.loaded = this.loaded;
    copy.given = this.given;
    return copy;
  }
}
