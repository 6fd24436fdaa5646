import test from 'ava';
import { EventKind, matchTscHere, readTsc, Resume, Tracer } from '../lib/index.js';
import { end, guest, runToEnd, start } from './support/guest.js';

/** More than after which rdtsc may trap in a thread that waits for tasks. */
const STOPS = 2000;

test('where rdtsc traps in a thread that waits for tasks, it reads the time, and so does what it spawns', (t) => {
  const program = guest('getppid');
  const tracer = new Tracer();
  matchTscHere();
  const tid = start(tracer, program);
  let time = performance.now();
  let counter = 0;
  for (let stop = 1; stop <= STOPS; stop++) {
    tracer.resume(tid, Resume.Syscall, 0);
    if (tracer.waitFor(tid) !== EventKind.Syscall) continue;
    if (stop % 100 !== 0) continue;
    const now = performance.now();
    const { low, high } = readTsc();
    t.true(now >= time && high * 2 ** 32 + low > counter);
    time = now;
    counter = high * 2 ** 32 + low;
  }
  tracer.resume(tid, Resume.Syscall, 0);
  tracer.waitFor(tid);
  t.is(runToEnd(tracer, start(tracer, '/bin/date', '-u', '+%N')), 0);
  end(tracer, tid);
});
