/** Who made a call: `profiler --stacks` and `--flamegraph`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { compile, run, scribe, workspace } from './harness.js';
import { find } from './programs/driver.js';

const PROGRAM = `
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
__attribute__((noinline)) void say(const char *what) { write(1, what, strlen(what)); }
__attribute__((noinline)) void often(int n) { while (n-- > 0) say("often\\n"); }
__attribute__((noinline)) void seldom(void) { say("seldom\\n"); }
int main(void) {
  often(9);
  if (fork() == 0) { seldom(); _exit(0); }
  wait(NULL);
  return 0;
}
`;

const place = workspace('stacks');
const log = join(place.path, 'stacks.log');

test.before(async (t) => {
  const source = join(place.path, 'stacks.c');
  writeFileSync(source, PROGRAM);
  const binary = compile(source, ['-fno-optimize-sibling-calls', '-Wno-unused-result']);
  const recorded = await scribe('record', ['-o', log, binary]);
  t.is(recorded.code, 0, recorded.stderr);
});

test.after(() => place.discard());

test('below each call stands who made it, in the order of the log', async (t) => {
  const plain = await scribe('profiler', [log]);
  const { stdout, stderr, code } = await scribe('profiler', ['--stacks', log]);
  t.is(code, 0, stderr);
  const lines = stdout.split('\n');
  const calls = (text: string): readonly string[] =>
    text.split('\n').filter((line) => /^\[\d+\] \w+\(/.test(line));
  t.deepEqual(calls(stdout), calls(plain.stdout));
  const at = lines.findIndex((line) => line.includes('write(1, "seldom\\n", 7) = 7'));
  const task = lines[at]!.slice(0, 4);
  const stack = lines.slice(at + 1).filter((line) => line.startsWith(task));
  for (const [i, name] of ['write', 'say', 'seldom', 'main'].entries()) {
    const line = stack[i]!;
    t.true(line.startsWith(`${task}   #${i} 0x`), line);
    t.regex(line, new RegExp(` ${name}\\+0x[0-9a-f]+ in /`));
    if (i > 0) t.regex(line, /\(stacks\.c:\d+\)$/);
  }
  const child = await scribe('profiler', ['--stacks', '-p', task.slice(1, 3), log]);
  t.true(child.stdout.split('\n').every((line) => line === '' || line.startsWith(task)));
  t.regex(child.stdout, / seldom\+/);
  const chosen = await scribe('profiler', ['--stacks', '-e', 'write', '--text', 'often', log]);
  t.is(calls(chosen.stdout).length, 9, chosen.stderr);
  t.is(chosen.stdout.match(/ often\+/g)?.length, 9);
});

test('the lines have the forms and columns that they have without stacks', async (t) => {
  for (const form of [
    ['--strace', '-y', '-ttt', '-T'],
    ['-y', '-o', '-t'],
  ]) {
    const some = [...form, '-e', 'write', '-e', 'signal=none', log];
    const plain = await scribe('profiler', some);
    const { stdout, stderr, code } = await scribe('profiler', ['--stacks', ...some]);
    t.is(code, 0, stderr);
    const calls = (text: string): readonly string[] =>
      text.split('\n').filter((line) => line.includes(' write('));
    t.is(calls(stdout).length, 10);
    t.deepEqual(calls(stdout), calls(plain.stdout));
    t.regex(stdout, /\n(?: >|\[\d+\] {3}#\d) 0x[0-9a-f]+ say\+0x/);
  }
});

interface Flame {
  readonly name: string;
  readonly title: string;
  readonly x: number;
  readonly width: number;
  readonly row: number;
}

function flamesOf(svg: string): readonly Flame[] {
  const pattern =
    /data-x="([^"]+)" data-w="([^"]+)"><title>(([^<]*): [^<:]*)<\/title><rect [^>]*y="(\d+)"/g;
  return [...svg.matchAll(pattern)].map(([, x, width, title, name, row]) => ({
    name: name!,
    title: title!,
    x: Number(x),
    width: Number(width),
    row: Number(row),
  }));
}

test('a flame graph has each function as wide as the calls below it', async (t) => {
  const picture = join(place.path, 'flames.svg');
  const drawn = await scribe('profiler', ['--flamegraph', picture, log]);
  t.is(drawn.code, 0, drawn.stderr);
  const svg = readFileSync(picture, 'utf8');
  const flames = flamesOf(svg);
  const above = ({ x, width, row }: Flame): readonly Flame[] =>
    flames.filter(
      (other) =>
        other.row === row - 18 && other.x >= x - 1e-5 && other.x + other.width <= x + width + 1e-5,
    );
  const named = (name: string): Flame => flames.find((flame) => flame.name === name)!;
  t.regex(named('often').title, /^often: 9 calls, /);
  t.deepEqual(
    above(named('often')).map(({ name }) => name),
    ['say'],
  );
  t.regex(named('seldom').title, /^seldom: 1 call, /);
  t.is(Math.round(named('often').width / named('seldom').width), 9);
  t.regex(named('all').title, /100\.00 %$/);
  for (const flame of flames) {
    const children = above(flame);
    const sum = children.reduce((total, { width }) => total + width, 0);
    // Every call is a frame of its own, so what a function has it has from those above.
    if (children.length > 0) t.true(Math.abs(sum - flame.width) < 1e-4, flame.title);
  }
  const python = find('python3');
  if (python === undefined) t.log('not checked for being XML (not here: python3)');
  else {
    const parse = 'import sys, xml.dom.minidom as m; m.parse(sys.argv[1])';
    const parsed = await run(python, ['-c', parse, picture]);
    t.is(parsed.code, 0, parsed.stderr);
  }
  t.notRegex(svg, /(?:href|src)=|@import|url\(/, 'nothing is loaded from elsewhere');
});

test('widths may be times', async (t) => {
  const picture = join(place.path, 'times.svg');
  for (const weight of ['time', 'between']) {
    const drawn = await scribe('profiler', ['--flamegraph', picture, '--weight', weight, log]);
    t.is(drawn.code, 0, drawn.stderr);
    const flames = flamesOf(readFileSync(picture, 'utf8'));
    t.regex(flames.find(({ name }) => name === 'main')!.title, /^main: [\d.]+ (?:ns|µs|ms|s), /);
  }
});

test('what makes no sense is refused', async (t) => {
  for (const [args, message] of [
    [['--weight', 'calls', log], /--weight is for --flamegraph/],
    [['--flamegraph', 'x.svg', '--weight', 'size', log], /--weight is one of calls, time, between/],
    [['--stacks', '--flamegraph', 'x.svg', log], /two ways/],
    [['--store', '/', log], /--store is for/],
    [['--stacks', '-c', log], /--summary-only does not go with/],
    [['--stacks', '-e', 'read=3', log], /read= and write= do not go with/],
    [['--flamegraph', 'x.svg', '--strace', log], /--strace does not go with --flamegraph/],
    [['--stacks', '-r', log], /--raw does not go with/],
    [['-p', '77', '--flamegraph', 'x.svg', log], /nothing to draw/],
  ] as const) {
    const refused = await scribe('profiler', [...args], { cwd: place.path });
    t.is(refused.code, 2, refused.stderr);
    t.regex(refused.stderr, message);
  }
});
