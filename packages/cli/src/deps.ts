import type * as profiler from '@scribe-ts/profiler';
import type * as recorder from '@scribe-ts/recorder';
import type * as replayer from '@scribe-ts/replayer';
import type * as tracelog from '@scribe-ts/tracelog';
import type * as view from '@scribe-ts/view';
import { type Host, processHost } from './host.js';

export type RecorderModule = Pick<typeof recorder, 'record'>;
export interface VerbosityModule {
  readonly VERBOSITY_LETTERS: string;
  readonly VERBOSITY_MEANING: Readonly<Record<string, string>>;
  readonly DEFAULT_VERBOSITY: string;
}
export type ProfilerModule = typeof profiler;
export type TracelogModule = typeof tracelog;
export type ViewModule = Pick<typeof view, 'view' | 'htmlPage'>;
export type ReplayerModule = Pick<typeof replayer, 'replay'>;
export type SessionModule = Pick<typeof replayer, 'openReplay'>;

/**
 * What the commands stand on. Libraries are loaded when a command needs them: start-up stays short, and reading logs
 * works where the native addon cannot be loaded.
 */
export interface Deps {
  readonly host: Host;
  recorder(): Promise<RecorderModule>;
  verbosity(): Promise<VerbosityModule>;
  replayer(): Promise<ReplayerModule>;
  /** Replays in steps. */
  sessions(): Promise<SessionModule>;
  profiler(): Promise<ProfilerModule>;
  tracelog(): Promise<TracelogModule>;
  view(): Promise<ViewModule>;
}

export function systemDeps(): Deps {
  return {
    host: processHost(),
    recorder: () => import('@scribe-ts/recorder/record'),
    verbosity: () => import('@scribe-ts/recorder/options'),
    replayer: () => import('@scribe-ts/replayer/replay'),
    sessions: () => import('@scribe-ts/replayer'),
    profiler: () => import('@scribe-ts/profiler'),
    tracelog: () => import('@scribe-ts/tracelog'),
    view: () => import('@scribe-ts/view'),
  };
}
