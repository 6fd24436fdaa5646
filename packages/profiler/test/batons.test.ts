import test from 'ava';
import type { Frame } from '@scribe-ts/tracelog';
import { Batons, batonTable } from '../src/index.js';

const call = (task: number, time: number): Frame => ({
  type: 'syscall',
  task,
  time,
  nr: 39,
  args: [],
  result: 0,
  writes: [],
});
const block = (task: number, time: number): Frame => ({ type: 'block', task, time, nr: 202 });

test('the time before a frame is its task’s, unless it slept', (t) => {
  const batons = new Batons();
  const frames = [
    call(2, 100),
    call(2, 150),
    block(2, 160),
    // Task 3 comes out of no call: it has run since 2 gave way.
    call(3, 200),
    block(3, 230),
    // Task 2 slept until now.
    { ...call(2, 1000), duration: 845 } as Frame,
    call(2, 1005),
  ];
  for (const frame of frames) batons.push(frame, 1);
  // Another domain has a baton of its own.
  batons.push(call(4, 10), 2);
  batons.push({ ...call(4, 3010), duration: 7 } as Frame, 2);
  t.deepEqual(
    [...batons.shares.values()],
    [
      { task: 2, turns: 2, heldTime: 65, callTime: 5, longestTurn: 60 },
      { task: 3, turns: 1, heldTime: 70, callTime: 0, longestTurn: 70 },
      { task: 4, turns: 1, heldTime: 3000, callTime: 7, longestTurn: 3000 },
    ],
  );
  t.deepEqual(batonTable(batons.shares.values(), (task) => `t${task}`).slice(2, 4), [
    ' 0.000003   0.000000          1   0.000003 t4',
    ' 0.000000   0.000000          1   0.000000 t3',
  ]);
});
