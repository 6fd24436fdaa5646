import test from 'ava';
import type { Tracer } from '@scribe-ts/core-native';
import { Patience } from '../src/preempt/patience.js';

const MINUTE = 60e9;

/** A tracer of which a search uses the clock, and the interrupt. */
function makeTracer(): { tracer: Tracer; at(ns: number): number; readonly interrupted: number[] } {
  const values = [0, 0];
  const interrupted: number[] = [];
  const interruptTask = (tid: number): void => void interrupted.push(tid);
  const at = (ns: number): number => (values[1] = ns);
  return { tracer: { values, interruptTask } as unknown as Tracer, at, interrupted };
}

test('a search is over when the task has not come to the address for long', (t) => {
  const { tracer, at, interrupted } = makeTracer();
  const patience = new Patience(tracer, 7, 1e9);
  patience.check(at(3 * MINUTE));
  t.false(patience.isOver);
  patience.check(at(4 * MINUTE));
  t.true(patience.isOver);
  t.is(patience.seconds, 240);
  t.deepEqual(interrupted, [7]);
});

test('rounds count instead of the time they take', (t) => {
  const { tracer, at, interrupted } = makeTracer();
  const patience = new Patience(tracer, 7, 1e6);
  for (let minute = 1; minute <= 100; minute++) {
    t.true((at(minute * MINUTE), patience.passed()));
    patience.check(at(minute * MINUTE + 1));
  }
  t.false(patience.isOver);
  t.deepEqual(interrupted, []);
  let rounds = 100;
  while (patience.passed()) rounds++;
  // A millisecond has a million nanoseconds, and a million is for free.
  t.is(rounds, 2_000_000);
});
