import { readSync, writeSync } from 'node:fs';

/** Bytes of a file from an offset on; fewer at its end. */
export function readAt(fd: number, at: number, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let done = 0;
  while (done < size) {
    const got = readSync(fd, bytes, done, size - done, at + done);
    if (got === 0) break;
    done += got;
  }
  return bytes.subarray(0, done);
}

/** Writes all of them, from an offset on. */
export function writeAt(fd: number, bytes: Uint8Array, at: number): void {
  for (let done = 0; done < bytes.length;)
    done += writeSync(fd, bytes, done, bytes.length - done, at + done);
}
