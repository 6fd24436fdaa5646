/** The index of a log, made in one pass over it. */
import { basename } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { LogError, type Frame, type LogReader, type LogRecord } from '@scribe-ts/tracelog';
import type { BlockStore } from '../model/event-block.js';
import { packTransfer } from '../model/event-block.js';
import type { EventTree } from '../model/event-tree.js';
import { BLOCKED, FAILED, kindCode, SWITCHED, UNFINISHED } from '../model/event-code.js';
import type { LogFacts } from '../model/facts.js';
import { Histogram } from '../model/histogram.js';
import { CALL_CATEGORIES, CALL_NAMES, transferDirection } from './call-traits.js';
import { FileTable } from './file-table.js';
import { PendingEvent, TaskBuilder } from './task-builder.js';

/** How long the pass may keep the event loop waiting, ms. */
const TURN_MS = 20;
const MAX_NOTES = 500;
const MAX_ERRNO = 4095;

/** How an index is made. */
export interface IndexOptions {
  readonly signal?: AbortSignal;
  /** Told now and then how many frames have been read. */
  readonly progress?: (frames: number) => void;
}

/** A log's events as trees, one a task, and what is known of the log as a whole. */
export class LogIndex {
  /** By task uid. */
  readonly trees: ReadonlyMap<number, EventTree>;

  constructor(
    readonly facts: LogFacts,
    readonly files: FileTable,
    builders: ReadonlyMap<number, TaskBuilder>,
  ) {
    this.trees = new Map([...builders].map(([uid, builder]) => [uid, builder.tree]));
  }

  /** The stream that an event's frames are in. */
  streamOf(uid: number, event: number): number {
    const task = this.facts.tasks.find((other) => other.uid === uid);
    let stream = -1;
    for (const part of task?.streams ?? []) if (part.event <= event) stream = part.stream;
    return stream;
  }
}

/** Reads a log through. Damage ends the pass and is told of in the facts; other errors are thrown. */
export async function indexLog(
  reader: LogReader,
  store: BlockStore,
  { signal, progress }: IndexOptions = {},
): Promise<LogIndex> {
  const builder = new IndexBuilder(store);
  let damaged = '';
  let frames = 0;
  let since = performance.now();
  try {
    for (const record of reader.records()) {
      builder.push(record);
      if ((++frames & 1023) !== 0 || performance.now() - since < TURN_MS) continue;
      progress?.(frames);
      await turn();
      signal?.throwIfAborted();
      since = performance.now();
    }
  } catch (error) {
    if (!(error instanceof LogError)) throw error;
    damaged = error.message;
  }
  return builder.finish(reader, damaged);
}

interface StreamState {
  /** Frames so far. */
  frames: number;
  /** Who the last frame belongs to, and its time. */
  task: number;
  time: number;
}

class IndexBuilder {
  private readonly tasks = new Map<number, TaskBuilder>();
  private readonly streams = new Map<number, StreamState>();
  private readonly files = new FileTable();
  private readonly histogram = new Histogram();
  private readonly event = new PendingEvent();
  private readonly notes: { time: number; task: number; text: string }[] = [];
  private notesLeftOut = 0;
  private events = 0;
  private failed = 0;
  private latest = 0;
  private readonly fileUse = (file: number, task: number, row: number): void =>
    this.files.use(file, task, row);

  constructor(private readonly store: BlockStore) {}

  push({ frame, stream }: LogRecord): void {
    const { time } = frame;
    if (time > this.latest) this.latest = time;
    let state = this.streams.get(stream);
    if (state === undefined) {
      state = { frames: 0, task: frame.task, time };
      this.streams.set(stream, state);
    }
    const task = this.taskOf(frame.task, time);
    const place = state.frames++;
    if (state.task !== frame.task) {
      // Another task held the baton; this one could have run, unless it was in a call.
      if (task.blockedSince < 0 && task.events > 0) {
        task.waited += Math.max(0, state.time - task.lastTime);
      }
      task.switched = true;
      state.task = frame.task;
    }
    state.time = time;
    task.lastTime = time;
    if (task.firstFrame < 0) {
      if (task.streams.at(-1)?.stream !== stream) task.streams.push({ event: task.events, stream });
      // Any number of frames may lie between where a call blocked and where it ended.
      if (frame.type === 'block') task.blockFrame = place;
      else task.firstFrame = place;
    }
    this.take(task, frame);
  }

  finish(reader: LogReader, damaged: string): LogIndex {
    for (const task of this.tasks.values()) {
      if (task.blockedSince >= 0) this.unfinished(task, task.died ?? this.latest);
      task.finish();
    }
    const { header, stats } = reader;
    const { machine } = header;
    const tasks = [...this.tasks.values()].map((task) => task.facts());
    const facts: LogFacts = {
      name: basename(reader.path),
      command: header.command,
      cwd: header.cwd,
      startedAt: header.startedAt,
      machine: `${machine.hostname}, Linux ${machine.kernel}, ${machine.cpus} × ${machine.cpu}`,
      verbosity: header.verbosity,
      bytes: stats.bytes,
      frames: stats.frames,
      events: this.events,
      failed: this.failed,
      duration: this.latest,
      tasks: tasks.sort((a, b) => a.uid - b.uid),
      bookmarks:
        damaged === '' ? reader.bookmarks.map(({ id, time, name }) => ({ id, time, name })) : [],
      notes: this.notes,
      notesLeftOut: this.notesLeftOut,
      truncated: reader.truncatedReason,
      damaged,
      categories: [...CALL_CATEGORIES],
      calls: CALL_NAMES,
      histogram: this.histogram.facts(),
    };
    return new LogIndex(facts, this.files, this.tasks);
  }

  private taskOf(uid: number, time: number): TaskBuilder {
    let task = this.tasks.get(uid);
    if (task === undefined) {
      task = new TaskBuilder(uid, this.store, this.fileUse);
      task.born = time;
      task.lastTime = time;
      task.lastEnd = time;
      this.tasks.set(uid, task);
    }
    return task;
  }

  /** Details wait for their call; everything else is an event. */
  private take(task: TaskBuilder, frame: Frame): void {
    switch (frame.type) {
      case 'syscall': {
        const { nr, result, time } = frame;
        const failed = typeof result === 'number' && result < 0 && result >= -MAX_ERRNO;
        const since = task.blockedSince >= 0 ? task.blockedSince : time;
        this.event.duration = frame.duration ?? time - since;
        const direction = transferDirection(nr);
        if (failed) task.failed++;
        else if (direction !== undefined && typeof result === 'number' && result > 0) {
          this.event.transfer = packTransfer(result, direction);
        }
        this.add(
          task,
          time,
          (nr & 0x7ff) | (failed ? FAILED : 0) | (task.blockedSince >= 0 ? BLOCKED : 0),
        );
        return;
      }
      case 'block':
        if (task.blockedSince < 0) task.blockedSince = frame.time;
        task.blockedCall = frame.nr;
        return;
      case 'kernel-write':
        // Within a call it is a part of that; an event would cut the call in two.
        if (task.blockedSince >= 0) return;
        break;
      case 'resource':
        if (frame.kind !== 'file') return;
        this.files.name(frame.id, frame.desc, frame.time);
        if (task.file === 0) task.file = frame.id;
        return;
      case 'data':
      case 'output':
      case 'mapping':
      case 'registers':
      case 'shared-write':
      case 'exec':
      case 'connection':
        return;
      case 'spawn': {
        const child = this.taskOf(frame.child, frame.time);
        child.parent = task.uid;
        child.tid = frame.tid;
        child.pid = frame.pid;
        child.name = task.name;
        return;
      }
      case 'task-start':
        task.parent = frame.parent;
        task.tid = frame.tid;
        task.pid = frame.pid;
        if (task.name === '') task.name = this.tasks.get(frame.parent)?.name ?? '';
        break;
      case 'image':
        task.tid = frame.tid;
        task.pid = frame.pid;
        task.name = programName(frame.path, frame.argv[0] ?? '');
        task.execs.push({ time: frame.time, path: frame.path, argv: frame.argv });
        break;
      case 'exit':
        if (task.blockedSince >= 0) this.unfinished(task, frame.time);
        task.died = frame.time;
        task.status = frame.status;
        break;
      case 'detach':
        task.detached = true;
        task.died = frame.time;
        break;
      case 'note':
        if (this.notes.length < MAX_NOTES) {
          this.notes.push({ time: frame.time, task: task.uid, text: frame.text });
        } else this.notesLeftOut++;
        break;
      default:
        break;
    }
    this.add(task, frame.time, kindCode(frame.type));
  }

  /** The call that a task is in never came back. */
  private unfinished(task: TaskBuilder, time: number): void {
    this.event.duration = Math.max(0, time - task.blockedSince);
    this.add(task, time, (task.blockedCall & 0x7ff) | BLOCKED | UNFINISHED);
  }

  private add(task: TaskBuilder, time: number, code: number): void {
    const { event } = this;
    // Frames of one stream may go back in time by a little; what is drawn must not.
    event.time = Math.max(time, task.lastEnd);
    event.duration = Math.min(event.duration, event.time - task.lastEnd);
    event.waited = task.waited;
    event.frame = task.firstFrame < 0 ? task.blockFrame : task.firstFrame;
    event.file = task.file;
    event.code = code | (task.switched ? SWITCHED : 0);
    task.add(event);
    this.files.count(event);
    const failed = (code & FAILED) !== 0;
    this.histogram.add(event.time, failed);
    this.events++;
    if (failed) this.failed++;
    event.duration = 0;
    event.transfer = 0;
    task.waited = 0;
    task.switched = false;
    task.blockedSince = -1;
    task.firstFrame = -1;
    task.file = 0;
  }
}

/** What a program calls itself: its file may go by several names, and be a link's target. */
function programName(path: string, called: string): string {
  // A login shell's name begins with a dash.
  return basename(called).replace(/^-/, '') || basename(path);
}
