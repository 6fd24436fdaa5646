// Programs whose threads wait for each other in loops, without a call.
import { execFileSync } from 'node:child_process';
import { find, program } from './programs/driver.js';

program('OpenMP: barriers, loops and tasks of threads that spin', {
  needs: ['gcc'],
  files: ['barriers.c'],
  prepare({ path }) {
    execFileSync(find('gcc')!, ['-O2', '-fopenmp', '-o', 'barriers', 'barriers.c'], {
      cwd: path,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  },
  command: ['env', 'OMP_NUM_THREADS=4', 'OMP_WAIT_POLICY=active', './barriers'],
  expect: (t, { stdout }) => t.regex(stdout, /^4 threads: [0-9a-f]{16} [0-9a-f]{16}\n$/),
});

program('node: workers that spin on Atomics.load, and wait and notify', {
  files: ['atomics.mjs'],
  command: [process.execPath, 'atomics.mjs'],
  expect: (t, { stdout }) => t.regex(stdout, /^\d+ \[ 2, 2, 0, 300, \d+, \d+ \]\n$/),
});
