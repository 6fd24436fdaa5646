import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { findTraps, TrapSites } from '../lib/trap-sites.js';

const ONE = '0123456789abcdef0123456789abcdef';
const NOTHING = { cpuid: [], rdtsc: [], rdtscp: [], known: [], moves: [] };

/** One cpuid in each of two functions, before three nops; its bytes also within an instruction, and in data of no function. */
const SOURCE = `
  __attribute__((noinline)) unsigned one(void) { unsigned a = 0; __asm__ volatile("cpuid; nop; nop; nop" : "+a"(a) : : "ebx", "ecx", "edx"); return a; }
  __asm__(".globl data\\ndata: .byte 0x0f, 0xa2, 0x0f, 0xa2\\n");
  __attribute__((noinline)) unsigned none(void) { unsigned a; __asm__ volatile("mov $0x11a20f22, %0" : "=r"(a)); return a; }
  void _start(void) { unsigned a = 7, c = 0; none(); one(); __asm__ volatile("cpuid; nop; nop; nop" : "+a"(a), "+c"(c) : : "ebx", "edx"); for (;;); }
`;

for (const [kind, args] of [
  ['with a table of its functions', ['-static-pie', '-Wl,--eh-frame-hdr']],
  ['without that table', ['-static', '-Wl,--no-eh-frame-hdr']],
  ['without section headers', ['-static-pie', '-Wl,--eh-frame-hdr', '-s']],
] as const) {
  test(`cpuid instructions of a file are found, and nothing else: ${kind}`, (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'scribe-test-cpuid-'));
    t.teardown(() => {
      rmSync(directory, { recursive: true, force: true });
    });
    const path = join(directory, 'program');
    const flags = ['-O1', '-fasynchronous-unwind-tables', '-nostdlib', ...args, '-xc', '-'];
    execFileSync('gcc', [...flags, '-o', path], { input: SOURCE });
    const bytes = readFileSync(path);
    if (kind === 'without section headers') {
      // The fields of the header that lead to them.
      bytes.fill(0, 40, 48);
      bytes.fill(0, 58, 64);
      writeFileSync(path, bytes);
    }
    const places = (text: Buffer): number[] => {
      const found: number[] = [];
      for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1)) found.push(at);
      return found;
    };
    t.is(places(Buffer.of(0x0f, 0xa2)).length, 5);
    const marked = places(Buffer.of(0x0f, 0xa2, 0x90, 0x90, 0x90));
    t.is(marked.length, 2);
    t.deepEqual(findTraps(path).cpuid, marked);
    truncateSync(path, 0x800);
    t.deepEqual(findTraps(path), NOTHING);
  });
}

test('what is no program has none', (t) => {
  t.deepEqual(findTraps('/etc/passwd'), NOTHING);
  t.deepEqual(findTraps('/nonexistent'), NOTHING);
});

/** rdtsc and rdtscp in two functions, before three nops, and within instructions. */
const TSC_SOURCE = `
  __attribute__((noinline)) unsigned one(void) { unsigned a; __asm__ volatile("rdtsc; nop; nop; nop" : "=a"(a) : : "edx"); return a; }
  __attribute__((noinline)) unsigned none(void) { unsigned a; __asm__ volatile("mov $0x11310f22, %0; xor $0x22f9010f, %0" : "=r"(a)); return a; }
  void _start(void) { unsigned a, c; none(); one(); __asm__ volatile("rdtscp; nop; nop; nop" : "=a"(a), "=c"(c) : : "edx"); for (;;); }
`;

for (const [what, more, isKnown] of [
  ['described by .eh_frame', '', true],
  ['of no function', '__asm__(".globl data\\ndata: .byte 0x0f, 0x31\\n");', false],
  ['in a function without .eh_frame', '__asm__("bare: rdtscp\\n  ret\\n");', false],
  [
    'in a function with data',
    '__attribute__((noinline)) void with(void) { __asm__ volatile("jmp 1f; .byte 0x0f, 0x31, 0xe8; 1:"); for (;;) __asm__(""); }',
    false,
  ],
] as const) {
  test(`what reads the time stamp counter in a file is known if all of it is: ${what}`, (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'scribe-test-tsc-'));
    t.teardown(() => {
      rmSync(directory, { recursive: true, force: true });
    });
    const path = join(directory, 'program');
    const flags = ['-O1', '-fasynchronous-unwind-tables', '-nostdlib', '-static-pie'];
    const input = TSC_SOURCE + more;
    execFileSync('gcc', [...flags, '-Wl,--eh-frame-hdr', '-xc', '-', '-o', path], { input });
    const bytes = readFileSync(path);
    const found = findTraps(path);
    t.deepEqual(found.rdtsc, [bytes.indexOf(Buffer.of(0x0f, 0x31, 0x90, 0x90, 0x90))]);
    t.deepEqual(found.rdtscp, [bytes.indexOf(Buffer.of(0x0f, 0x01, 0xf9, 0x90, 0x90, 0x90))]);
    const [site] = found.rdtsc;
    t.is(found.known.length, isKnown ? 1 : 0);
    const sites = new TrapSites(false);
    const mapping = (offset: number) =>
      sites.knows({ start: 0x10000, end: 0x11000 }, { hash: ONE, offset }, path);
    t.is(mapping(site! - (site! % 0x1000)), isKnown);
    // What the file does not call code.
    t.false(mapping(0));
  });
}
