import {
  Errno,
  identifyFd,
  REMOTE_SCRATCH,
  REMOTE_SYSCALL,
  type SocketEnds,
  socketEnds,
  Sys,
} from '@scribe-ts/core-native';
import { AF_INET, AF_UNIX, familyOf, isInternet } from '../connections/addresses.js';
import { unlessGone } from '../gone.js';
import { recordSyscall } from '../record-call.js';
import type { Session } from '../session.js';
import { type Task, TaskState } from '../tasks.js';
import type { ExitHook } from './hook.js';
import { int32 } from './words.js';

const SOL_SOCKET = 1;
const SO_TYPE = 3;
const SO_PEERCRED = 17;
const SOCK_STREAM = 1;
const SOCK_SEQPACKET = 5;
/** Of struct sockaddr_storage. */
const MAX_ADDRESS = 128;
const NOTHING = new Uint8Array(0);

// Who is connected with whom: going live has to know, and what the program asks for rarely tells.

/** Makes a call in the task that stores up to `size` bytes and says how many. Returns them, none if it fails. */
function ask(
  session: Session,
  { tid }: Task,
  nr: number,
  args: number[],
  size: number,
): Uint8Array {
  const { tracer } = session;
  const value = REMOTE_SCRATCH + 8;
  tracer.writeMemory(tid, REMOTE_SCRATCH, int32(size), 0, 4);
  if (tracer.remoteSyscall(tid, REMOTE_SYSCALL, nr, [...args, value, REMOTE_SCRATCH]) < 0)
    return NOTHING;
  const length = new Uint8Array(4);
  tracer.readMemory(tid, REMOTE_SCRATCH, length, 0, 4);
  const bytes = new Uint8Array(Math.min(size, new DataView(length.buffer).getUint32(0, true)));
  tracer.readMemory(tid, value, bytes, 0, bytes.length);
  return bytes;
}

function option(session: Session, task: Task, fd: number, name: number): number {
  const bytes = ask(session, task, Sys.getsockopt, [fd, SOL_SOCKET, name], 12);
  return bytes.length < 4 ? 0 : new DataView(bytes.buffer).getInt32(0, true);
}

/** What a task's socket is; undefined if the descriptor is of no socket. */
function endsOf(session: Session, task: Task, fd: number): SocketEnds | undefined {
  if (sharesLeadersFiles(session, task)) {
    try {
      return socketEnds(task.pid, fd);
    } catch {
      // Old kernels cannot, and a process that must not be looked into is asked to do so itself.
    }
  }
  const type = option(session, task, fd, SO_TYPE);
  if (type === 0) return undefined;
  return {
    type,
    local: ask(session, task, Sys.getsockname, [fd], MAX_ADDRESS),
    peer: ask(session, task, Sys.getpeername, [fd], MAX_ADDRESS),
    peerPid: option(session, task, fd, SO_PEERCRED),
    inode: identifyFd(task.tid, fd)?.ino ?? 0,
  };
}

function sharesLeadersFiles({ tasks }: Session, task: Task): boolean {
  const leader = tasks.get(task.pid);
  return leader?.files === task.files && leader.state !== TaskState.Dead;
}

function emit(session: Session, task: Task, id: number, local: Uint8Array, peer: Uint8Array): void {
  const { uid } = task;
  session.emit(task, { type: 'connection', task: uid, time: session.now, id, local, peer });
}

function connected(session: Session, task: Task): void {
  const { connections } = session;
  const ends = endsOf(session, task, Number(task.args[0]) | 0);
  if (ends === undefined) return;
  const { local, type } = ends;
  let { peer } = ends;
  const family = familyOf(local);
  const isConnection = type === SOCK_STREAM || type === SOCK_SEQPACKET;
  // One that the agent has made began when nobody looked.
  const since = task.taken ? task.resumedAt : task.enteredAt;
  const slack = task.taken ? session.now - since : 0;
  if (isInternet(family)) {
    // Not connected yet: there where it asked to be.
    if (peer.length === 0) peer = asked(session, task);
    // It has been disconnected (AF_UNSPEC).
    if (peer.length === 0) return;
    const isUnderWay = Number(task.result) < 0;
    const id = isConnection
      ? connections.connectedInternet({ ...ends, peer }, since, slack, isUnderWay)
      : connections.fresh();
    emit(session, task, id, local, peer);
  } else if (family === AF_UNIX && isConnection) {
    emit(session, task, connections.connectedUnix(ends, task, since), local, peer);
  }
}

/** The address that connect was given, that of this machine if it was any; nothing if it was no internet address. */
function asked(session: Session, task: Task): Uint8Array {
  const bytes = new Uint8Array(Math.min(Number(task.args[2]) >>> 0, MAX_ADDRESS));
  session.tracer.readMemory(task.tid, Number(task.args[1]), bytes, 0, bytes.length);
  const family = familyOf(bytes);
  const isOld = family === AF_INET;
  if (!isInternet(family) || bytes.length < (isOld ? 8 : 24)) return NOTHING;
  const host = isOld ? bytes.subarray(4, 8) : bytes.subarray(8, 24);
  if (host.every((byte) => byte === 0)) host.set(isOld ? [127, 0, 0, 1] : [1], isOld ? 0 : 15);
  return bytes;
}

function accepted(session: Session, task: Task): void {
  const { connections, now } = session;
  const ends = endsOf(session, task, Number(task.result));
  if (ends === undefined) return;
  const { local, peer } = ends;
  const family = familyOf(local);
  if (isInternet(family)) {
    // Else it has been reset since.
    if (peer.length > 0)
      emit(session, task, connections.acceptedInternet(ends, now, 0), local, peer);
  } else if (family === AF_UNIX)
    emit(session, task, connections.acceptedUnix(ends, task, now, 0), local, peer);
}

function listens(session: Session, task: Task): void {
  const fd = Number(task.args[0]) | 0;
  const ends = endsOf(session, task, fd);
  if (ends === undefined || familyOf(ends.local) !== AF_UNIX) return;
  const socket = task.files.get(task.tid, fd)?.key ?? '';
  session.connections.listens(ends.local, socket, ends.peerPid);
}

/** True at the end of a connect that goes on behind it. */
export const isConnecting = ({ nr, result }: Task): boolean =>
  nr === Sys.connect && Number(result) === -Errno.EINPROGRESS;

/** Finds out what a call has done, where it has done something, before it is recorded. */
function learning(learn: (session: Session, task: Task) => void): ExitHook {
  return (session, task) => {
    const result = Number(task.result);
    const isUnderWay = isConnecting(task);
    if (result >= 0 || isUnderWay) unlessGone(() => learn(session, task));
    recordSyscall(session, task);
  };
}

export const networkExits: Readonly<Record<number, ExitHook>> = {
  [Sys.connect]: learning(connected),
  [Sys.accept]: learning(accepted),
  [Sys.accept4]: learning(accepted),
  [Sys.listen]: learning(listens),
};
