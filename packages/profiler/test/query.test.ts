import test from 'ava';
import { syscallByName, type Frame } from '@scribe-ts/tracelog';
import {
  parseExpressions,
  parseSpan,
  parseSyscallSet,
  parseTextPattern,
  parseTime,
  QueryError,
  selectEvents,
  type Query,
} from '../src/index.js';
import { call, text } from './support/frames.js';

const nr = (name: string): number => syscallByName.get(name)!.nr;
const AT_FDCWD = -100;
const open = (path: string, fd: number, base = AT_FDCWD): Frame[] =>
  call('openat', [base, 0x1000, 0, 0], fd, { in: [[1, path]] });
const exit: Frame = { type: 'exit', task: 2, time: 900, status: 0, last: true };
const signal = (signo: number): Frame => ({
  type: 'signal',
  task: 2,
  time: 800,
  signo,
  point: 'syscall-exit',
  action: 'ignored',
  siginfo: new Uint8Array(0),
  rip: 0,
  regs: new Uint8Array(0),
  writes: [],
});

/** What is chosen, in a word each. */
function chosen(query: Query, ...frames: readonly Frame[]): string[] {
  return [...selectEvents(frames, query, { cwd: '/home' })].map((event) =>
    event.type === 'syscall' ? event.name : event.type,
  );
}

test('sets of calls: names, numbers, classes, patterns, all but', (t) => {
  const members = (expression: string): string[] => {
    const set = parseSyscallSet(expression);
    const names = ['openat', 'close', 'read', 'socket', 'stat', 'newfstatat', 'kill', 'getpid'];
    return names.filter((name) => set.has(nr(name)));
  };
  t.deepEqual(members('openat,close'), ['openat', 'close']);
  t.deepEqual(members('3'), ['close']);
  t.deepEqual(members('%network'), ['socket']);
  t.deepEqual(members('%net'), ['socket']);
  t.deepEqual(members('file'), ['openat', 'stat', 'newfstatat']);
  t.deepEqual(members('stat'), ['stat']);
  t.deepEqual(members('%stat'), ['stat']);
  t.deepEqual(members('%fstat'), ['newfstatat']);
  t.deepEqual(members('%%stat'), ['stat', 'newfstatat']);
  t.deepEqual(members('%pure'), ['getpid']);
  t.deepEqual(members('/stat'), ['stat', 'newfstatat']);
  t.deepEqual(members('/^(open|close)(at)?,?$'), ['openat', 'close']);
  t.deepEqual(members('?nosuchcall,kill'), ['kill']);
  t.deepEqual(members('read@64'), ['read']);
  t.deepEqual(members('!%file,%desc,%signal'), ['socket', 'getpid']);
  t.is(members('all').length, 8);
  t.is(members('!none').length, 8);
  t.is(members('none').length, 0);
  t.is(members('!all').length, 0);
  // A call that the table does not know.
  t.true(parseSyscallSet('!read').has(5000));
  t.false(parseSyscallSet('read').has(5000));
});

test('names that nobody knows are errors that say what there is', (t) => {
  const failure = (text: string, message: RegExp): void => {
    const error = t.throws(() => parseExpressions([text]), { instanceOf: QueryError });
    t.regex(error.message, message, text);
  };
  failure('trace=foo', /no system call named 'foo'/);
  failure('trace=%foo', /no class of system calls '%foo', only .*%network/);
  failure('trace=/nothing/', /no system call matches/);
  failure('trace=/(', /no pattern/);
  failure('trace=', /needs a list/);
  failure('open,!close', /'!close'/);
  failure('signal=FOO', /no signal 'FOO'/);
  failure('signal=65', /no signal '65'/);
  failure('status=foo', /no status 'foo', only successful/);
  failure('read=x', /no descriptor 'x'/);
  failure('inject=all:error=EIO', /means nothing for a log/);
  failure('foo=1', /no expression 'foo='/);
});

test('of several expressions of one kind the last counts', (t) => {
  const { query } = parseExpressions(['openat', 'trace=close', 'signal=SIGCHLD,term,10']);
  t.false(query.calls!.has(nr('openat')));
  t.true(query.calls!.has(nr('close')));
  t.deepEqual(
    [17, 15, 10, 1].map((signo) => query.signals!.has(signo)),
    [true, true, true, false],
  );
  t.false(parseExpressions(['signal=!CHLD']).query.signals!.has(17));
  t.deepEqual([...parseExpressions(['status=!failed']).query.statuses!].includes('failed'), false);
});

test('calls by name leave signals and ends, as strace does', (t) => {
  const frames = [...open('a', 3), ...call('close', [3], 0), signal(17), exit];
  t.deepEqual(chosen({}, ...frames), ['openat', 'close', 'signal', 'exit']);
  const { query } = parseExpressions(['close']);
  t.deepEqual(chosen(query, ...frames), ['close', 'signal', 'exit']);
  t.deepEqual(
    chosen({ ...query, signals: parseExpressions(['signal=none']).query.signals }, ...frames),
    ['close', 'exit'],
  );
});

test('how calls ended', (t) => {
  const block = (name: string): Frame => ({ type: 'block', task: 2, time: 3, nr: nr(name) });
  const frames = [
    ...open('a', -2),
    ...call('close', [3], 0),
    block('read'),
    ...call('read', [0, 1, 1], 1),
    block('pause'),
    block('exit_group'),
    exit,
  ];
  const ended = (statuses: string): string[] =>
    chosen(parseExpressions([`status=${statuses}`]).query, ...frames).slice(0, -1);
  t.deepEqual(ended('failed'), ['openat']);
  t.deepEqual(ended('successful'), ['close', 'read']);
  t.deepEqual(ended('unavailable'), ['block']);
  t.deepEqual(ended('unfinished'), ['block']);
  t.deepEqual(chosen({ statuses: new Set(['unfinished']) }, block('pause')), ['block']);
  t.deepEqual(
    chosen({ statuses: new Set(['unfinished']) }, block('read'), ...call('read', [], 1)),
    [],
  );
});

test('calls on a file: by any name it has, and by descriptor', (t) => {
  const frames = [
    ...open('/home/dir', 4),
    ...open('x', 5, 4),
    ...open('dir/x', 6),
    ...open('/home/./dir/x', 7),
    ...open('x', 8),
    ...call('read', [5, 0x2000, 1], 1, { out: [[0x2000, 'a']] }),
    ...call('unlinkat', [4, 0x1000, 0], 0, { in: [[1, 'x']] }),
    ...call('read', [4, 0x2000, 1], -21),
    exit,
  ];
  const found = [...selectEvents(frames, { paths: ['/home/dir/x'] }, { cwd: '/home' })];
  t.deepEqual(
    found.map((event) => (event.type === 'syscall' ? event.text.replace(/ = .*/, '') : event.type)),
    [
      'openat(4, "x", O_RDONLY)',
      'openat(AT_FDCWD, "dir/x", O_RDONLY)',
      'openat(AT_FDCWD, "/home/./dir/x", O_RDONLY)',
      'read(5, "a", 1)',
      'unlinkat(4, "x", 0)',
    ],
  );
});

test('descriptors, text, and long calls', (t) => {
  const slow = (duration: number): Frame[] =>
    call('nanosleep', [0, 0], 0).map((frame) => ({ ...frame, duration }) as Frame);
  const frames = [
    ...open('a', 3),
    ...call('write', [3, 0x1000, 5], 5, { in: [[1, 'hello']] }),
    ...call('read', [4, 0x2000, 5], 5, { out: [[0x2000, text('w\xf6rld')]] }),
    ...slow(1000),
    ...slow(2000),
    exit,
  ];
  t.deepEqual(chosen(parseExpressions(['fd=3']).query, ...frames), ['openat', 'write']);
  t.deepEqual(chosen(parseExpressions(['fd=!3']).query, ...frames), ['read']);
  t.deepEqual(chosen({ texts: [parseTextPattern('ell')] }, ...frames), ['write']);
  t.deepEqual(chosen({ texts: [parseTextPattern('/W\\xf6R/i')] }, ...frames), ['read']);
  t.deepEqual(chosen({ texts: [parseTextPattern('l'), parseTextPattern('/^h/')] }, ...frames), [
    'write',
  ]);
  t.deepEqual(chosen({ slowerThan: 2000 }, ...frames), ['nanosleep']);
  t.throws(() => parseTextPattern('/(/'), { instanceOf: QueryError });
});

test('tasks by any number they have, for the whole of their lives', (t) => {
  const call3 = (time: number): Frame => ({
    ...(call('getpid', [], 1)[0] as Frame),
    task: 3,
    time,
  });
  const start: Frame = {
    type: 'task-start',
    task: 3,
    time: 1,
    parent: 2,
    tid: 71,
    pid: 70,
    writes: [],
  };
  const image = {
    type: 'image',
    task: 3,
    time: 4,
    tid: 70,
    pid: 70,
    path: '/x',
    argv: [],
    envp: [],
  };
  const rest = { mappings: [], writes: [], regs: new Uint8Array(0), brk: 0 };
  const frames = [
    start,
    call3(2),
    ...call('close', [1], 0),
    { ...image, ...rest } as Frame,
    call3(5),
  ];
  const all = ['start', 'getpid', 'exec', 'getpid'];
  for (const task of [3, 70, 71]) t.deepEqual(chosen({ tasks: [task] }, ...frames), all, `${task}`);
  t.deepEqual(chosen({ tasks: [70], from: 5 }, ...frames), ['getpid']);
  t.deepEqual(chosen({ from: 2, to: 5 }, ...frames), ['getpid', 'exec']);
});

test('times', (t) => {
  t.deepEqual(['12', '1.5s', '300ms', '20us', '5ns', '.5', '1h', 'x'].map(parseSpan), [
    12e9,
    1.5e9,
    3e8,
    2e4,
    5,
    5e8,
    undefined,
    undefined,
  ]);
  const startedAt = new Date(2024, 5, 1, 8, 15, 30, 500).getTime() / 1000;
  const bookmarks = [{ id: 2, time: 777, name: 'here', streams: [] }];
  const time = (text: string): number => parseTime(text, { startedAt, bookmarks });
  t.is(time('2ms'), 2e6);
  t.is(time('@2'), 777);
  t.is(time('@here'), 777);
  t.is(time('08:15:31'), 5e8);
  t.is(time('08:16:00.25'), 29.75e9);
  t.is(time('08:15'), 0);
  t.is(time('00:15:30.5'), 16 * 3600e9);
  t.throws(() => time('@3'), { message: /no bookmark '3' in the log, only @2/ });
  t.throws(() => time('noon'), { message: /'noon' is no time/ });
});
