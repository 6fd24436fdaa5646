import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { copyFile } from '@scribe-ts/core-native';
import type { Backing, SharedWriteFrame } from '@scribe-ts/tracelog';
import type { Contents } from './contents.js';
import { OwnDirectory } from './own-directory.js';

/** Files that stand for the shared objects of the recording: tasks of the replay map them where the program mapped the originals. */
export class SharedFiles {
  private directory: OwnDirectory | undefined;
  private readonly files = new Map<number, string>();

  constructor(private readonly contents: Contents) {}

  /** The file that stands for an object, made at its first mapping. */
  path(backing: Extract<Backing, { kind: 'shared' }>): string {
    const known = this.files.get(backing.object);
    if (known !== undefined) return known;
    this.directory ??= OwnDirectory.make(sharedMemoryDirectory(), 'scribe-shared-');
    const path = join(this.directory.path, `object-${backing.object}`);
    if (backing.hash !== '') copyFile(this.contents.path(backing.hash), path);
    const fd = openSync(path, backing.hash === '' ? 'w+' : 'r+', 0o600);
    ftruncateSync(fd, backing.size);
    // Not kept open: a build maps more files than a process may have descriptors.
    closeSync(fd);
    this.files.set(backing.object, path);
    return path;
  }

  /** Directory in which they are; '' before the first. */
  get place(): string {
    return this.directory?.path ?? '';
  }

  /** The path of a file by its last part. */
  find(name: string): string | undefined {
    for (const path of this.files.values()) if (basename(path) === name) return path;
    return undefined;
  }

  write(frame: SharedWriteFrame): void {
    const path = this.files.get(frame.object);
    if (path === undefined) return;
    const fd = openSync(path, 'r+');
    try {
      if (frame.bytes.length > 0) writeSync(fd, frame.bytes, 0, frame.bytes.length, frame.offset);
      ftruncateSync(fd, frame.size);
    } finally {
      closeSync(fd);
    }
  }

  close(): void {
    this.files.clear();
    this.directory?.close();
    this.directory = undefined;
  }
}

/** Memory-backed if there is such a place, so that replayed stores cost no disk. */
export function sharedMemoryDirectory(): string {
  try {
    const probe = mkdtempSync('/dev/shm/scribe-probe-');
    rmSync(probe, { recursive: true });
    return '/dev/shm';
  } catch {
    return tmpdir();
  }
}
