import { readlinkSync, statSync } from 'node:fs';
import { pageAlign } from '@scribe-ts/core-native';
import { attachSegment, copyObject, viewsOf } from './attach-segment.js';
import type { Tell } from './make-file.js';
import { makePosixQueue } from './make-posix-queue.js';
import type { IpcObject } from './model/ipc-object.js';
import type { MessageQueue } from './model/message-queue.js';
import type { PosixQueue } from './model/posix-queue.js';
import type { ProcessState } from './model/process-state.js';
import type { SemaphoreSet } from './model/semaphore-set.js';
import type { Segment, SysvIpc } from './model/sysv-ipc.js';
import type { Remote } from './remote.js';
import type { ReplaySpace } from '../tasks.js';

const IPC_CREAT = 0o1000;
const IPC_EXCL = 0o2000;
const IPC_NOWAIT = 0o4000;
const IPC_RMID = 0;
const IPC_SET = 1;
const IPC_STAT = 2;
const SHM_LOCK = 11;
const SETALL = 17;
const SEM_UNDO = 0x1000;
const SEMVMX = 32767;
const O_WRONLY = 1;
const ACCESS = 0o777;
/** So that it can be filled. */
const OWNER = 0o600;
/** struct msqid64_ds is the largest of those that IPC_STAT stores. */
const STATUS = 120;
const UID = 4;
const GID = 8;
const MODE = 20;
const QBYTES = 88;
const TYPE = 8;

/** An address space, and a task in it. */
export interface SpaceHolder {
  readonly remote: Remote;
  readonly space: ReplaySpace;
}

/** A process, by its first task. */
export interface ProcessHolder {
  readonly remote: Remote;
  readonly process: ProcessState;
}

/** Whether a task has System V IPC that this process does not see: only there ids are free to be had. */
export function hasOwnIpc(tid: number): boolean {
  try {
    return readlinkSync(`/proc/${tid}/ns/ipc`) !== readlinkSync('/proc/self/ns/ipc');
  } catch {
    // A kernel without such namespaces.
    return false;
  }
}

/** Makes System V IPC again, with its ids, in a namespace in which there is none. */
export class IpcRebuilder {
  private readonly remote: Remote;

  /** `objectOf` gives the file that stands for a segment's memory, undefined if nobody has attached it. */
  constructor(
    private readonly spaces: readonly SpaceHolder[],
    private readonly processes: readonly ProcessHolder[],
    private readonly objectOf: (id: number) => string | undefined,
    private readonly tell: Tell,
  ) {
    this.remote = processes[0]!.remote;
  }

  /** `posix`: the message queues of POSIX that have a name. */
  run({ segments, semaphores, queues }: SysvIpc, posix: Iterable<PosixQueue>): void {
    const isOwn = hasOwnIpc(this.remote.tid);
    const make = (name: string, again: () => void): void => {
      if (!isOwn) this.tell(`${name} is not made again: no IPC namespace can be made here`);
      else again();
    };
    for (const segment of segments.values()) make(nameOf(segment), () => this.makeSegment(segment));
    for (const set of semaphores.values())
      make(`semaphore set ${set.id}`, () => this.makeSemaphores(set));
    for (const queue of queues.values())
      make(`message queue ${queue.id}`, () => this.makeQueue(queue));
    for (const queue of posix) make(`message queue /${queue.name}`, () => this.makePosix(queue));
  }

  /** `get` makes it. Returns false, and has told why, if it does not have its id then. */
  private create(
    kind: 'shm' | 'sem' | 'msg',
    name: string,
    object: IpcObject,
    get: (flags: number) => number,
  ): boolean {
    const { tell } = this;
    const { id } = object;
    if (!object.isOurs) tell(`${name} is older than the recording, or somebody else’s: a copy`);
    this.chooseId(`/proc/sys/kernel/${kind}_next_id`, id);
    const made = get(object.mode | OWNER | IPC_CREAT | IPC_EXCL);
    if (made === id) return true;
    tell(`${name} is not made again: ${made < 0 ? `errno ${-made}` : `it would be ${made}`}`);
    if (made >= 0) this.control(kind, made, IPC_RMID, 0);
    return false;
  }

  /** Without the right to that the kernel counts from 0. */
  private chooseId(path: string, id: number): void {
    const { remote } = this;
    const fd = remote.call('open', remote.text(path), O_WRONLY, 0);
    if (fd < 0) return;
    const text = `${id}`;
    remote.call('write', fd, remote.text(text), text.length);
    remote.call('close', fd);
  }

  private control(kind: 'shm' | 'sem' | 'msg', id: number, command: number, data: number): number {
    const args = kind === 'sem' ? [id, 0, command, data] : [id, command, data];
    return this.remote.call(`${kind}ctl`, ...args);
  }

  /** Whose it is, and who may do what; `change` gets the rest of what IPC_SET takes. */
  private setOwner(
    kind: 'shm' | 'sem' | 'msg',
    { id, uid, gid, mode }: IpcObject,
    change?: (status: DataView) => void,
  ): number {
    if (uid === undefined && gid === undefined && (mode & OWNER) === OWNER && change === undefined)
      return 0;
    const { remote } = this;
    const address = remote.put(new Uint8Array(STATUS));
    const got = this.control(kind, id, IPC_STAT, address);
    if (got < 0) return got;
    const status = new DataView(remote.bytes(0, STATUS).buffer);
    if (uid !== undefined) status.setUint32(UID, uid, true);
    if (gid !== undefined) status.setUint32(GID, gid, true);
    status.setUint32(MODE, mode & ACCESS, true);
    change?.(status);
    return this.control(kind, id, IPC_SET, remote.put(new Uint8Array(status.buffer)));
  }

  private makeSegment(segment: Segment): void {
    const { remote, spaces, tell } = this;
    const { id, isRemoved, key } = segment;
    const object = this.objectOf(id);
    const isAttached = spaces.some(
      ({ remote: { tid } }) => object !== undefined && viewsOf(tid, object).length > 0,
    );
    if (isRemoved && !isAttached) return;
    const name = nameOf(segment);
    const size = Math.max(segment.size, object === undefined ? 0 : statSync(object).size);
    const isMade = this.create('shm', name, segment, (flags) =>
      remote.call('shmget', isRemoved ? 0 : key, size, flags),
    );
    if (!isMade) return;
    const attached = remote.call('shmat', id, 0, 0);
    if (attached < 0) return tell(`${name} is empty: errno ${-attached}`);
    if (object !== undefined) {
      copyObject(remote, object, attached);
      for (const { remote, space } of spaces) {
        const result = attachSegment(remote, space, id, pageAlign(size), object);
        if (result < 0) tell(`memory of ${name} is a copy: errno ${-result}`);
      }
    }
    remote.call('shmdt', attached);
    if (segment.isLocked && this.control('shm', id, SHM_LOCK, 0) < 0) tell(`${name} is not locked`);
    if (this.setOwner('shm', segment) < 0) tell(`the owner of ${name} is another one`);
    if (isRemoved) this.control('shm', id, IPC_RMID, 0);
  }

  private makeSemaphores(set: SemaphoreSet): void {
    const { remote, processes, tell } = this;
    const { id, key, size } = set;
    const name = `semaphore set ${id}`;
    if (size === undefined) return tell(`${name} is not made again: its size is not known`);
    if (!this.create('sem', name, set, (flags) => remote.call('semget', key, size, flags))) return;
    const values = Array.from({ length: size }, (_, i) =>
      Math.min(Math.max(set.value(i), 0), SEMVMX),
    );
    // Larger than calls can take at once otherwise.
    const bytes = new Uint8Array(Uint16Array.from(values).buffer);
    const isSet = remote.withBytes(bytes, (address) => this.control('sem', id, SETALL, address));
    if (isSet < 0) tell(`${name}: its values are lost: errno ${-isSet}`);
    for (const { remote, process } of processes)
      for (const [number, by] of set.adjustments(process))
        if (!adjust(remote, id, number, values[number] ?? 0, by))
          tell(`${name}: what the end of process ${process.pid} undoes there is lost`);
    if (this.setOwner('sem', set) < 0) tell(`the owner of ${name} is another one`);
  }

  private makePosix(queue: PosixQueue): void {
    const { remote, tell } = this;
    const fd = makePosixQueue(remote, queue, tell);
    if (fd < 0) tell(`message queue /${queue.name} is not made again: errno ${-fd}`);
    else remote.call('close', fd);
  }

  private makeQueue(queue: MessageQueue): void {
    const { remote, tell } = this;
    const { id, key, capacity, messages } = queue;
    const name = `message queue ${id}`;
    if (!this.create('msg', name, queue, (flags) => remote.call('msgget', key, flags))) return;
    for (const { type, bytes } of messages) {
      const message = new Uint8Array(TYPE + bytes.length);
      new DataView(message.buffer).setBigInt64(0, type, true);
      message.set(bytes, TYPE);
      const sent = remote.withBytes(message, (address) =>
        remote.call('msgsnd', id, address, bytes.length, IPC_NOWAIT),
      );
      if (sent === 0) continue;
      tell(`${name}: not all that waits in it has found room (errno ${-sent})`);
      break;
    }
    const change = (status: DataView): void => status.setBigUint64(QBYTES, BigInt(capacity!), true);
    if (this.setOwner('msg', queue, capacity === undefined ? undefined : change) < 0)
      tell(`the owner of ${name}, or how much it takes, is as for a new one`);
  }
}

const nameOf = ({ id }: Segment): string => `shared memory segment ${id}`;

/** Has the end of a process add `by` to a semaphore whose value is `value`, and does not change that. */
function adjust(remote: Remote, id: number, number: number, value: number, by: number): boolean {
  const operate = (change: number, flags: number): boolean => {
    const sembuf = new Uint8Array(Int16Array.of(number, change, flags | IPC_NOWAIT).buffer);
    return remote.call('semop', id, remote.put(sembuf), 1) === 0;
  };
  // A call with SEM_UNDO must be able to change the value as well.
  const lift = by > 0 ? Math.max(0, by - value) : 0;
  const room = by < 0 ? Math.max(0, value - by - SEMVMX) : 0;
  if (lift > 0 && !operate(lift, 0)) return false;
  if (room > 0 && !operate(-room, 0)) return false;
  const isDone = operate(-by, SEM_UNDO);
  const left = (isDone ? by : 0) - lift + room;
  return (left === 0 || operate(left, 0)) && isDone;
}
