import test from 'ava';
import { FRAME_TYPES, type Frame, type ResourceFrame, type SignalFrame } from '@scribe-ts/tracelog';
import { LineFormatter, profile, type ProfileRecord } from '../src/index.js';
import { call, linesOf, pack, padded, text, u32, u64 } from './support/frames.js';
import { RandomFrames, randomNumbers } from './support/random.js';

const base = { task: 2, time: 5 } as const;

function resource(kind: ResourceFrame['kind'], serial: number, desc: string): Frame {
  return { ...base, type: 'resource', kind, id: 1, serial, desc };
}

const DATE = 'Mon Aug  8 04:18:33 EDT 2011\n';
const dateWrite = call('write', [1, 0x1000, 29], 29, { in: [[1, DATE]] });
const resources = [resource('files_struct', 31, ''), resource('file', 1, '/dev/pts/0')];
const dateLines = [
  String.raw`[02] write(1, "Mon Aug  8 04:18:33 EDT 2011\n", 29) = 29`,
  String.raw`[02]   resource lock, type = files_struct, serial = 31`,
  String.raw`[02]     resource lock, type = file, serial = 1, desc = /dev/pts/0`,
  String.raw`[02]       data: size = 29, "Mon Aug  8 04:18:33 EDT 2011\n"`,
];

test('a call has its resources and data nested below it', (t) => {
  t.deepEqual(linesOf([...resources, ...dateWrite]), dateLines);
});

test('resources come first wherever they are in the log', (t) => {
  const [data, syscall] = dateWrite;
  t.deepEqual(linesOf([data!, ...resources, syscall!]), dateLines);
});

test('details of a task wait for its own call', (t) => {
  const other = call('getpid', [], 9).map((frame) => ({ ...frame, task: 3 }));
  const lines = linesOf([...resources, ...other, ...dateWrite]);
  t.deepEqual(lines, ['[03] getpid() = 9', ...dateLines]);
});

test('details do not reach over a call', (t) => {
  t.deepEqual(linesOf([...resources, ...dateWrite, ...call('getpid', [], 9)]), [
    ...dateLines,
    '[02] getpid() = 9',
  ]);
});

test('a path stands in the arguments alone; bytes that are not decoded have their line', (t) => {
  t.deepEqual(linesOf(call('chdir', [0x1000], 0, { in: [[0, '/tmp']] })), [
    '[02] chdir("/tmp") = 0',
  ]);
  t.deepEqual(linesOf(call('chdir', [], 0, { in: [[0, '/tmp']] })), [
    '[02] chdir(...) = 0',
    '[02]   data: size = 4, "/tmp"',
  ]);
  t.deepEqual(linesOf(call('write', [1, 0x1000, 99], 99, { in: [[1, 'cut', 99]] })), [
    '[02] write(1, "cut"..., 99) = 99',
    '[02]   data: size = 99, "cut"...',
  ]);
});

test('details without a call print when the task ends, or the log', (t) => {
  const exit: Frame = { ...base, type: 'exit', status: 0, last: true };
  t.deepEqual(linesOf([...resources, exit]), [
    '[02]   resource lock, type = files_struct, serial = 31',
    '[02]     resource lock, type = file, serial = 1, desc = /dev/pts/0',
    '[02] --- exit status 0',
  ]);
  t.deepEqual(linesOf(resources), [
    '[02]   resource lock, type = files_struct, serial = 31',
    '[02]     resource lock, type = file, serial = 1, desc = /dev/pts/0',
  ]);
});

const childInfo = padded(128, pack(u32(17), u32(0), u32(1), u32(0), u32(77), u32(1000), u32(3)));
const faultInfo = padded(128, pack(u32(11), u32(0), u32(1), u32(0), u64(0x10)));
const signal: Omit<SignalFrame, 'signo' | 'siginfo'> = {
  ...base,
  type: 'signal',
  point: 'syscall-exit',
  action: 'handler',
  rip: 0x401000,
  regs: new Uint8Array(0),
  writes: [],
};
const image: Frame = {
  ...base,
  type: 'image',
  tid: 1234,
  pid: 1234,
  path: '/usr/bin/date',
  argv: ['date', '-u "x"'],
  envp: ['A=b'],
  mappings: [],
  writes: [],
  regs: new Uint8Array(0),
  brk: 0x5000,
};

const singles: readonly (readonly [line: string, frame: Frame])[] = [
  [
    '[02] signal SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=77, si_uid=1000, si_status=3, si_utime=0, si_stime=0} at syscall-exit, handler',
    { ...signal, signo: 17, siginfo: childInfo },
  ],
  [
    '[02] signal SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=0x10} at fault, terminate, rip = 0x401000',
    { ...signal, signo: 11, siginfo: faultInfo, point: 'fault', action: 'terminate' },
  ],
  ['[02] --- exit status 0', { ...base, type: 'exit', status: 0, last: true }],
  ['[02] --- killed by SIGSEGV (core dumped)', { ...base, type: 'exit', status: 0x8b, last: true }],
  [
    '[02] rdtsc = 0x200000001',
    { ...base, type: 'trap', insn: 'rdtsc', rip: 1, values: [1, 0, 0, 2] },
  ],
  [
    '[02] rdtscp = 0xffffffff00000001, aux = 0x3',
    { ...base, type: 'trap', insn: 'rdtscp', rip: 1, values: [1, 0, 3, -1] },
  ],
  [
    '[02] cpuid = eax 0x16, ebx 0x756e6547, ecx 0x6c65746e, edx 0x49656e69',
    {
      ...base,
      type: 'trap',
      insn: 'cpuid',
      rip: 1,
      values: [0x16, 0x756e6547, 0x6c65746e, 0x49656e69],
    },
  ],
  ['[02] bookmark 1', { ...base, type: 'bookmark', id: 1 }],
  [
    '[03] task start, pid = 1234, parent = 02',
    { type: 'task-start', task: 3, time: 0, parent: 2, tid: 1234, pid: 1234, writes: [] },
  ],
  [
    '[123] task start, pid = 1234, tid = 1235, parent = 02',
    { type: 'task-start', task: 123, time: 0, parent: 2, tid: 1235, pid: 1234, writes: [] },
  ],
  ['[02] blocked in futex', { ...base, type: 'block', nr: 202 }],
  [String.raw`[02] image /usr/bin/date argv = ["date", "-u \"x\""]`, image],
  [
    '[02] note: io_uring_setup was answered ENOSYS',
    { ...base, type: 'note', text: 'io_uring_setup was answered ENOSYS' },
  ],
  [
    String.raw`[02] note: two\x0alines\x1b[0m`,
    { ...base, type: 'note', text: 'two\nlines\x1b[0m' },
  ],
  [
    String.raw`[02] kernel wrote 0x1000: size = 4, "\0\0\0\0"`,
    { ...base, type: 'kernel-write', writes: [{ addr: 0x1000, bytes: new Uint8Array(4) }] },
  ],
  [
    '[02] state, registers = ab, memory = cd',
    { ...base, type: 'state', registers: 'ab', memory: 'cd' },
  ],
  ['[02] stream 3 goes on in this one', { ...base, type: 'merge', from: 3 }],
  ['[02] this stream goes on in stream 1', { ...base, type: 'merged', into: 1 }],
  ['[02] detached', { ...base, type: 'detach' }],
  [
    '[02] counters: cycles = unknown, syscalls = 5',
    { ...base, type: 'counters', values: { cycles: null, syscalls: 5 } },
  ],
  [
    '[02]   spawn 03, pid = 77, tid = 77, stream = 4, flags = CLONE_VM|CLONE_VFORK|SIGCHLD',
    { ...base, type: 'spawn', child: 3, stream: 4, flags: 0x4111, tid: 77, pid: 77 },
  ],
  [
    '[02]   exec, stream = 4, ended = [03, 04]',
    { ...base, type: 'exec', stream: 4, ended: [3, 4] },
  ],
  [
    String.raw`[02]   output 7, stderr: size = 3, "no\n"`,
    { ...base, type: 'output', serial: 7, target: 2, bytes: text('no\n') },
  ],
  [
    '[02]   mapping 0x1000-0x3000 r-xp, file = /lib/libc.so.6, offset = 0x26000',
    {
      ...base,
      type: 'mapping',
      mapping: {
        start: 0x1000,
        end: 0x3000,
        prot: 5,
        flags: 0x12,
        backing: { kind: 'file', hash: 'ab', offset: 0x26000, path: '/lib/libc.so.6' },
      },
    },
  ],
  [
    '[02]   shared write, object = 3, offset = 8, object size = 4096: size = 2, "hi"',
    { ...base, type: 'shared-write', object: 3, offset: 8, bytes: text('hi'), size: 4096 },
  ],
  [
    '[02]   registers: r15 = 0x1, r14 = 0xffffffffffffffff',
    { ...base, type: 'registers', regs: pack(u64(1), u64(-1)) },
  ],
];

for (const [line, frame] of singles) {
  test(line, (t) => {
    t.deepEqual(linesOf([frame]), [line]);
  });
}

test('the raw form has one line a frame with every field', (t) => {
  const frames: Frame[] = [
    ...call('write', [1, 0x1000, 2], 2, { in: [[1, 'hi']], out: [[0x2000, '\x01\xff']] }),
    image,
    resources[1]!,
  ];
  t.deepEqual(linesOf(frames, { form: 'raw' }), [
    '[02] data time=0 arg=1 size=2 bytes=6869',
    '[02] syscall time=0 nr=1 name=write args=[0x1,0x1000,0x2] result=2 writes=[0x2000:2:01ff]',
    String.raw`[02] image time=5 tid=1234 pid=1234 path="/usr/bin/date" argv=["date","-u \"x\""] envp=["A=b"] mappings=[] writes=[] regs=[] brk=0x5000`,
    '[02] resource time=5 kind=file id=1 serial=1 desc="/dev/pts/0"',
  ]);
});

const taskFrames: readonly Frame[] = [
  image,
  { ...base, type: 'spawn', child: 3, stream: 1, flags: 17, tid: 2000, pid: 2000 },
  ...call('fork', [], 2000),
  { type: 'task-start', task: 3, time: 0, parent: 2, tid: 2000, pid: 2000, writes: [] },
  ...call('getpid', [], 2000).map((frame) => ({ ...frame, task: 3 })),
  { type: 'task-start', task: 4, time: 0, parent: 3, tid: 2001, pid: 2000, writes: [] },
  ...call('getppid', [], 1234).map((frame) => ({ ...frame, task: 4 })),
  ...call('getpid', [], 1234),
];

test('the filter takes numbers of the log, thread ids and process ids', (t) => {
  const shown = (tasks: number[]) =>
    linesOf(taskFrames, { tasks }).filter((line) => line.includes('get'));
  t.deepEqual(shown([3]), ['[03] getpid() = 2000']);
  t.deepEqual(shown([2001]), ['[04] getppid() = 1234']);
  t.deepEqual(shown([2000]), ['[03] getpid() = 2000', '[04] getppid() = 1234']);
  t.deepEqual(shown([1234]), ['[02] getpid() = 1234']);
  t.deepEqual(shown([2, 4]), ['[04] getppid() = 1234', '[02] getpid() = 1234']);
  t.deepEqual(shown([99]), []);
  t.is(linesOf(taskFrames, { tasks: [3], form: 'raw' }).length, 2);
});

test('offsets stand before the lines of their frames', (t) => {
  const records: ProfileRecord[] = [...resources, ...dateWrite].map((frame, i) => ({
    frame,
    offset: 0x1000 + i,
  }));
  const formatter = new LineFormatter({ offsets: true });
  const lines = records.flatMap((record) => formatter.push(record));
  t.deepEqual(
    lines.map((line) => line.slice(0, 13)),
    ['00001003 [02]', '00001000 [02]', '00001001 [02]', '00001002 [02]'],
  );
  t.is(new LineFormatter({ offsets: true }).push({ ...base, type: 'detach' })[0], '[02] detached');
  t.is(
    new LineFormatter().push({ frame: { ...base, type: 'detach' }, offset: 3 })[0],
    '[02] detached',
  );
  const raw = new LineFormatter({ offsets: true, form: 'raw' });
  t.is(
    raw.push({ frame: { ...base, type: 'detach' }, offset: 3 })[0],
    '00000003 [02] detach time=5',
  );
});

async function collect(lines: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const line of lines) all.push(line);
  return all;
}

async function* later<T>(items: Iterable<T>): AsyncGenerator<T> {
  for (const item of items) {
    await Promise.resolve();
    yield item;
  }
}

test('profile gives the lines of plain and of asynchronous records', async (t) => {
  const frames = [...resources, ...dateWrite, resources[0]!];
  const expected = linesOf(frames);
  t.deepEqual(await collect(profile(frames)), expected);
  t.deepEqual(await collect(profile(later(frames))), expected);
  t.is(expected.length, 5);
});

test('an error of the records comes after the lines before it', async (t) => {
  function* broken(): Generator<Frame> {
    yield* dateWrite;
    throw new RangeError('the log is damaged');
  }
  const lines: string[] = [];
  await t.throwsAsync(
    async () => {
      for await (const line of profile(broken())) lines.push(line);
    },
    { instanceOf: RangeError },
  );
  t.is(lines.length, 2);
});

test('stopping to read ends the records', async (t) => {
  let ended = false;
  function* endless(): Generator<Frame> {
    try {
      for (;;) yield* dateWrite;
    } finally {
      ended = true;
    }
  }
  for await (const _ of profile(endless())) break;
  t.true(ended);
});

test('every frame prints in both forms, whatever it holds', (t) => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 32);
  t.log(`SEED=${seed}`);
  const random = new RandomFrames(randomNumbers(seed));
  const scribe = new LineFormatter();
  const raw = new LineFormatter({ form: 'raw' });
  for (let i = 0; i < 30_000; i++) {
    // Calls and what they read are most of a log, and most of what can go wrong.
    const type =
      random.int(3) > 0 ? random.pick(['data', 'syscall'] as const) : random.pick(FRAME_TYPES);
    const frame = random.frame(type);
    for (const line of scribe.push(frame)) checkLine(line, frame);
    const lines = raw.push(frame);
    if (lines.length !== 1) t.fail(`${lines.length} raw lines`);
    checkLine(lines[0]!, frame);
    if (!lines[0]!.startsWith(`[0${frame.task}] ${frame.type} time=`)) t.fail(lines[0]);
  }
  scribe.end();
  t.pass();
});

function checkLine(line: string, frame: Frame): void {
  for (let i = 0; i < line.length; i++) {
    const code = line.charCodeAt(i);
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) {
      throw new Error(`control character in ${JSON.stringify(line)} for ${frame.type}`);
    }
  }
  if (/undefined|NaN|\[object/.test(line)) throw new Error(`hole in ${line}`);
}
