import type * as nodeCrypto from 'node:crypto';
import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  linkSync,
  openSync,
  readSync,
  rmSync,
} from 'node:fs';
import type { NativeStore } from './binding.js';

const READ_SIZE = 256 * 1024;
/** 128 bits: enough against accidents, and names stay short. */
const HASH_DIGITS = 32;

/** Loaded when first needed: mostly the store has everything already. */
function crypto(): typeof nodeCrypto {
  return process.getBuiltinModule('node:crypto');
}

function hashFile(path: string): { readonly hash: string; readonly size: number } {
  const fd = openSync(path, 'r');
  try {
    const hash = crypto().createHash('sha256');
    const buffer = Buffer.allocUnsafe(READ_SIZE);
    let size = 0;
    for (;;) {
      const count = readSync(fd, buffer, 0, buffer.length, null);
      if (count === 0) break;
      hash.update(count === buffer.length ? buffer : buffer.subarray(0, count));
      size += count;
    }
    return { hash: hash.digest('hex').slice(0, HASH_DIGITS), size };
  } finally {
    closeSync(fd);
  }
}

function addFile(path: string, target: string): 'reflink' | 'copy' | 'exists' {
  if (existsSync(target)) return 'exists';
  const partial = `${target}.${crypto().randomBytes(8).toString('hex')}`;
  let how: 'reflink' | 'copy' = 'reflink';
  try {
    try {
      copyFileSync(path, partial, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw error;
      // No reflinks here, or not between these file systems; what else is wrong, the copy will say.
      rmSync(partial, { force: true });
      copyFileSync(path, partial, constants.COPYFILE_EXCL);
      how = 'copy';
    }
    // A link, not a rename: of two who add the same target, the second sees that it exists.
    linkSync(partial, target);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return 'exists';
    throw error;
  } finally {
    rmSync(partial, { force: true });
  }
  return how;
}

/** Errors are node:fs's own (`code`, `path`). */
export const store: NativeStore = { hashFile, addFile };
