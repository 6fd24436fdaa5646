import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { PAGE_SIZE, statFd } from '@scribe-ts/core-native';
import type { Backing } from '@scribe-ts/tracelog';
import type { FileInfo } from './files.js';
import type { Session } from './session.js';
import type { ContentStore } from './store.js';
import {
  type AddressSpace,
  type Domain,
  type SharedMapping,
  type Task,
  TaskState,
} from './tasks.js';

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
  find(session: Session, key: string): SharedObject | undefined {
    const object = this.byKey.get(key);
    if (object === undefined) return undefined;
    for (const { space } of session.tasks.values()) {
      for (const mapping of space.shared) if (mapping.object === object.id) return object;
    }
    this.byKey.delete(key);
    return undefined;
  }

  /** The object a descriptor's file is mapped as, if it is. */
  ofDescriptor(session: Session, task: Task, fd: number): SharedObject | undefined {
    if (this.byKey.size === 0) return undefined;
    const file = task.files.get(task.tid, fd);
    return file === undefined ? undefined : this.find(session, file.key);
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

  /** A backing for a view of a file; its content is kept if nobody has it mapped. */
  file(
    session: Session,
    file: FileInfo,
    openPath: string,
    offset: number,
    writable: boolean,
  ): Extract<Backing, { kind: 'shared' }> {
    const { size } = statSync(openPath);
    let object = this.find(session, file.key);
    if (object === undefined) {
      const hash = size > 0 ? this.store.add(openPath, true) : '';
      object = { id: this.next++, key: file.key, size, hash, changed: false };
      this.byKey.set(file.key, object);
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

  /**
   * A call changed `length` bytes of a shared object's file (`offset` undefined: those before the descriptor's
   * position): memory changes without a store, so replay has to be told.
   */
  recordWrite(
    session: Session,
    task: Task,
    object: SharedObject,
    fd: number,
    length: number,
    offset?: number,
  ): void {
    const start = offset ?? (statFd(task.tid, fd)?.position ?? 0) - length;
    const file = openSync(`/proc/${task.tid}/fd/${fd}`, 'r');
    object.changed = true;
    try {
      const { size } = fstatSync(file);
      this.recordRange(session, task, object, file, size, start, length);
      if (size !== object.size) {
        // What a page held behind the old end may show or vanish now: file systems differ.
        const edge = Math.min(size, object.size);
        const page = edge - (edge % PAGE_SIZE);
        object.size = size;
        this.recordRange(session, task, object, file, size, page, PAGE_SIZE);
      }
    } finally {
      closeSync(file);
    }
  }

  private recordRange(
    session: Session,
    task: Task,
    object: SharedObject,
    file: number,
    size: number,
    offset: number,
    length: number,
  ): void {
    const bytes = new Uint8Array(Math.max(0, Math.min(length, size - offset)));
    const got = bytes.length === 0 ? 0 : readSync(file, bytes, 0, bytes.length, offset);
    session.emit(task, {
      type: 'shared-write',
      task: task.uid,
      time: session.now,
      object: object.id,
      offset: Math.max(0, offset),
      bytes: bytes.subarray(0, got),
      size,
    });
  }
}

/**
 * The task has mapped shared memory. Those who see it change, or change what the task sees, become one domain with the
 * task's; `then` runs, with the baton, when they are.
 */
export function joinSharers(
  session: Session,
  task: Task,
  mapping: SharedMapping,
  then: () => void,
): void {
  const object = mapping.object;
  task.space.shared.push(mapping);
  joinAll(
    session,
    task,
    (other) => other.object === object && (other.writable || mapping.writable || isChanged()),
    then,
    session.resumeUser,
  );
  function isChanged(): boolean {
    return session.objects.isChanged(object);
  }
}

/**
 * The task is about to change the file of an object by a system call: all who have it mapped must see that at one point
 * of their streams. `then` runs, with the baton, when they are in the task's domain; after it `resume`, if that took time.
 */
export function joinViewers(
  session: Session,
  task: Task,
  object: SharedObject,
  resume: (task: Task) => void,
  then: () => void,
): void {
  joinAll(session, task, (other) => other.object === object.id, then, resume);
}

/** True if memory of the address space changes by stores that are made elsewhere, or its stores are seen there. */
export function seesStores(session: Session, space: AddressSpace): boolean {
  for (const mapping of space.shared) {
    if (mapping.writable) return true;
    for (const other of session.tasks.values()) {
      const { shared } = other.space;
      if (shared.some((theirs) => theirs.writable && theirs.object === mapping.object)) return true;
    }
  }
  return false;
}

/** True if a task of another domain has the object mapped. */
export function hasOtherViewers(session: Session, task: Task, object: SharedObject): boolean {
  for (const other of session.tasks.values()) {
    if (other.domain === task.domain || other.state === TaskState.Dead) continue;
    if (other.space.shared.some((mapping) => mapping.object === object.id)) return true;
  }
  return false;
}

/** Merges every domain with such a mapping, one after the other. `resume` runs after `then` if the task had to wait. */
function joinAll(
  session: Session,
  task: Task,
  concerns: (mapping: SharedMapping) => boolean,
  then: () => void,
  resume: (task: Task) => void,
): void {
  for (const other of session.tasks.values()) {
    if (other.domain === task.domain || other.state === TaskState.Dead) continue;
    if (!other.space.shared.some(concerns)) continue;
    mergeWhenStill(
      session,
      task,
      other.domain,
      () => joinAll(session, task, concerns, then, resume),
      resume,
    );
    return;
  }
  then();
}

function mergeWhenStill(
  session: Session,
  task: Task,
  other: Domain,
  then: () => void,
  resume: (task: Task) => void,
): void {
  const { holder } = other;
  if (holder === undefined || holder.isAtSyncPoint) {
    merge(session, task.domain, other, task);
    then();
    return;
  }
  // Its holder runs user code: wait for its next sync point. The task keeps its own domain's baton until then.
  const waitsToo = other.pendingMerge;
  other.pendingMerge = (running) => {
    other.pendingMerge = undefined;
    // Whoever came first may have taken the holder into another domain already, or into this one.
    waitsToo?.(running);
    if (task.state === TaskState.Dead) return;
    task.waitsForMerge = false;
    if (!task.blocked) {
      task.blocked = true;
      session.emit(task, { type: 'block', task: task.uid, time: session.now, nr: task.nr });
    }
    if (running.domain !== task.domain) {
      merge(session, task.domain, running.domain, task);
      task.domain.holder = running;
    }
    session.request(task, () => {
      task.blocked = false;
      then();
      if (!task.waitsForMerge) resume(task);
    });
  };
  task.waitsForMerge = true;
}

function merge(session: Session, into: Domain, from: Domain, task: Task): void {
  const first = from.tasks.values().next().value!;
  session.log.append(from.stream, {
    type: 'merged',
    task: first.uid,
    time: session.now,
    into: into.stream,
  });
  session.log.endStream(from.stream);
  session.emit(task, { type: 'merge', task: task.uid, time: session.now, from: from.stream });
  const { holder } = from;
  if (holder !== undefined && !holder.blocked && holder.inCall) {
    holder.blocked = true;
    session.log.append(into.stream, {
      type: 'block',
      task: holder.uid,
      time: session.now,
      nr: holder.nr,
    });
  }
  for (const member of from.tasks) {
    member.domain = into;
    into.tasks.add(member);
  }
  into.ready.push(...from.ready);
  from.tasks.clear();
  from.ready.length = 0;
  from.holder = undefined;
}
