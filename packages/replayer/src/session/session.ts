import { MessageChannel, type MessagePort, type Worker } from 'node:worker_threads';
import { interrupt } from '@scribe-ts/core-native';
import type { Frame, SyscallFrame, TaskUid } from '@scribe-ts/tracelog';
import {
  DivergenceError,
  type LiveOptions,
  type ReplayOptions,
  type ReplayResult,
} from '../options.js';
import type { Report, Wanted } from '../protocol.js';
import type { KernelState } from '../live/state.js';
import { ReplayError } from '../replayer.js';
import { startWorker } from '../start-worker.js';
import type { Command, Query, RunOrder, SessionChannel, Watch } from './protocol.js';
import { ReplayedTask } from './replayed-task.js';
import { Subscription } from './subscription.js';
import { checkFilter, orderFor } from './targets.js';
import type { EventFilter, ReplayEvent, ReplayTarget, Side, TaskInfo } from './types.js';

/** What `openReplay` opens, and how. */
export interface SessionOptions extends Pick<
  ReplayOptions,
  'log' | 'store' | 'backtraceLength' | 'onOutput'
> {
  /**
   * Lets `goLive` be called. The program's standard input, output and error are those of this process then, and
   * processes are made with their recorded ids where that can be.
   */
  readonly live?: LiveOptions;
  /** Show the program's output on descriptors 1 and 2. Default: not. */
  readonly showOutput?: boolean;
  /** Keep what `kernelState` tells. Costs some time at each call. */
  readonly keepKernelState?: boolean;
  /** Directories with debug files by build id (`.build-id/xx/….debug`), searched before /usr/lib/debug. */
  readonly debugDirectories?: readonly string[];
}

/** Options of `trace`. */
export interface TraceOptions {
  readonly side?: Side;
  /** Unwind the stack at every event. */
  readonly backtrace?: boolean;
}

/** Where a replay stands still. */
export interface ReplayStop<F extends Frame = Frame> {
  /** What it was stopped by: its start, an event, a place (offset, position), or a moment of all streams. */
  readonly reason: 'start' | 'event' | 'place' | 'hold';
  /** The event it stands at; undefined at the start and at a moment of all streams. */
  readonly event: ReplayEvent<F> | undefined;
  /** The task of that event. */
  readonly task: ReplayedTask | undefined;
}

/** A stop at an event. */
export type EventStop<F extends Frame = Frame> = ReplayStop<F> & {
  readonly event: ReplayEvent<F>;
  readonly task: ReplayedTask;
};

/** A program that was a replay, and runs by itself. */
export interface LiveProgram {
  /** Id of its first process, outside of its pid namespace; 0 if that one had ended before. */
  readonly pid: number;
  /** What is not as it was. For people. */
  readonly lost: readonly string[];
  /** Resolves to the wait status of the first process; undefined if the session has been closed before it ended. */
  readonly ended: Promise<number | undefined>;
}

/** How often the worker looks whether it is wanted. */
const TICK_MS = 100;

interface Pending {
  resolve(value: never): void;
  reject(error: Error): void;
}

/** Opens a log for a replay that stops where one likes. It stands before the first event. Rejects with ReplayError. */
export async function openReplay(options: SessionOptions | string): Promise<ReplaySession> {
  const session = new ReplaySession(typeof options === 'string' ? { log: options } : options);
  try {
    await session.opened;
  } catch (error) {
    await session.close();
    throw error;
  }
  return session;
}

/**
 * A replay in steps. While it stands, tasks can be looked at; `runTo`, `run` and the iterables let it go on.
 *
 * Everything rejects with DivergenceError once the program has done something else than the log says, and with
 * ReplayError else. Its codes: ENDED, NOT_REACHED, NOT_STOPPED, BUSY, CLOSED, NO_TASK, TASK_GONE, TASK_RUNNING,
 * BAD_ADDRESS, BAD_TARGET, NOT_KEPT, and those of `replay`.
 */
export class ReplaySession implements AsyncDisposable {
  /** Resolves when the replay stands at its beginning. */
  readonly opened: Promise<void>;
  private readonly worker: Worker;
  private readonly commands: MessagePort;
  private readonly signals = new Int32Array(new SharedArrayBuffer(8));
  private readonly exited: Promise<void>;
  private readonly ticking: NodeJS.Timeout;
  private token = 0;
  private nextId = 1;
  private readonly answers = new Map<number, Pending>();
  private readonly subscriptions = new Map<number, Subscription<unknown>>();
  /** Iterators that have been given the present stop, and have not asked for more. */
  private readonly busy = new Set<number>();
  private running: { readonly order: RunOrder; readonly pending: Pending } | undefined;
  private here: ReplayStop | undefined;
  private result: ReplayResult | undefined;
  private failure: Error | undefined;
  private atStart: Pending | undefined;
  private readonly canGoLive: boolean;
  private onLive: ((pid: number) => void) | undefined;
  private readonly lost: string[] = [];

  /** Use openReplay. */
  constructor(options: SessionOptions) {
    const { log, store, backtraceLength, onOutput, showOutput, debugDirectories = [] } = options;
    const { port1, port2 } = new MessageChannel();
    this.commands = port1;
    const session: SessionChannel = {
      commands: port2,
      signals: this.signals,
      debugDirectories,
      keepKernelState: options.keepKernelState === true,
    };
    const wanted: Wanted = {
      output: onOutput !== undefined,
      frames: false,
      progress: false,
      untaken: new Int32Array(new SharedArrayBuffer(4)),
      session,
    };
    this.canGoLive = options.live !== undefined;
    const plain: ReplayOptions = {
      log,
      quiet: showOutput !== true,
      ...(options.live === undefined ? {} : { live: options.live }),
      ...(store === undefined ? {} : { store }),
      ...(backtraceLength === undefined ? {} : { backtraceLength }),
    };
    this.opened = new Promise((resolve, reject) => (this.atStart = { resolve, reject }));
    this.worker = startWorker(plain, wanted, [port2]);
    this.ticking = setInterval(() => interrupt(this.token), TICK_MS);
    this.ticking.unref();
    this.exited = new Promise((resolve) => this.worker.once('exit', () => resolve()));
    this.worker.on('error', (error) => this.fail(error as Error));
    this.worker.on('exit', () => {
      clearInterval(this.ticking);
      this.commands.close();
      if (this.result === undefined) this.fail(new ReplayError('the session was closed', 'CLOSED'));
    });
    this.worker.on('message', (report: Report) => {
      if (report.type === 'output') onOutput?.(report.target, report.bytes);
      else this.take(report);
    });
  }

  /** Where the replay stands; undefined while it runs and when it has ended. */
  get stop(): ReplayStop | undefined {
    return this.here;
  }

  /** What the replay came to; undefined as long as it has not ended. */
  get ended(): ReplayResult | undefined {
    return this.result;
  }

  /**
   * Runs to the next place that `target` means, and stands there. With a condition it goes on from each such place until
   * one meets it; the condition is asked while the replay stands, so it can look at tasks. Rejects with NOT_REACHED if
   * the log ends before.
   */
  async runTo(
    target: ReplayTarget,
    condition: (stop: ReplayStop) => boolean | Promise<boolean> = () => true,
  ): Promise<ReplayStop> {
    for (;;) {
      const stop = await this.go(orderFor(target, this.nextId++));
      if (stop === undefined) throw new ReplayError('the log ends before that', 'NOT_REACHED');
      if (await condition(stop)) return stop;
    }
  }

  /** Runs to the end of the log. */
  async run(): Promise<ReplayResult> {
    if (this.result === undefined) await this.go({ watches: [] });
    return this.result!;
  }

  /** The tasks that have been made so far. */
  async tasks(): Promise<readonly TaskInfo[]> {
    return (await this.ask({ kind: 'tasks' })) as readonly TaskInfo[];
  }

  /**
   * What the kernel knew of the program at this point: open descriptors, signals, directories, limits, as the calls in the
   * log tell it. Needs `keepKernelState`, else rejects with NOT_KEPT.
   */
  async kernelState(): Promise<KernelState> {
    return (await this.ask({ kind: 'kernel-state' })) as KernelState;
  }

  /** A task by the number that the log gives to it, to be looked at. */
  task(uid: TaskUid): ReplayedTask {
    return new ReplayedTask(uid, (query) => this.ask(query));
  }

  /**
   * Stops at every event that matches, from here on. The replay stands while the loop's body runs. Leaving the loop leaves
   * it where it stands.
   */
  events<F extends Frame = Frame>(
    filter: EventFilter,
    side: Side = 'before',
  ): AsyncIterableIterator<EventStop<F>> {
    return this.subscribe<EventStop<F>>(filter, side, 'stop', false);
  }

  /** The same for system calls. `filter` may be a name or a number. */
  syscalls(
    filter: EventFilter | string | number = {},
    side: Side = 'before',
  ): AsyncIterableIterator<EventStop<SyscallFrame>> {
    const plain = typeof filter === 'object' ? filter : { name: filter };
    return this.events<SyscallFrame>({ ...plain, type: 'syscall' }, side);
  }

  /**
   * Every event that matches, with its stack if that is wanted, without standing still: much faster than `events`. The
   * loop's body can't look at tasks, as they have gone on.
   */
  trace<F extends Frame = Frame>(
    filter: EventFilter,
    { side = 'before', backtrace = false }: TraceOptions = {},
  ): AsyncIterableIterator<ReplayEvent<F>> {
    return this.subscribe<ReplayEvent<F>>(filter, side, 'tell', backtrace);
  }

  /**
   * Lets the program go: all domains go on to their next sync point, and from there it runs by itself. Nothing can be asked
   * of the session any more. Rejects as `replay` does with `live`, with NOT_KEPT if the session was opened without `live`,
   * and with ENDED if the program ends before.
   */
  async goLive(): Promise<LiveProgram> {
    if (!this.canGoLive) throw new ReplayError('the replay was opened without `live`', 'NOT_KEPT');
    if (this.failure !== undefined) throw this.failure;
    if (this.result !== undefined) throw new ReplayError('the replay has ended', 'ENDED');
    if (this.running !== undefined || this.here === undefined)
      throw new ReplayError('the replay is on its way already', 'BUSY');
    const ended = new Promise<ReplayStop | undefined>((resolve, reject) => {
      this.running = { order: { watches: [] }, pending: { resolve, reject } };
    });
    const pid = new Promise<number>((resolve) => (this.onLive = resolve));
    this.here = undefined;
    this.worker.ref();
    this.send({ type: 'live' });
    const first = await Promise.race([pid, ended]);
    if (typeof first !== 'number')
      throw new ReplayError('the program ended before it could go live', 'ENDED');
    const status = ended.then(
      () => this.result?.status,
      () => undefined,
    );
    return { pid: first, lost: this.lost, ended: status };
  }

  /** Ends the replay, wherever it is, and all its processes. A program that is live goes on. */
  async close(): Promise<void> {
    this.worker.ref();
    this.send({ type: 'close' });
    // For one that runs.
    this.worker.postMessage('abort');
    interrupt(this.token);
    await this.exited;
  }

  /** The same as `close`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  private subscribe<T>(
    filter: EventFilter,
    side: Side,
    action: Watch['action'],
    backtrace: boolean,
  ): Subscription<T> {
    const id = this.nextId++;
    const watch: Watch = { id, filter: checkFilter(filter), skip: 0, side, action, backtrace };
    const subscription = new Subscription<T>(watch, {
      wanted: () => {
        this.busy.delete(id);
        if (this.failure !== undefined) subscription.fail(this.failure);
        else if (this.result !== undefined) subscription.end();
        else this.goOn();
      },
      taken: () => {
        Atomics.sub(this.signals, 1, 1);
        Atomics.notify(this.signals, 1);
      },
      left: () => {
        this.busy.delete(id);
        this.subscriptions.delete(id);
      },
    });
    this.subscriptions.set(id, subscription as Subscription<unknown>);
    return subscription;
  }

  /** Resolves to the stop, or to undefined at the end of the log. */
  private go(order: RunOrder): Promise<ReplayStop | undefined> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    if (this.result !== undefined)
      return Promise.reject(new ReplayError('the replay has ended', 'ENDED'));
    if (this.running !== undefined || this.here === undefined)
      return Promise.reject(new ReplayError('the replay is on its way already', 'BUSY'));
    return new Promise((resolve, reject) => {
      this.running = { order, pending: { resolve, reject } };
      this.goOn();
    });
  }

  /** Lets the replay go when nobody looks at this stop any more. */
  private goOn(): void {
    if (this.here === undefined || this.busy.size > 0) return;
    const watches = [...(this.running?.order.watches ?? [])];
    for (const subscription of this.subscriptions.values())
      if (subscription.isWaiting || subscription.watch.action === 'tell')
        watches.push(subscription.watch);
    this.here = undefined;
    this.worker.ref();
    this.send({
      type: 'run',
      order: { watches, hold: this.running?.order.hold, place: this.running?.order.place },
    });
  }

  private ask(query: Query): Promise<unknown> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    if (this.here === undefined) {
      const why = this.result === undefined ? 'is running' : 'has ended';
      return Promise.reject(
        new ReplayError(`the replay ${why}: there is nothing to look at`, 'NOT_STOPPED'),
      );
    }
    const id = this.nextId++;
    this.worker.ref();
    return new Promise((resolve, reject) => {
      this.answers.set(id, { resolve, reject });
      this.send({ type: 'query', id, query });
    });
  }

  private send(command: Command): void {
    this.commands.postMessage(command);
    Atomics.add(this.signals, 0, 1);
    Atomics.notify(this.signals, 0);
    Atomics.notify(this.signals, 1);
  }

  private take(report: Report): void {
    switch (report.type) {
      case 'started':
        this.token = report.interruptToken;
        return;
      case 'event': {
        const subscription = this.subscriptions.get(report.watch);
        if (subscription === undefined) this.drop();
        else subscription.push(report.event);
        return;
      }
      case 'stopped':
        this.stopped(report);
        return;
      case 'lost':
        this.lost.push(report.what);
        return;
      case 'live':
        this.onLive?.(report.pid);
        return;
      case 'answer':
        this.answered(report.id)?.resolve(report.value as never);
        return;
      case 'refused':
        this.answered(report.id)?.reject(new ReplayError(report.message, report.code));
        return;
      case 'finished':
        this.finish(report.result);
        return;
      case 'diverged':
        this.fail(new DivergenceError(report.divergence));
        return;
      case 'aborted':
        this.fail(new ReplayError('the session was closed', 'CLOSED'));
        return;
      case 'failed': {
        const error = new ReplayError(report.message, report.code, report.operation);
        error.stack = report.stack;
        this.fail(error);
        return;
      }
      default:
        return;
    }
  }

  /** Nobody takes it any more. */
  private drop(): void {
    Atomics.sub(this.signals, 1, 1);
    Atomics.notify(this.signals, 1);
  }

  private answered(id: number): Pending | undefined {
    const pending = this.answers.get(id);
    this.answers.delete(id);
    this.rest();
    return pending;
  }

  /** A replay that stands and is asked nothing must not keep the process alive. */
  private rest(): void {
    if (this.here !== undefined && this.answers.size === 0) this.worker.unref();
  }

  private stopped(report: Extract<Report, { type: 'stopped' }>): void {
    const { reason, event, watches } = report;
    const task = event === undefined ? undefined : this.task(event.frame.task);
    const stop: ReplayStop = { reason, event, task };
    this.here = stop;
    this.rest();
    for (const id of watches) {
      const subscription = this.subscriptions.get(id);
      if (subscription === undefined) continue;
      this.busy.add(id);
      subscription.push(stop);
    }
    const { running } = this;
    const isTarget =
      reason !== 'event' || running?.order.watches.some(({ id }) => watches.includes(id)) === true;
    if (isTarget && running !== undefined) {
      this.running = undefined;
      running.pending.resolve(stop as never);
    } else if (reason === 'start') this.atStart?.resolve(undefined as never);
    // The iterator that asked for it has been left meanwhile.
    else if (this.busy.size === 0) this.goOn();
  }

  private finish(result: ReplayResult): void {
    this.result = result;
    this.here = undefined;
    for (const subscription of this.subscriptions.values()) subscription.end();
    this.running?.pending.resolve(undefined as never);
    this.running = undefined;
  }

  private fail(error: Error): void {
    if (this.failure !== undefined) return;
    this.failure = error;
    this.here = undefined;
    for (const subscription of this.subscriptions.values()) subscription.fail(error);
    for (const pending of this.answers.values()) pending.reject(error);
    this.answers.clear();
    this.running?.pending.reject(error);
    this.running = undefined;
    this.atStart?.reject(error);
  }
}
