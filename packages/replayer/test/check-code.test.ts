import test from 'ava';
import { decode } from '@scribe-ts/core-native';
import { type Condition, JUMP_SIZE, makeCheck } from '../src/preempt/check-code.js';

const hex = (text: string): Uint8Array =>
  Uint8Array.from(Buffer.from(text.replace(/ /g, ''), 'hex'));
const POINT = 0x555555555120;
const MAPPINGS = [
  {
    start: 0x555555554000,
    end: 0x555555558000,
    prot: 5,
    shared: false,
    offset: 0,
    dev: '',
    inode: 0,
    name: '',
  },
];
const CONDITIONS: Condition[] = [
  { register: 0, value: 5n },
  { addr: 0x555555557000, value: 2n ** 63n },
  { xmm: 9, value: 7n },
  { register: 1, value: 2n ** 40n },
];
/** Opcodes of one byte at which a program stops. */
const TRAPS = new Set([
  ...hex('cc06070e16171e1f272f373f6061829aced4d6ea'),
  // The kernel's alone.
  ...hex('f4fafb6c6d6e6fe4e5e6e7ecedeeef'),
]);

test('the jump has a trap wherever an instruction began', (t) => {
  for (const text of [
    '5051525390',
    '4889c3 90 90',
    '90 b801000000',
    'ffc9 75fc 90',
    '90 90 4889c3',
    '554889e5 90',
  ]) {
    const check = makeCheck(hex(text), POINT, CONDITIONS, MAPPINGS);
    t.truthy(check, text);
    const jump = decode(check!.jump)!;
    t.is(jump.length, JUMP_SIZE);
    t.is(POINT + JUMP_SIZE + jump.relative, check!.entry);
    for (const address of check!.moved.keys()) {
      const inside = address - POINT;
      if (inside > 0 && inside < JUMP_SIZE)
        t.true(TRAPS.has(check!.jump[inside]!), `${text} at ${inside}`);
    }
  }
});

test('every byte of a check is an instruction, and its ways out are among them', (t) => {
  const check = makeCheck(hex('ffc9 75fc 90'), POINT, CONDITIONS, MAPPINGS)!;
  const starts = new Set<number>();
  const ends = check.entry + check.bytes.length;
  for (let at = 0; at < check.bytes.length;) {
    starts.add(check.entry + at);
    const instruction = decode(check.bytes, at);
    // The gap between the two parts, and absolute addresses.
    at += instruction === undefined ? 1 : instruction.length;
  }
  t.true(starts.has(check.pass));
  t.is(check.hit, ends);
  t.true(check.start <= check.entry && ends < check.end);
});

test('no check where the code cannot be moved, or where there is no room', (t) => {
  t.is(makeCheck(hex('0f05 4889c3'), POINT, CONDITIONS, MAPPINGS), undefined);
  t.is(makeCheck(hex('f348a5 4889c3'), POINT, CONDITIONS, MAPPINGS), undefined);
  t.is(makeCheck(hex('06 4889c3 90'), POINT, CONDITIONS, MAPPINGS), undefined);
  const full = [{ ...MAPPINGS[0]!, start: 0, end: 2 ** 47 }];
  t.is(makeCheck(hex('4889c3 4889c3'), POINT, CONDITIONS, full), undefined);
});

test('where all is reserved, a check lies well inside of the reserve, and nowhere that has rights or a file', (t) => {
  const reserve = { ...MAPPINGS[0]!, start: 0, end: 2 ** 47, prot: 0 };
  const check = makeCheck(hex('48ffc0 ffc9 90'), POINT, CONDITIONS, [reserve])!;
  t.true(check.isReserved);
  t.false(makeCheck(hex('48ffc0 ffc9 90'), POINT, CONDITIONS, MAPPINGS)!.isReserved);
  const small = { ...reserve, start: check.start - 0x1000, end: check.end + 0x1000 };
  const rest = [
    { ...reserve, end: small.start, prot: 1 },
    { ...reserve, start: small.end, prot: 1 },
  ];
  t.is(makeCheck(hex('48ffc0 ffc9 90'), POINT, CONDITIONS, [...rest, small]), undefined);
  for (const other of [{ prot: 1 }, { shared: true }, { inode: 7 }, { name: '[stack]' }])
    t.is(
      makeCheck(hex('48ffc0 ffc9 90'), POINT, CONDITIONS, [{ ...reserve, ...other }]),
      undefined,
    );
});
