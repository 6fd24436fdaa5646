import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { PAGE_SIZE, statFd } from '@scribe-ts/core-native';
import type { Backing, Frame } from '@scribe-ts/tracelog';
import type { FileInfo } from './files.js';
import type { ContentStore } from './store.js';
import { type Task, TaskState } from './tasks.js';

/** What has to be known of the recording: who maps what, and where to write what changes. */
interface Recorded {
  readonly tasks: ReadonlyMap<number, Task>;
  readonly now: number;
  emit(task: Task, frame: Frame): void;
}

/** Where bytes have been written: from an offset on, up to the descriptor's position, or up to the file's end. */
export type WrittenAt = number | 'position' | 'end';

/** Memory that several address spaces may see: shared files, shared anonymous memory, SysV segments. */
export interface SharedObject {
  readonly id: number;
  /** dev:ino, or 'shm:ID', or '' for anonymous memory. */
  readonly key: string;
  /** Bytes, when last looked at. */
  size: number;
  /** Content when it was first mapped; '' if there was none. */
  readonly hash: string;
  /** It has been written since by system calls, or may be by stores. */
  changed: boolean;
}

/**
 * Numbers the objects and keeps their first contents. A file is an object only while somebody has it mapped: mapped again
 * later, it is a new one with the content of that time, so nothing has to be known of writes in between, of inode
 * numbers that come to mean another file, or of the order of streams.
 */
export class SharedObjects {
  private readonly byKey = new Map<string, SharedObject>();
  private next = 1;

  constructor(
    private readonly store: ContentStore,
    private readonly nameOf: (path: string) => string,
  ) {}

  /** The object a file is mapped as, if it is. */
  find(recorded: Recorded, key: string): SharedObject | undefined {
    const object = this.byKey.get(key);
    if (object === undefined || isMapped(recorded, object)) return object;
    this.byKey.delete(key);
    return undefined;
  }

  /** Files (dev:ino) whose contents are followed. `fresh`: of one that is just about to be mapped. */
  followedFiles(recorded: Recorded, fresh?: string): string[] {
    const keys: string[] = [];
    for (const [key, object] of this.byKey)
      if (!key.startsWith('shm:') && (key === fresh || isMapped(recorded, object))) keys.push(key);
    return keys;
  }

  /** The object a descriptor's file is mapped as, if it is. */
  ofDescriptor(recorded: Recorded, task: Task, fd: number): SharedObject | undefined {
    if (this.byKey.size === 0) return undefined;
    const file = task.files.get(task.tid, fd);
    return file === undefined ? undefined : this.find(recorded, file.key);
  }

  /** The object may differ from its first content. */
  isChanged(id: number): boolean {
    for (const object of this.byKey.values()) if (object.id === id) return object.changed;
    return true;
  }

  /** A backing for fresh anonymous shared memory. */
  anonymous(size: number): Extract<Backing, { kind: 'shared' }> {
    return { kind: 'shared', object: this.next++, offset: 0, size, hash: '', path: '' };
  }

  /** Called when a file's content begins to be followed, with its key. */
  onFile: (key: string) => void = () => {};

  /** A backing for a view of a file; its content is kept if nobody has it mapped. */
  file(
    recorded: Recorded,
    file: FileInfo,
    openPath: string,
    offset: number,
    writable: boolean,
  ): Extract<Backing, { kind: 'shared' }> {
    const { size } = statSync(openPath);
    let object = this.find(recorded, file.key);
    if (object === undefined) {
      const hash = size > 0 ? this.store.add(openPath, true) : '';
      object = { id: this.next++, key: file.key, size, hash, changed: false };
      this.byKey.set(file.key, object);
      this.onFile(file.key);
    }
    if (writable) object.changed = true;
    const { id, hash } = object;
    return { kind: 'shared', object: id, offset, size, hash, path: this.nameOf(file.path) };
  }

  /** A backing for a SysV segment; `contentPath` is undefined as its content cannot be read through a file. */
  segment(
    shmid: number,
    size: number,
  ): { backing: Extract<Backing, { kind: 'shared' }>; fresh: boolean } {
    const key = `shm:${shmid}`;
    const known = this.byKey.get(key);
    const object = known ?? { id: this.next++, key, size, hash: '', changed: true };
    this.byKey.set(key, object);
    return {
      backing: {
        kind: 'shared',
        object: object.id,
        offset: 0,
        size,
        hash: '',
        path: `SysV shm ${shmid}`,
      },
      fresh: known === undefined,
    };
  }

  /** As recordChange, through a descriptor. */
  recordWrite(
    recorded: Recorded,
    task: Task,
    object: SharedObject,
    fd: number,
    length: number,
    at: WrittenAt,
  ): void {
    const openPath = `/proc/${task.tid}/fd/${fd}`;
    let start: number;
    if (at === 'end') start = statSync(openPath).size - length;
    else if (at === 'position') start = (statFd(task.tid, fd)?.position ?? 0) - length;
    else start = at;
    this.recordChange(recorded, task, object, openPath, length, start);
  }

  /**
   * A call changed `length` bytes of a shared object's file, which can be opened as `openPath`, or its size: memory
   * changes without a store, so replay has to be told.
   */
  recordChange(
    recorded: Recorded,
    task: Task,
    object: SharedObject,
    openPath: string | Buffer,
    length: number,
    offset: number,
  ): void {
    const file = openSync(openPath, 'r');
    object.changed = true;
    try {
      const { size } = fstatSync(file);
      this.recordRange(recorded, task, object, file, size, offset, length);
      if (size !== object.size) {
        // What a page held behind the old end may show or vanish now: file systems differ.
        const edge = Math.min(size, object.size);
        const page = edge - (edge % PAGE_SIZE);
        object.size = size;
        this.recordRange(recorded, task, object, file, size, page, PAGE_SIZE);
      }
    } finally {
      closeSync(file);
    }
  }

  private recordRange(
    recorded: Recorded,
    task: Task,
    object: SharedObject,
    file: number,
    size: number,
    offset: number,
    length: number,
  ): void {
    const bytes = new Uint8Array(Math.max(0, Math.min(length, size - offset)));
    const got = bytes.length === 0 ? 0 : readSync(file, bytes, 0, bytes.length, offset);
    recorded.emit(task, {
      type: 'shared-write',
      task: task.uid,
      time: recorded.now,
      object: object.id,
      offset: Math.max(0, offset),
      bytes: bytes.subarray(0, got),
      size,
    });
  }
}

/** True if a task that has not ended has the object mapped: of one that has, nothing is left but its entry. */
function isMapped(recorded: Recorded, object: SharedObject): boolean {
  for (const { space, state } of recorded.tasks.values()) {
    if (state === TaskState.Dead) continue;
    for (const mapping of space.shared) if (mapping.object === object.id) return true;
  }
  return false;
}
