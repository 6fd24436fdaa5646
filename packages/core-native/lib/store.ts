import type * as nodeCrypto from 'node:crypto';
import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  linkSync,
  openSync,
  readSync,
  rmSync,
  type Stats,
  statSync,
  writeSync,
} from 'node:fs';
import { addon } from './addon.js';
import type { NativeStore } from './binding.js';

const READ_SIZE = 256 * 1024;
/** The unit of st_blocks, bytes. */
const BLOCK_SIZE = 512;
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
    const stat = fstatSync(fd);
    let size = 0;
    // A hole is not read: its pages would take memory.
    if (isSparse(stat)) {
      const zeros = Buffer.alloc(READ_SIZE);
      for (let data; (data = addon.nextData(fd, size)) !== undefined;) {
        for (; size < data[0]; size += Math.min(READ_SIZE, data[0] - size))
          hash.update(zeros.subarray(0, Math.min(READ_SIZE, data[0] - size)));
        while (size < data[1]) {
          const count = readSync(fd, buffer, 0, Math.min(READ_SIZE, data[1] - size), size);
          if (count === 0) break;
          hash.update(buffer.subarray(0, count));
          size += count;
        }
        if (size < data[1]) break;
      }
      for (let left; (left = Math.min(READ_SIZE, stat.size - size)) > 0; size += left)
        hash.update(zeros.subarray(0, left));
    }
    for (;;) {
      const count = readSync(fd, buffer, 0, buffer.length, size);
      if (count === 0) break;
      hash.update(count === buffer.length ? buffer : buffer.subarray(0, count));
      size += count;
    }
    return { hash: hash.digest('hex').slice(0, HASH_DIGITS), size };
  } finally {
    closeSync(fd);
  }
}

function isSparse({ size, blocks }: Stats): boolean {
  return blocks * BLOCK_SIZE < size;
}

/** As copyFileSync, of a file that may be there; but holes stay holes, which may be most of it. */
export function copyFile(path: string, target: string, mode = 0): void {
  if (isSparse(statSync(path))) copySparse(path, target, (mode & constants.COPYFILE_EXCL) !== 0);
  else copyFileSync(path, target, mode);
}

function copySparse(path: string, target: string, exclusive: boolean): void {
  const from = openSync(path, 'r');
  try {
    const to = openSync(target, exclusive ? 'wx' : 'w');
    try {
      const buffer = Buffer.allocUnsafe(READ_SIZE);
      let data: readonly [number, number] | undefined;
      for (let at = 0; (data = addon.nextData(from, at)) !== undefined;) {
        for (at = data[0]; at < data[1];) {
          const count = readSync(from, buffer, 0, Math.min(READ_SIZE, data[1] - at), at);
          if (count === 0) break;
          writeAll(to, buffer.subarray(0, count), at);
          at += count;
        }
        // It was cut meanwhile: what there is has been copied.
        if (at < data[1]) break;
      }
      ftruncateSync(to, fstatSync(from).size);
    } finally {
      closeSync(to);
    }
  } finally {
    closeSync(from);
  }
}

function writeAll(fd: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length;)
    done += writeSync(fd, bytes, done, bytes.length - done, position + done);
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
      copyFile(path, partial, constants.COPYFILE_EXCL);
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
