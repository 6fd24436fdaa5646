import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { buildGo, find, program } from './programs/driver.js';

for (const [what, file, expected] of [
  ['threads', 'threads.py', /^4000 \[\d+\]\n[^]*\nTrue True \d+\n$/],
  ['subprocess', 'subprocesses.py', /\nexpired: [^]*\n\[10, 17\]\n$/],
  ['asyncio', 'asynchronous.py', /'TCP0 0'[^]*'UNIX4 4'[^]*\ntimed out\nTrue /],
  ['sqlite3', 'database.py', /^\(2000, [^]*\('wal',\)\n\[\('a', 40, .*\('b', 40, .*\n[ab]{80}\n/],
  ['multiprocessing and shared memory', 'shared_memory.py', /\nb'ABCD'\n600\n\[0, 1, 4, .*\n/],
] as const) {
  program(`python3: ${what}`, {
    needs: ['python3'],
    files: [file],
    command: ['python3', '-B', file],
    expect: (t, { stdout }) => t.regex(stdout, expected),
  });
}

program('node: files, worker threads, child processes, an HTTP server and its clients', {
  files: ['app.mjs'],
  command: [process.execPath, 'app.mjs'],
  expect(t, { stdout }) {
    t.regex(stdout, /^one\ntwo\nthree\n[0-9a-f]{64} 19000 \d+\nworker /);
    t.regex(stdout, /\nthrough cat\n[^]*child \{ answer: 36 \}\n[^]*\ntrue \d+ true\n$/);
  },
});

program('a static Go binary', {
  needs: ['go'],
  files: ['hello.go'],
  prepare({ path }) {
    buildGo(path, 'hello');
  },
  // With several Ps the garbage collector waits in user code, without a system call.
  command: ({ path }) => ['env', 'GOMAXPROCS=4', join(path, 'hello')],
  expect: (t, { stdout }) => t.regex(stdout, /\npath \/4\n\d{9}\n<nil>\n[0-9a-f]{16} true\n$/),
});

program('a Rust binary', {
  needs: ['rustc'],
  files: ['hello.rs'],
  prepare({ path }) {
    execFileSync(find('rustc')!, ['-O', '-o', 'hello', 'hello.rs'], {
      cwd: path,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  },
  command: ({ path }) => [join(path, 'hello')],
  expect: (t, { stdout }) => t.regex(stdout, /\n19800 \{.*9: 81.*\}\nfrom a child\n/),
});

program('java with threads', {
  needs: ['javac', 'java'],
  files: ['Threads.java'],
  prepare({ path }) {
    execFileSync(find('javac')!, ['Threads.java'], { cwd: path, stdio: 'inherit' });
  },
  command: ['java', '-cp', '.', 'Threads'],
  expect: (t, { stdout }) =>
    t.regex(stdout, /^hello .*\n(thread .*\n){4}[^]*\n299995\ntext\nfrom a child\n0 \d+ -?\d+\n$/),
});
