import { BLOCK_EVENTS, EventBlock, type BlockStore } from '../model/event-block.js';
import { EventTree } from '../model/event-tree.js';
import type { Exec, TaskFacts } from '../model/facts.js';
import { CALL_CATEGORIES } from './call-traits.js';

/** Takes the rows of a tree in which a file is used. */
export type FileUse = (file: number, task: number, row: number) => void;

/** One event on its way into the index. Filled again for each. */
export class PendingEvent {
  time = 0;
  duration = 0;
  waited = 0;
  frame = 0;
  file = 0;
  transfer = 0;
  code = 0;
}

/** Collects a task's events, and what frames tell of the task. */
export class TaskBuilder {
  readonly tree: EventTree;
  parent = 0;
  tid = 0;
  pid = 0;
  name = '';
  born = 0;
  died: number | undefined;
  status: number | undefined;
  detached = false;
  failed = 0;
  readonly execs: Exec[] = [];
  readonly streams: { event: number; stream: number }[] = [];

  /** Of the task's last frame, ns. */
  lastTime = 0;
  /** Of its last event. */
  lastEnd = 0;
  /** When the task gave the baton away in the call that it is in, and that call; -1 if it is in none. */
  blockedSince = -1;
  blockedCall = -1;
  blockFrame = 0;
  /** Since its last event: time that it waited for the baton, and whether another had it. */
  waited = 0;
  switched = false;
  /** First frame of the event that has begun, -1 if none has. */
  firstFrame = -1;
  /** Number of the first file that the coming call uses. */
  file = 0;

  private readonly block = new EventBlock();
  private count = 0;
  private readonly blockFiles = new Set<number>();

  constructor(
    readonly uid: number,
    store: BlockStore,
    private readonly fileUse: FileUse,
  ) {
    this.tree = new EventTree(store, CALL_CATEGORIES);
  }

  get events(): number {
    return this.tree.length + this.count;
  }

  add(event: PendingEvent): void {
    const { block, count } = this;
    block.time[count] = event.time;
    block.duration[count] = event.duration;
    block.waited[count] = event.waited;
    block.frame[count] = event.frame;
    block.file[count] = event.file;
    block.transfer[count] = event.transfer;
    block.code[count] = event.code;
    if (event.file !== 0) this.blockFiles.add(event.file);
    this.lastEnd = event.time;
    if (++this.count === BLOCK_EVENTS) this.flush();
  }

  finish(): void {
    if (this.count > 0) this.flush();
    this.tree.finish();
  }

  facts(): TaskFacts {
    const { uid, parent, tid, pid, name, born, died, status, detached, execs, failed } = this;
    return {
      uid,
      parent,
      tid,
      pid,
      name,
      born,
      ...(died === undefined ? {} : { died }),
      ...(status === undefined ? {} : { status }),
      ...(detached ? { detached } : {}),
      execs,
      events: this.events,
      failed,
      streams: this.streams,
    };
  }

  private flush(): void {
    const row = this.tree.levels[0]!.length;
    for (const file of this.blockFiles) this.fileUse(file, this.uid, row);
    this.blockFiles.clear();
    this.tree.append(this.block, this.count);
    this.count = 0;
  }
}
