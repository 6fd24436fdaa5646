import type { IpcTable } from '../sysv-ipc.js';
import type { IpcObject } from '../ipc-object.js';
import type { ModelCall } from '../model-call.js';
import type { SemaphoreOperation } from '../semaphore-set.js';
import type { Handlers } from './handler.js';

const IPC_RMID = 0;
const IPC_SET = 1;
const SHM_LOCK = 11;
const SHM_UNLOCK = 12;
const SETVAL = 16;
const SETALL = 17;
const SEM_UNDO = 0x1000;
const SEMBUF = 6;
const MAX_OPERATIONS = 32000;
const MSG_COPY = 0o40000;
/** Of a message: its type. */
const TYPE = 8;
/** Of struct ipc64_perm, with which every struct begins that IPC_SET takes. */
const UID = 4;
const GID = 8;
const MODE = 20;
/** Of struct msqid64_ds. */
const QBYTES = 88;

function got<T extends IpcObject>(
  table: IpcTable<T>,
  call: ModelCall,
  flags: number,
): T | undefined {
  const { uids, gids } = call.task.credentials;
  const known = (id: number | undefined): number | undefined => (id === -1 ? undefined : id);
  return table.got(call.result, call.int(0), flags, known(uids?.[1]), known(gids?.[1]));
}

/** `data`: address of the struct that IPC_SET is given. */
function set<T extends IpcObject>(
  table: IpcTable<T>,
  call: ModelCall,
  data: number,
): T | undefined {
  const view = call.view(data, MODE + 4);
  const [uid, gid] = [view.getUint32(UID, true), view.getUint32(GID, true)];
  return table.set(call.int(0), uid, gid, view.getUint32(MODE, true));
}

function operate(call: ModelCall): void {
  const count = Math.min(call.long(2), MAX_OPERATIONS);
  const view = call.view(call.long(1), count * SEMBUF);
  const operations: SemaphoreOperation[] = [];
  for (let at = 0; at < count * SEMBUF; at += SEMBUF)
    operations.push({
      number: view.getUint16(at, true),
      by: view.getInt16(at + 2, true),
      isUndone: (view.getInt16(at + 4, true) & SEM_UNDO) !== 0,
    });
  const { process } = call.task;
  call.model.ipc.semaphores.used(call.int(0))?.operate(process, call.time, operations);
}

function controlSemaphores(call: ModelCall): void {
  const { semaphores } = call.model.ipc;
  const object = semaphores.used(call.int(0));
  if (object === undefined) return;
  switch (call.int(2)) {
    case IPC_RMID:
      return semaphores.removed(object.id);
    case IPC_SET:
      set(semaphores, call, call.long(3));
      return;
    case SETVAL:
      return object.set(call.int(1), call.time, call.int(3));
    case SETALL: {
      const view = call.view(call.long(3), (object.size ?? 0) * 2);
      for (let i = 0; i < (object.size ?? 0); i++)
        object.set(i, call.time, view.getUint16(i * 2, true));
      return;
    }
  }
}

function controlSegment(call: ModelCall): void {
  const { segments } = call.model.ipc;
  // Those that show all there are have numbers of their own.
  const command = call.int(1);
  if (command === IPC_SET) set(segments, call, call.long(2));
  else if (command === IPC_RMID || command === SHM_LOCK || command === SHM_UNLOCK) {
    const segment = segments.used(call.int(0));
    if (segment === undefined) return;
    if (command === IPC_RMID) segment.isRemoved = true;
    else segment.isLocked = command === SHM_LOCK;
  }
}

function controlQueue(call: ModelCall): void {
  const { queues } = call.model.ipc;
  if (call.int(1) === IPC_RMID) queues.removed(call.int(0));
  else if (call.int(1) === IPC_SET) {
    const data = call.long(2);
    const queue = set(queues, call, data);
    const capacity = Number(call.view(data, QBYTES + 8).getBigUint64(QBYTES, true));
    if (queue !== undefined) queue.capacity = capacity;
  }
}

/** What a call has sent or received: `size` bytes behind their type. */
function message(call: ModelCall, size: number): [type: bigint, bytes: Uint8Array] {
  const bytes = call.bytes(call.long(1), TYPE + size).slice();
  return [new DataView(bytes.buffer).getBigInt64(0, true), bytes.subarray(TYPE)];
}

/** System V IPC. */
export const sysvIpcCalls: Handlers = {
  shmget: (call) => {
    const segment = got(call.model.ipc.segments, call, call.int(2));
    if (segment !== undefined) segment.size = Math.max(segment.size, call.long(1));
  },
  shmat: (call) => void call.model.ipc.segments.used(call.int(0)),
  shmctl: controlSegment,
  semget: (call) => {
    const found = got(call.model.ipc.semaphores, call, call.int(2));
    if (found !== undefined && call.int(1) > 0) found.size = Math.max(found.size ?? 0, call.int(1));
  },
  semop: operate,
  semtimedop: operate,
  semctl: controlSemaphores,
  msgget: (call) => void got(call.model.ipc.queues, call, call.int(1)),
  msgsnd: (call) => {
    const queue = call.model.ipc.queues.used(call.int(0));
    queue?.send(call.time, ...message(call, call.long(2)));
  },
  msgrcv: (call) => {
    if ((call.int(4) & MSG_COPY) !== 0) return;
    call.model.ipc.queues.used(call.int(0))?.receive(...message(call, call.result));
  },
  msgctl: controlQueue,
};
