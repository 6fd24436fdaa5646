import test from 'ava';
import { findHole, isOnePiece } from '../lib/holes.js';

const free = (): boolean => false;
const RET = 0xc3;
/** nopw 0x0(%rax,%rax,1) and nopl 0x0(%rax) */
const NOP6 = [0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00];
const NOP4 = [0x0f, 0x1f, 0x40, 0x00];

function code(...bytes: (number | number[])[]): Uint8Array {
  return Uint8Array.from(bytes.flat());
}

test('padding behind a return or a jump is room', (t) => {
  t.is(findHole(code(RET, NOP6, RET), free), 1);
  // cmp $-4096, %rax; ja +100; ret; five breakpoints
  const wrapper = [0x48, 0x3d, 0x00, 0xf0, 0xff, 0xff, 0x77, 100];
  t.is(findHole(code(wrapper, RET, [0xcc, 0xcc, 0xcc, 0xcc, 0xcc], RET), free), 9);
  t.is(findHole(code([0xeb, 100], NOP6, RET), free), 2);
});

test('too little padding is none, but may be followed by more', (t) => {
  t.is(findHole(code(RET, NOP4, RET, NOP6, RET), free), 6);
  t.is(findHole(code(RET, NOP4, RET), free), -1);
});

test('no-ops that are run through are none', (t) => {
  t.is(findHole(code([0x31, 0xc0], NOP6, RET, NOP6, RET), free), 9);
});

test('padding that somebody jumps into is none', (t) => {
  // je +3: over the ret, into the padding.
  t.is(findHole(code([0x74, 3], RET, NOP6, RET), free), -1);
});

test('room is given once', (t) => {
  const taken = (offset: number): boolean => offset === 1;
  t.is(findHole(code(RET, NOP6, RET, NOP6, RET), taken), 8);
});

test('what a short jump does not reach is none', (t) => {
  const far = new Array<number>(140).fill(0x50);
  t.is(findHole(code(far, RET, NOP6, RET), free), -1);
});

test('unknown bytes end the search', (t) => {
  t.is(findHole(code([0x06], RET, NOP6, RET), free), -1);
});

test('five bytes of one piece, and five in which another function begins', (t) => {
  const sub = [0x48, 0x83, 0xec, 0x08];
  t.true(isOnePiece(code([0x83, 0xea, 1], [0x75, 0xed], RET, sub), 5));
  t.true(isOnePiece(code([0x75, 0xed], RET, NOP6, sub), 5));
  t.true(isOnePiece(code([0x75, 0xed], sub, sub), 5));
  t.false(isOnePiece(code([0x75, 0xed], RET, sub), 5));
  t.false(isOnePiece(code(RET, [0x0f, 0x1f, 0x00], sub), 5));
  t.false(isOnePiece(code([0xeb, 0x10], sub), 5));
  t.false(isOnePiece(code([0xff, 0xe0], sub), 5));
});
