import test, { type ExecutionContext } from 'ava';
import {
  BranchBackend,
  CounterStop,
  type EventCounter,
  EventKind,
  NativeError,
  openEventCounter,
  OVERFLOW_SIGNAL,
  PassedPointError,
  Reg,
  Resume,
  Tracer,
} from '../lib/index.js';
import { endAll, guest, mayFixLayout, register, runToEntry, start } from './support/guest.js';
import { Stepper } from './support/stepping.js';

const tracer = new Tracer();
test.afterEach.always(() => endAll(tracer));

const SYS_getppid = 110;
/** PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS: what every machine counts exactly, with overflows as any counter's. */
const PAGE_FAULTS = { type: 1, config: 2 };
const MASK_BYTE = (OVERFLOW_SIGNAL - 1) >> 3;
const MASK_BIT = 1 << ((OVERFLOW_SIGNAL - 1) & 7);

interface Steps {
  resume(tid: number, how: Resume, signal: number): boolean;
  waitFor(tid: number): EventKind;
}

/** Has the guest stand right behind its first call of getppid. */
function begin(what: string): number {
  const tid = start(tracer, guest('branches'), what);
  runToEntry(tracer, tid, SYS_getppid, Resume.Syscall);
  tracer.resume(tid, Resume.Syscall, 0);
  tracer.waitFor(tid);
  return tid;
}

/** Lets a task go on until the backend has it at its point, or it stops otherwise. */
function follow(backend: BranchBackend, steps: Steps, tid: number, how: Resume): CounterStop {
  for (;;) {
    steps.resume(tid, how, 0);
    const stop = backend.stopped(tid, steps.waitFor(tid));
    if (stop !== CounterStop.GoOn) return stop;
  }
}

/** A task that is stepped, with a backend that counts its branches. */
function stepped(tid: number, skids: readonly number[], skid: number) {
  const stepper = new Stepper(tracer);
  stepper.skids = skids;
  const backend = new BranchBackend(stepper.tracer, (of) => stepper.open(of), skid);
  return { steps: stepper.tracer, backend, tid };
}

/** Where the guest is after so many instructions: its point, and all its registers. */
function pointAfter(t: ExecutionContext, instructions: number) {
  const { steps, backend, tid } = stepped(begin('sort'), [0], 0);
  t.true(backend.begin(tid));
  for (let i = 0; i < instructions; i++) {
    steps.resume(tid, Resume.Step, 0);
    t.is(steps.waitFor(tid), EventKind.Signal);
  }
  const point = backend.now(tid)!;
  t.true(point.count > 0 || instructions < 40);
  backend.end(tid);
  t.is(backend.now(tid), undefined);
  return { point, regs: tracer.regs.slice() };
}

test.serial('a stepped task comes to the point again, with the registers it had there', (t) => {
  if (!mayFixLayout(tracer)) return void t.pass('addresses cannot be fixed here');
  for (const instructions of [1, 40, 997, 3001]) {
    const { point, regs } = pointAfter(t, instructions);
    for (const [skids, skid] of [
      [[0], 0],
      [[0, 5, 2], 5],
      [[0], 100_000],
    ] as const) {
      const { steps, backend, tid } = stepped(begin('sort'), skids, skid);
      t.true(backend.begin(tid));
      t.true(backend.stopAt(tid, point));
      t.is(follow(backend, steps, tid, Resume.Cont), CounterStop.There);
      t.deepEqual(backend.now(tid), point);
      t.deepEqual(tracer.regs, regs);
      backend.end(tid);
    }
  }
});

test.serial('an overflow that comes later than the skid is an error, not another point', (t) => {
  if (!mayFixLayout(tracer)) return void t.pass('addresses cannot be fixed here');
  const { point } = pointAfter(t, 997);
  const { steps, backend, tid } = stepped(begin('sort'), [9], 3);
  backend.begin(tid);
  backend.stopAt(tid, point);
  const error = t.throws(() => follow(backend, steps, tid, Resume.Cont), {
    instanceOf: PassedPointError,
  });
  t.is(error?.count, point.count + 6);
});

test.serial('a task that does not come to the address is stopped one branch later', (t) => {
  if (!mayFixLayout(tracer)) return void t.pass('addresses cannot be fixed here');
  const { point } = pointAfter(t, 997);
  const { steps, backend, tid } = stepped(begin('sort'), [0], 3);
  backend.begin(tid);
  backend.stopAt(tid, { ...point, rip: 1 });
  const error = t.throws(() => follow(backend, steps, tid, Resume.Cont), {
    instanceOf: PassedPointError,
  });
  t.is(error?.count, point.count + 1);
});

test.serial('a stop of the program itself is left to others', (t) => {
  const tid = begin('touch');
  const backend = new BranchBackend(tracer, openFaults, 0);
  t.true(backend.begin(tid));
  const { rip } = backend.now(tid)!;
  t.true(backend.stopAt(tid, { rip, count: 1_000_000 }));
  t.is(follow(backend, tracer, tid, Resume.Sysemu), CounterStop.Other);
  t.is(tracer.event[1], EventKind.Syscall);
  backend.end(tid);
});

test.serial(
  'perf overflows bring a task to points of each count, beside its own signal mask',
  (t) => {
    if (!mayFixLayout(tracer)) return void t.pass('addresses cannot be fixed here');
    const rip = storeOfTouch();
    for (const [count, skid] of [
      [1, 0],
      [2, 0],
      [700, 0],
      [700, 30],
      [4000, 3],
    ] as const) {
      const tid = begin('touch');
      const mask = tracer.getSigmask(tid);
      mask[MASK_BYTE]! |= MASK_BIT;
      tracer.setSigmask(tid, mask);
      const backend = new BranchBackend(tracer, openFaults, skid);
      t.true(backend.begin(tid));
      t.true(backend.stopAt(tid, { rip, count }));
      t.is(follow(backend, tracer, tid, Resume.Sysemu), CounterStop.There);
      t.deepEqual(backend.now(tid), { rip, count });
      backend.end(tid);
      t.deepEqual(tracer.getSigmask(tid), mask);
      tracer.resume(tid, Resume.Syscall, 0);
      t.is(tracer.waitFor(tid), EventKind.Syscall);
      t.is(register(tracer, Reg.orig_rax), SYS_getppid);
    }
  },
);

test.serial('a counter that cannot be had, or that has missed something, is none', (t) => {
  const tid = begin('touch');
  const failing = (errno: number) => () => {
    throw new NativeError(errno, 'test');
  };
  const none = new BranchBackend(tracer, failing(24), 0);
  t.false(none.begin(tid));
  t.false(none.stopAt(tid, { rip: 1, count: 1 }));
  none.end(tid);
  const shared = new BranchBackend(tracer, () => ({ ...openFaults(tid), read: failing(61) }), 0);
  t.true(shared.begin(tid));
  t.is(shared.now(tid), undefined);
  t.false(shared.stopAt(tid, { rip: 1, count: 1 }));
  shared.end(tid);
  const gone = new BranchBackend(tracer, failing(3), 0);
  t.throws(() => gone.begin(tid), { instanceOf: NativeError, code: 'ESRCH' });
});

test.serial('counters of tasks that are gone, and unknown events, are errors of their own', (t) => {
  const open = (tid: number, config: number) => () => openEventCounter(tid, { type: 1, config });
  t.throws(open(0x3fffff, 2), { instanceOf: NativeError, code: 'ESRCH' });
  t.throws(open(0, 1000), { instanceOf: NativeError, code: 'ENOENT' });
  const counter = openEventCounter(0, PAGE_FAULTS);
  counter.close();
  t.throws(() => counter.read(), { instanceOf: RangeError });
});

function openFaults(tid: number): EventCounter {
  return openEventCounter(tid, PAGE_FAULTS);
}

/** Address of the store that uses the pages: where the first fault of the loop is. */
function storeOfTouch(): number {
  const tid = begin('touch');
  const counter = openFaults(tid);
  let rip: number;
  do {
    tracer.getRegs(tid);
    rip = register(tracer, Reg.rip);
    tracer.resume(tid, Resume.Step, 0);
    tracer.waitFor(tid);
  } while (counter.read() === 0);
  counter.close();
  return rip;
}
