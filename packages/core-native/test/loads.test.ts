import test from 'ava';
import { isLoaded, movableLength } from '../lib/loads.js';

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

test('an instruction right before the call that can be executed elsewhere is seen', (t) => {
  // mov %r11, 8(%rsp)
  t.is(movableLength(filled(0x4c, 0x89, 0x5c, 0x24, 0x08)), 5);
  // mov 0x80(%rsp), %rdx
  t.is(movableLength(filled(0x48, 0x8b, 0x94, 0x24, 0x80, 0, 0, 0)), 8);
  // mov $5, %r10d
  t.is(movableLength(filled(0x41, 0xba, 5, 0, 0, 0)), 6);
});

test('an instruction that is short, may fault, or depends on its place is not moved', (t) => {
  // mov %r9, %r10
  t.is(movableLength(filled(0x4d, 0x89, 0xca)), 0);
  // mov %r11, 0x80(%rdi)
  t.is(movableLength(filled(0x4c, 0x89, 0x9f, 0x80, 0, 0, 0)), 0);
  // mov -8(%rsp), %rdx, and one with an index
  t.is(movableLength(filled(0x48, 0x8b, 0x54, 0x24, 0xf8)), 0);
  t.is(movableLength(filled(0x48, 0x8b, 0x54, 0x04, 0x08)), 0);
  // mov %fs:0x10(%rsp), %rdx
  t.is(movableLength(filled(0x64, 0x48, 0x8b, 0x54, 0x24, 0x10)), 0);
  // mov 0x100(%rip), %rdx; call; jmp
  t.is(movableLength(filled(0x48, 0x8b, 0x15, 0, 1, 0, 0)), 0);
  t.is(movableLength(filled(0xe8, 0, 1, 0, 0)), 0);
  t.is(movableLength(filled(0xe9, 0, 1, 0, 0)), 0);
});

test('the end of a longer instruction is not moved', (t) => {
  // movabs $0x8245c894c000000, %rax: its last bytes look like mov %r11, 8(%rsp)
  t.is(movableLength(filled(0x48, 0xb8, 0, 0, 0, 0x4c, 0x89, 0x5c, 0x24, 0x08)), 10);
});
