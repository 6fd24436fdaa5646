import test from 'ava';
import { FileOffset } from '../src/live/model/file-offset.js';

test('of an append and a seek at the same time the one that came later counts', (t) => {
  const offset = new FileOffset();
  offset.toEnd(1000);
  t.is(offset.value, 'end');
  offset.set(1000, 5);
  t.is(offset.value, 5);
  offset.toEnd(1000);
  t.is(offset.value, 'end');
});

test('what another process did before does not undo what was done since', (t) => {
  const offset = new FileOffset();
  offset.set(2000, 7);
  offset.toEnd(1000);
  t.is(offset.value, 7);
  offset.set(1500, 9);
  t.is(offset.value, 7);
  offset.toEnd(3000);
  offset.set(2500, 11);
  t.is(offset.value, 'end');
});
