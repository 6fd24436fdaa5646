import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import test from 'ava';
import { decode, Flow, instructionsOver } from '../lib/x86.js';

const hex = (text: string): Uint8Array =>
  Uint8Array.from(Buffer.from(text.replace(/ /g, ''), 'hex'));

/** What objdump calls an instruction, for those whose flow it shows. */
function flowByName(name: string, operands: string): Flow | undefined {
  const indirect = operands.startsWith('*');
  if (name === 'jmp') return indirect ? Flow.IndirectJump : Flow.Jump;
  if (name === 'call') return indirect ? Flow.IndirectCall : Flow.Call;
  if (name === 'ret') return Flow.Return;
  if (name === 'jrcxz' || name === 'jecxz' || name.startsWith('loop')) return Flow.Loop;
  if (/^j[a-z]+$/.test(name)) return Flow.Conditional;
  if (/^(syscall|hlt|ud2|cpuid|rdtscp?|int3|xbegin|xabort|xgetbv)$/.test(name)) return Flow.System;
  return undefined;
}

/** Every instruction that objdump finds in a file, compared with decode: length, flow, targets, rip-relative addresses. */
function compare(file: string): { instructions: number; wrong: string[] } {
  const listing = execFileSync('objdump', ['-d', '-w', file], {
    encoding: 'latin1',
    maxBuffer: 2 ** 30,
  });
  let instructions = 0;
  const wrong: string[] = [];
  for (const line of listing.split('\n')) {
    const match = /^\s*([0-9a-f]+):\t((?:[0-9a-f]{2} )+)\s*\t(.*)$/.exec(line);
    if (match === null || match[3]!.includes('(bad)')) continue;
    const addr = Number.parseInt(match[1]!, 16);
    const bytes = hex(match[2]!.trim());
    const words = match[3]!
      .replace(/^((rex[.A-Z]*|data16|lock|bnd|notrack|repz|repnz|addr32|cs|ds|es|ss|fs|gs) )+/, '')
      .split(/\s+/);
    // Objdump shows a prefix that belongs to nothing as an instruction.
    if (words[0] === '' || /^(rex|data16|lock|repn?z|addr32|[cdefgs]s$|fwait)/.test(words[0]!))
      continue;
    // Data between functions, taken for code: addresses below 0.
    if (/ (# )?ffffffff|^\.byte|^jmpw/.test(match[3]!)) continue;
    // It shows fwait and what follows as one.
    if (bytes[0] === 0x9b && bytes.length > 1) continue;
    instructions++;
    const found = decode(bytes);
    const say = (what: string): void => void wrong.push(`${line}: ${what}`);
    if (found?.length !== bytes.length) {
      say(`length ${found?.length}`);
      continue;
    }
    const name = words[0]!.replace(/,p[nt]$/, '');
    const flow = flowByName(name, words[1] ?? '');
    if (flow !== undefined && found.flow !== flow) say(`flow ${Flow[found.flow]}`);
    const direct =
      found.flow === Flow.Jump ||
      found.flow === Flow.Conditional ||
      found.flow === Flow.Call ||
      found.flow === Flow.Loop;
    if (direct && addr + bytes.length + found.relative !== Number.parseInt(words[1]!, 16))
      say(`relative ${found.relative}`);
    const shown = / # ([0-9a-f]+)/.exec(match[3]!);
    if (shown !== null && match[3]!.includes('(%rip)')) {
      const to = addr + bytes.length + (found.memory?.displacement ?? NaN);
      if (found.memory?.ripRelative !== true || to !== Number.parseInt(shown[1]!, 16))
        say('rip-relative operand');
    }
  }
  return { instructions, wrong };
}

const files = [
  '/usr/lib/x86_64-linux-gnu/libc.so.6',
  '/usr/lib/x86_64-linux-gnu/libm.so.6',
  process.env.X86_FILE ?? '',
];
for (const file of files.filter((path) => existsSync(path))) {
  test(`decode agrees with objdump on ${file}`, (t) => {
    t.timeout(120_000);
    const { instructions, wrong } = compare(file);
    t.true(instructions > 10_000);
    t.deepEqual(wrong.slice(0, 10), []);
  });
}

test('decode: prefixes, vector instructions, what is no instruction', (t) => {
  const length = (text: string): number | undefined => decode(hex(text))?.length;
  t.is(length('90'), 1);
  t.is(length('66 66 2e 0f 1f 84 00 00 00 00 00'), 11);
  t.is(length('48 b8 01 02 03 04 05 06 07 08'), 10);
  t.is(length('66 b8 01 02'), 4);
  t.is(length('a0 01 02 03 04 05 06 07 08'), 9);
  t.is(length('67 a0 01 02 03 04'), 6);
  t.is(length('66 81 c0 01 02'), 5);
  t.is(length('66 48 81 c0 01 02 03 04'), 8);
  t.is(length('c8 01 02 03'), 4);
  t.is(length('f6 c0 01'), 3);
  t.is(length('f6 d0'), 2);
  t.is(length('c5 f8 77'), 3);
  t.is(length('c4 e3 7d 39 c1 01'), 6);
  t.is(length('62 f1 7c 48 28 47 01'), 7);
  t.is(length('62 f3 7d 48 39 c1 01'), 7);
  t.is(length('8f e8 78 c2 c1 01'), 6);
  t.is(length('8f c0'), 2);
  t.is(length('06'), undefined);
  t.is(length('48'), undefined);
  t.is(length('e8 00 00 00'), undefined);
  t.is(length('66 66 66 66 66 66 66 66 66 66 66 66 66 66 66 90'), undefined);
});

test('decode: memory operands', (t) => {
  t.like(decode(hex('8b 45 fc'))?.memory, {
    base: 5,
    index: -1,
    displacement: -4,
    ripRelative: false,
    segment: 'none',
  });
  t.like(decode(hex('4b 8b 04 e5 00 01 00 00'))?.memory, {
    base: -1,
    index: 12,
    scale: 8,
    displacement: 256,
  });
  t.like(decode(hex('49 8b 04 24'))?.memory, { base: 12, index: -1 });
  t.like(decode(hex('64 48 8b 04 25 28 00 00 00'))?.memory, {
    base: -1,
    index: -1,
    displacement: 40,
    segment: 'fs',
  });
  t.is(decode(hex('89 c8'))?.memory, undefined);
  t.true(decode(hex('f3 48 a5'))?.repeats);
  t.false(decode(hex('f3 0f 1e fa'))?.repeats);
  t.true(decode(hex('f0 48 0f b1 11'))?.locked);
});

test('instructionsOver: as many as cover the bytes', (t) => {
  t.deepEqual(
    instructionsOver(hex('55 48 89 e5 31 c0 c3'), 5)?.map(({ length }) => length),
    [1, 3, 2],
  );
  t.is(instructionsOver(hex('55 06 90 90 90'), 5), undefined);
});
