import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { findTraps } from '../lib/trap-sites.js';

/** Each function's site is followed by a `mov $NUMBER, %eax` that tells which it is. */
function aFunction(name: string, number: number, ...lines: readonly string[]): string {
  const marked = lines.map((line) =>
    line === 'SITE' ? `cpuid\n mov $${0x5c000000 + number}, %eax` : line,
  );
  return [
    `.globl ${name}`,
    `${name}:`,
    '.cfi_startproc',
    ...marked,
    'ret',
    '.cfi_endproc',
    '.skip 160, 0xcc',
  ].join('\n ');
}

const LEAF = 'mov $4, %eax';
const SUBLEAF = 'xor %ecx, %ecx';

/** What is to be found: bytes before the site, 0 if none. */
const FUNCTIONS: readonly (readonly [number, string])[] = [
  [5, aFunction('load', 1, 'push %rbx', LEAF, 'SITE')],
  [7, aFunction('two', 2, 'push %rbx', LEAF, SUBLEAF, 'SITE')],
  [
    7,
    aFunction('three', 3, 'push %rbx', 'add $1, %esi', 'mov %edi, %eax', 'mov %esi, %ecx', 'SITE'),
  ],
  [8, aFunction('frame', 4, 'push %rbx', 'movl $0, 0x60(%rsp)', 'SITE')],
  // Too little room, what may fault, what names its own address, a long way.
  [0, aFunction('short', 5, 'push %rbx', 'mov %edi, %eax', 'SITE')],
  [0, aFunction('fault', 6, 'push %rbx', 'mov 0x100(%rdi), %eax', 'SITE')],
  [0, aFunction('own', 7, 'push %rbx', 'mov two(%rip), %eax', 'SITE')],
  [5, aFunction('far', 8, 'mov $1, %esi', 'mov $2, %edi', 'mov $3, %edx', LEAF, 'SITE')],
  // Somebody jumps into the midst: from before, from behind, from afar, and perhaps.
  [0, aFunction('forward', 9, 'je 1f', LEAF, `1: ${SUBLEAF}`, 'SITE')],
  [0, aFunction('back', 10, LEAF, `1: ${SUBLEAF}`, 'SITE', 'jne 1b')],
  [0, aFunction('other', 11, 'push %rbx', LEAF, `entered: ${SUBLEAF}`, 'SITE')],
  [0, aFunction('table', 12, 'push %rbx', LEAF, SUBLEAF, 'SITE', 'jmp *%rdi')],
  // To its beginning, and to the site itself, anybody may.
  [7, aFunction('edges', 13, 'je 2f', `1: ${LEAF}`, SUBLEAF, '2:', 'SITE', 'jne 1b')],
  // One instruction has no midst.
  [5, aFunction('alone', 14, 'push %rbx', LEAF, 'SITE', 'jmp *%rdi')],
];

const ENTERS = aFunction('enters', 15, 'jmp entered');

test('what comes before a site can be moved if it does the same elsewhere, and nobody jumps into its midst', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'scribe-test-moves-'));
  t.teardown(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  const path = join(directory, 'program');
  const input = [...FUNCTIONS.map(([, text]) => text), ENTERS, ''].join('\n');
  const flags = [
    '-nostdlib',
    '-static-pie',
    '-Wl,--eh-frame-hdr',
    '-Wl,-eload',
    '-xassembler',
    '-',
  ];
  execFileSync('gcc', [...flags, '-o', path], { input });
  const bytes = readFileSync(path);
  const { cpuid, moves } = findTraps(path);
  t.is(cpuid.length, FUNCTIONS.length);
  for (const [i, [expected, text]] of FUNCTIONS.entries()) {
    const name = /^\.globl (\w+)/.exec(text)![1]!;
    const site = bytes.indexOf(Buffer.of(0x0f, 0xa2, 0xb8, i + 1, 0, 0, 0x5c));
    t.true(cpuid.includes(site), name);
    t.is(moves.find(([at]) => at === site)?.[1] ?? 0, expected, name);
  }
});
