/**
 * Turns a log's frames into events, answers, sums and text. Works wherever there is Node.
 *
 * @module @scribe-ts/profiler
 */
export { LineFormatter } from './line-formatter.js';
export type { LocatedFrame, ProfileOptions, ProfileRecord } from './options.js';
export { syscallName } from './decode/syscall.js';
export { profile } from './profile.js';
export {
  decodeEvents,
  EventDecoder,
  isDetail,
  type EventOptions,
  type Events,
  type EventSource,
  type LogSource,
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
export { linesAround, parsePlace, type Place, type Printer } from './query/around.js';
export { QueryError } from './query/errors.js';
export { EventFilter, statusOf } from './query/event-filter.js';
export { parseExpressions, type Expressions } from './query/expression.js';
export { filesOf } from './query/files.js';
export { STATUSES, type Query, type Status } from './query/query.js';
export { selectEvents, Selector } from './query/selector.js';
export { parseSyscallSet, syscallClasses, SyscallSet } from './query/syscall-set.js';
export { parseTextPattern, type TextPattern } from './query/text-pattern.js';
export { parseSpan, parseTime, type TimeBase } from './query/times.js';
export { NumberSet } from './query/values.js';
export { Batons, batonTable, type BatonShare } from './summary/batons.js';
export { CallCount, CallCounts } from './summary/call-counts.js';
export { Histogram } from './summary/histogram.js';
export { countTable, SORT_NAMES, sortCounts, type NamedCount } from './summary/table.js';
export type { DumpOptions } from './format/hex-dump.js';
export type { StampOptions } from './format/stamps.js';
export { FlameTree, type FlameNode } from './flamegraph/tree.js';
export { renderFlamegraph, type FlamegraphOptions } from './flamegraph/svg.js';
export type { FdNaming } from './events/sockets.js';
export { CtfExporter, type CtfSink } from './export/ctf.js';
export { diffLogs, type LogDifference } from './diff/diff-logs.js';
export { differenceLines } from './diff/text.js';
export type { ReadableLog, Step } from './diff/task-sequences.js';
export { programName, taskTitle } from './export/names.js';
export { makeExporter, TEXT_FORMATS, type Exporter, type TextFormat } from './export/exporter.js';
export { demangle } from './symbols/demangle.js';
