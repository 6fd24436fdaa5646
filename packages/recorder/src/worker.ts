import { cpus, hostname, release } from 'node:os';
import { getegid, geteuid } from 'node:process';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { fstatSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  BranchBackend,
  type BranchCounters,
  CPUID_MISSING,
  CpuPolicy,
  findBranchCounters,
  getAffinity,
  machineCounters,
  matchTscHere,
  monotonicNs,
  NativeError,
  Signal,
  stubPath,
  Tracer,
  trapCpuidHere,
  TrapIndex,
  TrapSites,
} from '@scribe-ts/core-native';
import {
  BackgroundCompressor,
  contentPath,
  type LogHeader,
  LogWriter,
  type NewLogHeader,
} from '@scribe-ts/tracelog';
import { AgentControl } from './agent/control.js';
import { describeState, writeBookmark } from './bookmarks.js';
import { detachAll } from './detach.js';
import type { RecordOptions, RecordResult } from './options.js';
import { BranchPoints } from './preempt/branch-points.js';
import type { Report, Request } from './protocol.js';
import { Session } from './session.js';
import { ContentStore, defaultStore, StoreError } from './store.js';
import { TraceLoop } from './trace-loop.js';
import { parseVerbosity } from './verbosity.js';

const port = parentPort!;
const { options, file } = workerData as { options: RecordOptions; file: string };

/** /dev/null */
const NULL_DEVICE = 0x103;
/** How long frames of a busy program may stay in memory. */
const KEPT_MS = 1000;

function tell(report: Report): void {
  port.postMessage(report);
}

function header(
  missing: readonly string[],
  store: string,
  startedAt: number,
  home: number | undefined,
  branches: BranchCounters | undefined,
): NewLogHeader {
  const all = cpus();
  return {
    writer: 'scribe-ts 0.1.0',
    command: options.command,
    cwd: resolve(options.cwd ?? '.'),
    root: options.root ?? '/',
    // The first image has it.
    env: [],
    recorder: process.pid,
    startedAt,
    verbosity: parseVerbosity(options.verbosity).letters,
    machine: {
      kernel: release(),
      arch: 'x86_64',
      cpu: all[0]?.model ?? '',
      cpus: all.length,
      hostname: hostname(),
      uid: geteuid!(),
      gid: getegid!(),
      pageSize: 4096,
      ...(home === undefined ? {} : { home }),
      ...(branches === undefined ? {} : { counter: branches.event.name }),
    },
    store: resolve(store),
    missing,
    ...(options.chaos === undefined ? {} : { chaos: options.chaos }),
    stdio: [0, 1, 2].map((fd) => ({ fd, kind: stdioKind(options.stdio?.[fd] ?? fd) })),
  };
}

function stdioKind(fd: number): LogHeader['stdio'][number]['kind'] {
  try {
    const stat = fstatSync(fd);
    if (stat.isFIFO()) return 'pipe';
    if (stat.isFile()) return 'file';
    if (stat.isSocket()) return 'socket';
    if (!stat.isCharacterDevice()) return 'other';
    if (stat.rdev === NULL_DEVICE) return 'null';
    return process.getBuiltinModule('node:tty').isatty(fd) ? 'tty' : 'other';
  } catch {
    return 'closed';
  }
}

function run(): void {
  const tracer = new Tracer();
  const found = findBranchCounters(machineCounters(tracer, stubPath));
  const branches = typeof found === 'string' ? undefined : found;
  const storePath = options.store ?? defaultStore();
  const store = new ContentStore(storePath);
  // Before this thread is bound to a CPU, so that it may run on another.
  const background = getAffinity(0).length > 1 ? BackgroundCompressor.start() : undefined;
  const cpusOf = new CpuPolicy();
  const canTrapCpuid = trapCpuidHere();
  const hasAgent =
    options.agent === true && AgentControl.canHold(parseVerbosity(options.verbosity));
  // With the agent most programs leave the counter open.
  if (!hasAgent) matchTscHere();
  const spawned = tracer.spawn({
    file,
    argv: options.command,
    envp: options.env,
    cwd: options.cwd,
    chroot: options.root,
    newNetwork: options.newNetwork,
    disableAslr: true,
    stdio: options.stdio,
  });
  const { tid } = spawned;
  const missing = canTrapCpuid ? spawned.missing : [...spawned.missing, CPUID_MISSING];
  // The same moment: readers tell by both when something happened.
  const startedAt = Date.now() / 1000;
  const startNs = monotonicNs();
  const home = canTrapCpuid ? undefined : cpusOf.home;
  const head = header(missing, storePath, startedAt, home, branches);
  const log = LogWriter.create(options.log, head, { background });
  let detached = false;
  let nextBookmark = 1;
  let stopsBefore = 0;
  const requests: Request[] = [];

  const endLog = (): void => {
    if (options.pack === true)
      for (const hash of store.used) log.addContent(hash, contentPath(storePath, hash));
    log.close();
  };
  const serve = (): void => {
    for (let request = requests.shift(); request !== undefined; request = requests.shift()) {
      const { freezer } = loop;
      if (request.type === 'kill') loop.pass(request.signal);
      else if (request.type === 'end') loop.end(request.stuckMs);
      else if (request.type === 'detach') {
        freezer.giveUp('the recording was detached');
        loop.settle();
        // It may have come to its end by itself.
        if (session.tasks.size > 0 && !session.finished) {
          detached = true;
          detachAll(session, endLog);
        }
        tell({ type: 'answer', id: request.id, value: 0 });
        return;
      } else if (session.parking.active) {
        requests.unshift(request);
        return;
      } else takeBookmark(request.id);
    }
  };
  const takeBookmark = (request: number): void => {
    let states: ReturnType<typeof describeState> = [];
    loop.freezer.freeze({
      describe: () => {
        states = describeState(session);
      },
      emit: () => {
        const id = nextBookmark++;
        writeBookmark(session, id, states);
        tell({ type: 'answer', id: request, value: id });
      },
      giveUp: (error) => {
        tell({ type: 'answer', id: request, value: 0, error });
      },
    });
  };
  const session = new Session(tracer, log, store, sessionConfig(), cpusOf, startNs);
  if (!canTrapCpuid || hasAgent)
    session.trapSites = new TrapSites(!canTrapCpuid, new TrapIndex(storePath));
  if (hasAgent) session.agent = new AgentControl(session, storePath);
  if (branches !== undefined) {
    const { open, event } = branches;
    session.branches = new BranchPoints(session, new BranchBackend(tracer, open, event.skid));
  }
  const loop = new TraceLoop(session, {
    onStopped: (signal) => {
      tell({ type: 'stopped', signal });
    },
    onInterrupt: () => {
      for (
        let message = receiveMessageOnPort(port);
        message !== undefined;
        message = receiveMessageOnPort(port)
      ) {
        requests.push(message.message as Request);
      }
      session.agent?.ring.peek();
      // A program that idles does not keep its last frames in memory; one that is busy fills chunks worth compressing.
      if (loop.stops - stopsBefore <= 1) log.flush();
      else log.flushOlderThan(KEPT_MS);
      stopsBefore = loop.stops;
      loop.freezer.tick();
      serve();
      loop.review();
    },
  });
  tell({ type: 'started', pid: tid, interruptToken: tracer.interruptToken });
  let logFailure: RecordResult['logFailure'];
  try {
    loop.adoptRoot(tid);
    loop.run();
    endLog();
  } catch (error) {
    logFailure = failureToWrite(error);
    // Nothing of the program has run as long as it has not come out of its exec: then it need not run unrecorded.
    if (logFailure === undefined || session.syscalls === 0) throw error;
    // The program must not suffer from a full disk: it goes on by itself unless the user chose otherwise.
    abortLog(log);
    session.muteLog();
    if (options.onLogFailure === 'kill') loop.pass(Signal.SIGKILL);
    else {
      detached = true;
      detachAll(session, () => {});
    }
  }
  tell({
    type: 'finished',
    result: {
      status: session.rootStatus ?? 0,
      detached,
      syscalls: session.syscalls,
      tasks: session.tasksMade,
      notes: [...session.notes],
      missing,
      ended: loop.ending,
      logFailure,
    },
  });
}

function sessionConfig() {
  return {
    verbosity: parseVerbosity(options.verbosity),
    stateHashes: options.stateHashes ?? false,
    chaosSeed: options.chaos,
  };
}

/** What to tell of an error if it is one of writing the log, or the contents that it refers to. */
function failureToWrite(error: unknown): RecordResult['logFailure'] {
  if (error instanceof StoreError) {
    return { code: error.code, message: error.message, path: error.directory };
  }
  if (!(error instanceof Error) || !('code' in error) || !String(error.code).startsWith('LOG_'))
    return undefined;
  return { code: String(error.code), message: error.message, path: options.log };
}

/** Leaves the log with all that could be written. */
function abortLog(log: LogWriter): void {
  try {
    log.flush();
  } catch {
    // It is the log that has failed.
  }
  log.abort();
}

try {
  run();
} catch (error) {
  const failure = error as Error & { code?: string; operation?: string };
  const refused = error instanceof NativeError && error.operation === 'ptrace';
  tell({
    type: 'failed',
    failure: {
      name: failure.name,
      message: failure.message,
      code: refused
        ? 'PTRACE_REFUSED'
        : error instanceof NativeError
          ? 'START_FAILED'
          : (failure.code ?? 'INTERNAL'),
      operation: failure.operation ?? '',
      errno: error instanceof NativeError ? error.code : '',
      stack: failure.stack ?? '',
    },
  });
}
