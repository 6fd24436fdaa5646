/*
 * Records and replays with counters of branches, on any machine: the tracer of both steps tasks that have one, and counts. All
 * of it is the recorder's and the replayer's own but for what their workers do for their callers.
 */
import { openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import {
  BranchBackend,
  CPUID_MISSING,
  CpuPolicy,
  CounterStop,
  type EventCounter,
  monotonicNs,
  Tracer,
  trapCpuidHere,
  TrapIndex,
  TrapSites,
} from '@scribe-ts/core-native';
import { LogWriter, openLog, type PreemptFrame } from '@scribe-ts/tracelog';
import { Stepper } from '../packages/core-native/test/support/stepping.js';
import { BranchPoints } from '../packages/recorder/src/preempt/branch-points.js';
import { Session } from '../packages/recorder/src/session.js';
import { ContentStore } from '../packages/recorder/src/store.js';
import { TraceLoop } from '../packages/recorder/src/trace-loop.js';
import { parseVerbosity } from '../packages/recorder/src/verbosity.js';
import { Contents } from '../packages/replayer/src/contents.js';
import { Mismatch } from '../packages/replayer/src/divergence.js';
import { Engine } from '../packages/replayer/src/engine.js';
import { OutputQueue } from '../packages/replayer/src/output.js';
import { ReplayLoop } from '../packages/replayer/src/replay-loop.js';
import { SharedFiles } from '../packages/replayer/src/shared.js';
import { compile, root, workspace } from './harness.js';

const SKID = 20;
const SKIDS = [0, 3, SKID, 11];
const COUNTER = 'steps';
const REPLAYS = 3;

/** A tracer that steps tasks with counters, and the backend that has such. `change`: what a counter that is wrong tells. */
function stepping(change = (count: number): number => count) {
  const stepper = new Stepper(new Tracer());
  stepper.skids = SKIDS;
  const { tracer } = stepper;
  const points = { found: 0 };
  const open = (tid: number): EventCounter => {
    const counter = stepper.open(tid);
    return { ...counter, read: () => change(counter.read()) };
  };
  class Backend extends BranchBackend {
    override stopped(...args: Parameters<BranchBackend['stopped']>): CounterStop {
      const stop = super.stopped(...args);
      if (stop === CounterStop.There) points.found++;
      return stop;
    }
  }
  return { tracer, backend: new Backend(tracer, open, SKID), points };
}

const canTrapCpuid = trapCpuidHere();
const missing = canTrapCpuid ? [] : [CPUID_MISSING];

/** Records a program without arguments; returns its preempted points. */
function record(file: string, logPath: string, store: string): PreemptFrame[] {
  const { tracer, backend } = stepping();
  const out = openSync(`${logPath}.out`, 'w');
  const spawned = tracer.spawn({
    file,
    argv: [file],
    envp: [],
    disableAslr: true,
    stdio: [out, out, out],
  });
  const cpus = new CpuPolicy();
  const machine = {
    ...{ kernel: '', arch: 'x86_64', cpu: '', cpus: 1, hostname: '', uid: 0, gid: 0 },
    ...{ pageSize: 4096, counter: COUNTER },
  };
  const log = LogWriter.create(logPath, {
    ...{ writer: 'test', command: [file], cwd: '/', root: '/', env: [], recorder: process.pid },
    ...{ startedAt: 0, verbosity: '', machine, store, missing, stdio: [] },
  });
  const config = { verbosity: parseVerbosity('0'), stateHashes: false, chaosSeed: undefined };
  const contents = new ContentStore(store);
  const session = new Session(tracer, log, contents, config, cpus, monotonicNs());
  if (!canTrapCpuid) session.trapSites = new TrapSites(true, new TrapIndex(store));
  session.branches = new BranchPoints(session, backend);
  const loop = new TraceLoop(session, { onStopped: () => {}, onInterrupt: () => {} });
  loop.adoptRoot(spawned.tid);
  loop.run();
  log.close();
  const reader = openLog(logPath);
  try {
    const frames = [...reader.records()].map(({ frame }) => frame);
    return frames.filter((frame) => frame.type === 'preempt');
  } finally {
    reader.close();
  }
}

/** Replays a log; returns its exit status, output, and how many points were found by their counts. */
function replay(logPath: string, store: string, change?: (count: number) => number) {
  const { tracer, backend, points } = stepping(change);
  const log = openLog(logPath);
  const contents = new Contents(log, store);
  const shared = new SharedFiles(contents);
  let text = '';
  const output = new OutputQueue((_target, bytes) => (text += Buffer.from(bytes).toString()));
  const options = { log: logPath, store };
  const cpus = new CpuPolicy();
  const engine = new Engine(tracer, log, contents, shared, output, options, cpus, canTrapCpuid);
  engine.branches = backend;
  const loop = new ReplayLoop(
    engine,
    () => false,
    undefined,
    () => {},
  );
  try {
    const nothing = openSync('/dev/null', 'r+');
    loop.start([nothing, nothing, nothing]);
    loop.run();
    output.flush();
    return { status: engine.rootStatus, text, found: points.found };
  } finally {
    engine.killAll();
    shared.close();
    contents.close();
    log.close();
  }
}

test.serial('points are recorded with counts of branches, and found by them', (t) => {
  const { path, discard } = workspace('branch-counts');
  const log = join(path, 'log');
  const points = record(compile(join(root, 'test/guests/preempt_branches.c')), log, path);
  t.true(points.length >= 5, `${points.length} points`);
  // The first one has nothing to be counted by, nor has one behind which no branch lies.
  const counted = points.filter(({ counter }) => counter === 'branches');
  t.true(counted.length >= 4, `${counted.length} of ${points.length} points are counted`);
  // How many branches a timer's tick has is the machine's speed: the others are found without an overflow.
  const far = counted.filter(({ count }) => count > SKID);
  t.log(`${far.length} of ${counted.length} points are found by an overflow`);
  for (let i = 0; i < REPLAYS; i++) {
    const { status, text, found } = replay(log, path);
    t.is(status, 0);
    t.is(text, readFileSync(`${log}.out`, 'latin1'));
    t.is(found, counted.length);
  }
  discard();
});

test.serial('a counter that counts too much leads to no other point', (t) => {
  const { path, discard } = workspace('branch-counts-wrong');
  const log = join(path, 'log');
  record(compile(join(root, 'test/guests/preempt_branches.c')), log, path);
  // Too early, it is in another state, which is noticed: the recorded one is looked for from there on, or is passed.
  for (const wrong of [(count: number) => count + 1, (count: number) => 3 * count]) {
    let replayed;
    try {
      replayed = replay(log, path, wrong);
    } catch (error) {
      t.true(error instanceof Mismatch, String(error));
      continue;
    }
    t.is(replayed.status, 0);
    t.is(replayed.text, readFileSync(`${log}.out`, 'latin1'));
  }
  discard();
});
