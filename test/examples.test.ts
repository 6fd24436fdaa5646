import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { compile, type Outcome, root, run, scribe, workspace } from './harness.js';

const example = (name: string, args: readonly string[], cwd?: string): Promise<Outcome> =>
  run(process.execPath, [join(root, 'examples/dist', `${name}.js`), ...args], { cwd });

test('the examples tell what a shell script did', async (t) => {
  const place = workspace('examples');
  const input = join(place.path, 'input');
  const output = join(place.path, 'output');
  writeFileSync(input, 'some text\n');
  const script = `cat input > ${output}; cat nowhere 2> /dev/null; rm output; cd /; true`;
  const log = join(place.path, 'script.log');
  const recorded = await scribe('record', ['-o', log, '/bin/sh', '-c', script], {
    cwd: place.path,
  });
  t.is(recorded.code, 0, recorded.stderr);

  const accesses = await example('file-access', [log]);
  t.is(accesses.code, 0, accesses.stderr);
  const lines = accesses.stdout.split('\n');
  for (const line of [
    `read ${input}`,
    `write ${output}`,
    `delete ${output}`,
    `missing ${join(place.path, 'nowhere')}`,
    'write /dev/null',
  ]) {
    t.true(lines.includes(line), `${line} is not in\n${accesses.stdout}`);
  }
  t.is(lines.filter((line) => /^execute .*\/cat$/.test(line)).length, 1, 'each is told once');

  const calls = await example('strace', [log, 'openat', 'chdir']);
  t.is(calls.code, 0, calls.stderr);
  t.regex(
    calls.stdout,
    /^\d+ openat\(AT_FDCWD, "input", O_RDONLY\) = 3 <0\.\d+> \{3=\S+\/input\}$/m,
  );
  t.regex(calls.stdout, /^\d+ openat\(AT_FDCWD, "nowhere", O_RDONLY\) = -1 ENOENT .* <0\.\d+>$/m);
  t.regex(calls.stdout, /^\d+ chdir\("\/"\) = 0/m);
  t.notRegex(calls.stdout, /mmap|ended/);
  const all = await example('strace', [log]);
  t.is(all.stdout.match(/^\d+ ended with 0$/gm)?.length, 3, 'the shell, cat, rm');
  t.is(all.stdout.match(/^\d+ ended with 1$/gm)?.length, 1, 'cat');

  const histogram = await example('latency-histogram', [log, 'openat', 'wait4']);
  t.is(histogram.code, 0, histogram.stderr);
  const opens = /^openat: calls (\d+), together [\d.]+ ms$\n((?: .*\n)+)/m.exec(histogram.stdout);
  const rows = [...opens![2]!.matchAll(/^ {2}< +\d+ \S+ +(\d+) #*$/gm)];
  const sum = rows.reduce((total, [, number]) => total + Number(number), 0);
  t.is(sum, Number(opens![1]), histogram.stdout);
  t.is(sum, all.stdout.match(/ openat\(/g)!.length);
  t.regex(histogram.stdout, /^wait4: calls \d+,/m);
  t.notRegex(histogram.stdout, /^mmap/m);
  place.discard();
});

const SERVER_AND_CLIENT = `
import { createServer, get } from 'node:http';
const server = createServer((request, response) => {
  const found = request.url !== '/nothing';
  response.writeHead(found ? 200 : 404, { 'content-length': found ? 5000 : 0 });
  response.end(found ? 'x'.repeat(5000) : '');
});
const ask = (path) => new Promise((resolve) => {
  get({ port: server.address().port, path, agent: false }, (response) => response.on('end', resolve).resume());
});
server.listen(0, '127.0.0.1', async () => {
  await ask('/page');
  await ask('/nothing');
  server.close();
});
`;

test('both sides of an HTTP conversation are told', async (t) => {
  const place = workspace('http');
  const program = join(place.path, 'http.mjs');
  writeFileSync(program, SERVER_AND_CLIENT);
  const log = join(place.path, 'http.log');
  const recorded = await scribe('record', [
    '-f',
    'sSrmdgpTD',
    '-o',
    log,
    process.execPath,
    program,
  ]);
  t.is(recorded.code, 0, recorded.stderr);
  const { code, stdout, stderr } = await example('http-conversation', [log]);
  t.is(code, 0, stderr);
  for (const side of ['client', 'server']) {
    const told = [
      ...stdout.matchAll(new RegExp(`${side}: (.*) \\S+ (\\d+), (\\d+) bytes, after`, 'g')),
    ];
    t.deepEqual(
      told.map(([, request, status]) => [request, status]),
      [
        ['GET /page', '200'],
        ['GET /nothing', '404'],
      ],
      stdout,
    );
    const [page, nothing] = told.map(([, , , bytes]) => Number(bytes));
    t.true(page! > 5000 && page! < 5500, stdout);
    t.true(nothing! > 0 && nothing! < 500, stdout);
  }
  place.discard();
});

const PARSER = `
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static int depth;
__attribute__((noinline)) static void close_one(void) { if (--depth < 0) abort(); }
__attribute__((noinline)) static void other(void) { abort(); }
int main(int argc, char **argv) {
  char line[64];
  FILE *file = fopen(argv[1], "r");
  while (fgets(line, sizeof line, file)) {
    if (!strcmp(line, "open\\n")) depth++;
    if (!strcmp(line, "close\\n")) close_one();
    if (!strcmp(line, "bad\\n") && depth > 0) other();
  }
  return argc > 2;
}
`;

test('a failing input is made small, and fails as it did', async (t) => {
  const place = workspace('minimise');
  const source = join(place.path, 'parser.c');
  writeFileSync(source, PARSER);
  const parser = compile(source, ['-fno-optimize-sibling-calls']);
  const input = join(place.path, 'input');
  // Without its `close` line the rest would fail elsewhere, in `other`.
  writeFileSync(input, 'one\nopen\ntwo\nclose\nthree\nclose\nopen\nbad\n');
  const { code, stdout, stderr } = await example('minimise-failure', [input, parser, '{}']);
  t.is(code, 0, stderr);
  t.regex(stdout, /^status \d+ in .*abort < close_one < main < /);
  t.is(readFileSync(`${input}.min`, 'utf8'), 'close\n', stdout);
  writeFileSync(input, 'one\n');
  const well = await example('minimise-failure', [input, parser, '{}']);
  t.is(well.code, 1);
  t.regex(well.stderr, /does not fail/);
  place.discard();
});

test('the example of a test passes', async (t) => {
  const file = join(root, 'examples/dist/replay.test.js');
  const { code, stdout } = await run(process.execPath, ['--test', '--test-reporter=tap', file]);
  t.is(code, 0, stdout);
  t.regex(stdout, /^# pass 3$/m);
});

for (const name of [
  'strace',
  'file-access',
  'http-conversation',
  'latency-histogram',
  'minimise-failure',
]) {
  test(`${name} tells how it is used`, async (t) => {
    const outcome = await example(name, []);
    t.is(outcome.code, 2);
    t.regex(outcome.stderr, /^usage: /);
  });
}
