import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { OwnDirectory } from '../src/own-directory.js';

const MODULE = new URL('../src/own-directory.ts', import.meta.url).href;

test('what a killed process has left is removed, what is in use is not', (t) => {
  const place = mkdtempSync(join(tmpdir(), 'scribe-test-'));
  const used = OwnDirectory.make(place, 'own-');
  const script = `const { OwnDirectory } = await import('${MODULE}');
    const { path } = OwnDirectory.make(${JSON.stringify(place)}, 'own-');
    (await import('node:fs')).writeFileSync(path + '/left', '');
    process.kill(process.pid, 'SIGKILL');`;
  const { signal } = spawnSync(process.execPath, [
    '--import=tsx',
    '--input-type=module',
    '-e',
    script,
  ]);
  t.is(signal, 'SIGKILL');
  t.is(readdirSync(place).length, 2);
  mkdirSync(join(place, 'other-directory'));
  writeFileSync(join(place, 'own-file'), '');
  const next = OwnDirectory.make(place, 'own-');
  t.true(existsSync(used.path) && existsSync(next.path));
  t.is(readdirSync(place).length, 4);
  used.close();
  next.close();
  t.deepEqual(readdirSync(place).sort(), ['other-directory', 'own-file']);
  rmSync(place, { recursive: true });
});
