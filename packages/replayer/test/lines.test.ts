import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ElfFile } from '@scribe-ts/core-native';
import { LineTable } from '../src/report/line-table.js';
import { ObjectFiles } from '../src/report/object-files.js';
import { PltNames } from '../src/report/plt-names.js';

const SOURCE = `
#include <stdio.h>
#include "part.h"
static __attribute__((noinline)) int hidden(int n) {
  int sum = 0;
  for (int i = 0; i < n; i++) {
    if (i % 3 == 0) sum += part(i);
    else
      sum -= i;
  }
  return sum;
}
int main(int argc, char **argv) {
  printf("%d\\n", hidden(argc));
  puts(argv[0]);
  return 0;
}
`;
const PART = `
static inline int part(int n) {
  int twice = n * 2;
  return twice + n / 7;
}
`;

function directory(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'scribe-lines-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  return path;
}

function build(path: string, flags: readonly string[]): string {
  mkdirSync(join(path, 'include'), { recursive: true });
  writeFileSync(join(path, 'program.c'), SOURCE);
  writeFileSync(join(path, 'include', 'part.h'), PART);
  const all = ['-Iinclude', '-Wl,--build-id', ...flags, 'program.c', '-o', 'program'];
  execFileSync('gcc', all, { cwd: path });
  return join(path, 'program');
}

function open(t: ExecutionContext, path: string): ElfFile {
  const elf = ElfFile.open(path)!;
  t.teardown(() => elf.close());
  return elf;
}

function textOf(elf: ElfFile): readonly number[] {
  const text = elf.section('.text')!;
  return Array.from({ length: text.size }, (_, i) => text.addr + i);
}

for (const flags of [
  ['-gdwarf-5', '-O2'],
  ['-gdwarf-5', '-O0'],
  ['-gdwarf-4', '-O2', '-ffunction-sections'],
  ['-gdwarf-2', '-gstrict-dwarf', '-O1'],
  ['-gdwarf-5', '-gz=zlib', '-O2'],
]) {
  test(`lines are those of readelf: ${flags.join(' ')}`, (t) => {
    const program = build(directory(t), flags);
    const elf = open(t, program);
    const table = new LineTable(elf);
    const listing = execFileSync('readelf', ['--debug-dump=decodedline', program], {
      encoding: 'latin1',
    });
    // The last row of an address counts. The end of a sequence has no line.
    const rows = new Map<number, string>();
    for (const [, file, line, address] of listing.matchAll(/^(\S+) +(\d+|-) +(0x\w+)/gm))
      if (line !== '-') rows.set(Number(address), `${basename(file!)}:${line}`);
    let last = '';
    let known = 0;
    for (const address of textOf(elf)) {
      last = rows.get(address) ?? last;
      const found = table.find(address);
      if (found === undefined) continue;
      t.is(`${basename(found.file)}:${found.line}`, last, address.toString(16));
      known++;
    }
    for (const address of rows.keys()) t.truthy(table.find(address), address.toString(16));
    t.true(known > 50, `${known} addresses with lines`);
  });
}

test('a debug file is found by its build id', (t) => {
  const path = directory(t);
  const program = build(path, ['-g', '-O2']);
  const elf = open(t, program);
  const main = execFileSync('nm', [program], { encoding: 'latin1' }).match(/^(\w+) t hidden/m)!;
  const address = Number.parseInt(main[1]!, 16);
  const id = elf.buildId()!;
  t.regex(id, /^[0-9a-f]{40}$/);
  const line = new LineTable(elf).find(address)!;
  const place = join(path, 'debug', '.build-id', id.slice(0, 2));
  mkdirSync(place, { recursive: true });
  const debug = join(place, `${id.slice(2)}.debug`);
  execFileSync('objcopy', ['--only-keep-debug', program, debug]);
  execFileSync('strip', [program]);

  const without = new ObjectFiles().open(program, '/usr/bin/program');
  t.teardown(() => without.close());
  t.is(without.functionAt(address), undefined);
  t.is(without.lineAt(address), undefined);
  const files = new ObjectFiles([join(path, 'debug')]);
  t.teardown(() => files.close());
  const file = files.open(program, '/usr/bin/program');
  t.like(file.functionAt(address), { name: 'hidden', start: address });
  t.deepEqual(file.lineAt(address), line);
  t.truthy(file.rowAt(address));

  // That of another program must not be taken for this one's.
  build(path, ['-g', '-O0']);
  execFileSync('cp', [debug, `${debug}.kept`]);
  execFileSync('objcopy', ['--only-keep-debug', program, debug]);
  execFileSync('gcc', ['-Iinclude', '-g', '-O2', 'program.c', '-o', 'program'], { cwd: path });
  const other = new ObjectFiles([join(path, 'debug')]);
  t.teardown(() => other.close());
  t.not(open(t, debug).buildId(), id);
  t.truthy(other.open(program, '').functionAt(address));
});

for (const flags of [
  ['-fcf-protection=full'],
  ['-fcf-protection=none', '-Wl,-z,lazy'],
  ['-Wl,-z,now'],
]) {
  test(`stubs have the names that objdump gives them: ${flags.join(' ')}`, (t) => {
    const program = build(directory(t), ['-O2', ...flags]);
    const names = new PltNames(open(t, program));
    const listing = execFileSync('objdump', ['-d', '--no-show-raw-insn', program], {
      encoding: 'latin1',
    });
    let stubs = 0;
    for (const [, address, name] of listing.matchAll(/^([0-9a-f]+) <(\w+@plt)>:$/gm)) {
      const start = Number.parseInt(address!, 16);
      t.deepEqual(names.find(start), { name: name!, start });
      t.deepEqual(names.find(start + 4), { name: name!, start });
      stubs++;
    }
    t.true(stubs >= 2, listing);
  });
}

test('a damaged table gives fewer lines, and neither errors nor loops', (t) => {
  const program = build(directory(t), ['-g', '-O2']);
  const elf = open(t, program);
  const [section] = [elf.section('.debug_line')!];
  const bytes = Buffer.from(elf.content(section)!);
  const seed = Number(process.env.SEED ?? Date.now() % 0x7fffffff);
  t.log(`SEED=${seed}`);
  let state = seed || 1;
  const random = (below: number): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
  const addresses = textOf(elf);
  for (let round = 0; round < 300; round++) {
    const damaged = Uint8Array.from(bytes);
    for (let i = 0; i < 1 + (round % 20); i++) damaged[random(damaged.length)] = random(256);
    const cut = round % 5 === 0 ? damaged.subarray(0, random(damaged.length)) : damaged;
    const fake = {
      section: (name: string) => elf.section(name),
      content: (wanted: ReturnType<ElfFile['section']>) =>
        wanted === section ? cut : elf.content(wanted),
    } as unknown as ElfFile;
    const table = new LineTable(fake);
    for (let i = 0; i < 10; i++) table.find(addresses[random(addresses.length)]!);
  }
  t.pass();
});
