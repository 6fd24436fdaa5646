import { openSync } from 'node:fs';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import {
  BranchBackend,
  callByTraps,
  CpuPolicy,
  findBranchCounters,
  machineCounters,
  matchTscHere,
  NativeError,
  stubPath,
  Tracer,
  trapCpuidHere,
} from '@scribe-ts/core-native';
import { type Frame, type LogHeader, openLog } from '@scribe-ts/tracelog';
import { AgentControl } from './agent/control.js';
import { Contents } from './contents.js';
import { Mismatch } from './divergence.js';
import { Engine } from './engine.js';
import { ReplayLoop } from './replay-loop.js';
import type { LiveOptions, ReplayOptions } from './options.js';
import { OutputQueue, writeAll } from './output.js';
import { withOwnBytes } from './own-bytes.js';
import type { Report, Request, Wanted } from './protocol.js';
import type { LiveCut } from './live/live-cut.js';
import type { LiveFiles } from './live/live-files.js';
import type { Inspector } from './session/inspector.js';
import { SharedFiles } from './shared.js';

const port = parentPort!;
const { options, wanted } = workerData as { options: ReplayOptions; wanted: Wanted };

/** Frames between two looks at the clock, and the time between two reports of progress. */
const FRAMES_A_LOOK = 256;
const PROGRESS_MS = 100;
/** Frames that may wait to be taken: the replay is faster than whoever prints them. */
const MAX_UNTAKEN = 4096;

function tell(report: Report): void {
  port.postMessage(report);
}

function show(target: number, bytes: Uint8Array): void {
  if (wanted.output) tell({ type: 'output', target, bytes });
  else if (options.quiet !== true) writeAll(target === 2 ? 2 : 1, bytes);
}

function tellFrame(frame: Frame): void {
  const untaken = Atomics.add(wanted.untaken, 0, 1) + 1;
  tell({ type: 'frame', frame: withOwnBytes(frame) });
  if (untaken >= MAX_UNTAKEN) Atomics.wait(wanted.untaken, 0, untaken);
}

/** Tells now and then how much of `total` frames has been replayed. */
function progressTeller(total: number): (count: number) => void {
  let frames = 0;
  let lookAt = 0;
  let due = 0;
  return (count) => {
    frames += count;
    if (frames < lookAt) return;
    lookAt = frames + FRAMES_A_LOOK;
    const now = performance.now();
    if (now < due) return;
    due = now + PROGRESS_MS;
    tell({ type: 'progress', part: frames / total });
  };
}

/** Puts a session's eyes into the engine. */
async function inspect(
  engine: Engine,
  loop: ReplayLoop,
  header: LogHeader,
): Promise<Inspector | undefined> {
  if (wanted.session === undefined) return undefined;
  if (wanted.session.keepKernelState) {
    const { KernelObserver } = await import('./live/kernel-observer.js');
    engine.kernel = new KernelObserver(engine, header);
  }
  const { Inspector } = await import('./session/inspector.js');
  const inspector = new Inspector(engine, loop, wanted.session, tell);
  engine.hooks = inspector;
  return inspector;
}

/** What counts branches as the recording did, if it did; else undefined: its points can be found without. */
function branchBackend(tracer: Tracer, { machine }: LogHeader): BranchBackend | undefined {
  if (machine.counter === undefined) return undefined;
  const found = findBranchCounters(machineCounters(tracer, stubPath));
  if (typeof found === 'string' || found.event.name !== machine.counter) return undefined;
  return new BranchBackend(tracer, found.open, found.event.skid);
}

/** To change all known sites of a process costs as much as so many of its calls, each of them stopped for. */
const MANY_FRAMES = 200;

/** Thrown where a replay has to begin anew to go live. */
class BeginAnew extends Error {}

async function run(): Promise<void> {
  const log = openLog(options.log);
  const contents = new Contents(log, options.store ?? log.header.store);
  const shared = new SharedFiles(contents);
  const output = new OutputQueue(show, wanted.cut?.shown);
  const tracer = new Tracer();
  const branches = branchBackend(tracer, log.header);
  if (options.live === undefined) callByTraps(tracer);
  const canTrapCpuid = trapCpuidHere();
  matchTscHere();
  tell({ type: 'started', interruptToken: tracer.interruptToken });
  let cut: LiveCut | undefined;
  let files: LiveFiles | undefined;
  const isAborted = (): boolean => {
    for (;;) {
      const message = receiveMessageOnPort(port)?.message as Request | undefined;
      if (message === undefined) return false;
      if (message === 'abort') return true;
      if (message === 'check') loop.beginCheck();
      else if (cut === undefined) throw new BeginAnew();
      else cut.request();
    }
  };
  const cpus = new CpuPolicy(log.header.machine.home);
  const engine = new Engine(tracer, log, contents, shared, output, options, cpus, canTrapCpuid);
  engine.branches = branches;
  const onFrame = wanted.frames ? tellFrame : undefined;
  const onCheck = (stops: number): void => tell({ type: 'checked', stops });
  const loop = new ReplayLoop(engine, isAborted, onFrame, onCheck);
  if (wanted.progress) engine.onFrames = progressTeller(log.stats.frames);
  // Whoever looks at every frame has to be told of it when it happens, and so has who keeps the kernel's side.
  const { live } = options;
  const looks = wanted.frames || wanted.session !== undefined || live !== undefined;
  if (options.agent === true && !looks) {
    const { stats, streams } = log;
    engine.agent = new AgentControl(engine, stats.frames >= MANY_FRAMES * streams.length);
  }
  const inspector = await inspect(engine, loop, log.header);
  try {
    if (live !== undefined) {
      cut = await prepareLive(engine, loop, log.header, live);
      const { LiveFiles } = await import('./live/live-files.js');
      files = new LiveFiles(engine, log.header, live.overlay);
      if (wanted.cut !== undefined) cut.request(wanted.cut.time);
      if (inspector !== undefined) inspector.cut = cut;
      else engine.hooks = cut;
    }
    inspector?.begin();
    // The replayed processes make no system call of their own on these: they only must not be the terminal.
    const nothing = openSync('/dev/null', 'r+');
    loop.start(live === undefined ? [nothing, nothing, nothing] : (live.stdio ?? [0, 1, 2]));
    loop.run();
    output.flush();
    const isLive = live !== undefined && (wanted.session === undefined || cut?.reached === true);
    const status = isLive ? await goLive(engine, loop, cut!, files!, live, isAborted) : undefined;
    tell({
      type: 'finished',
      result: {
        status: status ?? engine.rootStatus,
        syscalls: engine.syscalls,
        answered: engine.answered,
        stops: tracer.values[2]!,
        tasks: engine.tasks.size,
        truncated: log.truncated,
        bookmark: engine.bookmarkReached ? options.until : undefined,
        endState: endState(engine.endStates),
      },
    });
  } catch (error) {
    if (error instanceof BeginAnew) {
      tell({ type: 'cut', time: engine.latestTime, shown: output.shown });
      return;
    }
    output.flush();
    if (!(error instanceof Mismatch)) throw error;
    const { describeDivergence } = await import('./report.js');
    const divergence = withOwnBytes(describeDivergence(engine, error, options));
    tell({ type: 'diverged', divergence });
  } finally {
    inspector?.close();
    engine.killAll();
    shared.close();
    contents.close();
    log.close();
  }
}

/** Has a replay keep what it takes to go live. */
async function prepareLive(
  engine: Engine,
  loop: ReplayLoop,
  header: LogHeader,
  { isolation }: LiveOptions,
): Promise<LiveCut> {
  const { KernelObserver } = await import('./live/kernel-observer.js');
  const { LiveProcesses } = await import('./live/live-processes.js');
  const { LiveCut } = await import('./live/live-cut.js');
  engine.kernel ??= new KernelObserver(engine, header);
  engine.live = new LiveProcesses(engine, isolation);
  return new LiveCut(engine, loop);
}

/** Lets the program run on from where it stands; returns the wait status it ends with. */
async function goLive(
  engine: Engine,
  loop: ReplayLoop,
  cut: LiveCut,
  files: LiveFiles,
  live: LiveOptions,
  isAborted: () => boolean,
): Promise<number | undefined> {
  const { GoLive } = await import('./live/go-live.js');
  const { LiveError } = await import('./live/live-error.js');
  if (!cut.reached && !engine.bookmarkReached) {
    if (cut.isRequested) return undefined;
    throw new LiveError('NOT_REACHED', `${options.log} has no bookmark ${options.until}`);
  }
  engine.live!.settle((kind) => loop.dispatch(kind));
  const going = new GoLive(engine, files, live.allowNewPids === true);
  going.prepare(live.requireComplete === true, (what) => tell({ type: 'lost', what }));
  tell({ type: 'live', pid: going.release(), init: engine.live!.init });
  return going.wait(isAborted);
}

function endState(states: readonly string[]): string {
  if (states.length === 0) return '';
  return process
    .getBuiltinModule('node:crypto')
    .createHash('sha256')
    .update([...states].sort().join('\n'))
    .digest('hex')
    .slice(0, 32);
}

run().catch((error: unknown) => {
  const failure = error as Error & { code?: string; operation?: string };
  if (failure.name === 'AbortError') tell({ type: 'aborted' });
  else {
    const refused = error instanceof NativeError && error.operation === 'ptrace';
    tell({
      type: 'failed',
      message: failure.message,
      code: refused
        ? 'PTRACE_REFUSED'
        : error instanceof NativeError
          ? 'START_FAILED'
          : (failure.code ?? 'INTERNAL'),
      operation: failure.operation ?? '',
      stack: failure.stack ?? '',
    });
  }
});
