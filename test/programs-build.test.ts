import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { program } from './programs/driver.js';

const lines = (count: number, line: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => line(i)).join('');

/** A C program of about 2,000 lines. */
function cSource(): string {
  const one = (i: number): string =>
    `struct s${i} { int a; double b; char name[${i + 1}]; };\n` +
    `static int f${i}(struct s${i} *s, int x)\n{\n` +
    `  for (int i = 0; i < x % ${i + 3}; i++) {\n    s->a += i * ${i};\n    s->b *= 1.5;\n  }\n` +
    `  return s->a + (int)s->b + (int)sizeof s->name;\n}\n`;
  return (
    `#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n${lines(200, one)}` +
    `int main(void)\n{\n  long sum = 0;\n${lines(200, (i) => `  struct s${i} v${i} = {0}; sum += f${i}(&v${i}, ${i});\n`)}` +
    `  printf("%ld\\n", sum);\n  return 0;\n}\n`
  );
}

/** A C++ program of about 2,000 lines. */
function cppSource(): string {
  const one = (i: number): string =>
    `template <typename T> struct C${i} {\n  std::map<std::string, T> values;\n  T add(int x) {\n` +
    `    values[std::to_string(x)] += T(${i});\n    std::vector<T> list(x % 7 + 1, T(x));\n` +
    `    T sum{};\n    for (const T &y : list) sum += y;\n    return sum + values.begin()->second;\n  }\n};\n`;
  return (
    `#include <iostream>\n#include <map>\n#include <string>\n#include <vector>\n${lines(180, one)}` +
    `int main() {\n  double sum = 0;\n${lines(20, (i) => `  sum += C${i}<${i % 2 ? 'int' : 'double'}>().add(${i});\n`)}` +
    `  std::cout << sum << '\\n';\n}\n`
  );
}

program('gcc building 2,000 lines', {
  needs: ['gcc'],
  prepare: ({ path }) => writeFileSync(join(path, 'big.c'), cSource()),
  command: ['sh', '-c', 'gcc -O2 -g -Wall -o big big.c && ./big && ls -l --time-style=+ big'],
  expect: (t, { stdout }) => t.regex(stdout, /^\d+\n.* big\n$/),
});

program('g++ building 2,000 lines', {
  needs: ['g++'],
  prepare: ({ path }) => writeFileSync(join(path, 'big.cc'), cppSource()),
  command: ['sh', '-c', 'g++ -o big big.cc && ./big'],
  expect: (t, { stdout }) => t.regex(stdout, /^\d+\n$/),
});

program('make -j2 of a project of 20 files', {
  needs: ['make', 'gcc'],
  prepare({ path }) {
    const files = Array.from({ length: 20 }, (_, i) => i);
    for (const i of files) {
      writeFileSync(
        join(path, `f${i}.c`),
        `#include "all.h"\n#include <stdio.h>\nint f${i}(int x)\n{\n  printf("%d ", x);\n  return x * ${i};\n}\n`,
      );
    }
    writeFileSync(join(path, 'all.h'), files.map((i) => `int f${i}(int);\n`).join(''));
    const calls = files.map((i) => `x += f${i}(x + 1);`).join('\n  ');
    writeFileSync(
      join(path, 'main.c'),
      `#include "all.h"\nint main(void)\n{\n  int x = 1;\n  ${calls}\n  return x == 0;\n}\n`,
    );
    writeFileSync(
      join(path, 'Makefile'),
      'objects := $(patsubst %.c,%.o,$(wildcard *.c))\nprogram: $(objects)\n\t$(CC) -o $@ $^\n' +
        '%.o: %.c all.h\n\t$(CC) -O1 -c -o $@ $<\ncheck: program\n\t./program && echo " works"\n',
    );
  },
  command: ['make', '-j2', 'check'],
  expect: (t, { stdout }) => t.regex(stdout, /^(cc -O1 .*\n){21}[^]* works\n$/),
});

program('git init, commit, branch, merge, clone, log, gc', {
  needs: ['git'],
  prepare({ path }) {
    mkdirSync(join(path, 'one'));
    writeFileSync(
      join(path, 'steps'),
      `set -e
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
git init -q -b main one && cd one
for i in 1 2 3 4 5 6; do seq $i 500 >file$i; git add .; git commit -qm "commit $i"; done
git checkout -qb topic HEAD~2; echo topic >>file1; git commit -qam topic
git checkout -q main; git merge -q -m merged topic
cd ..; git clone one two; cd two
git log --graph --oneline --stat | tail -12
git blame file1 | tail -2; git diff HEAD~1 --stat
git gc -q; git fsck; git count-objects -v; git status --short | wc -l
`,
    );
  },
  command: ['sh', 'steps'],
  expect: (t, { stdout }) => t.regex(stdout, /in-pack: \d+\n[^]*\n0\n$/),
});
