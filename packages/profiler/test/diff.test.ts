import test from 'ava';
import type { Frame, LogHeader } from '@scribe-ts/tracelog';
import { differenceLines, diffLogs, type ReadableLog } from '../src/index.js';
import { call } from './support/frames.js';

function log(frames: readonly Frame[]): ReadableLog {
  const records = frames.map((frame) => ({ frame, stream: 1, offset: 0, position: 0 }));
  return {
    header: { cwd: '/' } as LogHeader,
    records: ({ type } = {}) => records.filter(({ frame }) => type?.includes(frame.type) ?? true),
  };
}

let clock = 0;
const by = (task: number, frames: readonly Frame[]): Frame[] =>
  frames.map((frame) => ({ ...frame, task, time: clock++ }) as Frame);
const start = (task: number, parent: number, tid: number): Frame[] =>
  by(task, [{ type: 'task-start', task, time: 0, parent, tid, pid: tid, writes: [] }]);
const open = (path: string, fd = 3): Frame[] =>
  call('openat', [-100, 0x1000, 0, 0], fd, { in: [[1, path]] });
const map = (addr: number): Frame[] => call('mmap', [0, 4096, 3, 0x22, -1, 0], addr);
const exit = (status = 0): Frame[] => [
  { type: 'exit', task: 2, time: 0, status: status << 8, last: true },
];

test('recordings that differ in addresses, ids, and the order of tasks are the same', (t) => {
  const one = [
    ...start(2, 1, 4711),
    ...by(2, map(0x7f0000001000)),
    ...by(2, call('getpid', [], 4711)),
    ...by(2, call('getppid', [], 99)),
    ...by(2, call('getrandom', [0x1000, 2, 0], 2, { out: [[0x1000, 'ab']] })),
    ...start(3, 2, 4712),
    ...by(3, open('b')),
    ...by(2, open('a')),
    ...by(2, exit()),
  ];
  const other = [
    ...start(2, 1, 815),
    ...by(2, map(0x7f0000abc000)),
    ...by(2, call('getpid', [], 815)),
    ...by(2, call('getppid', [], 98)),
    ...by(2, call('getrandom', [0x1000, 2, 0], 2, { out: [[0x1000, 'xy']] })),
    ...by(2, open('a')),
    ...start(3, 2, 816),
    ...by(2, exit()),
    ...by(3, open('b')),
  ];
  t.is(diffLogs(log(one), log(other)), undefined);
});

test('the first difference, with what came before and after', (t) => {
  const many = Array.from({ length: 1000 }, (_, i) => by(2, call('close', [i], 0))).flat();
  const rest = [...by(2, open('x')), ...by(2, open('y'))];
  const one = log([...start(2, 1, 70), ...many, ...by(2, open('here')), ...rest]);
  const other = log([...start(2, 1, 71), ...many, ...by(2, open('there', 4)), ...rest]);
  const difference = diffLogs(one, other, 2)!;
  t.is(difference.index, 1000);
  t.deepEqual(differenceLines(difference, 'a.log', 'b.log'), [
    '--- a.log [02] task 2, pid 70',
    '+++ b.log [02] task 2, pid 71',
    '@@ event 1000 @@',
    ' [02] close(998) = 0',
    ' [02] close(999) = 0',
    '-[02] openat(AT_FDCWD, "here", O_RDONLY) = 3',
    '-[02] openat(AT_FDCWD, "x", O_RDONLY) = 3',
    '-[02] openat(AT_FDCWD, "y", O_RDONLY) = 3',
    '+[02] openat(AT_FDCWD, "there", O_RDONLY) = 4',
    '+[02] openat(AT_FDCWD, "x", O_RDONLY) = 3',
    '+[02] openat(AT_FDCWD, "y", O_RDONLY) = 3',
  ]);
});

test('a task that does more, another end, and one that is not there', (t) => {
  const base = [...start(2, 1, 70), ...by(2, open('a'))];
  const longer = diffLogs(log(base), log([...base, ...by(2, open('b'))]))!;
  t.deepEqual(differenceLines(longer, 'a', 'b').slice(2), [
    '@@ event 1 @@',
    ' [02] openat(AT_FDCWD, "a", O_RDONLY) = 3',
    '-(it has ended)',
    '+[02] openat(AT_FDCWD, "b", O_RDONLY) = 3',
  ]);
  const ended = diffLogs(log([...base, ...by(2, exit(1))]), log([...base, ...by(2, exit(2))]))!;
  t.deepEqual(
    [...ended.inA, ...ended.inB].map(({ text }) => text),
    ['exit status 1', 'exit status 2'],
  );
  const alone = diffLogs(log(base), log([...base, ...start(3, 2, 71), ...by(3, open('c'))]))!;
  t.deepEqual(differenceLines(alone, 'a', 'b'), [
    '--- a no such task',
    '+++ b [03] task 3, pid 71',
    '@@ event 0 @@',
    '+[03] openat(AT_FDCWD, "c", O_RDONLY) = 3',
  ]);
});

test('of two differences, that which came first is told', (t) => {
  const one = [...start(2, 1, 70), ...start(3, 2, 71), ...by(3, open('b')), ...by(2, open('a'))];
  const other = [...start(2, 1, 70), ...start(3, 2, 71), ...by(3, open('y')), ...by(2, open('x'))];
  t.is(diffLogs(log(one), log(other))!.place, '1.1');
});
