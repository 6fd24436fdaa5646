import test from 'ava';
import type { Frame, LogRecord } from '@scribe-ts/tracelog';
import { decodeEvents, type Event, type SyscallEvent } from '../src/index.js';
import { call, pack, padded, u16, u32 } from './support/frames.js';

const base = { task: 2, time: 5 } as const;

function events(...frames: readonly Frame[]): Event[] {
  return [...decodeEvents(frames, { cwd: '/home' })];
}

function calls(...frames: readonly Frame[]): SyscallEvent[] {
  return events(...frames).filter((event) => event.type === 'syscall');
}

const AT_FDCWD = -100;
const open = (path: string, fd: number, flags = 0): Frame[] =>
  call('openat', [AT_FDCWD, 0x1000, flags, 0], fd, { in: [[1, path]] });
const meaning = (event: SyscallEvent | undefined, nth = 0) =>
  event?.fds[nth]?.meaning?.text ?? 'unknown';

test('a call tells its parts', (t) => {
  const [event] = calls(
    ...call('openat', [AT_FDCWD, 0x1000, 0x80000, 0], -2, { in: [[1, 'a/b']] }),
  );
  t.is(event!.name, 'openat');
  t.true(event!.failed);
  t.is(event!.errno, 2);
  t.is(event!.errnoName, 'ENOENT');
  t.deepEqual(event!.paths, ['a/b']);
  t.is(
    event!.text,
    'openat(AT_FDCWD, "a/b", O_RDONLY|O_CLOEXEC) = -1 ENOENT (No such file or directory)',
  );
  t.is(event!.resultText, '-1 ENOENT (No such file or directory)');
  t.deepEqual(
    event!.arguments.map(({ name, text }) => `${name}=${text}`),
    ['dirfd=AT_FDCWD', 'path="a/b"', 'flags=O_RDONLY|O_CLOEXEC', 'mode=000'],
  );
});

test('bytes in both directions', (t) => {
  const [write, read] = calls(
    ...call('write', [1, 0x1000, 9], 9, { in: [[1, 'abc', 9]] }),
    ...call('read', [0, 0x2000, 9], 2, { out: [[0x2000, 'xy']] }),
  );
  t.like(write!.data[0], { direction: 'in', arg: 1, size: 9 });
  t.like(read!.data[0], { direction: 'out', arg: 1, size: 2 });
  t.is(Buffer.from(read!.data[0]!.bytes).toString(), 'xy');
});

test('times of a call', (t) => {
  const [frame] = call('getpid', [], 7);
  const [event] = calls({ ...frame!, time: 900, duration: 300 } as Frame);
  t.is(event!.time, 900);
  t.is(event!.startTime, 600);
  t.is(event!.duration, 300);
});

test('descriptors are followed through open, dup, close and exec', (t) => {
  const list = calls(
    ...open('x.txt', 3),
    ...open('/etc/passwd', 4, 0x80000),
    ...call('dup2', [3, 9], 9),
    ...call('close', [3], 0),
    ...call('read', [9, 0x2000, 0], 0),
    ...call('read', [3, 0x2000, 0], -9),
    {
      ...base,
      type: 'image',
      tid: 5,
      pid: 5,
      path: '/bin/x',
      argv: ['x'],
      envp: [],
      mappings: [],
      writes: [],
      regs: new Uint8Array(),
      brk: 0,
    },
    ...call('fstat', [9, 0x2000], 0),
    ...call('fstat', [4, 0x2000], -9),
  );
  t.is(meaning(list[0], 1), 'unknown');
  t.deepEqual(
    list[0]!.fds.map(({ fd, arg }) => [fd, arg]),
    [[3, -1]],
  );
  t.is(meaning(list[0]), '/home/x.txt');
  t.is(meaning(list[2]), '/home/x.txt');
  t.is(meaning(list[3]), '/home/x.txt');
  t.is(meaning(list[4]), '/home/x.txt');
  t.is(meaning(list[5]), 'unknown');
  t.is(meaning(list[6]), '/home/x.txt');
  t.is(meaning(list[7]), 'unknown');
});

test('resources tell what descriptors are', (t) => {
  const files: Frame = {
    ...base,
    type: 'resource',
    kind: 'files_struct',
    id: 1,
    serial: 0,
    desc: '',
  };
  const file: Frame = {
    ...base,
    type: 'resource',
    kind: 'file',
    id: 2,
    serial: 0,
    desc: '/dev/null',
  };
  const [event] = calls(files, file, ...call('read', [0, 0x2000, 0], 0));
  t.is(meaning(event), '/dev/null');
});

test('sockets tell both ends', (t) => {
  const address = (port: number) =>
    pack(u16(2), new Uint8Array([port >> 8, port & 0xff, 127, 0, 0, 1]), new Uint8Array(8));
  const [, , connect, , read] = calls(
    ...call('socket', [2, 1, 0], 5),
    ...call('bind', [5, 0x1000, 16], 0, { in: [[1, address(4000)]] }),
    ...call('connect', [5, 0x1000, 16], 0, { in: [[1, address(80)]] }),
    ...call('getsockname', [5, 0x3000, 0x4000], 0, {
      out: [
        [0x3000, address(4001)],
        [0x4000, padded(4, pack(u32(16)))],
      ],
    }),
    ...call('read', [5, 0x2000, 0], 0),
  );
  t.is(meaning(connect), 'tcp 127.0.0.1:4000');
  t.is(meaning(read), 'tcp 127.0.0.1:4001→127.0.0.1:80');
});

test('an event knows descriptors as they were, though the log has been read on', (t) => {
  const list = calls(
    ...open('/a', 3),
    ...call('close', [3], 0),
    ...open('/b', 3),
    ...call('close', [3], 0),
  );
  t.deepEqual(
    list.map((event) => meaning(event)),
    ['/a', '/a', '/b', '/b'],
  );
  const many: Frame[] = [];
  for (let i = 0; i < 10; i++) many.push(...open(`/f${i}`, 3), ...call('close', [3], 0));
  const old = calls(...many);
  t.is(meaning(old[0]), 'unknown');
  t.is(meaning(old.at(-1)), '/f9');
});

test('tasks, their descriptors, switches and ends', (t) => {
  const log: LogRecord[] = [
    { ...base, type: 'task-start', parent: 1, tid: 10, pid: 10, writes: [] } as Frame,
    ...open('/shared', 3),
    { ...base, type: 'spawn', child: 3, stream: 1, flags: 0x10f00, tid: 11, pid: 10 } as Frame,
    ...call('clone', [0x10f00, 0, 0, 0, 0], 11),
    { type: 'task-start', task: 3, time: 6, parent: 2, tid: 11, pid: 10, writes: [] } as Frame,
    ...call('close', [3], 0).map((frame) => ({ ...frame, task: 3 })),
    ...call('read', [3, 0x2000, 0], -9),
    { type: 'exit', task: 3, time: 9, status: 0x0700, last: false } as Frame,
    { type: 'exit', task: 2, time: 9, status: 0x8b, last: true } as Frame,
  ].map((frame) => ({ frame, stream: 1, offset: 64, position: 0 }));
  const reader = decodeEvents(log, { switches: true });
  const list = [...reader];
  t.deepEqual(
    list.map(({ type, task }) => `${type} ${task}`),
    [
      'start 2',
      'syscall 2',
      'syscall 2',
      'switch 3',
      'start 3',
      'syscall 3',
      'switch 2',
      'syscall 2',
      'switch 3',
      'exit 3',
      'switch 2',
      'exit 2',
    ],
  );
  t.like(list[2], { type: 'syscall', spawned: { child: 3 }, offset: 64, stream: 1 });
  // The thread closed the descriptor that both share.
  t.is(meaning(list[5] as SyscallEvent), '/shared');
  t.is(meaning(list[7] as SyscallEvent), 'unknown');
  t.like(list[9], { code: 7, signal: 0, last: false });
  t.like(list[11], { code: -1, signal: 11, coreDumped: true, last: true });
  t.like(reader.tasks.get(3), { tid: 11, pid: 10, parent: 2, alive: false });
});

test('signals tell their siginfo', (t) => {
  const siginfo = padded(128, pack(u32(10), u32(0), u32(0), u32(0), u32(77), u32(1000)));
  const [event] = events({
    ...base,
    type: 'signal',
    signo: 10,
    point: 'syscall-exit',
    action: 'handler',
    siginfo,
    rip: 1,
    regs: new Uint8Array(),
    writes: [],
  });
  t.like(event, {
    type: 'signal',
    name: 'SIGUSR1',
    siginfo: '{si_signo=SIGUSR1, si_code=SI_USER, si_pid=77, si_uid=1000}',
  });
});

test('what a call that never ended had is in the exit', (t) => {
  const [data] = call('write', [1, 0x1000, 2], 2, { in: [[1, 'ab']] });
  const [exit, ...rest] = events(data!, { ...base, type: 'exit', status: 9, last: true });
  t.like(exit, { type: 'exit', details: [data] });
  t.is(rest.length, 0);
  t.like(events(data!), [{ type: 'other', frame: data }]);
});

test('for await gives the same', async (t) => {
  const frames = [...open('/a', 3), ...call('close', [3], 0)];
  const list: Event[] = [];
  for await (const event of decodeEvents(frames)) list.push(event);
  t.deepEqual(
    list.map(({ type }) => type),
    ['syscall', 'syscall'],
  );
});
