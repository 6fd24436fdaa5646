import type { Frame } from '@scribe-ts/tracelog';
import type { Divergence, ReplayResult } from './options.js';
import type { SessionChannel, SessionReport } from './session/protocol.js';

/** What the thread of `replay()` wants to hear on the way: callbacks cannot be handed to a worker. */
export interface Wanted {
  readonly output: boolean;
  readonly frames: boolean;
  readonly progress: boolean;
  /** [0]: frames told and not yet taken. The worker waits on it when there are too many. */
  readonly untaken: Int32Array;
  /** The replay goes live at that time, ns since the recording began, and output with serials below `shown` is not shown. */
  readonly cut?: { readonly time: number; readonly shown: number };
  /** The replay is a session's. */
  readonly session?: SessionChannel;
}

/** What the thread of `replay()` asks of the worker. */
export type Request = 'abort' | 'live' | 'check';

/** What the worker that traces tells the thread of `replay()`. */
export type Report =
  | SessionReport
  | { readonly type: 'started'; readonly interruptToken: number }
  | { readonly type: 'output'; readonly target: number; readonly bytes: Uint8Array }
  | { readonly type: 'lost'; readonly what: string }
  | { readonly type: 'live'; readonly pid: number; readonly init: number }
  | { readonly type: 'checked'; readonly stops: number }
  /** It has to begin anew to go live there: see Wanted.cut. */
  | { readonly type: 'cut'; readonly time: number; readonly shown: number }
  | { readonly type: 'frame'; readonly frame: Frame }
  | { readonly type: 'progress'; readonly part: number }
  | { readonly type: 'finished'; readonly result: ReplayResult }
  | { readonly type: 'diverged'; readonly divergence: Divergence }
  | { readonly type: 'aborted' }
  | {
      readonly type: 'failed';
      readonly message: string;
      readonly code: string;
      readonly operation: string;
      readonly stack: string;
    };
