/** Turns a log's frames into events and text. */
export { LineFormatter } from './line-formatter.js';
export type { LocatedFrame, ProfileOptions, ProfileRecord } from './options.js';
export { profile } from './profile.js';
export {
  decodeEvents,
  EventDecoder,
  type EventOptions,
  type Events,
  type EventSource,
} from './events/decoder.js';
export {
  SignalEvent,
  type BlockEvent,
  type BookmarkEvent,
  type CountersEvent,
  type DetachEvent,
  type Event,
  type EventType,
  type ExecEvent,
  type ExitEvent,
  type NoteEvent,
  type OtherEvent,
  type StartEvent,
  type SwitchEvent,
  type TrapEvent,
} from './events/event.js';
export type { Descriptor, SocketState } from './events/fd-table.js';
export { SyscallEvent, type Argument, type DataUse, type FdUse } from './events/syscall-event.js';
export type { TaskInfo } from './events/task-info.js';
