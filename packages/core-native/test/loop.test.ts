import test from 'ava';
import { findLoop, JUMP_SIZE, largeInEachRound } from '../lib/index.js';

const START = 0x401000;

/** The instruction that `largeInEachRound` finds from `point` on in code that begins at START; both as distances from there. */
function large(text: string, point: number): number | undefined {
  const code = Buffer.from(text.replaceAll(' ', ''), 'hex');
  const loop = findLoop((addr) => code.subarray(addr - START), START + point);
  const found = loop && largeInEachRound(loop, JUMP_SIZE);
  return found && found - START;
}

// add rcx, 1; mov rdx, [rsp + 8]; cmp rbx, rcx; jne back to the beginning
const STRAIGHT = '4883c101 488b542408 4839cb 75f2';

test('an instruction of a loop that a jump lies on alone', (t) => {
  t.is(large(STRAIGHT, 0), 4);
  t.is(large(STRAIGHT, 4), 4);
  // Behind the point, in the next round.
  t.is(large(STRAIGHT, 9), 4);
  // add rcx, 1; cmp rbx, rcx; jne
  t.is(large('4883c101 4839cb 75f7', 0), undefined);
});

test('an instruction that some rounds may leave out is none', (t) => {
  // add rcx, 1; je over the next; mov rdx, [rsp + 8]; cmp rbx, rcx; jne
  t.is(large('4883c101 7405 488b542408 4839cb 75f0', 0), undefined);
  // The same, but the je leaves the loop: it may come back to the cmp.
  t.is(large('4883c101 7420 488b542408 4839cb 75f0', 0), undefined);
  // The je begins the next round.
  t.is(large('4883c101 74fa 488b542408 4839cb 75f0', 6), undefined);
});
