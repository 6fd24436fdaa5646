import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Reg, Registers, type Tracer } from '@scribe-ts/core-native';
import test, { type ExecutionContext } from 'ava';
import type { AddressMap } from '../src/report/address-map.js';
import { backtrace } from '../src/report/backtrace.js';
import { CallFrameInfo } from '../src/report/call-frame-info.js';
import type { RegisterRule, UnwindRow } from '../src/report/call-frame-rows.js';
import { evaluateExpression } from '../src/report/dwarf-expression.js';
import { ElfFile } from '@scribe-ts/core-native';
import { SymbolTable } from '../src/report/symbols.js';

const LOADER = '/lib64/ld-linux-x86-64.so.2';
const NAMES = ['rax rdx rcx rbx rsi rdi rbp rsp', 'r8 r9 r10 r11 r12 r13 r14 r15', 'ra'].flatMap(
  (names) => names.split(' '),
);

function open(t: ExecutionContext, path: string): ElfFile {
  const elf = ElfFile.open(path);
  if (elf === undefined) throw new Error(`cannot open ${path}`);
  t.teardown(() => elf.close());
  return elf;
}

/** What readelf prints for a rule: `c-16`, `exp`, `u`, … */
function printed(rule: RegisterRule | undefined): string {
  switch (rule?.kind) {
    case undefined:
    case 'undefined':
      return 'u';
    case 'same':
      return 's';
    case 'saved':
      return `c${rule.offset < 0n ? '' : '+'}${rule.offset}`;
    case 'value':
      return `v${rule.offset < 0n ? '' : '+'}${rule.offset}`;
    case 'register':
      return NAMES[rule.register]!;
    case 'saved-expression':
      return 'exp';
    case 'value-expression':
      return 'vexp';
  }
}

function printedCfa({ cfa }: UnwindRow): string {
  if (cfa.kind === 'expression') return 'exp';
  return `${NAMES[cfa.register]}${cfa.offset < 0n ? '' : '+'}${cfa.offset}`;
}

test('call frame information is read as readelf reads it', (t) => {
  const output = execFileSync('readelf', ['-W', '-wFN', LOADER], {
    encoding: 'latin1',
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const info = new CallFrameInfo(open(t, LOADER));
  let columns: readonly string[] = [];
  let rows = 0;
  let inEntry = false;
  for (const line of output.split('\n')) {
    if (/ (FDE|CIE) /.test(line)) inEntry = line.includes(' FDE ');
    else if (line.includes('LOC') && line.includes('CFA')) {
      columns = line.trim().split(/\s+/).slice(2);
    } else if (inEntry && /^[0-9a-f]{16} /.test(line)) {
      // A register is printed as `r9 (r9)`.
      const cells = line.replace(/r\d+ \((\w+)\)/g, '$1').trim();
      const [location, cfa, ...rules] = cells.split(/\s+/);
      const row = info.rowAt(Number.parseInt(location!, 16));
      if (row === undefined) return t.fail(line);
      rows++;
      t.is(printedCfa(row), cfa!, line);
      columns.forEach((name, i) => {
        t.is(printed(row.rules.get(NAMES.indexOf(name))), rules[i]!, `${name} in ${line}`);
      });
    }
  }
  t.true(rows > 1000, `${rows} rows`);
});

test('a file without section headers is read by its program headers', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'scribe-unwind-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const bytes = readFileSync(LOADER);
  bytes.fill(0, 40, 48);
  bytes.fill(0, 58, 64);
  const path = join(directory, 'stripped');
  writeFileSync(path, bytes);
  const stripped = open(t, path);
  t.is(stripped.sections.length, 0);
  const whole = open(t, LOADER);
  const address = addressIn(whole);
  const row = new CallFrameInfo(whole).rowAt(address);
  t.truthy(row);
  t.deepEqual(new CallFrameInfo(stripped).rowAt(address), row);
});

/** An address somewhere in the middle of the code. */
function addressIn(elf: ElfFile): number {
  const text = elf.section('.text')!;
  return text.addr + Math.floor(text.size / 2);
}

test('a damaged file gives fewer answers, and neither errors nor loops', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'scribe-unwind-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'damaged');
  const whole = open(t, LOADER);
  const original = readFileSync(LOADER);
  const seed = Number(process.env.SEED ?? Date.now() % 0x7fffffff);
  t.log(`SEED=${seed}`);
  let state = seed || 1;
  const random = (below: number): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
  const text = whole.section('.text')!;
  const targets = ['.eh_frame', '.dynsym', '.dynstr'].map((name) => whole.section(name)!);
  for (let round = 0; round < 60; round++) {
    const bytes = Uint8Array.from(original);
    for (const { offset, size } of targets)
      for (let i = 0; i < 200; i++) bytes[offset + random(size)] = random(256);
    // Also the headers themselves, now and then.
    if (round % 3 === 0) for (let i = 0; i < 4; i++) bytes[16 + random(48)] = random(256);
    if (round % 10 === 0) bytes.fill(0xff, targets[0]!.offset + random(targets[0]!.size));
    writeFileSync(path, bytes.subarray(0, round % 7 === 0 ? random(bytes.length) : bytes.length));
    const elf = ElfFile.open(path);
    if (elf === undefined) continue;
    const info = new CallFrameInfo(elf);
    const symbols = new SymbolTable(elf);
    for (let i = 0; i < 50; i++) {
      const address = text.addr + random(text.size);
      info.rowAt(address);
      symbols.find(address);
    }
    elf.close();
  }
  t.pass();
});

test('symbols are found by what their sizes say', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'scribe-unwind-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const source = join(directory, 'names.s');
  writeFileSync(
    source,
    `.text
    .globl _sized, sized, plain
    .type _sized,@function
    .type sized,@function
    .type hidden,@function
    .type plain,@function
    .type inner,@function
    nop
    _sized: sized: hidden: .skip 16
    .size _sized, 16
    .size sized, 16
    .size hidden, 16
    .skip 16
    plain: .skip 16
    outer: .skip 4
    inner: .skip 4
    .size inner, 4
    .skip 8
    .type outer,@function
    .size outer, 16
    `,
  );
  const path = join(directory, 'names.so');
  execFileSync('gcc', ['-shared', '-nostdlib', '-o', path, source]);
  const elf = open(t, path);
  const symbols = new SymbolTable(elf);
  const base = elf.section('.text')!.addr;
  const at = (offset: number): string => {
    const found = symbols.find(base + offset);
    return found === undefined ? '' : `${found.name}+${base + offset - found.start}`;
  };
  t.is(at(0), '');
  t.is(at(1), 'sized+0');
  t.is(at(16), 'sized+15');
  t.is(at(17), '');
  t.is(at(33), 'plain+0');
  t.is(at(48), 'plain+15');
  t.is(at(49), 'outer+0');
  t.is(at(53), 'inner+0');
  t.is(at(57), 'outer+8');
  t.is(at(65), '');
});

test('expressions', (t) => {
  const context = {
    register: (number: number): bigint | undefined => (number === 7 ? 0x1000n : undefined),
    read: (address: bigint, size: number): bigint | undefined =>
      address === 0x1010n ? (size === 8 ? 0x1122334455667788n : 0x88n) : undefined,
  };
  const run = (code: readonly number[], initial?: bigint): bigint | undefined =>
    evaluateExpression(Uint8Array.from(code), context, initial);
  t.is(run([0x77, 16]), 0x1010n); // breg7 16
  t.is(run([0x77, 16, 0x06]), 0x1122334455667788n); // … deref
  t.is(run([0x77, 16, 0x94, 1]), 0x88n); // … deref_size 1
  t.is(run([0x77, 0x70]), 0xff0n); // breg7 -16
  t.is(run([0x70, 0]), undefined); // A register that is not known.
  t.is(run([0x77, 0, 0x06]), undefined); // Memory that is not there.
  t.is(run([0x35, 0x33, 0x1c]), 2n); // 5 - 3
  t.is(run([0x33, 0x35, 0x1c]), 0xfffffffffffffffen);
  t.is(run([0x31, 0x32, 0x33, 0x17]), 2n); // rot: 1 2 3 becomes 3 1 2
  t.is(run([0x31, 0x32, 0x33, 0x17, 0x13]), 1n);
  t.is(run([0x31, 0x32, 0x16]), 1n); // swap
  t.is(run([0x31, 0x32, 0x14]), 1n); // over
  t.is(run([0x31, 0x32, 0x33, 0x15, 2]), 1n); // pick 2
  t.is(run([0x09, 0xff, 0x30, 0x2d]), 1n); // -1 < 0
  t.is(run([0x31, 0x30, 0x1b]), undefined); // A division by zero.
  t.is(run([0x31, 0x28, 1, 0, 0x32, 0x33]), 3n); // bra over lit2
  t.is(run([0x2f, 0xfd, 0xff]), undefined); // skip to itself
  t.is(run([0x12], 5n), 5n); // dup of what it is given
  t.is(run([0x23, 0x81, 0x01], 5n), 134n); // plus_uconst 129
  t.is(run([0x13]), undefined); // An empty stack.
  t.is(run([0x9f]), undefined); // Not for call frames.
  t.is(run([0x08]), undefined); // Cut off.
  t.is(run(new Array(5000).fill(0x12), 1n), undefined); // Too much.
});

/** Memory that holds these words, all of it in an executable mapping without a file. */
function walk(
  words: ReadonlyMap<number, bigint>,
  registers: Readonly<Partial<Record<keyof typeof Reg, number>>>,
  isExecutable = (_address: number): boolean => true,
): readonly string[] {
  const regs = new Registers(new Uint32Array(54));
  for (const [name, value] of Object.entries(registers)) regs.set(Reg[name as 'rip'], value);
  const tracer = {
    readMemory(_tid: number, addr: number, into: Uint8Array, offset: number, length: number) {
      const word = words.get(addr);
      if (word === undefined || length !== 8) return 0;
      new DataView(into.buffer, into.byteOffset).setBigUint64(offset, word, true);
      return 8;
    },
  } as unknown as Tracer;
  const map = { placeOf: () => undefined, isExecutable } as unknown as AddressMap;
  return backtrace(tracer, 1, regs, map, 'instruction').map(
    (frame) => `0x${frame.address.toString(16)}`,
  );
}

test('a chain of frame pointers ends where it makes no sense', (t) => {
  const frame = (at: number, next: number, ret: number): [number, bigint][] => [
    [at, BigInt(next)],
    [at + 8, BigInt(ret)],
  ];
  const start = { rip: 0x100, rsp: 0x8000, rbp: 0x8010 };
  const good = new Map([...frame(0x8010, 0x8040, 0x200), ...frame(0x8040, 0, 0x300)]);
  t.deepEqual(walk(good, start), ['0x100', '0x200', '0x300']);
  // To itself, backwards, and to memory that is not there.
  t.deepEqual(walk(new Map(frame(0x8010, 0x8010, 0x200)), start), ['0x100', '0x200']);
  t.deepEqual(walk(new Map(frame(0x8010, 0x7000, 0x200)), start), ['0x100', '0x200']);
  t.deepEqual(walk(new Map(frame(0x8010, 0x9000, 0x200)), start), ['0x100', '0x200']);
  t.deepEqual(walk(good, { ...start, rbp: 0x8011 }), ['0x100']);
  t.deepEqual(walk(good, { ...start, rbp: 0x7ff0 }), ['0x100']);
  // A return address where no code is.
  t.deepEqual(
    walk(good, start, (address) => address < 0x280),
    ['0x100', '0x200'],
  );
  // As long as one likes.
  const long = new Map<number, bigint>();
  for (let at = 0x8010; at < 0x28010; at += 0x10)
    for (const [addr, word] of frame(at, at + 0x10, 0x200)) long.set(addr, word);
  t.is(walk(long, start).length, 256);
});

test('a call to where no code is leads back to the caller', (t) => {
  const words = new Map([
    [0x8000, 0x200n],
    [0x8010, 0n],
    [0x8018, 0x300n],
  ]);
  const addresses = walk(words, { rip: 0, rsp: 0x8000, rbp: 0x8010 }, (address) => address > 0x100);
  t.deepEqual(addresses, ['0x0', '0x200', '0x300']);
});

test('a signal frame without unwind tables', (t) => {
  const words = new Map<number, bigint>();
  // The restorer's code is read byte by byte.
  const code = [0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05];
  const ucontext = 0x8020;
  const registers = [8, 9, 10, 11, 12, 13, 14, 15, 5, 4, 0x8800, 3, 1, 0, 2, 0x7000, 0x500];
  registers.forEach((value, i) => words.set(ucontext + 40 + 8 * i, BigInt(value)));
  words.set(0x8010, 0n);
  words.set(0x8018, 0x400n);
  const regs = new Registers(new Uint32Array(54));
  regs.set(Reg.rip, 0x100);
  regs.set(Reg.rsp, 0x8000);
  regs.set(Reg.rbp, 0x8010);
  const tracer = {
    readMemory(_tid: number, addr: number, into: Uint8Array, offset: number, length: number) {
      const view = new DataView(into.buffer, into.byteOffset);
      // The return address into the restorer is that of its first byte; a walk looks at the byte before.
      const byte = code[addr - 0x3ff];
      if (length === 1 && byte !== undefined) view.setUint8(offset, byte);
      else if (length === 8 && words.has(addr)) view.setBigUint64(offset, words.get(addr)!, true);
      else return 0;
      return length;
    },
  } as unknown as Tracer;
  const map = { placeOf: () => undefined, isExecutable: () => true } as unknown as AddressMap;
  const lines = backtrace(tracer, 1, regs, map, 'instruction').map(
    (frame) => `0x${frame.address.toString(16)}`,
  );
  t.deepEqual(lines, ['0x100', '0x400', '0x500']);
});
