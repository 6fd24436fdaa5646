/**
 * Replays a log: `replay` to its end, `openReplay` in steps. Needs ptrace, on Linux on x86-64.
 *
 * @module @scribe-ts/replayer
 */
export { MissingContentError } from './contents.js';
export {
  type Divergence,
  DivergenceError,
  type LiveIsolation,
  type LiveOptions,
  type ReplayControl,
  type ReplayOptions,
  type ReplayResult,
} from './options.js';
export { replay, ReplayError } from './replayer.js';
export type {
  DescriptorInfo,
  KernelState,
  ProcessKernelState,
  TaskKernelState,
} from './live/state.js';
export { ReplayedTask } from './session/replayed-task.js';
export {
  type EventStop,
  type LiveProgram,
  openReplay,
  ReplaySession,
  type ReplayStop,
  type SessionOptions,
  type TraceOptions,
} from './session/session.js';
export type {
  CodeLocation,
  EventFilter,
  MapInfo,
  RegisterName,
  RegisterValues,
  ReplayEvent,
  ReplayTarget,
  Side,
  StackFrame,
  TaskInfo,
} from './session/types.js';
