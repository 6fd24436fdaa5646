import test from 'ava';
import { type ProcMapping } from '@scribe-ts/core-native';
import { makeRoundCode } from '../lib/counting/round-code.js';

const SITE = 0x555555555000;
/** xor rdx, rax; dec rcx; jne back to the beginning */
const LOOP = Buffer.from('4831c248ffc975f8c3', 'hex');
const MAPPINGS: ProcMapping[] = [
  {
    start: SITE,
    end: SITE + 4096,
    prot: 5,
    shared: false,
    offset: 0,
    dev: '0:0',
    inode: 0,
    name: '',
  } as unknown as ProcMapping,
];

test('where a task stands that has been trapped nobody else stands', (t) => {
  const code = makeRoundCode(LOOP, SITE, MAPPINGS, (addr) => LOOP.subarray(addr - SITE));
  t.not(code, undefined);
  t.not(code!.unrolled, undefined);
  t.false(code!.unrolled!.places.has(code!.hit));
  t.false(code!.places.has(code!.hit));
  // What is run in a row begins behind it, with rcx in its slot.
  const first = Math.min(...code!.unrolled!.places.keys());
  t.true(first > code!.hit);
  t.deepEqual(code!.unrolled!.places.get(first), {
    rip: SITE,
    uncounted: 0,
    inSlot: true,
    isInRound: true,
  });
});
