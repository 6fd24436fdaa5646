import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { findCpuid } from '../lib/cpuid-sites.js';

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
    t.deepEqual(findCpuid(path), marked);
    truncateSync(path, 0x800);
    t.deepEqual(findCpuid(path), []);
  });
}

test('what is no program has none', (t) => {
  t.deepEqual(findCpuid('/etc/passwd'), []);
  t.deepEqual(findCpuid('/nonexistent'), []);
});
