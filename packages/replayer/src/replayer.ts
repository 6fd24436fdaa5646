import type { Worker } from 'node:worker_threads';
import { interrupt } from '@scribe-ts/core-native';
import { DivergenceError, type ReplayOptions, type ReplayResult } from './options.js';
import type { Report, Request, Wanted } from './protocol.js';
import { startWorker } from './start-worker.js';

/** A replay could not begin or broke down. `code`: PTRACE_REFUSED, CONTENT_MISSING, LOG_…, START_FAILED, INTERNAL, or of going live: NOT_REACHED, NOT_SUPPORTED, NEW_PIDS, INCOMPLETE. */
export class ReplayError extends Error {
  constructor(
    message: string,
    readonly code: string,
    readonly operation: string = '',
  ) {
    super(message);
    this.name = 'ReplayError';
  }
}

/** How often a replay looks whether it is wanted, and whether it gets on. */
const TICK_MS = 100;

/**
 * Replays a log to its end, or to a bookmark, and verifies on the way whatever the log lets it verify.
 *
 * Throws DivergenceError when the program does anything else than the log says, ReplayError when it cannot be replayed.
 */
export async function replay(options: ReplayOptions): Promise<ReplayResult> {
  const { onOutput, onFrame, onProgress, onLost, onLive, onChecked, onStart, signal, ...plain } =
    options;
  const wanted: Wanted = {
    output: onOutput !== undefined,
    frames: onFrame !== undefined,
    progress: onProgress !== undefined,
    untaken: new Int32Array(new SharedArrayBuffer(4)),
  };
  signal?.throwIfAborted();
  let token = 0;
  let worker = startWorker(plain, wanted);
  let isGoingLive = false;
  const request = (what: Request): void => {
    worker.postMessage(what);
    interrupt(token);
  };
  return await new Promise<ReplayResult>((resolve, reject) => {
    const abort = (): void => request('abort');
    const ticking = setInterval(() => {
      interrupt(token);
    }, TICK_MS);
    ticking.unref();
    const settle = (): void => {
      clearInterval(ticking);
      signal?.removeEventListener('abort', abort);
    };
    signal?.addEventListener('abort', abort);
    const take = (report: Report): void => {
      switch (report.type) {
        case 'started':
          token = report.interruptToken;
          return;
        case 'output':
          onOutput?.(report.target, report.bytes);
          return;
        case 'frame':
          onFrame?.(report.frame);
          Atomics.sub(wanted.untaken, 0, 1);
          Atomics.notify(wanted.untaken, 0);
          return;
        case 'lost':
          onLost?.(report.what);
          return;
        case 'live':
          onLive?.(report.pid, report.init);
          return;
        case 'checked':
          onChecked?.(report.stops);
          return;
        case 'cut': {
          const { time, shown } = report;
          const { until: _until, agent: _agent, ...rest } = plain;
          // Its frames have been told.
          const again = { ...wanted, frames: false, cut: { time, shown } };
          listen(startWorker({ ...rest, live: plain.live ?? {} }, again));
          return;
        }
        case 'progress':
          onProgress?.(report.part);
          return;
        case 'finished':
          resolve(report.result);
          return;
        case 'diverged':
          reject(new DivergenceError(report.divergence));
          return;
        case 'aborted':
          reject((signal?.reason as Error | undefined) ?? new ReplayError('aborted', 'ABORTED'));
          return;
        case 'failed': {
          const error = new ReplayError(report.message, report.code, report.operation);
          error.stack = report.stack;
          reject(error);
          return;
        }
        default:
          // What only a session asks for.
          return;
      }
    };
    const listen = (started: Worker): void => {
      worker = started;
      started.on('error', reject);
      started.on('message', take);
      started.on('exit', () => {
        // Another one has taken its place.
        if (worker !== started) return;
        settle();
        reject(new ReplayError('the replay ended without a result', 'INTERNAL'));
      });
    };
    listen(worker);
    onStart?.({
      goLive: () => {
        if (!isGoingLive) request('live');
        isGoingLive = true;
      },
      check: () => request('check'),
    });
  });
}
