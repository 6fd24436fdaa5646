/** What a log tells of its tasks, followed frame by frame. */
import type { Frame, SpawnFrame, TaskUid } from '@scribe-ts/tracelog';
import { FdTable } from './fd-table.js';

/** A task as far as the log has told by now. One object for a task's whole life: it changes while the log is read. */
export interface TaskInfo {
  readonly task: TaskUid;
  /** Thread id and process id as the recorded program saw them; 0 until the log has told. */
  readonly tid: number;
  readonly pid: number;
  /** Who made it; 1 is the recorder. */
  readonly parent: TaskUid;
  /** File that it executes; '' until the log has told. */
  readonly path: string;
  /** Its command line; empty until the log has told. */
  readonly argv: readonly string[];
  readonly alive: boolean;
}

const CLONE_FILES = 0x400;

/** The same for those who follow the log. */
export class TaskState implements TaskInfo {
  tid = 0;
  pid = 0;
  parent: TaskUid = 0;
  path = '';
  argv: readonly string[] = [];
  alive = true;
  cwd: string;
  table = new FdTable();
  /** Frames that say something of the call that comes next. */
  details: Frame[] | undefined;

  constructor(
    readonly task: TaskUid,
    cwd: string,
  ) {
    this.cwd = cwd;
  }
}

/** All tasks of a log. */
export class TaskStates {
  readonly byTask = new Map<TaskUid, TaskState>();
  private lastUid: TaskUid = -1;
  private last: TaskState | undefined;

  constructor(private readonly cwd: string) {}

  of(uid: TaskUid): TaskState {
    if (uid === this.lastUid) return this.last!;
    let state = this.byTask.get(uid);
    if (state === undefined) {
      state = new TaskState(uid, this.cwd);
      this.byTask.set(uid, state);
    }
    this.lastUid = uid;
    this.last = state;
    return state;
  }

  /** The parent's call is about to end: what the child has of its parent is what the parent has now. */
  spawned(frame: SpawnFrame): void {
    const parent = this.of(frame.task);
    const child = this.of(frame.child);
    child.parent = frame.task;
    child.tid = frame.tid;
    child.pid = frame.pid;
    child.path = parent.path;
    child.argv = parent.argv;
    child.cwd = parent.cwd;
    // Frames of another stream can come first in a merged log: what the child has learned of its own stays.
    if ((frame.flags & CLONE_FILES) !== 0) child.table = parent.table;
    else child.table = parent.table.copy(child.table);
  }

  values(): IterableIterator<TaskState> {
    return this.byTask.values();
  }
}
