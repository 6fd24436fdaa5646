import { IpcObject } from './ipc-object.js';
import type { ProcessState } from './process-state.js';
import { MessageQueue } from './message-queue.js';
import { SemaphoreSet } from './semaphore-set.js';

const IPC_PRIVATE = 0;
const IPC_CREAT = 0o1000;
const IPC_EXCL = 0o2000;
const ACCESS = 0o777;

/** A segment of shared memory. */
export class Segment extends IpcObject {
  /** Bytes, as shmget was asked for; 0 where that found it. */
  size = 0;
  /** It goes when nobody has it attached any more. */
  isRemoved = false;
  isLocked = false;
}

/** Objects of one kind, by id. */
export class IpcTable<T extends IpcObject> {
  private readonly objects = new Map<number, T>();
  private readonly gone = new Set<number>();

  constructor(private readonly create: (id: number) => T) {}

  values(): IterableIterator<T> {
    return this.objects.values();
  }

  /** The object that a call has used. undefined: it has been removed, by a call that was replayed before. */
  used(id: number): T | undefined {
    if (this.gone.has(id)) return undefined;
    let object = this.objects.get(id);
    if (object === undefined) this.objects.set(id, (object = this.create(id)));
    return object;
  }

  /** A call has made or found it. `flags`: those of shmget, semget and msgget. */
  got(id: number, key: number, flags: number, uid?: number, gid?: number): T | undefined {
    const object = this.used(id);
    if (object === undefined) return undefined;
    const mayMake = key === IPC_PRIVATE || (flags & IPC_CREAT) !== 0;
    if (!object.isKnown) object.key = key;
    // Others may be replayed before whoever made it.
    if (mayMake && !object.isOurs) {
      object.mode = flags & ~(IPC_CREAT | IPC_EXCL);
      object.uid = uid;
      object.gid = gid;
      object.isOurs = true;
    }
    object.isKnown = true;
    return object;
  }

  /** IPC_SET has changed whose it is. */
  set(id: number, uid: number, gid: number, mode: number): T | undefined {
    const object = this.used(id);
    if (object === undefined) return undefined;
    object.uid = uid;
    object.gid = gid;
    object.mode = (object.mode & ~ACCESS) | (mode & ACCESS);
    return object;
  }

  removed(id: number): void {
    this.objects.delete(id);
    this.gone.add(id);
  }
}

/** System V IPC of a recording. */
export class SysvIpc {
  readonly segments = new IpcTable((id) => new Segment(id));
  readonly semaphores = new IpcTable((id) => new SemaphoreSet(id));
  readonly queues = new IpcTable((id) => new MessageQueue(id));

  /** More has been taken than was put in: whoever did that has not been replayed as far. */
  get isAhead(): boolean {
    for (const set of this.semaphores.values()) if (set.isAhead) return true;
    for (const queue of this.queues.values()) if (queue.isAhead) return true;
    return false;
  }

  /** A process has ended: what it asked to be undone is undone. */
  ended(process: ProcessState, time: number): void {
    for (const set of this.semaphores.values()) set.undo(process, time);
  }
}
