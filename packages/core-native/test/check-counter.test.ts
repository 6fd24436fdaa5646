import test from 'ava';
import {
  type BranchEvent,
  branchEvent,
  BranchLoop,
  checkCounter,
  type CountedLoop,
  type EventCounter,
  findBranchCounters,
  LoopStop,
  NativeError,
  type OpenCounter,
  RAW_EVENT,
  stubPath,
  Tracer,
} from '../lib/index.js';
import { endAll } from './support/guest.js';
import { Stepper } from './support/stepping.js';

const tracer = new Tracer();
test.afterEach.always(() => endAll(tracer));

const FORBIDDEN = { type: RAW_EVENT, config: 2 };
const EVENT: BranchEvent = { name: 'test', event: { type: RAW_EVENT, config: 1 }, skid: 100 };
const WITH_FORBIDDEN: BranchEvent = { ...EVENT, forbidden: FORBIDDEN };
const ENOENT = 2;
const EACCES = 13;
const ENODATA = 61;

const NO_COUNTER: EventCounter = {
  read: () => 0,
  stopAfter: () => {},
  hasSent: () => false,
  close: () => {},
};

/** A processor whose branches are only numbers; what is wrong with its counters is given. */
class Processor implements CountedLoop {
  readonly tid = 1;
  ended = false;
  open = 0;
  private loops = 0;
  private left = 0;
  private count = 0;
  private overflowIn = Infinity;

  constructor(
    private readonly faults: {
      /** Branches that are counted too much in this loop, by its number from 1. */
      readonly extra?: (loop: number, branches: number) => number;
      readonly skid?: number;
      readonly overflows?: false;
      readonly locks?: number;
      readonly reading?: NativeError;
    } = {},
  ) {}

  prepare(branches: number): void {
    this.loops++;
    this.left = branches;
    this.count += this.faults.extra?.(this.loops, branches) ?? 0;
  }

  run(): LoopStop {
    const overflow = this.faults.overflows === false ? Infinity : this.overflowIn;
    const ran = Math.min(this.left, overflow + (this.faults.skid ?? 0));
    this.count += ran;
    this.left -= ran;
    this.overflowIn -= ran;
    return this.left > 0 ? LoopStop.Overflow : LoopStop.End;
  }

  end(): void {
    this.ended = true;
  }

  readonly counter: OpenCounter = (_tid, event): EventCounter => {
    this.open++;
    return {
      read: () => {
        if (this.faults.reading !== undefined) throw this.faults.reading;
        return event === FORBIDDEN ? (this.faults.locks ?? 0) : this.count;
      },
      stopAfter: (events) => {
        this.overflowIn = events === 0 ? Infinity : events;
      },
      hasSent: () => true,
      close: () => {
        this.open--;
      },
    };
  };
}

const check = (processor: Processor, event = WITH_FORBIDDEN): string | undefined =>
  checkCounter(processor, event, processor.counter);

test('a counter that counts exactly is taken, whatever its skid below the bound', (t) => {
  for (const skid of [0, 1, 99, 100]) {
    const processor = new Processor({ skid });
    t.is(check(processor), undefined);
    t.is(processor.open, 0);
  }
});

test('one that counts a branch too much once in many tries is refused', (t) => {
  for (const wrong of [1, 57, 200, 201]) {
    const processor = new Processor({ extra: (loop) => (loop === wrong ? 1 : 0) });
    t.regex(check(processor) ?? '', /^counts \d+ for \d+ conditional branches$/);
    t.is(processor.open, 0);
  }
});

test('one that counts too much only where an overflow stops it is refused', (t) => {
  const processor = new Processor({ extra: (loop) => (loop > 201 ? 1 : 0) });
  t.regex(check(processor) ?? '', /^counts \d+ for \d+ conditional branches$/);
});

test('one that counts too little, or nothing, is refused', (t) => {
  t.regex(check(new Processor({ extra: () => -1 })) ?? '', /^counts 9 for 10 /);
  t.is(
    check(new Processor({ extra: (_, branches) => -branches })),
    'counts 0 for 10 conditional branches',
  );
});

test('one whose overflows come never, or too late, is refused', (t) => {
  t.regex(check(new Processor({ overflows: false })) ?? '', /^overflow at 100 stops the task only/);
  t.regex(check(new Processor({ skid: 101 })) ?? '', /stops the task only at 201$/);
  t.regex(check(new Processor({ skid: -1 })) ?? '', /stops the task at 99 already$/);
});

test('one beside which locks are speculated past is refused', (t) => {
  t.regex(check(new Processor({ locks: 1 })) ?? '', /SpecLockMap/);
  t.is(check(new Processor({ locks: 1 }), EVENT), undefined);
});

test('one that has missed something is refused', (t) => {
  const reading = new NativeError(ENODATA, 'read');
  t.regex(check(new Processor({ reading })) ?? '', /^shared with others/);
});

test('counters that cannot be opened are refused without a task for the check', (t) => {
  const refuse = (errno: number): string | object =>
    findBranchCounters({
      event: EVENT,
      open: () => {
        throw new NativeError(errno, 'perf_event_open');
      },
      loop: () => t.fail() as never,
    });
  t.regex(refuse(ENOENT) as string, /^not in this machine \(perf_event_open: ENOENT\)/);
  t.regex(refuse(EACCES) as string, /^not allowed here \(perf_event_open: EACCES/);
});

test('an unknown processor has no counters', (t) => {
  const source = { event: undefined, open: () => t.fail() as never, loop: () => t.fail() as never };
  t.is(typeof findBranchCounters(source), 'string');
});

test('the task of a check ends, whatever comes of it', (t) => {
  for (const locks of [0, 1]) {
    const processor = new Processor({ locks });
    const found = findBranchCounters({
      event: WITH_FORBIDDEN,
      open: processor.counter,
      loop: () => processor,
    });
    t.is(typeof found, locks === 0 ? 'object' : 'string');
    t.true(processor.ended);
    t.is(processor.open, 0);
  }
});

test('the loop of a check has as many branches as it says, with a real task that is stepped', (t) => {
  const stepper = new Stepper(tracer);
  stepper.skids = [0, 3, 1];
  const effort = { tries: 10, most: 20, long: 300, overflows: 5 };
  const source = {
    event: { ...EVENT, skid: 3 },
    open: (tid: number) => (tid === 0 ? NO_COUNTER : stepper.open(tid)),
    loop: () => new BranchLoop(stepper.tracer, stubPath),
    effort,
  };
  t.like(findBranchCounters(source), { event: source.event });
  stepper.skids = [4];
  t.regex(findBranchCounters(source) as string, /^overflow at 4 stops the task only at 8$/);
});

/** What cpuid answers: the vendor, and a version as leaf 1 has it. */
const processor = (vendor: string, version: number) => (leaf: number) => {
  const words = new Uint32Array(Uint8Array.from(Buffer.from(vendor, 'latin1')).buffer);
  return leaf === 0
    ? ([1, words[0]!, words[2]!, words[1]!] as const)
    : ([version, 0, 0, 0] as const);
};

test('the event is that of the processor', (t) => {
  const name = (vendor: string, version: number): string | undefined =>
    branchEvent(processor(vendor, version))?.name;
  t.is(name('GenuineIntel', 0x906ea), 'intel 0x1c4'); // Coffee Lake
  t.is(name('GenuineIntel', 0x606a6), 'intel 0x11c4'); // Ice Lake
  t.is(name('GenuineIntel', 0x806f8), 'intel 0x11c4'); // Sapphire Rapids
  t.is(name('GenuineIntel', 0xb06d1), 'intel 0x100000011c4'); // Lunar Lake
  t.is(name('GenuineIntel', 0x706a8), 'intel 0x7ec4'); // Goldmont Plus
  t.is(name('GenuineIntel', 0x006fb), undefined); // Merom
  t.is(name('GenuineIntel', 0x00f43), undefined); // Pentium 4
  t.is(name('AuthenticAMD', 0x800f12), 'amd 0xd1'); // Zen
  t.is(name('AuthenticAMD', 0xa00f11), 'amd 0xd1'); // Zen 3
  t.is(name('AuthenticAMD', 0xb20f40), 'amd 0xd1'); // Zen 5
  t.is(name('AuthenticAMD', 0x600f20), undefined); // Piledriver
  t.is(name('CentaurHauls', 0x006f8), undefined);
  t.is(branchEvent(processor('AuthenticAMD', 0xa00f11))?.forbidden?.config, 0x825);
});
