import { EventKind } from '@scribe-ts/core-native';
import test from 'ava';
import { Freezer } from '../src/freeze.js';
import type { Session } from '../src/session.js';
import { TaskState } from '../src/tasks.js';

test('a freeze ends with the last task', (t) => {
  const task = { tid: 7, state: TaskState.InKernel, exiting: true, mayYield: false };
  const tasks = new Map([[task.tid, task]]);
  let waits = 0;
  const session = {
    tasks,
    parking: { active: false, has: () => false },
    tracer: {
      interruptTask: () => {},
      wait: () => {
        if (++waits > 100) throw new Error('it waits for ever');
        return waits === 1 ? EventKind.Exited : EventKind.NoTracees;
      },
    },
    stops: { dispatch: () => tasks.clear() },
  };
  const freezer = new Freezer(session as unknown as Session);
  freezer.freeze({
    describe: () => {},
    emit: () => t.fail('nothing is left of which to tell the state'),
    giveUp: () => {},
  });
  t.true(waits < 10);
});
