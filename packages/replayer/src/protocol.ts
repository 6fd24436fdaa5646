import type { Divergence, ReplayResult } from './options.js';

/** What the worker that traces tells the thread of `replay()`. */
export type Report =
  | { readonly type: 'started'; readonly interruptToken: number }
  | { readonly type: 'output'; readonly target: number; readonly bytes: Uint8Array }
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
