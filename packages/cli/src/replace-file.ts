import { chmodSync, realpathSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { UsageError } from './errors.js';

/**
 * Has `write` make a file beside `target` and puts it in the target's place at the end, with the permissions of `source`:
 * a failure leaves what was there. Throws UsageError if something else than a file is there.
 */
export function replaceFile(
  source: string,
  target: string,
  write: (temporary: string) => void,
  /** The option that names the target. */
  option = '-o',
): void {
  const stat = statSync(target, { throwIfNoEntry: false });
  // The rename would put a file in the place of a device.
  if (stat !== undefined && !stat.isFile()) {
    throw new UsageError(`${target} is not a regular file`, `name another with ${option}`);
  }
  const place = stat === undefined ? target : realpathSync(target);
  const temporary = join(dirname(place), `.${basename(place)}.${process.pid}.tmp`);
  const { mode } = statSync(source);
  const umask = process.umask(0o077);
  try {
    write(temporary);
    chmodSync(temporary, mode & 0o777);
    renameSync(temporary, place);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  } finally {
    process.umask(umask);
  }
}
