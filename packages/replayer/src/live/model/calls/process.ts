import type { ModelCall } from '../model-call.js';
import type { Credentials, LockedMemory, ProcessState, TaskState } from '../process-state.js';
import { settingOf } from '../settings.js';
import { pathOf } from '../paths.js';
import type { Handlers } from './handler.js';

const CLONE_FS = 0x200;
const CLONE_FILES = 0x400;
const PR_SET_PDEATHSIG = 1;
const PR_SET_NAME = 15;
const MAX_NAME = 15;
const PRIO_PROCESS = 0;
const PAGE = 0x1000;
const MAX_CPU_SET = 1024;
/** MEMBARRIER_CMD_REGISTER_*. */
const REGISTERING = (1 << 2) | (1 << 4) | (1 << 6) | (1 << 8);
const P_PID = 1;
const WUNTRACED = 2;
const WCONTINUED = 8;
/** Of wait statuses. */
const STOPPED = 0x7f;
const CONTINUED = 0xffff;
const WNOWAIT = 0x1000000;

type Ids = NonNullable<Credentials['uids']>;

/** `-1` leaves an id as it is. */
function setIds(call: ModelCall, which: 'uids' | 'gids', ids: Ids): void {
  const before = call.task.credentials[which] ?? [-1, -1, -1];
  const after = ids.map((id, i) => (id === -1 ? before[i]! : id)) as unknown as Ids;
  call.task.credentials = { ...call.task.credentials, [which]: after };
}

/** setuid of a privileged process sets all three, else the effective one alone. */
function setId(call: ModelCall, which: 'uids' | 'gids'): void {
  const id = call.int(0);
  const isPrivileged = (call.task.credentials.uids?.[1] ?? call.model.uid) === 0;
  setIds(call, which, isPrivileged ? [id, id, id] : [-1, id, -1]);
}

function setRealAndEffective(call: ModelCall, which: 'uids' | 'gids'): void {
  const [real, effective] = [call.int(0), call.int(1)];
  const saved = real !== -1 || effective !== -1 ? effective : -1;
  setIds(call, which, [real, effective, saved]);
}

function setLimit(call: ModelCall, of: ProcessState, resource: number, addr: number): void {
  if (addr === 0) return;
  const view = call.view(addr, 16);
  const limit = [view.getBigUint64(0, true), view.getBigUint64(8, true)] as const;
  of.limits.set(resource, limit);
}

/** Calls `set` for the thread with an id, 0 means the caller. */
function eachMeant(call: ModelCall, tid: number, set: (task: TaskState) => void): void {
  for (const task of call.model.tasks.values())
    if (tid === 0 ? task === call.task : task.tid === tid) set(task);
}

function unlockMemory(call: ModelCall): LockedMemory {
  const start = Math.floor(call.long(0) / PAGE) * PAGE;
  const end = Math.ceil((call.long(0) + call.long(1)) / PAGE) * PAGE;
  const { process } = call.task;
  process.locked = process.locked.flatMap((range) => [
    ...(range.start < start ? [{ ...range, end: Math.min(range.end, start) }] : []),
    ...(range.end > end ? [{ ...range, start: Math.max(range.start, end) }] : []),
  ]);
  return { start, end, flags: 0 };
}

function lockMemory(call: ModelCall, flags: number): void {
  const range = unlockMemory(call);
  call.task.process.locked = [...call.task.process.locked, { ...range, flags }];
}

/** A child whose end the program has taken note of is no zombie any more. */
function reaped(call: ModelCall, pid: number): void {
  if (pid > 0) call.task.process.reaped.add(pid);
}

/** What processes are, beside their descriptors. */
export const processCalls: Handlers = {
  chdir: (call) => void (call.task.directories.cwd = pathOf(call, 0)),
  fchdir: (call) => {
    const what = call.descriptor(0)?.file.what;
    if (what?.kind === 'path') call.task.directories.cwd = what.path;
  },
  chroot: (call) => void (call.task.directories.root = pathOf(call, 0)),
  getcwd: (call) => {
    // The kernel's own name for it: without symbolic links, and after renames.
    const said = Buffer.from(call.bytes(call.long(0), call.result - 1)).toString();
    if (said.startsWith('/') && call.task.directories.root === '/')
      call.task.directories.cwd = said;
  },
  umask: (call) => {
    const { directories } = call.task;
    if (directories.umask !== undefined && directories.umask !== call.result)
      call.model.contradict(call, `the umask was 0${call.result.toString(8)}`);
    directories.umask = call.int(0) & 0o777;
  },
  unshare: (call) => {
    const flags = call.int(0);
    if ((flags & CLONE_FILES) !== 0) call.model.unshareFiles(call.task);
    if ((flags & CLONE_FS) !== 0) call.task.directories = call.task.directories.copy();
  },
  setpgid: (call) => {
    const pid = call.int(0);
    const target = pid === 0 ? call.task.process : call.model.process(pid);
    if (target !== undefined) target.group = call.int(1) === 0 ? target.pid : call.int(1);
  },
  setsid: (call) => {
    const { process } = call.task;
    process.session = process.group = process.pid;
  },
  getpgrp: (call) => void (call.task.process.group ??= call.result),
  set_tid_address: (call) => void (call.task.clearTid = call.long(0)),
  set_robust_list: (call) =>
    void (call.task.robustList = { head: call.long(0), length: call.long(1) }),
  prctl: (call) => {
    switch (call.int(0)) {
      case PR_SET_NAME:
        call.task.name = Buffer.from(call.string(1)).subarray(0, MAX_NAME).toString();
        return;
      case PR_SET_PDEATHSIG:
        call.task.parentDeathSignal = call.int(1);
        return;
    }
    const setting = settingOf(call.int(0));
    if (setting === undefined) return;
    if (setting.lost === undefined) call.task.settings.set(call.int(0), call.args.slice(1));
    else call.model.unknown.add(`prctl(${setting.lost})`);
  },
  setpriority: (call) => {
    if (call.int(0) !== PRIO_PROCESS) call.model.unknown.add('setpriority of many processes');
    else eachMeant(call, call.int(1), (task) => (task.nice = call.int(2)));
  },
  sched_setaffinity: (call) => {
    const cpus = call.bytes(call.long(2), Math.min(call.long(1), MAX_CPU_SET)).slice();
    eachMeant(call, call.int(0), (task) => (task.affinity = cpus));
  },
  membarrier: (call) => {
    if ((call.int(0) & REGISTERING) !== 0) call.task.process.barriers.add(call.int(0));
  },
  mlock: (call) => lockMemory(call, 0),
  mlock2: (call) => lockMemory(call, call.int(2)),
  munlock: (call) => unlockMemory(call),
  munlockall: (call) => void (call.task.process.locked = []),
  setrlimit: (call) => setLimit(call, call.task.process, call.int(0), call.long(1)),
  prlimit64: (call) => {
    const pid = call.int(0);
    const of = pid === 0 ? call.task.process : call.model.process(pid);
    if (of !== undefined) setLimit(call, of, call.int(1), call.long(2));
  },
  setuid: (call) => setId(call, 'uids'),
  setgid: (call) => setId(call, 'gids'),
  setreuid: (call) => setRealAndEffective(call, 'uids'),
  setregid: (call) => setRealAndEffective(call, 'gids'),
  setresuid: (call) => setIds(call, 'uids', [call.int(0), call.int(1), call.int(2)]),
  setresgid: (call) => setIds(call, 'gids', [call.int(0), call.int(1), call.int(2)]),
  setgroups: (call) => {
    const count = call.int(0);
    const view = call.view(call.long(1), count * 4);
    const groups = Array.from({ length: count }, (_, i) => view.getUint32(i * 4, true));
    call.task.credentials = { ...call.task.credentials, groups };
  },
  wait4: (call) => {
    const status = call.long(1) === 0 ? undefined : call.view(call.long(1), 4).getInt32(0, true);
    // Without a status a stop may have been meant, if any were asked for.
    const mayStop = (call.int(2) & (WUNTRACED | WCONTINUED)) !== 0;
    const hasEnded =
      status === undefined ? !mayStop : (status & STOPPED) !== STOPPED && status !== CONTINUED;
    if (hasEnded) reaped(call, call.result);
  },
  waitid: (call) => {
    const info = call.long(2);
    if (info === 0 || (call.int(3) & WNOWAIT) !== 0) {
      if (info === 0 && call.int(0) === P_PID) reaped(call, call.int(1));
      return;
    }
    const code = call.view(info, 16);
    // CLD_EXITED, CLD_KILLED and CLD_DUMPED: it has ended.
    const kind = code.getInt32(8, true);
    if (kind >= 1 && kind <= 3) reaped(call, code.getInt32(12, true));
  },
};
