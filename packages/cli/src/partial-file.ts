import { rmSync, statSync } from 'node:fs';

/** Writes to `path`; if that fails, the cut file is removed, so that nobody takes it for a whole one. */
export function orRemove(path: string, write: () => void): void {
  try {
    write();
  } catch (error) {
    // What is a pipe or a device stays.
    if (statSync(path, { throwIfNoEntry: false })?.isFile() === true) rmSync(path, { force: true });
    throw error;
  }
}
