/**
 * What a log is made of, for readers: a stable, typed model on top of frames. Frames are what replay needs, one after
 * the other; an event is something that happened, with all that the log tells of it.
 */
import type {
  BlockFrame,
  BookmarkFrame,
  CountersFrame,
  DetachFrame,
  ExitFrame,
  Frame,
  ImageFrame,
  NoteFrame,
  SignalFrame,
  StreamId,
  TaskStartFrame,
  TaskUid,
  TrapFrame,
} from '@scribe-ts/tracelog';
import { signalName, siginfo } from '../decode/signal.js';
import type { SyscallEvent } from './syscall-event.js';
import type { TaskInfo } from './task-info.js';

/** What every event has. */
interface EventBase {
  readonly task: TaskUid;
  readonly info: TaskInfo;
  /** Nanoseconds since the recording began. */
  readonly time: number;
  readonly stream: StreamId;
  /** Offset in the file, bytes; -1 if the record has none. */
  readonly offset: number;
  /** Number of the event in what was read, from 0. */
  readonly index: number;
}

/** The task has begun to run; `info` has its ids and who made it. */
export interface StartEvent extends EventBase {
  readonly type: 'start';
  readonly frame: TaskStartFrame;
}

/** The task runs another program now. */
export interface ExecEvent extends EventBase {
  readonly type: 'exec';
  readonly frame: ImageFrame;
  readonly path: string;
  readonly argv: readonly string[];
}

/** The task has ended. */
export interface ExitEvent extends EventBase {
  readonly type: 'exit';
  readonly frame: ExitFrame;
  /** Exit status 0 … 255; -1 if a signal ended it. */
  readonly code: number;
  /** The signal that ended it; 0 if none did. */
  readonly signal: number;
  readonly coreDumped: boolean;
  /** True for the last task of its process. */
  readonly last: boolean;
  /** Details of a call that never came back. */
  readonly details: readonly Frame[];
}

/** The task left the recording and ran on by itself. */
export interface DetachEvent extends EventBase {
  readonly type: 'detach';
  readonly frame: DetachFrame;
  readonly details: readonly Frame[];
}

/** The task has given up the baton inside a call: others of its domain may run. */
export interface BlockEvent extends EventBase {
  readonly type: 'block';
  readonly frame: BlockFrame;
}

/** Another task of a stream goes on: a thread switch. `task` is the one that goes on. */
export interface SwitchEvent extends EventBase {
  readonly type: 'switch';
  readonly from: TaskUid;
}

/** Everything stood still here for a bookmark. */
export interface BookmarkEvent extends EventBase {
  readonly type: 'bookmark';
  readonly frame: BookmarkFrame;
  readonly id: number;
}

/** An instruction that the recorder answered. */
export interface TrapEvent extends EventBase {
  readonly type: 'trap';
  readonly frame: TrapFrame;
}

/** Something the recorder had to say. */
export interface NoteEvent extends EventBase {
  readonly type: 'note';
  readonly frame: NoteFrame;
  readonly text: string;
}

/** What a task used up, told at its end. */
export interface CountersEvent extends EventBase {
  readonly type: 'counters';
  readonly frame: CountersFrame;
}

/** What only a replay needs: hashes, stores of the kernel's, streams that merge; and details of calls that have no end. */
export interface OtherEvent extends EventBase {
  readonly type: 'other';
  readonly frame: Frame;
}

/** Anything that happened; `type` tells what. */
export type Event =
  | SyscallEvent
  | SignalEvent
  | StartEvent
  | ExecEvent
  | ExitEvent
  | DetachEvent
  | BlockEvent
  | SwitchEvent
  | BookmarkEvent
  | TrapEvent
  | NoteEvent
  | CountersEvent
  | OtherEvent;

/** Names of the kinds of events. */
export type EventType = Event['type'];

/** A signal that was delivered. */
export class SignalEvent implements EventBase {
  readonly type = 'signal';

  constructor(
    readonly frame: SignalFrame,
    readonly info: TaskInfo,
    readonly stream: StreamId,
    readonly offset: number,
    readonly index: number,
  ) {}

  get task(): TaskUid {
    return this.frame.task;
  }

  get time(): number {
    return this.frame.time;
  }

  get signo(): number {
    return this.frame.signo;
  }

  /** SIGCHLD */
  get name(): string {
    return signalName(this.frame.signo);
  }

  /** `{si_signo=SIGCHLD, si_code=CLD_EXITED, …}`; '' if the log has none. */
  get siginfo(): string {
    const { siginfo: bytes } = this.frame;
    return bytes.length >= SIGINFO_MIN ? siginfo(bytes, 0) : '';
  }
}

const SIGINFO_MIN = 28;
