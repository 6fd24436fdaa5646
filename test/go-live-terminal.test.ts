/** A shell with job control, and an editor, go live on other terminals than they were recorded on. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { BIN, STORE } from './busy.js';
import { PATHS, root, workspace } from './harness.js';
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

const isThere = ['python3', 'vim'].every((name) => find(name) !== undefined) && keepsIds;
for (const options of PATHS)
  (isThere ? test : test.skip)(
    ['vim has what was typed, and saves it', ...options].join(' '),
    (t) => {
      const place = workspace('live-vim');
      const text = join(place.path, 'text');
      writeFileSync(text, 'line 1\nline 2\n');
      const log = join(place.path, 'vim.log');
      const on = (steps: string, ...command: string[]): ReturnType<typeof spawnSync> =>
        spawnSync(
          'python3',
          [
            join(root, 'test/programs/terminal.py'),
            join(root, `test/programs/live-vim-${steps}.steps`),
            process.execPath,
            ...command,
          ],
          {
            cwd: place.path,
            env: { ...process.env, TERM: 'ansi' },
            encoding: 'latin1',
            timeout: DEADLINE_MS,
          },
        );
      const vim = ['vim', '-u', 'NONE', '-N', '-n', 'text'];
      on('before', join(BIN, 'record.js'), ...options, '-v', '--store', STORE, '-o', log, ...vim);
      t.is(readFileSync(text, 'latin1'), 'line 1\nline 2\n');
      const live = on('after', join(BIN, 'replay.js'), '-g', '1', log);
      t.is(live.status, 0, `${live.stdout}${live.stderr}`);
      t.is(readFileSync(text, 'latin1'), 'line 1\ntyped before\nand after\nline 2\n');
      place.discard();
    },
  );
