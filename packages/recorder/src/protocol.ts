import type { RecordResult } from './options.js';

/** What the thread of `record()` asks of the worker that traces. */
export type Request =
  | { readonly type: 'bookmark'; readonly id: number }
  | { readonly type: 'detach'; readonly id: number }
  | { readonly type: 'kill'; readonly signal: number }
  | { readonly type: 'end'; readonly stuckMs: number };

export interface Failure {
  readonly name: string;
  readonly message: string;
  readonly code: string;
  readonly operation: string;
  /** Name of the errno, '' if it is none. */
  readonly errno: string;
  readonly stack: string;
}

/** What the worker tells. */
export type Report =
  | { readonly type: 'started'; readonly pid: number; readonly interruptToken: number }
  | {
      readonly type: 'answer';
      readonly id: number;
      readonly value: number;
      readonly error?: string;
    }
  | { readonly type: 'stopped'; readonly signal: number }
  | { readonly type: 'finished'; readonly result: RecordResult }
  | { readonly type: 'failed'; readonly failure: Failure };
