import {
  closeSync,
  constants,
  fstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { lockFile } from '@scribe-ts/core-native';

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * A directory for what a replay needs on disk or in shared memory. A replay that is killed cannot remove its own: whoever
 * makes the next one in the same place does. A lock tells which are in use, and ends with the process that has it, wherever
 * that ran: numbers of processes would mean nothing in another pid namespace.
 */
export class OwnDirectory {
  private constructor(
    readonly path: string,
    private readonly lock: number,
  ) {}

  /** Makes one in `parent`, by mkdtemp's rule for `prefix`, and removes those of this prefix that nobody uses any more. */
  static make(parent: string, prefix: string): OwnDirectory {
    removeUnused(parent, prefix);
    for (;;) {
      const path = mkdtempSync(join(parent, prefix));
      const lock = openSync(path, DIRECTORY);
      take(lock, true);
      // Before it was locked, somebody else may have taken it for one that nobody uses.
      if (fstatSync(lock).nlink > 0) return new OwnDirectory(path, lock);
      closeSync(lock);
    }
  }

  close(): void {
    rmSync(this.path, { recursive: true, force: true });
    closeSync(this.lock);
  }
}

function removeUnused(parent: string, prefix: string): void {
  for (const name of readdirSync(parent)) {
    if (!name.startsWith(prefix)) continue;
    const path = join(parent, name);
    try {
      const lock = openSync(path, DIRECTORY);
      try {
        // Inside a directory of somebody else, names could be exchanged while they are removed.
        const isOurs = fstatSync(lock).uid === process.getuid?.();
        if (isOurs && take(lock, false)) rmSync(path, { recursive: true, force: true });
      } finally {
        closeSync(lock);
      }
    } catch {
      // Another user's, or gone by now.
    }
  }
}

/** False if somebody else has the lock, or the file system has none: what is in use can't be told then. */
function take(fd: number, waits: boolean): boolean {
  try {
    return lockFile(fd, waits);
  } catch {
    return false;
  }
}
