import { closeSync, openSync, readSync, statSync } from 'node:fs';
import type { Deps } from './deps.js';
import { UsageError } from './errors.js';

export type FileKind = 'none' | 'empty' | 'log' | 'other';

/** What stands at `path`, by its first bytes. */
export async function fileKind(path: string, deps: Pick<Deps, 'tracelog'>): Promise<FileKind> {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return 'none';
  if (!stat.isFile()) return 'other';
  if (stat.size === 0) return 'empty';
  const { MAGIC } = await deps.tracelog();
  const head = Buffer.alloc(MAGIC.length);
  const fd = openSync(path, 'r');
  try {
    readSync(fd, head, 0, head.length, 0);
  } finally {
    closeSync(fd);
  }
  return head.equals(MAGIC) ? 'log' : 'other';
}

/** A log named after the command replaces an older log, never anything else (`record npm` and npm's own npm.log). */
export async function refuseToReplace(path: string, deps: Pick<Deps, 'tracelog'>): Promise<void> {
  const kind = await fileKind(path, deps);
  if (kind === 'none' || kind === 'empty' || kind === 'log') return;
  throw new UsageError(
    `${path} exists and is not a log of scribe-ts`,
    'name another file with -o, or this one to replace it',
  );
}
