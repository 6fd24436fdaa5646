import test from 'ava';
import { isLoaded } from '../lib/loads.js';

/** `mov %rsp, %rbp` and its like, over and over: 3 bytes each. */
function filled(...end: readonly number[]): Uint8Array {
  const code = new Uint8Array(63);
  for (let at = 0; at < code.length; at += 3) code.set([0x48, 0x89, 0xe5], at);
  return Uint8Array.of(...code, ...end);
}

const OPENAT = [0xb8, 0x01, 0x01, 0x00, 0x00];

test('the load of a call number right before the call is seen', (t) => {
  t.true(isLoaded(filled(...OPENAT), 257));
});

test('a load of another number, or of another register, is none', (t) => {
  t.false(isLoaded(filled(...OPENAT), 256));
  // mov $257, %r8d
  t.false(isLoaded(filled(0x41, ...OPENAT), 257));
  // xor %eax, %eax
  t.false(isLoaded(filled(0x31, 0xc0), 0));
});

test('bytes of a load that end a longer instruction are none', (t) => {
  // movabs $0x101b8cccccc, %rcx
  t.false(isLoaded(filled(0x48, 0xb9, 0xcc, 0xcc, 0xcc, ...OPENAT), 257));
  // movl $257, 0xb8(%rdx): the displacement begins like a load
  t.false(isLoaded(filled(0xc7, 0x82, ...OPENAT.slice(0, 1), 0, 0, 0, 1, 1, 0, 0), 257));
});
