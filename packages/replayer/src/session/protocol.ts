import type { MessagePort } from 'node:worker_threads';
import type { Frame, TaskUid } from '@scribe-ts/tracelog';
import type { EventFilter, ReplayEvent, Side } from './types.js';

/** What the worker needs to serve a session. */
export interface SessionChannel {
  readonly commands: MessagePort;
  /** [0] is raised with every command, and [1] is the number of events told and not yet taken. */
  readonly signals: Int32Array;
  readonly debugDirectories: readonly string[];
  readonly keepKernelState: boolean;
}

/** Events a session waits for. */
export interface Watch {
  readonly id: number;
  readonly filter: EventFilter;
  /** How many matching events to let pass. */
  readonly skip: number;
  readonly side: Side;
  /** `stop`: the replay waits there; `tell`: it goes on. */
  readonly action: 'stop' | 'tell';
  readonly backtrace: boolean;
}

/** A moment of all streams at once. */
export type Hold = { readonly bookmark: number } | { readonly time: number };

export type Place =
  | { readonly stream: number; readonly index: number }
  | { readonly offset: number; readonly position: number };

/** What is to end the next run. */
export interface RunOrder {
  readonly watches: readonly Watch[];
  readonly hold?: Hold | undefined;
  readonly place?: Place | undefined;
}

export type Query =
  | { readonly kind: 'tasks' }
  | { readonly kind: 'kernel-state' }
  | { readonly kind: 'registers'; readonly task: TaskUid }
  | {
      readonly kind: 'memory';
      readonly task: TaskUid;
      readonly addr: number;
      readonly length: number;
    }
  | {
      readonly kind: 'string';
      readonly task: TaskUid;
      readonly addr: number;
      readonly limit: number;
    }
  | { readonly kind: 'maps'; readonly task: TaskUid }
  | { readonly kind: 'backtrace'; readonly task: TaskUid }
  | { readonly kind: 'symbolise'; readonly task: TaskUid; readonly addr: number }
  | { readonly kind: 'core'; readonly task: TaskUid; readonly path: string };

export type Command =
  | { readonly type: 'run'; readonly order: RunOrder }
  | { readonly type: 'live' }
  | { readonly type: 'query'; readonly id: number; readonly query: Query }
  | { readonly type: 'close' };

export type StopReason = 'start' | 'event' | 'place' | 'hold';

export type SessionReport =
  | {
      readonly type: 'stopped';
      readonly reason: StopReason;
      /** Watches that stopped it. */
      readonly watches: readonly number[];
      readonly event: ReplayEvent | undefined;
    }
  | { readonly type: 'event'; readonly watch: number; readonly event: ReplayEvent<Frame> }
  | { readonly type: 'answer'; readonly id: number; readonly value: unknown }
  | {
      readonly type: 'refused';
      readonly id: number;
      readonly code: string;
      readonly message: string;
    };
