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
    for (const { space, state } of session.tasks.values()) {
      // Of a task that has ended nothing is left but its entry.
      if (state === TaskState.Dead) continue;
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
  task.proceedsLater = joinAll(
    session,
    task,
    (other) => other.object === object && (other.writable || mapping.writable || isChanged()),
    then,
    () => session.proceed(task),
  );
  function isChanged(): boolean {
    return session.objects.isChanged(object);
  }
}

/**
 * The task is about to change the file of an object by a system call: all who have it mapped must see that at one point
 * of their streams. `then` runs, with the baton, when they are in the task's domain. True if there were any: `resume`
 * runs after `then`.
 */
export function joinViewers(
  session: Session,
  task: Task,
  object: SharedObject,
  then: () => void,
  resume: () => void,
): boolean {
  return joinAll(session, task, (other) => other.object === object.id, then, resume);
}

/** True if memory of the address space changes by stores that are made elsewhere, or its stores are seen there. */
export function seesStores(session: Session, space: AddressSpace): boolean {
  for (const mapping of space.shared) {
    if (mapping.writable) return true;
    for (const other of session.tasks.values()) {
      if (other.state === TaskState.Dead) continue;
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

/**
 * Merges every domain with such a mapping into the task's, one after the other, and calls `then`. False if there was
 * none; otherwise the task has lost its turn on the way, and `resume` takes it on.
 */
function joinAll(
  session: Session,
  task: Task,
  concerns: (mapping: SharedMapping) => boolean,
  then: () => void,
  resume: () => void,
): boolean {
  const find = (): Domain | undefined => {
    for (const { domain, state, space } of session.tasks.values()) {
      if (domain === task.domain || state === TaskState.Dead) continue;
      if (space.shared.some(concerns)) return domain;
    }
    return undefined;
  };
  const join = (from: Domain): void =>
    mergeBehind(session, task, from, () => {
      const another = find();
      if (another !== undefined) {
        join(another);
        return;
      }
      task.blocked = false;
      then();
      resume();
    });
  const first = find();
  if (first === undefined) then();
  else join(first);
  return first !== undefined;
}

/**
 * Makes two domains one. The holder of `from` may be running user code: it keeps the baton, and the task, which is in a
 * call, gets it after that. So nobody has to be waited for.
 */
function mergeBehind(session: Session, task: Task, from: Domain, then: () => void): void {
  const into = task.domain;
  session.giveWay(task);
  session.emitTo(from, {
    type: 'merged',
    task: from.tasks.values().next().value!.uid,
    time: session.now,
    into: into.stream,
  });
  session.log.endStream(from.stream);
  session.emit(task, { type: 'merge', task: task.uid, time: session.now, from: from.stream });
  for (const member of from.tasks) {
    member.domain = into;
    into.tasks.add(member);
  }
  into.ready.push(...from.ready);
  into.holder = from.holder;
  into.since = from.since;
  from.tasks.clear();
  from.ready.length = 0;
  from.holder = undefined;
  session.request(task, then);
}
