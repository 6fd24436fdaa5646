import { FileLocks } from '../file-locks.js';
import { OpenFile } from '../open-file.js';
import type { ModelCall } from '../model-call.js';
import type { Handlers } from './handler.js';
import { O_CLOEXEC } from './open.js';
import { setTerminal } from './terminals.js';

const O_NONBLOCK = 0o4000;
/** What F_SETFL can change: O_APPEND, O_NONBLOCK, O_ASYNC, O_DIRECT, O_NOATIME. */
const SETTABLE = 0o2000 | O_NONBLOCK | 0o20000 | 0o40000 | 0o1000000;

const F = {
  DUPFD: 0,
  GETFD: 1,
  SETFD: 2,
  GETFL: 3,
  SETFL: 4,
  SETLK: 6,
  SETLKW: 7,
  SETOWN: 8,
  SETSIG: 10,
  SETOWN_EX: 15,
  OFD_SETLK: 37,
  OFD_SETLKW: 38,
  DUPFD_CLOEXEC: 1030,
  SETLEASE: 1024,
  NOTIFY: 1026,
  SETPIPE_SZ: 1031,
  ADD_SEALS: 1033,
} as const;
const FIONBIO = 0x5421;
const FIONCLEX = 0x5450;
const FIOCLEX = 0x5451;
const FIOASYNC = 0x5452;
const TIOCGPTPEER = 0x5441;
const CLOSE_RANGE_UNSHARE = 2;
const CLOSE_RANGE_CLOEXEC = 4;
const LOCK_UN = 8;
const F_UNLCK = 2;
const F_OWNER_PID = 1;
const F_OWNER_PGRP = 2;
const LOCK_NB = 4;
const O_ASYNC = 0o20000;

function duplicate(call: ModelCall, closeOnExec: boolean): void {
  const entry = call.descriptor(0);
  if (entry !== undefined) call.model.install(call, call.result, entry.file, closeOnExec);
}

/** To a number that the program chose. */
function replace(call: ModelCall, closeOnExec: boolean): void {
  const entry = call.descriptor(0);
  // To itself: dup2 does nothing then.
  if (entry === undefined || call.result === call.int(0)) return;
  call.task.files.install(call.result, entry.file, closeOnExec);
}

function setFlag(file: OpenFile, flag: number, on: boolean): void {
  file.flags = on ? file.flags | flag : file.flags & ~flag;
  file.hasNewFlags = true;
}

function setOwner(call: ModelCall, type: number, pid: number): void {
  const file = call.descriptor(0)?.file;
  if (file !== undefined) file.owner = pid === 0 ? undefined : { type, pid };
}

function control(call: ModelCall): void {
  const { result } = call;
  switch (call.int(1)) {
    case F.DUPFD:
      return duplicateFrom(call, false);
    case F.DUPFD_CLOEXEC:
      return duplicateFrom(call, true);
    case F.GETFD: {
      const entry = call.descriptor(0);
      if (entry !== undefined && entry.closeOnExec !== ((result & 1) !== 0))
        call.model.contradict(call, `close-on-exec of ${call.int(0)} was ${result & 1}`);
      return;
    }
    case F.SETFD: {
      const entry = call.descriptor(0);
      if (entry !== undefined) entry.closeOnExec = (call.int(2) & 1) !== 0;
      return;
    }
    case F.GETFL: {
      const entry = call.descriptor(0);
      if (entry === undefined) return;
      const { file } = entry;
      // How the standard descriptors were opened is first said here.
      if (file.what.kind === 'standard') file.flags = result;
      const differing = (file.flags ^ result) & (SETTABLE | 3);
      if (differing !== 0)
        call.model.contradict(
          call,
          `flags of ${call.int(0)} differed in 0${differing.toString(8)}`,
        );
      file.flags = result;
      return;
    }
    case F.SETFL: {
      const file = call.descriptor(0)?.file;
      if (file === undefined) return;
      file.flags = (file.flags & ~SETTABLE) | (call.int(2) & SETTABLE);
      file.hasNewFlags = true;
      return;
    }
    case F.SETPIPE_SZ: {
      const what = call.descriptor(0)?.file.what;
      if (what?.kind === 'pipe') what.queue.capacity = result;
      return;
    }
    case F.SETLK:
    case F.SETLKW: {
      const file = call.descriptor(0)?.file;
      if (file === undefined) return;
      const { locks } = call.task.process;
      let held = locks.get(file);
      if (held === undefined) locks.set(file, (held = new FileLocks()));
      held.set(call, call.long(2));
      return;
    }
    case F.SETOWN: {
      const id = call.int(2);
      setOwner(call, id < 0 ? F_OWNER_PGRP : F_OWNER_PID, Math.abs(id));
      return;
    }
    case F.SETOWN_EX: {
      const owner = call.view(call.long(2), 8);
      setOwner(call, owner.getInt32(0, true), owner.getInt32(4, true));
      return;
    }
    case F.SETSIG: {
      const file = call.descriptor(0)?.file;
      if (file !== undefined) file.ownerSignal = call.int(2);
      return;
    }
    case F.SETLEASE: {
      const file = call.descriptor(0)?.file;
      if (file !== undefined) file.lease = call.int(2) === F_UNLCK ? undefined : call.int(2);
      return;
    }
    case F.ADD_SEALS: {
      const file = call.descriptor(0)?.file;
      if (file !== undefined) file.seals |= call.int(2);
      return;
    }
    case F.NOTIFY:
      call.model.unknown.add('fcntl(F_NOTIFY)');
      return;
    case F.OFD_SETLK:
    case F.OFD_SETLKW: {
      const file = call.descriptor(0)?.file;
      if (file !== undefined) (file.locks ??= new FileLocks()).set(call, call.long(2));
      return;
    }
  }
}

function duplicateFrom(call: ModelCall, closeOnExec: boolean): void {
  const entry = call.descriptor(0);
  if (entry === undefined) return;
  call.model.install(call, call.result, entry.file, closeOnExec, call.int(2));
}

/** Numbers of descriptors, and their flags. */
export const descriptorCalls: Handlers = {
  close: (call) => {
    call.descriptor(0);
    call.model.closed(call.task, call.int(0));
  },
  close_range: (call) => {
    const [first, last, flags] = [call.int(0) >>> 0, call.int(1) >>> 0, call.int(2)];
    const { model, task } = call;
    if ((flags & CLOSE_RANGE_UNSHARE) !== 0) model.unshareFiles(task);
    const within = (fd: number): boolean => fd >= first && fd <= last;
    if ((flags & CLOSE_RANGE_CLOEXEC) === 0) {
      for (const fd of [...task.files.all.keys()]) if (within(fd)) model.closed(task, fd);
    } else for (const [fd, entry] of task.files.all) if (within(fd)) entry.closeOnExec = true;
  },
  dup: (call) => duplicate(call, false),
  dup2: (call) => replace(call, false),
  dup3: (call) => replace(call, (call.int(2) & O_CLOEXEC) !== 0),
  fcntl: control,
  flock: (call) => {
    const file = call.descriptor(0)?.file;
    const operation = call.int(1) & ~LOCK_NB;
    if (file !== undefined) file.flock = operation === LOCK_UN ? 0 : operation;
  },
  ioctl: (call) => {
    const request = call.int(1) >>> 0;
    if (setTerminal(call, request)) return;
    if (
      request !== FIOCLEX &&
      request !== FIONCLEX &&
      request !== FIONBIO &&
      request !== FIOASYNC
    ) {
      if (request === TIOCGPTPEER) {
        const flags = call.int(2);
        const file = new OpenFile({ kind: 'other', what: 'a pseudo-terminal' }, flags & ~O_CLOEXEC);
        call.model.install(call, call.result, file, (flags & O_CLOEXEC) !== 0);
      }
      return;
    }
    const entry = call.descriptor(0);
    if (entry === undefined) return;
    if (request === FIOCLEX) entry.closeOnExec = true;
    else if (request === FIONCLEX) entry.closeOnExec = false;
    else {
      const on = call.view(call.long(2), 4).getInt32(0, true) !== 0;
      setFlag(entry.file, request === FIONBIO ? O_NONBLOCK : O_ASYNC, on);
    }
  },
};
