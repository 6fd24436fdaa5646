import test from 'ava';
import { ByteSink, ByteSource, varintLength } from '../src/bytes.js';
import { encodeResource, FrameDecoder, FrameEncoder } from '../src/codec.js';
import { MalformedError, UnknownTypeError } from '../src/errors.js';
import { FRAME_TABLE, FRAME_TYPES } from '../src/frame-table.js';
import { connectionsInRun } from '../src/run.js';
import type { Frame, SyscallFrame, Word } from '../src/schema/frames.js';
import { randomFrame, randomFrames, randomWord } from './support/frames.js';
import { same } from './support/logs.js';
import { Random } from './support/random.js';

function encode(frames: readonly Frame[]): Uint8Array {
  const encoder = new FrameEncoder();
  for (const frame of frames) encoder.append(frame);
  return encoder.sink.written().slice();
}

function decode(bytes: Uint8Array, how: 'fast' | 'generic' = 'fast'): Frame[] {
  const decoder = new FrameDecoder();
  decoder.reset(bytes, 0, bytes.length);
  const frames: Frame[] = [];
  while (decoder.head()) frames.push(how === 'fast' ? decoder.frame() : decoder.generic());
  return frames;
}

function wordBytes(value: Word): Uint8Array {
  const sink = new ByteSink();
  sink.word(value);
  return sink.written();
}

test('every frame type survives a round trip', (t) => {
  const random = Random.forTest(t);
  const seen = new Set<string>();
  for (let round = 0; round < 40; round++) {
    const frames = randomFrames(random, 60);
    for (const frame of frames) seen.add(frame.type);
    same(t, decode(encode(frames)), frames);
  }
  t.is(seen.size, FRAME_TYPES.length);
});

test('the fast paths give what the table gives', (t) => {
  const random = Random.forTest(t);
  for (let round = 0; round < 100; round++) {
    const others = Array.from({ length: 20 }, (_, i) =>
      randomFrame(random, random.pick(['resource', 'data'] as const), random.below(3), i * 100),
    );
    const otherFast = new FrameEncoder();
    const otherGeneric = new FrameEncoder();
    const otherStepwise = new FrameEncoder();
    for (const frame of others) {
      otherFast.append(frame);
      otherGeneric.appendGeneric(frame);
      const { task, time } = frame;
      if (frame.type === 'resource') {
        const { kind, desc, id, serial } = frame;
        otherStepwise.appendResource(task, time, encodeResource(kind, desc), id, serial);
      } else if (frame.type === 'data') {
        const { arg, size, bytes } = frame;
        const room = bytes.length + random.pick([0, 1, 200, 20_000]);
        const offset = otherStepwise.beginData(task, time, arg, size, room);
        otherStepwise.sink.buf.set(bytes, offset);
        otherStepwise.endData(bytes.length);
      }
    }
    same(t, otherGeneric.sink.written(), otherFast.sink.written());
    same(t, otherStepwise.sink.written(), otherFast.sink.written());
    const frames = Array.from({ length: 20 }, (_, i) =>
      randomFrame(random, 'syscall', random.below(3), i * 100),
    ) as SyscallFrame[];
    const fast = new FrameEncoder();
    const generic = new FrameEncoder();
    const stepwise = new FrameEncoder();
    for (const frame of frames) {
      fast.append(frame);
      generic.appendGeneric(frame);
      const { task, time, nr, args, result, writes, duration } = frame;
      stepwise.beginSyscall(task, time, nr, args, args.length, result);
      for (const { addr, bytes } of writes) {
        if (bytes.length === 0) continue;
        const spare = random.pick([0, 1, 200, 20_000]);
        const offset = stepwise.reserveWrite(addr, bytes.length + spare);
        stepwise.sink.buf.set(bytes, offset);
        stepwise.commitWrite(bytes.length);
      }
      stepwise.endFrame(duration);
    }
    const bytes = fast.sink.written();
    same(t, generic.sink.written(), bytes);
    same(t, decode(bytes, 'generic'), decode(bytes));
    // Stepwise, empty writes are left out.
    const withoutEmpty = frames.map((frame) => ({
      ...frame,
      writes: frame.writes.filter((write) => write.bytes.length > 0),
    }));
    same(t, stepwise.sink.written(), encode(withoutEmpty));
  }
});

test('words keep their value and are canonical at every edge', (t) => {
  const edges: bigint[] = [];
  for (let bit = 0n; bit < 64n; bit++) {
    for (let near = -2n; near <= 2n; near++) edges.push((1n << bit) + near, -(1n << bit) + near);
  }
  let count = 0;
  for (const wide of edges) {
    if (wide !== BigInt.asIntN(64, wide)) continue;
    const canonical = Number.isSafeInteger(Number(wide)) ? Number(wide) : wide;
    const bytes = wordBytes(canonical);
    same(t, wordBytes(wide), bytes, `${wide} as a bigint`);
    t.is(new ByteSource(bytes).word(), canonical);
    t.true(bytes.length <= 9);
    count++;
  }
  t.true(count > 600);
  t.is(wordBytes(0).length, 1);
  t.is(wordBytes(-64).length, 1);
  t.is(wordBytes(64).length, 2);
  t.is(new ByteSource(wordBytes(-0)).word(), 0);
});

test('words survive a round trip', (t) => {
  const random = Random.forTest(t);
  for (let i = 0; i < 20_000; i++) {
    const word = randomWord(random);
    if (new ByteSource(wordBytes(word)).word() !== word) t.fail(String(word));
  }
  t.pass();
});

test('values outside their range are refused and leave no trace', (t) => {
  const call: SyscallFrame = {
    type: 'syscall',
    task: 7,
    time: 100,
    nr: 1,
    args: [1],
    result: 0,
    writes: [],
  };
  const encoder = new FrameEncoder();
  encoder.append(call);
  const before = encoder.sink.written().slice();
  const bad: unknown[] = [
    { ...call, args: [2 ** 53] },
    { ...call, args: [-(2 ** 53)] },
    { ...call, nr: 2 ** 53 },
    { ...call, args: [2n ** 63n] },
    { ...call, args: [0.5] },
    { ...call, args: [undefined] },
    { ...call, result: NaN },
    { ...call, task: 8, time: -1 },
    { ...call, task: -1 },
    { ...call, task: 1.5 },
    { ...call, time: 100.25 },
    { ...call, time: Infinity },
    { ...call, writes: [{ addr: 2 ** 64, bytes: new Uint8Array(1) }] },
    { ...call, writes: [{ addr: 1 }] },
    { ...call, type: 'nothing' },
    { type: 'trap', task: 9, time: 1, insn: 'hlt', rip: 0, values: [0, 0, 0, 0] },
  ];
  for (const frame of bad) {
    t.throws(() => encoder.append(frame as Frame));
    same(t, encoder.sink.written(), before);
  }
  encoder.append(call);
  same(t, decode(encoder.sink.written()), [call, call]);
  t.is(encoder.frames, 2);
});

test('small frames are small', (t) => {
  const base = { type: 'syscall', task: 1, writes: [] } as const;
  const frames: Frame[] = [
    { ...base, time: 1_000_000, nr: 110, args: [], result: 4711 },
    { ...base, time: 1_005_000, nr: 110, args: [], result: 4711 },
    { ...base, time: 1_010_000, nr: 0, args: [3, 0x7ffd1c40a000, 4096], result: 832 },
  ];
  const sizes = frames.map((_, i) => encode(frames.slice(0, i + 1)).length);
  t.true((sizes[1] as number) - (sizes[0] as number) <= 12);
  t.true((sizes[2] as number) - (sizes[1] as number) <= 24);
});

test('decoding never reads past a frame or a run', (t) => {
  const random = Random.forTest(t);
  for (const type of FRAME_TYPES) {
    const bytes = encode([randomFrame(random, type, 3, 1000)]);
    for (let length = 1; length < bytes.length; length++) {
      t.throws(() => decode(bytes.slice(0, length)), { instanceOf: MalformedError });
    }
  }
});

test('integers at the ends of the encoding', (t) => {
  const longest = new Uint8Array(9).fill(0xff);
  t.is(new ByteSource(longest).word(), -(2n ** 63n));
  // The nearest double is 2^64.
  t.throws(() => new ByteSource(longest).uint(), { instanceOf: MalformedError });
  t.throws(() => new ByteSource(longest).int(), { instanceOf: MalformedError });
  for (let length = 0; length < 9; length++) {
    const cut = longest.slice(0, length);
    t.throws(() => new ByteSource(cut).uint(), { instanceOf: MalformedError });
    t.throws(() => new ByteSource(cut).word(), { instanceOf: MalformedError });
  }
  // More bytes than a value needs are no error.
  for (let extra = 1; extra <= 8; extra++) {
    const padded = new Uint8Array(extra + 1);
    padded[0] = 0xff00 >> extra;
    padded[extra] = 5;
    t.is(new ByteSource(padded).uint(), 5);
    t.is(new ByteSource(padded).word(), -3);
  }
});

test('an integer takes as many bytes as FORMAT.md says', (t) => {
  for (let bits = 1; bits <= 64; bits++) {
    const sink = new ByteSink();
    sink.uint(2 ** (bits - 1));
    t.is(sink.pos, Math.min(Math.ceil(bits / 7), 9), `${bits} bits`);
    t.is(new ByteSource(sink.written()).uint(), 2 ** (bits - 1));
  }
});

test('unknown optional frames are passed over, unknown mandatory ones refused', (t) => {
  const known: Frame = { type: 'bookmark', task: 1, time: 10, id: 5 };
  const run = (code: number) => {
    const sink = new ByteSink();
    for (const byte of encode([known])) sink.byte(byte);
    sink.byte(code + 0x80);
    sink.uint(5);
    sink.uint(2);
    sink.int(7);
    for (let i = 0; i < 3; i++) sink.byte(0xee);
    // Task and time go on from the unknown frame.
    sink.byte(FRAME_TABLE.bookmark.code);
    sink.uint(2);
    sink.int(1);
    sink.uint(6);
    return sink.written();
  };
  same(t, decode(run(127)), [known, { type: 'bookmark', task: 2, time: 18, id: 6 }]);
  t.throws(() => decode(run(63)), { instanceOf: UnknownTypeError });
});

test('fields that a later version added at the end are passed over', (t) => {
  const frames: Frame[] = [
    { type: 'exit', task: 1, time: 10, status: 256, last: true },
    { type: 'block', task: 1, time: 20, nr: 7 },
  ];
  const [first, both] = [encode(frames.slice(0, 1)), encode(frames)];
  const longer = [...first, 1, 2, 3, ...both.slice(first.length)];
  (longer[1] as number) += 3;
  same(t, decode(Uint8Array.from(longer)), frames);
});

test('the length of a varint is known beforehand', (t) => {
  for (const value of [
    0,
    127,
    128,
    16383,
    16384,
    2 ** 28 - 1,
    2 ** 28,
    2 ** 35,
    2 ** 53,
    2 ** 63,
  ]) {
    const sink = new ByteSink();
    sink.uint(value);
    t.is(varintLength(value), sink.pos, String(value));
  }
});

test('codes are unique and in their range', (t) => {
  const codes = FRAME_TYPES.map((type) => FRAME_TABLE[type].code);
  t.is(new Set(codes).size, codes.length);
  for (const code of codes) t.true(code > 0 && code < 128);
});

test('frames that somebody else has encoded are appended as if they were one’s own', (t) => {
  const random = Random.forTest(t);
  for (let round = 0; round < 50; round++) {
    const base = 1000 + random.below(1000);
    const own = randomFrame(random, 'syscall', 1 + random.below(2), random.below(3000));
    const run: Frame[] = [];
    for (let i = 0; i < 5; i++) run.push(randomFrame(random, 'syscall', 2, base + i * 100));
    // As the agent encodes: the task is known, and times go on from `base`.
    const other = new FrameEncoder();
    other.append(randomFrame(random, 'note', 2, base));
    const skipped = other.sink.pos;
    for (const frame of run) other.append(frame);
    const encoder = new FrameEncoder();
    encoder.append(own);
    encoder.appendRun(other.sink.written().slice(skipped), run.length, 2, base, base + 400);
    encoder.append(own);
    t.is(encoder.frames, run.length + 2);
    // A clock that is behind tells no time before that of `own`, and moves on none that is not.
    const late = run.map((frame) => ({ ...frame, time: Math.max(frame.time, own.time) }));
    const expected = [own, ...late, own];
    same(t, decode(encoder.sink.written()), expected);
  }
});

test('frames that go on where others end are put behind them as they are', (t) => {
  const random = Random.forTest(t);
  for (let round = 0; round < 20; round++) {
    const run: Frame[] = [];
    for (let i = 0; i < 6; i++) run.push(randomFrame(random, 'syscall', 2, 1000 + i * 100));
    const whole = new FrameEncoder();
    for (const frame of run.slice(0, 3)) whole.append(frame);
    const begun = whole.sink.pos;
    for (const frame of run.slice(3)) whole.append(frame);
    const rest = whole.sink.written().slice(begun);
    const encoder = new FrameEncoder();
    t.false(encoder.goesOn(2, 1200));
    for (const frame of run.slice(0, 3)) encoder.append(frame);
    t.true(encoder.goesOn(2, 1200));
    t.false(encoder.goesOn(2, 1201));
    t.false(encoder.goesOn(1, 1200));
    encoder.sink.ensure(rest.length);
    encoder.sink.buf.set(rest, encoder.sink.pos);
    encoder.taken(rest.length, 3, 1500);
    t.is(encoder.frames, 6);
    t.is(encoder.earliest, 1000);
    t.is(encoder.latest, 1500);
    t.true(encoder.goesOn(2, 1500));
    encoder.append(run[5]!);
    same(t, decode(encoder.sink.written()), [...run, run[5]!]);
  }
});

test('connections in a run are found, with the times around them', (t) => {
  const local = Uint8Array.of(1, 0);
  const peer = Uint8Array.of(1, 0, 0x41);
  const frames: Frame[] = [
    { type: 'note', task: 2, time: 1000, text: 'before' },
    { type: 'note', task: 2, time: 1010, text: 'in it' },
    { type: 'connection', task: 2, time: 1300, id: 7, local, peer },
    { type: 'connection', task: 2, time: 1300, id: 2 ** 40, local: peer, peer: new Uint8Array(0) },
  ];
  const encoder = new FrameEncoder();
  encoder.append(frames[0]!);
  const start = encoder.sink.pos;
  for (const frame of frames.slice(1)) encoder.append(frame);
  const run = encoder.sink.written().slice(start);
  const found = connectionsInRun(run, 1000);
  t.deepEqual(
    found.map(({ before, time, length }) => [before, time, length]),
    [
      [1010, 1300, 1],
      [1300, 1300, 6],
    ],
  );
  t.is(run[found[0]!.offset], 7);
  t.deepEqual([...found[0]!.peer], [...peer]);
  t.deepEqual([...found[1]!.local], [...peer]);
  t.throws(() => connectionsInRun(run.subarray(0, run.length - 1), 1000), {
    instanceOf: MalformedError,
  });
});
