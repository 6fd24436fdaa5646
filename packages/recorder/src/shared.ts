import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { PAGE_SIZE, statFd } from '@scribe-ts/core-native';
import type { Backing } from '@scribe-ts/tracelog';
import type { FileInfo } from './files.js';
import type { Session } from './session.js';
import type { ContentStore } from './store.js';
import type { Domain, SharedMapping, Task } from './tasks.js';

/** Memory that several address spaces may see: shared files, shared anonymous memory, SysV segments. */
export interface SharedObject {
  readonly id: number;
  /** dev:ino, or 'shm:ID', or '' for anonymous memory. */
  readonly key: string;
  /** Bytes, when last looked at. */
  size: number;
}

/** Numbers the objects and keeps their first contents. */
export class SharedObjects {
  private readonly byKey = new Map<string, SharedObject>();
  private next = 1;

  constructor(
    private readonly store: ContentStore,
    private readonly nameOf: (path: string) => string,
  ) {}

  /** The object a file is mapped as, if it ever was. */
  find(key: string): SharedObject | undefined {
    return this.byKey.get(key);
  }

  /** A backing for fresh anonymous shared memory. */
  anonymous(size: number): Extract<Backing, { kind: 'shared' }> {
    return { kind: 'shared', object: this.next++, offset: 0, size, hash: '', path: '' };
  }

  /** A backing for a shared view of a file; its content is kept when it is mapped for the first time. */
  file(file: FileInfo, openPath: string, offset: number): Extract<Backing, { kind: 'shared' }> {
    const known = this.byKey.get(file.key);
    const { size } = statSync(openPath);
    const object = known ?? { id: this.next++, key: file.key, size };
    let hash = '';
    if (known === undefined) {
      this.byKey.set(file.key, object);
      if (size > 0) hash = this.store.add(openPath);
    }
    return { kind: 'shared', object: object.id, offset, size, hash, path: this.nameOf(file.path) };
  }

  /** A backing for a SysV segment; `contentPath` is undefined as its content cannot be read through a file. */
  segment(
    shmid: number,
    size: number,
  ): { backing: Extract<Backing, { kind: 'shared' }>; fresh: boolean } {
    const key = `shm:${shmid}`;
    const known = this.byKey.get(key);
    const object = known ?? { id: this.next++, key, size };
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
 * The task has mapped shared memory. If another domain maps the same, the two can see each other's stores from now on
 * and become one; `then` runs, with the baton, when they are.
 */
export function joinSharers(
  session: Session,
  task: Task,
  mapping: SharedMapping,
  then: () => void,
): void {
  task.space.shared.push(mapping);
  for (const other of session.tasks.values()) {
    if (other.domain === task.domain) continue;
    const sharer = other.space.shared.find((candidate) => candidate.object === mapping.object);
    if (sharer === undefined || (!sharer.writable && !mapping.writable)) continue;
    mergeWhenStill(session, task, other.domain, then);
    return;
  }
  then();
}

function mergeWhenStill(session: Session, task: Task, other: Domain, then: () => void): void {
  const { holder } = other;
  if (holder === undefined || holder.isAtSyncPoint) {
    merge(session, task.domain, other, task);
    then();
    return;
  }
  // Its holder runs user code: wait for its next sync point. The task keeps its own domain's baton until then.
  other.pendingMerge = () => {
    other.pendingMerge = undefined;
    task.waitsForMerge = false;
    task.blocked = true;
    session.emit(task, { type: 'block', task: task.uid, time: session.now, nr: task.nr });
    merge(session, task.domain, other, task);
    task.domain.holder = holder;
    session.request(task, () => {
      task.blocked = false;
      then();
      session.resumeUser(task);
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
