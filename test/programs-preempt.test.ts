// Programs that are stopped between their calls: their threads wait for each other in loops, compute, or get signals there.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { buildGo, find, program } from './programs/driver.js';

/** Runs a compiler where a program is made. */
function build(path: string, command: string, args: readonly string[]): void {
  execFileSync(find(command)!, args, { cwd: path, stdio: ['ignore', 'ignore', 'inherit'] });
}

program('OpenMP: barriers, loops and tasks of threads that spin', {
  needs: ['gcc'],
  files: ['barriers.c'],
  prepare({ path }) {
    build(path, 'gcc', ['-O2', '-fopenmp', '-o', 'barriers', 'barriers.c']);
  },
  command: ['env', 'OMP_NUM_THREADS=4', 'OMP_WAIT_POLICY=active', './barriers'],
  expect: (t, { stdout }) => t.regex(stdout, /^4 threads: [0-9a-f]{16} [0-9a-f]{16}\n$/),
});

program('node: workers that spin on Atomics.load, and wait and notify', {
  files: ['atomics.mjs'],
  command: [process.execPath, 'atomics.mjs'],
  expect: (t, { stdout }) => t.regex(stdout, /^\d+ \[ 2, 2, 0, 300, \d+, \d+ \]\n$/),
});

program('perl: a loop over hashes and arrays, interrupted by a timer', {
  needs: ['perl'],
  files: ['interrupted.pl'],
  command: ['perl', 'interrupted.pl'],
  expect: (t, { stdout }) => t.regex(stdout, /^(?:tick \d+: \d+\n){12,}rounds \d+\n$/),
});

program('TBB: loops and spin locks, and a barrier on which all threads spin', {
  needs: ['g++', '/usr/include/tbb/tbb.h'],
  files: ['spinning.cc'],
  prepare({ path }) {
    build(path, 'g++', ['-std=c++17', '-O2', '-o', 'spinning', 'spinning.cc', '-ltbb', '-pthread']);
  },
  command: ['./spinning'],
  expect: (t, { stdout }) => t.regex(stdout, /^3 threads: [0-9a-f]{16} [0-9a-f]{16}\n$/),
});

program('Go: goroutines that only a signal can stop', {
  needs: ['go'],
  files: ['goroutines.go'],
  prepare({ path }) {
    buildGo(path, 'goroutines');
  },
  command: ({ path }) => ['env', 'GOMAXPROCS=2', join(path, 'goroutines')],
  expect: (t, { stdout }) => t.regex(stdout, /^216 2000 [0-9a-f]{16}\n$/),
});

program('java: threads that spin and allocate, and a collector with threads of its own', {
  needs: ['javac', 'java'],
  files: ['Collections.java'],
  prepare: ({ path }) => build(path, 'javac', ['Collections.java']),
  command: [
    'java',
    ...['-XX:+UseParallelGC', '-XX:ParallelGCThreads=2', '-Xmx24m', '-Xmn2m'],
    ...['-XX:TieredStopAtLevel=1', '-cp', '.', 'Collections'],
  ],
  expect: (t, { stdout }) => t.regex(stdout, /^\[637542, 764334\] true \d+\n$/),
});

program('python3: signals and threads', {
  needs: ['python3'],
  files: ['signals.py'],
  command: ['python3', '-B', 'signals.py'],
  expect: (t, { stdout }) => t.regex(stdout, /^\d+ \d+ True\n\[[^]*\] \[\([^]*\)\]\n$/),
});

program('gcc -pg: a profile by SIGPROF', {
  needs: ['gcc'],
  files: ['profiled.c'],
  prepare({ path }) {
    build(path, 'gcc', ['-O1', '-pg', '-o', 'profiled', 'profiled.c']);
  },
  command: ['./profiled'],
  expect: (t, { stdout }) => t.regex(stdout, /^[0-9a-f]{16}\n$/),
});
