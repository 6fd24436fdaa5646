/** A shell with job control goes live on another terminal than it was recorded on. */
import { spawnSync } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { BIN, STORE } from './busy.js';
import { root, workspace } from './harness.js';
import { find, keepsIds } from './live.js';

/** A program that hangs is found out by this, and by nothing else. */
const DEADLINE_MS = 120_000;

(find('python3') === undefined || find('bash') === undefined || !keepsIds ? test.skip : test)(
  'a shell on a terminal goes on with its jobs',
  (t) => {
    const place = workspace('live-terminal');
    const files = ['terminal.py', 'live-before.steps', 'live-after.steps'];
    for (const file of files)
      copyFileSync(join(root, 'test/programs', file), join(place.path, file));
    const log = join(place.path, 'shell.log');
    const on = (steps: string, ...command: string[]): ReturnType<typeof spawnSync> =>
      spawnSync('python3', ['terminal.py', `live-${steps}.steps`, process.execPath, ...command], {
        cwd: place.path,
        env: { ...process.env, PS1: 'ready> ', TERM: 'dumb' },
        encoding: 'latin1',
        timeout: DEADLINE_MS,
      });
    const shell = ['bash', '--norc', '--noprofile', '-i'];
    on(
      'before',
      join(BIN, 'record.js'),
      '-v',
      '--store',
      STORE,
      '-o',
      log,
      'env',
      'PS1=ready> ',
      ...shell,
    );
    const live = on('after', join(BIN, 'replay.js'), '-g', '1', log);
    t.is(live.status, 7, `${live.stdout}${live.stderr}`);
    place.discard();
  },
);
