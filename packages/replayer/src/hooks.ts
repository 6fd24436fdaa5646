import type { Frame } from '@scribe-ts/tracelog';
import type { ReplayDomain, ReplayTask } from './tasks.js';

/**
 * What somebody who looks at a replay on its way is told by the engine. All of it happens between two frames of a stream,
 * on the engine's thread: the replay goes on when the method returns. Registers that the engine has loaded must be there
 * again by then.
 */
export interface EngineHooks {
  /** Whether the stream waits before this frame. The engine asks again when it comes to the frame the next time. */
  holds(domain: ReplayDomain, frame: Frame): boolean;
  /**
   * The task stands where a call, signal, trap or end of its own belongs, which has been checked and not yet applied. Not
   * every such frame comes by here: a signal that no instruction of the program sees does not.
   */
  arrived(task: ReplayTask, frame: Frame): void;
  /** The frame has been applied. The stream it stood in may not be that of the task any more. */
  applied(domain: ReplayDomain, task: ReplayTask, frame: Frame): void;
  /** Asked before the engine waits for its tasks. True if streams that were held have been let go. */
  released(): boolean;
}
