import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { ARGUMENT_REGS } from '@scribe-ts/core-native';
import type { Frame, TaskUid, Word } from '@scribe-ts/tracelog';
import type { Engine } from '../engine.js';
import type { EngineHooks } from '../hooks.js';
import type { LiveCut } from '../live/live-cut.js';
import type { ReplayLoop } from '../replay-loop.js';
import { withOwnBytes } from '../own-bytes.js';
import { ReplayDomain, type ReplayTask } from '../tasks.js';
import { answer, QueryError } from './answers.js';
import { EventMatcher } from './matcher.js';
import type {
  Command,
  Query,
  RunOrder,
  SessionChannel,
  SessionReport,
  StopReason,
  Watch,
} from './protocol.js';
import { Stacks } from './stacks.js';
import type { ReplayEvent, Side } from './types.js';

/** Events that may wait to be taken: the replay is faster than most that look at them. */
const MAX_UNTAKEN = 1024;

interface ActiveWatch {
  readonly watch: Watch;
  readonly matcher: EventMatcher;
  skip: number;
}

/** The session's side of a replay: stops it where it was asked to, and answers while it stands. Lives in the worker. */
export class Inspector implements EngineHooks {
  private readonly commands: MessagePort;
  private readonly signals: Int32Array;
  private readonly stacks: Stacks;
  private watches: readonly ActiveWatch[] = [];
  private order: RunOrder = { watches: [] };
  /** Frames that have been applied, by stream, and calls that have ended, by task. */
  private readonly frames = new Map<number, number>();
  private readonly calls = new Map<TaskUid, number>();
  /** The frame that `arrived` has seen: `applied` must not take it for one that has just been come to. */
  private arrivedAt: Frame | undefined;
  /** The frame before which each stream waits, or was last let go. */
  private readonly held = new Map<ReplayDomain, Frame>();
  private readonly passed = new Map<ReplayDomain, Frame>();
  private readonly args: Word[] = [0, 0, 0, 0, 0, 0];
  /** Where the program goes live, once that is asked for; undefined if it cannot. */
  cut: LiveCut | undefined;

  constructor(
    private readonly engine: Engine,
    private readonly loop: ReplayLoop,
    channel: SessionChannel,
    private readonly tell: (report: SessionReport) => void,
  ) {
    this.commands = channel.commands;
    this.signals = channel.signals;
    this.stacks = new Stacks(engine, channel.debugDirectories);
  }

  /** Waits for the first command. Throws AbortError if there will be no replay. */
  begin(): void {
    this.stop('start', [], undefined);
  }

  close(): void {
    this.stacks.close();
  }

  holds(domain: ReplayDomain, frame: Frame): boolean {
    if (this.cut?.isRequested === true) return this.cut.holds(domain, frame);
    const { hold } = this.order;
    if (hold === undefined || this.passed.get(domain) === frame) return false;
    const reached =
      'bookmark' in hold
        ? frame.type === 'bookmark' && frame.id === hold.bookmark
        : frame.time >= hold.time;
    if (reached) this.held.set(domain, frame);
    return reached;
  }

  released(): boolean {
    if (this.cut?.isRequested === true) return this.cut.released();
    if (this.held.size === 0 || !this.isEverythingHeld()) return false;
    const domains = [...this.held.keys()];
    for (const [domain, frame] of this.held) this.passed.set(domain, frame);
    this.held.clear();
    this.stop('hold', [], undefined);
    for (const domain of domains) if (!domain.ended) this.loop.advance(domain);
    return true;
  }

  private isEverythingHeld(): boolean {
    for (const domain of this.engine.domains.values()) {
      if (domain.ended || this.held.has(domain) || this.loop.isOrphan(domain)) continue;
      // One that waits for another goes on when that one does.
      if (!(domain.waiting instanceof ReplayDomain)) return false;
    }
    return true;
  }

  arrived(task: ReplayTask, frame: Frame): void {
    this.arrivedAt = frame;
    this.look(task.domain, task, frame, 'before');
  }

  applied(domain: ReplayDomain, task: ReplayTask, frame: Frame): void {
    this.stacks.frameApplied(task, frame);
    if (this.arrivedAt !== frame) this.look(domain, task, frame, 'before');
    else this.arrivedAt = undefined;
    this.look(domain, task, frame, 'after');
    const { stream } = domain;
    this.frames.set(stream, (this.frames.get(stream) ?? 0) + 1);
    if (frame.type === 'syscall') this.calls.set(frame.task, (this.calls.get(frame.task) ?? 0) + 1);
  }

  /** Tells of an event, or stops at it, if somebody asked for it. */
  private look(domain: ReplayDomain, task: ReplayTask, frame: Frame, side: Side): void {
    const { watches, order } = this;
    if (watches.length === 0 && order.place === undefined) return;
    const call = this.calls.get(frame.task) ?? 0;
    const args = this.argumentsOf(frame);
    let event: ReplayEvent | undefined;
    let saved: Uint32Array | undefined;
    let stopping: number[] | undefined;
    for (const active of watches) {
      const { watch } = active;
      if (watch.side !== side) continue;
      if (!active.matcher.matches(task, frame, call, args)) continue;
      if (active.skip > 0) {
        active.skip--;
        continue;
      }
      saved ??= this.engine.regs.save();
      event ??= this.eventOf(domain, task, frame, call);
      if (watch.backtrace && event.backtrace.length === 0)
        event = { ...event, backtrace: this.backtrace(task) };
      if (watch.action === 'stop') (stopping ??= []).push(watch.id);
      else this.tellEvent(watch.id, event);
    }
    const isPlace = side === 'before' && this.isPlace(domain, frame);
    if (stopping !== undefined || isPlace) {
      saved ??= this.engine.regs.save();
      event ??= this.eventOf(domain, task, frame, call);
      this.stop(isPlace ? 'place' : 'event', stopping ?? [], event);
    }
    if (saved !== undefined) this.engine.regs.load(saved);
  }

  private backtrace(task: ReplayTask): ReplayEvent['backtrace'] {
    return this.engine.tracer.getRegs(task.tid) ? this.stacks.backtrace(task) : [];
  }

  private isPlace(domain: ReplayDomain, frame: Frame): boolean {
    const { place } = this.order;
    if (place === undefined || frame !== domain.cursor.peek()) return false;
    if ('offset' in place) {
      const { offset, position } = domain.cursor;
      return offset === place.offset && position >= place.position;
    }
    return domain.stream === place.stream && (this.frames.get(domain.stream) ?? 0) === place.index;
  }

  /** Those of the registers while a call stands at its entry, else what the log has. */
  private argumentsOf(frame: Frame): readonly Word[] {
    if (frame.type !== 'syscall') return this.args;
    if (this.arrivedAt !== frame) return frame.args;
    const { regs } = this.engine;
    for (let i = 0; i < 6; i++) this.args[i] = regs.get(ARGUMENT_REGS[i]!);
    return this.args;
  }

  private eventOf(
    { stream, cursor }: ReplayDomain,
    task: ReplayTask,
    frame: Frame,
    call: number,
  ): ReplayEvent {
    const { data, output, mapping, exec } = task.details;
    const details = [...data, output, mapping, exec].filter((detail) => detail !== undefined);
    return withOwnBytes({
      frame,
      details: frame.type === 'syscall' ? details : [],
      stream,
      index: this.frames.get(stream) ?? 0,
      call,
      offset: cursor.offset,
      position: cursor.position,
      backtrace: [],
    });
  }

  private tellEvent(watch: number, event: ReplayEvent): void {
    const untaken = Atomics.add(this.signals, 1, 1) + 1;
    this.tell({ type: 'event', watch, event });
    for (let left = untaken; left >= MAX_UNTAKEN; left = Atomics.load(this.signals, 1)) {
      Atomics.wait(this.signals, 1, left, 100);
      this.endIfClosed();
    }
  }

  /** Somebody who takes no more events may have closed the session. */
  private endIfClosed(): void {
    const received = receiveMessageOnPort(this.commands) as { message: Command } | undefined;
    if (received?.message.type === 'close') throw closed();
  }

  /** Stands still and serves until it is told to go on. */
  private stop(
    reason: StopReason,
    watches: readonly number[],
    event: ReplayEvent | undefined,
  ): void {
    this.tell({ type: 'stopped', reason, watches, event });
    for (;;) {
      const seen = Atomics.load(this.signals, 0);
      const received = receiveMessageOnPort(this.commands) as { message: Command } | undefined;
      if (received === undefined) {
        Atomics.wait(this.signals, 0, seen);
        continue;
      }
      const { message } = received;
      if (message.type === 'close') throw closed();
      if (message.type === 'live') {
        this.cut?.request();
        this.begun({ watches: [] });
        return;
      }
      if (message.type === 'run') {
        this.begun(message.order);
        return;
      }
      this.serve(message.id, message.query);
    }
  }

  private begun(order: RunOrder): void {
    this.order = order;
    this.watches = order.watches.map((watch) => ({
      watch,
      matcher: new EventMatcher(watch.filter),
      skip: watch.skip,
    }));
  }

  private serve(id: number, query: Query): void {
    try {
      this.tell({ type: 'answer', id, value: answer(this.engine, this.stacks, query) });
    } catch (error) {
      const { message } = error as Error;
      const code = error instanceof QueryError ? error.code : 'INTERNAL';
      this.tell({ type: 'refused', id, code, message });
    }
  }
}

function closed(): Error {
  return new DOMException('the session was closed', 'AbortError');
}
