/** Programs that print the same each time, whatever runs when: what is made live of a recording must print the rest of it. */
import { join } from 'node:path';
import { busy } from './busy.js';
import { root } from './harness.js';

export interface LiveProgram {
  readonly name: string;
  /** Command without which the program is left out. */
  readonly needs: string;
  readonly command: readonly string[];
  readonly status: number;
  /** Goes live in every run of the tests; the others do where LIVE_RUNS asks for more. */
  readonly always?: true;
}

const at = (file: string): string => join(root, 'test/programs', file);
const script = (text: string): string[] => ['bash', '-c', text];

export const livePrograms: readonly LiveProgram[] = [
  { name: 'busy', needs: 'gcc', command: [busy, '5'], status: 0, always: true },
  { name: 'crowd', needs: 'bash', command: ['bash', at('crowd.sh')], status: 8, always: true },
  { name: 'traps', needs: 'bash', command: ['bash', at('live-traps.sh')], status: 5 },
  {
    name: 'make',
    needs: 'make',
    command: ['make', '-f', at('live.mk'), '-j2', '-O'],
    status: 0,
  },
  { name: 'threads', needs: 'python3', command: ['python3', at('live-threads.py')], status: 0 },
  {
    name: 'multiprocessing',
    needs: 'python3',
    command: ['python3', at('live-processes.py')],
    status: 0,
  },
  { name: 'workers', needs: 'node', command: ['node', at('live-workers.mjs')], status: 6 },
  { name: 'children', needs: 'perl', command: ['perl', at('live-children.pl')], status: 12 },
  {
    name: 'git',
    needs: 'git',
    command: script(
      `cd ${root}; git grep --threads=2 -c import -- packages | sort | cksum; git log -5 --stat | cksum`,
    ),
    status: 0,
  },
  {
    name: 'xz',
    needs: 'xz',
    command: script(
      'set -o pipefail; seq 1 300000 | xz -T2 --block-size=300000 -0 | xz -dc -T2 | cksum',
    ),
    status: 0,
  },
  {
    name: 'sqlite',
    needs: 'sqlite3',
    command: script(
      `{ echo 'create table t(x); begin;'; seq 1 500 | sed 's/.*/insert into t values(&);/'
        echo 'commit; select sum(x), count(*) from t;'; } | sqlite3 :memory:`,
    ),
    status: 0,
  },
];
