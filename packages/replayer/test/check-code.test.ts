import test from 'ava';
import { decode, findLoop, Flow, JUMP_SIZE } from '@scribe-ts/core-native';
import { type Condition, makeCheck } from '../src/preempt/check-code.js';
import { flagsAreFree } from '../src/preempt/flags.js';

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

test('sums of pages are compared behind all other conditions, and every byte of that is an instruction', (t) => {
  const sums = [
    { page: 0x555555556000, value: 2n ** 63n },
    { page: 0x7ffff7ffd000, value: 1n },
  ];
  const code = hex('ffc9 75fc 90');
  const plain = makeCheck(code, POINT, CONDITIONS, MAPPINGS)!;
  const check = makeCheck(code, POINT, CONDITIONS, MAPPINGS, undefined, sums)!;
  t.true(check.bytes.length > plain.bytes.length && check.entry + check.bytes.length < check.end);
  t.is(check.hit, check.entry + check.bytes.length);
  // rcx is loaded, and int3 stops the task.
  let at = plain.bytes.length - 8;
  let paddq = 0;
  while (at < check.bytes.length) {
    const instruction = decode(check.bytes, at);
    t.truthy(instruction, `${at}`);
    const opcode = check.bytes.subarray(at, at + 3);
    if (Buffer.compare(opcode, hex('660fd4')) === 0) paddq++;
    at += instruction!.length;
  }
  t.is(at, check.bytes.length);
  t.is(paddq, 2 * 10);
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

/** The code at `start`, and nothing else. */
const codeFrom =
  (start: number, text: string) =>
  (addr: number): Uint8Array =>
    addr < start ? new Uint8Array(0) : hex(text).slice(addr - start, addr - start + 15);

test('flags are free where the code stores all of them before it reads any', (t) => {
  const free = (text: string): boolean => flagsAreFree(codeFrom(POINT, text), POINT);
  // add; mov, cmp; inc, movzx, test; a jump to the next instruction, xor; vector moves, sub
  for (const text of ['4883c601', '8b07 83f827', '48ffc0 0fb607 85c0', 'eb00 31c0', '0f2807 29c8'])
    t.true(free(text), text);
  // jle; mov, jle; adc; inc, adc; setb; cmovb; pushf; lahf; ret; rcl; shl alone; nothing
  for (const text of [
    '7ef1',
    '8b07 7ef1',
    '11c8',
    'ffc0 11c8',
    '0f92c0',
    '0f42c1',
    '9c',
    '9f',
    'c3',
    'd1d0 85c0',
    'c1e002 c3',
    '8b07',
    '',
  ])
    t.false(free(text), text);
});

test('a loop that a point lies in', (t) => {
  const find = (back: number, text: string) => findLoop(codeFrom(POINT - back, text), POINT);
  // mov, add; add, cmp, jle to the mov; the point is the second add
  const loop = find(6, '8b0576 2f0000 4883c601 83f827 7ef1')!;
  t.deepEqual(
    loop.before.map(({ addr }) => addr - POINT),
    [0, 4],
  );
  t.is(loop.closing.addr - POINT, 7);
  t.deepEqual(
    loop.behind.map(({ addr }) => addr - POINT),
    [-6],
  );
  // Left by a jump forwards; closed by one without a condition.
  t.is(find(0, '85c0 7402 ffc1 ebf8')!.closing.addr - POINT, 6);
  // No loop; one with a call in it; one that begins in the midst of an instruction.
  t.is(find(0, '85c0 7402 ffc1 c3'), undefined);
  t.is(find(0, 'ffc1 e800000000 75f7'), undefined);
  t.is(find(3, '4883c0 ffc1 75fb'), undefined);
});

test('a loop runs in its check', (t) => {
  const text = '8b0576 2f0000 4883c601 83f827 7ef1 90 90 90';
  const codeAt = codeFrom(POINT, text);
  const check = makeCheck(hex(text), POINT, CONDITIONS, MAPPINGS, codeAt)!;
  t.true(check.losesFlags);
  t.false(makeCheck(hex(text), POINT, CONDITIONS, MAPPINGS)!.losesFlags);
  t.deepEqual(
    [...check.moved.keys()].map((addr) => addr - POINT),
    [0, 6, 10, 13],
  );
  /** Targets of the jumps in the check, by the addresses they lie at. */
  const targets: number[] = [];
  for (let at = check.entry; at < check.entry + 60;) {
    const instruction = decode(check.bytes, at - check.entry)!;
    at += instruction.length;
    if (at === check.moved.get(POINT)! + 6)
      t.is(
        at + new DataView(check.bytes.buffer).getInt32(at - check.entry - 4, true),
        POINT + 6 + 0x2f76,
      );
    if (instruction.flow === Flow.Jump || instruction.flow === Flow.Conditional)
      targets.push(at + instruction.relative);
    if (targets.length === 4) break;
  }
  // Into the rest of the comparisons, out of the loop, to its beginning, to what comes behind it.
  const [, out, again, behind] = targets;
  t.is(again, check.entry);
  t.is(behind, POINT + 15);
  t.true(out! > check.moved.get(POINT + 13)!);
});
