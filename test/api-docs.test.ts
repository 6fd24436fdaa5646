import { join } from 'node:path';
import test from 'ava';
import { root, run } from './harness.js';

test('everything that the libraries export is documented, and links lead somewhere', async (t) => {
  const typedoc = join(root, 'node_modules/typedoc/bin/typedoc');
  // Warnings are errors: typedoc.json says which.
  const { code, stdout, stderr } = await run(process.execPath, [typedoc, '--emit', 'none'], {
    cwd: root,
    // Ten seconds of processor time, more than the usual limit where many share it.
    timeoutMs: 480_000,
  });
  t.is(code, 0, stdout + stderr);
});
