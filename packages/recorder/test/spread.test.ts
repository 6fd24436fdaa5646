import type { CpuPolicy } from '@scribe-ts/core-native';
import test from 'ava';
import { Spread } from '../src/spread.js';
import { Placement, type Task, TaskState } from '../src/tasks.js';

const MS = 1e6;

/** Tasks that run, each in a domain of its own, on a machine with two CPUs; `states` are those of /proc. */
function recordingOf(...initial: string[]) {
  const states = [...initial];
  const moves: string[] = [];
  const cpus = {
    isShared: true,
    moves: 0,
    others: [1],
    sendAway: (tid: number) => moves.push(`${tid} away`),
    bringHome: (tid: number) => moves.push(`${tid} home`),
  };
  const tasks = states.map((_, tid) => {
    const space = { isAtHome: false };
    const placement = new Placement();
    return { tid, state: TaskState.Running, placement, space, domain: {} } as unknown as Task;
  });
  const byTid = new Map(tasks.map((task) => [task.tid, task]));
  const asked: number[] = [];
  const spread = new Spread(cpus as unknown as CpuPolicy, byTid, (tid) => {
    asked.push(tid);
    return states[tid]!;
  });
  for (const task of tasks) spread.stopped(task);
  /** Looks each millisecond. */
  const look = (fromMs: number, toMs: number): void => {
    for (let ms = fromMs; ms <= toMs; ms++) spread.look(ms * MS);
  };
  return { asked, cpus, look, moves, spread, states, tasks };
}

test('who computes leaves the CPU to the others, and is back at its next stop', (t) => {
  const { look, moves, spread, tasks } = recordingOf('R', 'R');
  look(1, 1);
  t.deepEqual(moves, [], 'who has just stopped is not sent');
  t.is(spread.waitMs, 1);
  for (let ms = 2; ms < 5; ms++) {
    spread.stopped(tasks[1]!);
    look(ms, ms);
  }
  t.deepEqual(moves, ['0 away']);
  spread.stopped(tasks[0]!);
  t.deepEqual(moves, ['0 away', '0 home']);
});

test('half of those that compute stay, and nothing is looked for any more then', (t) => {
  const { asked, look, moves, spread } = recordingOf('R', 'R', 'R', 'R');
  look(1, 9);
  t.deepEqual(moves, ['0 away', '1 away']);
  t.is(spread.waitMs, -1);
  t.true(asked.length <= 8, 'reading /proc takes as long as some stops');
});

test('who computes alone stays', (t) => {
  const { look, moves, spread, tasks } = recordingOf('R', 'R');
  tasks[1]!.state = TaskState.InKernel;
  look(1, 9);
  t.deepEqual(moves, []);
  t.is(spread.waitMs, -1);
});

test('who sleeps in a call of its agent is neither sent nor counted', (t) => {
  const { look, moves, spread } = recordingOf('R', 'S');
  look(1, 9);
  t.deepEqual(moves, []);
  t.is(spread.waitMs, -1);
});

test('who has slept is asked again', (t) => {
  const { look, moves, states } = recordingOf('S', 'R');
  look(1, 3);
  t.deepEqual(moves, []);
  states[0] = 'R';
  look(4, 9);
  t.deepEqual(moves, ['0 away']);
});

test('a process that has to stay is not waited for', (t) => {
  const { look, moves, spread, tasks } = recordingOf('R', 'R');
  for (const { space } of tasks) space.isAtHome = true;
  look(1, 9);
  t.deepEqual(moves, []);
  t.is(spread.waitMs, -1);
});

test('while all have all CPUs nobody is sent', (t) => {
  const { cpus, look, moves, spread } = recordingOf('R', 'R');
  look(1, 1);
  cpus.isShared = false;
  t.is(spread.waitMs, -1);
  look(2, 9);
  t.deepEqual(moves, []);
});

test('who was away when all were moved is here again', (t) => {
  const { cpus, look, moves } = recordingOf('R', 'R');
  look(1, 3);
  t.deepEqual(moves, ['0 away']);
  // To all CPUs, and back.
  cpus.moves += 2;
  look(4, 9);
  t.deepEqual(moves, ['0 away', '0 away']);
});
