import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { orRemove } from '../src/partial-file.js';

test('a file that cannot be written whole is removed, a device is not', (t) => {
  const place = mkdtempSync(join(tmpdir(), 'partial-'));
  t.teardown(() => rmSync(place, { recursive: true }));
  const file = join(place, 'x.json');
  orRemove(file, () => writeFileSync(file, 'whole'));
  t.true(existsSync(file));
  const cut = (): never => {
    throw new Error('full');
  };
  t.throws(() => orRemove(file, cut), { message: 'full' });
  t.false(existsSync(file));
  t.throws(() => orRemove(file, cut), { message: 'full' });
  const device = join(place, 'full');
  symlinkSync('/dev/full', device);
  t.throws(() => orRemove(device, () => writeFileSync(device, 'x')), { code: 'ENOSPC' });
  t.true(existsSync(device));
});
