import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { root, scribe, workspace } from './harness.js';

test('what cat copies inside the kernel to a file as standard output is replayed', async (t) => {
  const place = workspace('output-file');
  const input = join(place.path, 'input');
  writeFileSync(input, 'some bytes\n'.repeat(1000));
  const log = join(place.path, 'cat.log');
  const output = openSync(join(place.path, 'output'), 'w');
  const args = [join(root, 'packages/cli/bin/record.js'), '-o', log, 'cat', input];
  const recorded = spawnSync(process.execPath, args, { stdio: ['ignore', output, 'pipe'] });
  closeSync(output);
  t.is(recorded.status, 0, String(recorded.stderr));
  t.is(readFileSync(join(place.path, 'output'), 'utf8'), readFileSync(input, 'utf8'));
  const replayed = await scribe('replay', [log]);
  t.is(replayed.stdout, readFileSync(input, 'utf8'), replayed.stderr);
  place.discard();
});
